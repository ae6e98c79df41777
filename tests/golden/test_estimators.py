"""Advantages of every estimator, against numbers from another program."""

import json
from pathlib import Path

import pytest

from reward_service.core.advantages import BATCH_ESTIMATORS, advantages
from reward_service.core.advantages.batch import BatchRollout
from reward_service.core.profiles import shipped
from reward_service.core.scoring import reward_batch
from reward_service.core.types import Estimator, Outcome, PartialPolicy, RolloutFacts, RolloutStatus

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


def test_a_batch_of_groups_is_paid_by_the_numbers_of_its_estimator():
    groups = [
        [facts("0", "correct", 2, 3), facts("1", "wrong", 1, 5)],
        [facts("0", "wrong", 2, 2), facts("1", "wrong", 1, 2), facts("2", "error", 0, 4)],
    ]
    rewards = [[1.0, 0.15], [0.3, 0.15, 0.0]]

    for name in ("batch_std", "reinforce_plus_plus_baseline"):
        found = reward_batch(groups, shipped()["egrpo"], estimator=Estimator(name))
        rows = [
            [BatchRollout(paid, one.length) for paid, one in zip(paid_ones, group, strict=True)]
            for paid_ones, group in zip(rewards, groups, strict=True)
        ]
        assert [[one.reward for one in group.rollouts] for group in found] == rewards
        assert [[one.advantage for one in group.rollouts] for group in found] == BATCH_ESTIMATORS[name](
            rows, Estimator(name), {}
        )


def test_terms_are_standardised_before_they_are_weighed():
    groups = [
        [facts("0", "correct", 2, 3), facts("1", "wrong", 1, 5)],
        [facts("0", "wrong", 2, 2), facts("1", "wrong", 1, 2)],
    ]

    found = reward_batch(groups, shipped()["egrpo"], estimator=Estimator("gdpo_trl"))

    rows = [
        [
            BatchRollout(1.0, 3, {"base": 1.0, "entity": 0.0}),
            BatchRollout(0.15, 5, {"base": 0.0, "entity": 0.5}),
        ],
        [
            BatchRollout(0.3, 2, {"base": 0.0, "entity": 1.0}),
            BatchRollout(0.15, 2, {"base": 0.0, "entity": 0.5}),
        ],
    ]
    expected = BATCH_ESTIMATORS["gdpo_trl"](rows, Estimator(), {"base": 1.0, "entity": 0.3})
    assert [one.advantage for group in found for one in group.rollouts] == pytest.approx(
        [value for group in expected for value in group], rel=1e-12
    )


def test_a_failed_group_does_not_vote_in_its_batch():
    sound = [facts("0", "correct", 2, 3), facts("1", "wrong", 1, 5)]
    broken = [facts("0", "correct", 2, 3), RolloutFacts("1", RolloutStatus.ABORTED, entities=2)]
    estimator = Estimator("batch_std")

    alone, both = (
        reward_batch(groups, shipped()["egrpo"], estimator=estimator) for groups in ([sound], [broken, sound])
    )

    assert both[0].status == "failed"
    assert both[1] == alone[0]
    assert [one.status for one in reward_batch([broken], shipped()["egrpo"], estimator=estimator)] == [
        "failed"
    ]


def test_a_rollout_without_a_length_cannot_be_compared_by_tokens():
    group = [facts("0", "correct", 2, None), facts("1", "wrong", 1, 5)]
    [found] = reward_batch(
        [group], shipped()["egrpo"], estimator=Estimator("gdpo"), partial=PartialPolicy("survivors")
    )

    assert [one.status for one in found.rollouts] == ["signal_missing", "scored"]


def facts(rollout_id, outcome, matched, length) -> RolloutFacts:
    return RolloutFacts(rollout_id, outcome=Outcome(outcome), matched=matched, entities=2, length=length)
