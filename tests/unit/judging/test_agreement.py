"""How well verdicts agree with known ones."""

import pytest

from reward_service.core.judging.agreement import Counts, agreement, invented_winners, kappa, wilson


@pytest.mark.parametrize(
    ("count", "of", "low", "high"),
    [(0, 0, 0.0, 1.0), (0, 10, 0.0, 0.278), (10, 10, 0.722, 1.0), (50, 100, 0.404, 0.596)],
)
def test_an_interval_holds_its_share(count, of, low, high):
    found = wilson(count, of)

    assert (found.low, found.high) == (pytest.approx(low, abs=5e-4), pytest.approx(high, abs=5e-4))


def test_rates_are_of_the_right_and_of_the_wrong_answers():
    counts = Counts(right=10, right_accepted=9, wrong=20, wrong_accepted=1)

    assert (counts.tpr.share, counts.fpr.share) == (0.9, 0.05)


@pytest.mark.parametrize(
    ("tpr", "fpr", "base", "share", "beyond"),
    [
        (1.0, 0.0, 0.3, 1.0, 1.0),
        (0.5, 0.5, 0.5, 0.5, 0.0),
        (1.0, 1.0, 1.0, 1.0, 0.0),
        (0.9, 0.1, 0.5, 0.9, 0.8),
    ],
)
def test_agreement_beyond_chance(tpr, fpr, base, share, beyond):
    assert agreement(tpr, fpr, base) == pytest.approx(share)
    assert kappa(tpr, fpr, base) == pytest.approx(beyond)


def test_a_small_rate_invents_winners_in_many_groups():
    assert invented_winners(0.0265, 8) == pytest.approx(0.193, abs=1e-3)
    assert invented_winners(0.0, 64) == 0.0
