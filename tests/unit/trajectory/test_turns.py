"""Where a turn begins, and which entities it names."""

import pytest

from entity_index.types import Entity, Question
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure
from reward_service.core.trajectory.turns import named_by_turn, turns_of
from reward_service.core.types import Rollout, Segment, SegmentKind, Steps

KINDS = {
    "t": SegmentKind.THOUGHT,
    "c": SegmentKind.TOOL_CALL,
    "r": SegmentKind.TOOL_RESPONSE,
    "a": SegmentKind.ANSWER,
}


@pytest.mark.parametrize(
    ("kinds", "turns"),
    [
        ("tcrtcrta", ((0, 1, 2), (3, 4, 5), (6, 7))),
        ("tccrrta", ((0, 1, 2, 3, 4), (5, 6))),
        ("ta", ((0, 1),)),
        ("tcr", ((0, 1, 2),)),
        ("tcrt", ((0, 1, 2), (3,))),
        ("rtcra", ((0, 1, 2, 3), (4,))),
        ("crcr", ((0, 1), (2, 3))),
        ("r", ((0,),)),
        ("", ((),)),
    ],
)
def test_a_turn_begins_after_the_responses_to_the_one_before(kinds, turns):
    assert turns_of([Segment(KINDS[kind], "x") for kind in kinds]) == turns


def test_an_entity_is_named_in_every_turn_that_names_it():
    assert named_by_turn(((0, 1), (2,), (3,)), [(0, 2), (0, 1), (1, 2), (3, 1)]) == ((1, 2), (), (1,))


@pytest.mark.parametrize("profile", ["egrpo", "egrpo-paper"])
def test_measured_entities_stand_with_the_turns_that_name_them(profile):
    steps = [
        ("t", "Perhaps Zanderheim or Quillock."), ("c", "{}"), ("r", "Velmora lies on the coast."),
        ("t", "So Velmora, and Quillock again."), ("a", "Zanderheim"),
    ]  # fmt: skip
    question = Question("Which town?", ("x",), tuple(map(Entity, ("Quillock", "Zanderheim", "Velmora"))))
    rollout = Rollout("0", Steps(tuple(Segment(KINDS[kind], text) for kind, text in steps)))

    facts = measure(rollout, question, shipped()[profile])

    assert facts.turns == ((0, 1, 2), (3, 4))
    assert facts.entity_named == ((0, 1), (0, 2))
    assert facts.matched == 3


def test_names_below_the_precision_floor_stand_with_no_turn():
    question = Question("Which town?", ("x",), (Entity("Quillock"),))
    rollout = Rollout("0", Steps((Segment(KINDS["t"], "Quillock."),)))

    assert measure(rollout, question, shipped()["egrpo-guarded"]).entity_named == ((0,),)
