"""Token ids and masks."""

from reward_service.client.spans import chatml_spans, messages_of, spans_of
from reward_service.core.trajectory import parse
from reward_service.core.types import Reading, SegmentKind
from tests.client.toys import END, Letters


def said(ids, mask):
    return [(one["role"], one["content"]) for one in messages_of(spans_of(ids, mask), Letters()).messages]


def test_the_mask_says_who_wrote_what():
    assert said([97, 98, 99, 100], [1, 0, 0, 1]) == [("assistant", "a"), ("tool", "bc"), ("assistant", "d")]


def test_the_prompt_and_what_no_one_wrote_are_left_out():
    assert said([97, 98, END, 32], [0, 1, 1, 0]) == [("assistant", "b")]


def test_a_rollout_that_says_nothing_is_one():
    assert said([97], [0]) == said([], []) == [("assistant", "")]


def test_the_dialect_reads_the_policys_spans_and_no_response_of_its_own_making():
    own, page = (
        "<think>a</think><search>q</search><information>Z</information>",
        "<information>p</information>",
    )
    spans = [(True, list(map(ord, own))), (False, list(map(ord, page))), (True, [120])]
    parsed = parse(messages_of(spans, Letters(), Reading(dialect="search_r1")), "none")

    assert parsed.segments == (
        (SegmentKind.THOUGHT, "a"),
        (SegmentKind.TOOL_CALL, "q"),
        (SegmentKind.TOOL_RESPONSE, "p"),
        (SegmentKind.ANSWER, "x"),
    )
    assert parsed.flags == ("responses_in_policy_turn",)


MARKS = {1: "<|im_start|>", 2: "<|im_end|>"}


class Marks(Letters):
    """A tokenizer of letters and of ChatML's two marks."""

    def decode(self, ids, *, skip_special_tokens):
        return "".join(
            MARKS.get(one) or super(Marks, self).decode([one], skip_special_tokens=skip_special_tokens)
            for one in ids
        )


def test_the_marks_of_chatml_say_who_wrote_what():
    own, head, page, next_head, rest = (
        [97, 2],
        [10, 1, *map(ord, "user\n")],
        [120, 2],
        [10, 1, *map(ord, "assistant\n")],
        [98],
    )

    assert chatml_spans([*own, *head, *page, *next_head, *rest], Marks()) == [
        (True, own),
        (False, [*head, *page, *next_head]),
        (True, rest),
    ]
