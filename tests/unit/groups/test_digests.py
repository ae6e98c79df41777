"""When two rollouts, or two questions, are the same."""

from dataclasses import replace

import pytest

from entity_index.types import Criterion, Entity, Question
from reward_service.core.types import (
    IndexVersion,
    Messages,
    Outcome,
    Reading,
    Rollout,
    Segment,
    SegmentKind,
    Steps,
    StopReason,
    Text,
    Unreadable,
)
from reward_service.serve.groups.digests import question_digest, rollout_digest

ROLLOUT = Rollout("0", Text("<think>x</think>"), outcome=Outcome.WRONG)
INDEX = IndexVersion("d", "1", "sha256:a")


@pytest.mark.parametrize(
    "change",
    [
        {"source": Text("<think>y</think>")},
        {"source": Steps((Segment(SegmentKind.THOUGHT, "x"),))},
        {"source": Messages(({"role": "user", "content": "x"},))},
        {"source": Text("<think>x</think>", "chatml")},
        {"source": Text("<think>x</think>", "plain", Reading(dialect="autorefine"))},
        {"source": Text("<think>x</think>", reading=Reading(thought_open=True))},
        {"source": Unreadable("/colour: extra")},
        {"outcome": None},
        {"outcome_error": "no reply"},
        {"stop_reason": StopReason.COMPLETED},
        {"signals": {"a": 1.0}},
        {"length": 7},
        {"tree": "root"},
    ],
    ids=lambda change: next(iter(change)),
)
def test_whatever_a_rollout_says_is_in_its_digest(change):
    assert rollout_digest(replace(ROLLOUT, **change)) != rollout_digest(ROLLOUT)


def test_the_key_is_not_in_the_digest():
    assert rollout_digest(replace(ROLLOUT, rollout_id="1")) == rollout_digest(ROLLOUT)


def test_the_order_of_keys_does_not_matter():
    one = Messages(({"role": "user", "content": "x"},))
    other = Messages(({"content": "x", "role": "user"},))

    assert rollout_digest(replace(ROLLOUT, source=one)) == rollout_digest(replace(ROLLOUT, source=other))


def test_where_a_segment_ends_matters():
    steps = [
        Steps((Segment(SegmentKind.THOUGHT, a), Segment(SegmentKind.THOUGHT, b)))
        for a, b in (("xy", "z"), ("x", "yz"))
    ]

    assert len({rollout_digest(replace(ROLLOUT, source=source)) for source in steps}) == 2


def test_any_string_has_a_digest():
    assert rollout_digest(replace(ROLLOUT, source=Text("\ud800")))


def test_questions_are_the_same_if_their_ground_truth_is():
    question = Question("Who?", ("x",), (Entity("Zanderheim"),))

    digests = {
        question_digest(question, None),
        question_digest(replace(question, entities=()), None),
        question_digest("q", INDEX),
        question_digest("q", INDEX._replace(digest="sha256:b")),
        question_digest("p", INDEX),
    }
    assert len(digests) == 5
    assert question_digest(question, None) == question_digest(replace(question), None)


def test_how_messages_are_read_is_in_the_digest_only_where_it_is_not_as_usual():
    said = ({"role": "assistant", "content": "x"},)
    usual = rollout_digest(Rollout("0", Messages(said)))

    assert rollout_digest(Rollout("0", Messages(said, 0, Reading()))) == usual
    others = [Messages(said, 1), Messages(said, 0, Reading("mcp")), Messages(said, 1, Reading("mcp"))]
    assert len({usual, *(rollout_digest(Rollout("0", one)) for one in others)}) == 4


def test_criteria_belong_to_a_question_and_none_change_no_digest():
    plain = Question("Who?", ("x",))
    judged = Question("Who?", ("x",), rubrics=(Criterion("is a city"),))

    assert question_digest(plain, None) == "07d695092a4c3fbdf548e3a0f5b9c676"
    assert question_digest(plain, None) != question_digest(judged, None)
