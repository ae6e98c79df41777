"""Weights of filters and masks of overlength rollouts, against numbers from another program."""

import json
from pathlib import Path

import pytest

from reward_service.core.filters import weights
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
