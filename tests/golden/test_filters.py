"""Weights of filters and masks of overlength rollouts, against numbers from another program."""

import json
from pathlib import Path

import pytest

from reward_service.core.filters import draw, weights
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


@pytest.mark.parametrize("case", FILE["dppo"], ids=lambda case: case["name"])
def test_what_pruning_keeps_weighs_for_what_it_drops(case):
    """The file has the weights of rollouts that are kept; the draw drops some of them."""
    facts = [
        RolloutFacts(str(n), outcome=None if a is None else Outcome.WRONG, matched=0)
        for n, a in enumerate(case["advantage"])
    ]
    advantages = [a for a in case["advantage"] if a is not None]
    place = ("run", "group")

    found = weights(
        [Filter("dppo", rate=case["rate"])], case["advantage"], facts, advantages=advantages, place=place
    )

    for n, (weight, expected) in enumerate(zip(found, case["weight"], strict=True)):
        kept = expected is not None and draw(place, str(n)) < 1 / expected
        assert weight == (None if expected is None else expected if kept else 0.0)


@pytest.mark.parametrize(
    "case", FILE["draws"], ids=lambda case: "-".join((case["run"], case["group"], case["rollout"]))
)
def test_a_draw_depends_on_the_ids_alone(case):
    found = draw((case["run"], case["group"]), case["rollout"])

    assert found == pytest.approx(case["draw"], rel=FILE["tolerance"])
    assert (found < 0.5) == case["kept"]
