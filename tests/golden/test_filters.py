"""Weights of filters and masks of overlength rollouts, against numbers from another program."""

import json
from pathlib import Path

import pytest

from reward_service.core.filters import draw, keep_probabilities, weights
from reward_service.core.profiles import shipped
from reward_service.core.scoring import reward
from reward_service.core.types import Filter, Outcome, PartialPolicy, RolloutFacts, RolloutStatus

FILE = json.loads((Path(__file__).parent / "cases" / "filters.json").read_text(encoding="utf-8"))


def facts_of(case) -> list[RolloutFacts]:
    size = len(case["reward"])
    outcome, quality, over = (case.get(name, [None] * size) for name in ("outcome", "quality", "overlength"))
    return [
        RolloutFacts(
            str(n),
            RolloutStatus.SCORED if outcome[n] else RolloutStatus.ABORTED,
            outcome=outcome[n] and Outcome(outcome[n]),
            matched=0,
            signals={} if quality[n] is None else {"quality": quality[n]},
            overlength=bool(over[n]),
        )
        for n in range(size)
    ]


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_a_filter_weighs_as_its_rule_says(case):
    assert weights([Filter(**case["filter"])], case["reward"], facts_of(case)) == case["weight"]


@pytest.mark.parametrize("case", FILE["overlength"], ids=lambda case: case["name"])
def test_overlength_votes_and_leaves_the_loss(case):
    result = reward(facts_of(case), shipped()["grpo"], partial=PartialPolicy("survivors"))

    for field in ("reward", "advantage", "in_baseline", "in_loss"):
        found = [getattr(one, field) for one in result.rollouts]
        assert found == [
            value if value is None else pytest.approx(value, rel=FILE["tolerance"]) for value in case[field]
        ]


def pruned(advantages, *, ids):
    facts = [RolloutFacts(str(n), outcome=Outcome.WRONG, matched=0) for n in range(len(advantages))]
    return weights([Filter("dppo", rate=0.5)], advantages, facts, advantages=advantages, ids=ids)


@pytest.mark.parametrize("case", FILE["pruned"], ids=lambda case: case["name"])
def test_small_advantages_are_kept_with_a_probability_and_weigh_more(case):
    scored = [one for one in case["advantage"] if one is not None]
    expected = [one for one in case["keep_probability"] if one is not None]

    assert keep_probabilities(scored, case["rate"]) == expected
    for n, (weight, kept) in enumerate(
        zip(pruned(case["advantage"], ids=("run", "g1")), case["weight"], strict=True)
    ):
        is_kept = kept is None or draw("run", "g1", str(n)) < 1 / kept
        assert weight == (kept if is_kept else 0.0)


@pytest.mark.parametrize("case", FILE["draws"], ids=lambda case: "-".join(case["ids"]))
def test_a_draw_depends_on_ids_alone(case):
    drawn = draw(*case["ids"])

    assert drawn == pytest.approx(case["draw"], rel=FILE["tolerance"])
    assert (drawn < 0.5) == case["kept_at_half"]


def test_over_many_groups_a_pruned_rollout_weighs_one_on_average():
    drawn = [pruned([2.0, 0.1], ids=("run", str(n)))[1] for n in range(2000)]

    assert set(drawn) == {0.0, 2.0}
    assert sum(drawn) / len(drawn) == pytest.approx(1.0, abs=0.1)
