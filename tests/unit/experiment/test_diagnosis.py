import json

import pytest

from experiment.diagnosis import Judged, by_step, is_narrow, training_groups


def group(*rewards, kinds=None, advantages=None):
    return [
        Judged(kind, 10, reward, advantage)
        for kind, reward, advantage in zip(
            kinds or ["wrong"] * len(rewards), rewards, advantages or [0.0] * len(rewards), strict=True
        )
    ]


def line(group_id, *, run_id="train-1", status="complete", advantages=(0.5, -0.5)):
    facts = [{"outcome": "wrong", "length": 7}, {"outcome": "error", "length": 9, "overlength": True}]
    published = {"reward": [0.3, 0.0], "advantage": list(advantages)}
    return {
        "run_id": run_id,
        "group_id": group_id,
        "status": status,
        "rollouts": facts,
        "published": published,
    }


@pytest.mark.parametrize(
    ("rewards", "narrow"),
    [
        ((0.3, 0.2, 0.3, 0.3), True),
        ((1.0, 0.3, 0.3, 0.3), True),
        ((1.0, 0.0, 0.0, 0.0), False),
        ((0.3, 0.3, 0.3, 0.3), False),
        ((0.3,), False),
    ],
)
def test_a_group_is_narrow_if_it_differs_by_less_than_one_success(rewards, narrow):
    assert is_narrow(group(*rewards)) == narrow


def test_a_ledger_is_read_by_step_and_the_last_line_of_a_group_counts(tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    lines = [
        line("0-0", advantages=(9.0, 9.0)),
        line("0-0"),
        line("1-1"),
        line("1-2", status="failed"),
        line("0-0", run_id="train-1-checked"),
        line("eval-0", run_id="evaluation"),
    ]
    ledger.write_text("".join(json.dumps(one) + "\n" for one in lines))

    found = training_groups(ledger)

    judged = [Judged("wrong", 7, 0.3, 0.5), Judged("cut", 9, 0.0, -0.5)]
    assert found == {1: [judged], 2: [judged]}


def test_a_cut_rollout_has_no_weight_but_its_push_is_shown():
    narrow = group(
        0.3, 0.3, 0.2, 0.1, kinds=["cut", "wrong", "wrong", "error"], advantages=[0.5, 0.5, -0.25, -0.75]
    )

    found = by_step({1: [narrow]}, 2)

    assert found["weight"] == found["narrow_weight"] == found["unsolved_weight"] == [15.0, 0.0]
    assert (found["narrow_up_cut"], found["narrow_up_wrong"]) == ([5.0, 0.0], [5.0, 0.0])
    assert (found["groups"], found["narrow_groups"]) == ([1, 0], [1, 0])


def test_signs_are_compared_where_some_rollouts_are_right():
    kinds = ["correct", "wrong", "wrong", "cut"]
    mixed = group(1.0, 0.3, 0.0, 0.0, kinds=kinds, advantages=[1.2, 0.1, -0.6, -0.6])

    found = by_step({1: [mixed, group(0.3, 0.0)]}, 1)

    assert (found["compared"], found["agreeing"]) == ([3], [2])


def test_what_wide_groups_push_up_is_apart():
    wide = group(1.0, 0.0, kinds=["correct", "wrong"], advantages=[0.7, -0.7])
    found = by_step({1: [wide]}, 1)
    assert (found["wide_up_correct"], found["narrow_up_correct"]) == ([7.0], [0])
