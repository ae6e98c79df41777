"""What is refused before anything is measured, and the place it names."""

import pytest

from entity_index.types import Entity, Question
from reward_service.core.types import Messages, Rollout, RolloutFacts, Segment, SegmentKind, Steps, Text
from reward_service.serve.config import Settings
from reward_service.serve.errors import (
    DuplicateRolloutId,
    EmptyGroup,
    InvalidRequest,
    LimitExceeded,
    UnusableEntity,
)
from reward_service.serve.limits import (
    QUESTION_CHARS,
    STEP_CHARS,
    check_call,
    check_facts,
    check_group,
    extent,
)

LIMITS = Settings(
    max_groups=2,
    max_call_rollouts=3,
    max_rollouts=2,
    max_rollout_chars=5,
    max_steps=4,
    max_signals=1,
    max_entities=2,
    max_question_chars=40,
)
FINE = Question("Who?", (), (Entity("Zanderheim", ("Zander",)),))
THREE = tuple(Entity(name) for name in ("Zanderheim", "Quillock", "Ostrava"))


def rollout(rollout_id="0", text="abc"):
    return Rollout(rollout_id, Text(text))


@pytest.mark.parametrize(
    ("source", "counted"),
    [
        (Text("abc"), (3, 1)),
        (Steps((Segment(SegmentKind.THOUGHT, "ab"), Segment(SegmentKind.ANSWER, "c"))), (3, 2)),
        (Messages(({"role": "user", "content": [{"text": "ab"}], "n": 1, "x": None},)), (6, 7)),
    ],
)
def test_every_text_of_a_rollout_counts_and_no_key(source, counted):
    assert extent(Rollout("0", source), most=100) == counted


def test_a_group_within_the_limits_says_how_much_work_it_is():
    rollouts = 8 + 2 * 2 * STEP_CHARS
    question = len("Who?") + len("Zanderheim") + len("Zander")

    work = check_group([rollout("0"), rollout("1", "abcde")], FINE, LIMITS, "/groups/4")

    assert work == rollouts + QUESTION_CHARS * question


def test_counting_ends_soon_after_the_limit():
    assert extent(Rollout("0", Messages(({},) * 1000)), most=10) == (0, 1000)
    assert extent(Rollout("0", Messages(([{"a": "b"}] * 50,))), most=10) == (0, 51)


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
            Question("", (), (*THREE[:1], Entity("?"))),
            UnusableEntity,
            "/question/entities/1/name",
        ),
        (
            [rollout()],
            Question("", (), (Entity("Zanderheim", ("a1", "b2", "c3")),)),
            LimitExceeded,
            "/question/entities/0/aliases",
        ),
        ([rollout()], Question("", ("a", "b", "c")), LimitExceeded, "/question/answers"),
        ([rollout()], Question("x" * 41), LimitExceeded, "/question"),
        ([Rollout("0", Text(""), signals={"a": 1.0, "b": 1.0})], FINE, LimitExceeded, "/rollouts/0/signals"),
        ([Rollout("0", Messages(({},) * 5))], FINE, LimitExceeded, "/rollouts/0"),
    ],
)
def test_a_refusal_names_the_place(rollouts, question, refusal, path):
    with pytest.raises(refusal) as refused:
        check_group(rollouts, question, LIMITS, "/groups/4")

    assert refused.value.path == f"/groups/4{path}"


def test_a_call_may_have_so_many_groups_and_no_more():
    check_call([1, 1], LIMITS)
    with pytest.raises(InvalidRequest, match="at most 2 groups"):
        check_call([1, 1, 1], LIMITS)


def test_a_call_may_have_so_many_rollouts_and_no_more():
    check_call([2, 1], LIMITS)
    with pytest.raises(InvalidRequest, match="at most 3 rollouts"):
        check_call([2, 2], LIMITS)


def facts(rollout_id="0", **more):
    return RolloutFacts(rollout_id, **more)


@pytest.mark.parametrize(
    ("group", "refusal", "path"),
    [
        ([], EmptyGroup, "/rollouts"),
        ([facts(), facts()], DuplicateRolloutId, "/rollouts"),
        ([facts(str(n)) for n in range(3)], LimitExceeded, "/rollouts"),
        ([facts(entities=3)], LimitExceeded, "/entities"),
        ([facts(mentions=6)], LimitExceeded, "/rollouts/0"),
        ([facts(), facts("1", grounded=6)], LimitExceeded, "/rollouts/1"),
        ([facts(signals={"a": 1.0, "b": 1.0})], LimitExceeded, "/rollouts/0/signals"),
    ],
)
def test_facts_that_no_rollout_within_the_limits_could_have_are_refused(group, refusal, path):
    with pytest.raises(refusal) as refused:
        check_facts(group, LIMITS, "/groups/4")

    assert refused.value.path == f"/groups/4{path}"
