"""The documents of the views Run and Data set."""

from reward_service.cli.seeing.groups import SeenRollout
from reward_service.cli.seeing.numbers import breaks, dataset_out, run_out, steps_out
from reward_service.core.summary import Mean
from tests.unit.seeing.test_groups import group, rollout


def test_steps_that_are_numbers_are_in_their_order():
    groups = [group(rollout(), step=step) for step in ("10", "9", "final", None)]

    assert [one["step"] for one in steps_out(groups)] == ["9", "10", "final"]


def test_a_step_apart_from_those_before_it_is_marked():
    before = {"accuracy": Mean(0.5, 40, 10, 0.45, 0.55)}

    assert dict(breaks(before, {"accuracy": Mean(0.2, 40, 10, 0.1, 0.3)})) == {
        "accuracy": "accuracy fell from 0.500 in the 5 steps before to 0.200"
    }
    assert dict(breaks(before, {"accuracy": Mean(0.6, 40, 10, 0.5, 0.7)})) == {}


def test_a_step_whose_groups_agree_or_that_has_one_group_is_not_marked():
    before = {"accuracy": Mean(0.5, 40, 10, 0.45, 0.55)}

    assert dict(breaks(before, {"accuracy": Mean(1.0, 40, 10, 1.0, 1.0)})) == {}
    assert dict(breaks(before, {"accuracy": Mean(1.0, 4, 1)})) == {}


def test_the_run_says_how_many_groups_each_filter_has_and_why_rollouts_have_no_reward():
    found = run_out([group(SeenRollout("r", "aborted", detail="sampling was aborted"), rollout())])

    assert found["filters"]["unscored"] == 1
    assert found["reasons"] == {"aborted: sampling was aborted": 1}


def test_entities_are_classed_by_who_earns_credit_for_them():
    groups = [
        group(rollout("correct", named=(0,)), rollout(named=(0,), refused=((1, "pasted"),))),
        group(rollout("correct", named=(0,)), rollout(named=(1,))),
    ]

    found = dataset_out(groups, None, grounds=False)

    counts = {name: one["count"] for name, one in found["classes"].items()}
    assert counts == {"never": 2, "copies": 1, "wrong": 1, "correct": 1, "both": 1}
    assert [row["entity"] for row in found["entities"][:3]] == ["Quillock", "Masked", "Masked"]
    assert found["grounded"] is None
