"""Laws of E-GRPO, and its closed form as the oracle of the algebra."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reward_service.core.profiles import shipped
from reward_service.core.scoring import reward
from reward_service.core.types import Estimator, Outcome, RolloutFacts, RolloutStatus

ENTITIES = 6
MEMBERS = st.lists(
    st.tuples(st.integers(0, ENTITIES), st.sampled_from(list(Outcome))), min_size=1, max_size=16
)


def facts(members):
    return [
        RolloutFacts(str(n), RolloutStatus.SCORED, outcome=outcome, matched=matched, entities=ENTITIES)
        for n, (matched, outcome) in enumerate(members)
    ]


def scored(members, profile="egrpo-paper", **more):
    return reward(facts(members), shipped()[profile], **more).rollouts


def textbook(members, alpha=0.3):
    """Eq. 5 of arXiv:2510.24694, as printed."""
    rates = [matched / ENTITIES for matched, _ in members]
    best = max(rates)
    normalized = [rate / best if best > 0 else 0.0 for rate in rates]
    by_outcome = {
        Outcome.CORRECT: lambda _: 1.0,
        Outcome.WRONG: lambda g: alpha * g,
        Outcome.ERROR: lambda _: 0.0,
    }
    return [by_outcome[outcome](g) for (_, outcome), g in zip(members, normalized, strict=True)]


@given(MEMBERS)
def test_the_algebra_is_the_papers_formula(members):
    assert [one.reward for one in scored(members)] == pytest.approx(textbook(members), abs=1e-12)


@given(MEMBERS)
def test_alpha_zero_is_grpo(members):
    assert [one.reward for one in scored(members, "grpo")] == [
        float(o is Outcome.CORRECT) for _, o in members
    ]


@given(MEMBERS)
def test_a_wrong_rollout_never_outranks_a_correct_one(members):
    results = scored(members)
    wrong = [one.reward for one in results if one.outcome is Outcome.WRONG]

    assert all(one.reward > max(wrong, default=0) for one in results if one.outcome is Outcome.CORRECT)


@given(MEMBERS, st.integers(2, 4))
def test_in_an_all_wrong_group_the_scale_of_the_rates_does_not_matter(members, factor):
    small = [(matched // factor, Outcome.WRONG) for matched, _ in members]
    large = [(matched * factor if matched * factor <= ENTITIES else 0, Outcome.WRONG) for matched, _ in small]
    assume([matched for matched, _ in large] == [matched * factor for matched, _ in small])

    estimator = Estimator(epsilon=0.0)
    expected = [one.advantage for one in scored(small, estimator=estimator)]
    assert [one.advantage for one in scored(large, estimator=estimator)] == pytest.approx(expected)


@given(
    st.lists(st.sampled_from([Outcome.CORRECT, Outcome.WRONG]), min_size=2, max_size=16),
    st.integers(0, ENTITIES),
)
def test_wrong_rollouts_that_share_one_rate_change_nothing(outcomes, rate):
    assume(len(set(outcomes)) == 2)
    members = [(rate if outcome is Outcome.WRONG else 0, outcome) for outcome in outcomes]

    estimator = Estimator(epsilon=0.0)
    expected = [one.advantage for one in scored(members, "grpo", estimator=estimator)]
    assert [one.advantage for one in scored(members, estimator=estimator)] == pytest.approx(expected)


@given(MEMBERS)
def test_parts_add_up_to_the_reward(members):
    assert all(one.reward == sum(one.components.values()) for one in scored(members))
