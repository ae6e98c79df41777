"""How a reward and its advantage came about, on one line each."""

import pytest

from entity_index.types import Entity, Question
from reward_service import (
    Outcome,
    Rollout,
    Segment,
    SegmentKind,
    Steps,
    measure_group,
    parse_profile,
    reward,
    shipped,
)
from reward_service.cli.seeing.rollout import difference_of, sum_of

QUESTION = Question("Who?", ("x",), tuple(map(Entity, ("Zanderheim", "Quillock", "Ostrava"))))
NAMED = ("Zanderheim of Quillock in Ostrava.", "Zanderheim of Quillock.", "Nothing.", "Nothing.")
DR_GRPO = parse_profile("name: mine\nestimator: {type: dr_grpo}\n")


def group(profile, *outcomes):
    rollouts = [
        Rollout(str(n), Steps((Segment(SegmentKind.THOUGHT, said),)), outcome=Outcome(outcome))
        for n, (said, outcome) in enumerate(zip(NAMED, outcomes, strict=True))
    ]
    return reward(measure_group(rollouts, QUESTION, profile), profile)


@pytest.mark.parametrize(
    ("profile", "outcomes", "total", "difference"),
    [
        (shipped()["egrpo-paper"], ["wrong"] * 4, "0.3 × 2/3 = 0.2", "(0.2 − mean 0.125) / std 0.15"),
        (shipped()["egrpo"], ["wrong"] * 4, "0.3 × 2/3 = 0.2", "(0.2 − mean 0.125) / floor 0.5"),
        (shipped()["egrpo"], ["correct"] * 4, "1", None),
        (DR_GRPO, ["correct", *["wrong"] * 3], "0", None),
    ],
)
def test_a_reward_and_its_advantage_are_sums_that_can_be_checked_by_hand(
    profile, outcomes, total, difference
):
    found = group(profile, *outcomes)

    assert sum_of(found.rollouts[1], found, profile) == total
    assert difference_of(found.rollouts[1], found, profile) == difference
