"""What is refused before anything is measured, and the place it names."""

import pytest

from entity_index.types import Entity, Question
from reward_service.core.types import Messages, Rollout, Segment, SegmentKind, Steps, Text
from reward_service.serve.config import Settings
from reward_service.serve.errors import (
    DuplicateRolloutId,
    EmptyGroup,
    InvalidRequest,
    LimitExceeded,
)
from reward_service.serve.limits import check_group, check_groups, rollout_chars

LIMITS = Settings(max_groups=2, max_rollouts=2, max_rollout_chars=5, max_entities=2)
FINE = Question("Who?", (), (Entity("Zanderheim", ("Zander",)),))
THREE = tuple(Entity(name) for name in ("Zanderheim", "Quillock", "Ostrava"))


def rollout(rollout_id="0", text="abc"):
    return Rollout(rollout_id, Text(text))


@pytest.mark.parametrize(
    ("source", "chars"),
    [
        (Text("abc"), 3),
        (Steps((Segment(SegmentKind.THOUGHT, "ab"), Segment(SegmentKind.ANSWER, "c"))), 3),
        (Messages(({"role": "user", "content": [{"text": "ab"}], "n": 1, "x": None},)), 6),
    ],
)
def test_every_text_of_a_rollout_counts_and_no_key(source, chars):
    assert rollout_chars(Rollout("0", source)) == chars


def test_a_group_within_the_limits_says_how_many_characters_it_has():
    assert check_group([rollout("0"), rollout("1", "abcde")], FINE, LIMITS, "/groups/4") == 8


@pytest.mark.parametrize(
    ("rollouts", "question", "refusal", "path"),
    [
        ([], FINE, EmptyGroup, "/rollouts"),
        ([rollout(), rollout()], FINE, DuplicateRolloutId, "/rollouts/1/rollout_id"),
        ([rollout("0"), rollout("1", "abcdef")], FINE, LimitExceeded, "/rollouts/1"),
        ([rollout(str(n)) for n in range(3)], FINE, LimitExceeded, "/rollouts"),
        ([rollout()], Question("", (), THREE), LimitExceeded, "/question/entities"),
        (
            [rollout()],
            Question("", (), (Entity("Zanderheim", ("a1", "b2", "c3")),)),
            LimitExceeded,
            "/question/entities/0/aliases",
        ),
    ],
)
def test_a_refusal_names_the_place(rollouts, question, refusal, path):
    with pytest.raises(refusal) as refused:
        check_group(rollouts, question, LIMITS, "/groups/4")

    assert refused.value.path == f"/groups/4{path}"


def test_a_call_may_have_so_many_groups_and_no_more():
    check_groups(2, LIMITS)
    with pytest.raises(InvalidRequest, match="at most 2 groups"):
        check_groups(3, LIMITS)
