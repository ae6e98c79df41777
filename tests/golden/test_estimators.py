"""Advantages of every estimator, against numbers from another program."""

import json
from pathlib import Path

import pytest

from reward_service.core.advantages import BATCH_ESTIMATORS, advantages
from reward_service.core.advantages.batch import BatchRollout
from reward_service.core.types import Estimator, Outcome, RolloutFacts

CASES = Path(__file__).parent / "cases"
FILE = json.loads((CASES / "estimators.json").read_text(encoding="utf-8"))
BATCH = json.loads((CASES / "batch_estimators.json").read_text(encoding="utf-8"))


def facts_of(case) -> list[RolloutFacts]:
    size = len(case["reward"])
    outcome, length, tree = (case.get(name, [None] * size) for name in ("outcome", "length", "tree"))
    return [
        RolloutFacts(str(n), outcome=outcome[n] and Outcome(outcome[n]), length=length[n], tree=tree[n])
        for n in range(size)
    ]


def batch_of(case) -> list[list[BatchRollout]]:
    terms = case.get("terms", {})
    rewards = case.get("reward") or next(iter(terms.values()))
    lengths = case.get("length") or [[1] * len(group) for group in rewards]
    return [
        [
            BatchRollout(reward, lengths[g][n], {name: values[g][n] for name, values in terms.items()})
            for n, reward in enumerate(group)
        ]
        for g, group in enumerate(rewards)
    ]


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: case["name"])
def test_an_estimator_gives_the_numbers_of_its_formula(case):
    found = advantages(case["reward"], Estimator(**case["estimator"]), facts=facts_of(case))

    assert found == pytest.approx(case["advantage"], abs=FILE["tolerance"])


@pytest.mark.parametrize("case", BATCH["cases"], ids=lambda case: case["name"])
def test_a_batch_estimator_gives_the_numbers_of_its_formula(case):
    estimate = BATCH_ESTIMATORS[case["estimator"]["type"]]

    found = estimate(batch_of(case), Estimator(**case["estimator"]), case.get("weights", {}))

    flat = [value for group in found for value in group]
    assert flat == pytest.approx(case["advantage"], rel=BATCH["relative"], abs=BATCH["absolute"])


def test_a_whitened_group_without_spread_stays_at_zero():
    batch = [[BatchRollout(1.0, 3)], [BatchRollout(1.0, 9), BatchRollout(0.0, 1)]]

    found = BATCH_ESTIMATORS["reinforce_plus_plus_baseline"](batch, Estimator(), {})

    assert found[0] == [0.0]
    assert found[1][1] < 0 < found[1][0]
