"""Laws of every format a rollout may come in."""

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reward_service.core.trajectory import FORMATS, AnswerRules, UnparsableRollout, parse
from reward_service.core.types import Messages, SegmentKind, Text
from tests.written import WAYS, Story

SECRET = "Zanderheim"
# Everything any format gives a meaning to, and the entity itself.
MARKS = [
    *(f"<{slash}{tag}>" for slash in ("", "/") for tag in ("think", "tool_call", "tool_response", "answer")),
    *("<search>", "</search>", "<information>", "</information>"),
    *("<|begin_of_query|>", "<|end_of_query|>", "<|begin_of_documents|>", "<|end_of_documents|>"),
    *("<|im_start|>assistant\n", "<|im_start|>", "<|im_end|>", "\nassistant\n", "\nuser\n", "\ntool\n"),
    *(
        "\nThought:",
        "\nThought 1:",
        "\nThought 99:",
        "\nAction 1:",
        "\nFinal Answer:",
        "\nAction:",
        "\nQuestion:",
    ),
    *("\nObservation:", "\nObservation 1:", "\nAction Input:", "\n", " ", SECRET),
]
words = st.text("abcdefg ", min_size=1, max_size=12).map(lambda text: f"w{text}w")
pages = st.lists(st.sampled_from(MARKS), max_size=12).map(lambda marks: f"page {SECRET}{''.join(marks)}")
stories = st.builds(Story, st.lists(st.tuples(words, words, pages), max_size=4), words, words)


def without(story, marks):
    """The story with pages that do not hold what ends a page."""

    def clean(page):
        while any(mark in page for mark in marks):
            for mark in marks:
                page = page.replace(mark, "")
        return page

    return Story([(t, q, clean(page)) for t, q, page in story.turns], story.thought, story.answer)


def read(way, story):
    return parse(way(without(story, WAYS[way])), "balanced")


def texts(parsed, kind):
    return [one.text.strip() for one in parsed.segments if one.kind is kind]


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@given(story=stories)
def test_a_page_never_earns_credit(way, story):
    parsed = read(way, story)

    assert not any(SECRET in one.text for one in parsed.segments if one.kind is not SegmentKind.TOOL_RESPONSE)


@pytest.mark.parametrize("way", WAYS, ids=lambda way: way.__name__)
@given(story=stories)
def test_what_the_policy_thought_is_what_is_read(way, story):
    parsed = read(way, story)

    assert texts(parsed, SegmentKind.THOUGHT) == [thought.strip() for thought in story.thoughts]
    assert parsed.answer == story.answer.strip()
    assert parsed.format_error is None
    assert len(texts(parsed, SegmentKind.TOOL_CALL)) == len(story.turns)


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.lists(st.sampled_from(MARKS) | words, max_size=30).map("".join))
@example(text="")
def test_any_text_can_be_read(name, text):
    parsed = parse(Text(text, name), "websailor")

    assert sum(len(one.text) for one in parsed.segments) <= len(text) + text.count("Action Input")


@pytest.mark.parametrize("name", FORMATS)
@pytest.mark.parametrize(
    "unit", ["<think>", "<|im_start|>", "\nuser\n", "\nThought:", "<search>", "<|im_end|>", "x\n"]
)
def test_a_flood_of_marks_is_read_once(name, unit):
    """Linear by construction: fifty thousand marks take no noticeable time."""
    parse(Text(unit * 50_000, name), "websailor")


# Every key that some shape of record gives a meaning to.
KEYS = [
    "role",
    "from",
    "type",
    "content",
    "parts",
    "value",
    "text",
    "source",
    "action",
    "observation",
    "args",
    "kind",
    "tool_call",
    "tool_calls",
    "function_call",
    "llm_message",
    "step_id",
    "step_number",
    "task",
    "model_output",
    "observations",
    "error",
    "is_final_answer",
    "action_output",
    "reasoning_content",
    "reasoning_details",
    "thinking_blocks",
    "data",
    "kwargs",
    "id",
    "name",
    "function",
    "arguments",
    "input",
    "output",
    "summary",
    "channel",
    "recipient",
    "message",
    "steps",
    "messages",
    "plan",
    "functionCall",
    "functionResponse",
    "thought",
    "refusal",
    "additional_kwargs",
    "invalid_tool_calls",
    "result",
    "redacted",
    "is_copied_context",
]
WORDS = (
    "assistant",
    "tool",
    "agent",
    "user",
    "tool-call",
    "reasoning",
    "function_call",
    "think",
    "finish",
    "ActionEvent",
    "x",
    "",
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from(WORDS),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(KEYS), inner, max_size=4),
    max_leaves=8,
)
objects = st.dictionaries(st.sampled_from(KEYS), values, max_size=6)


@settings(max_examples=400)
@given(record=st.lists(objects | values, max_size=3), prompt=st.integers(0, 2))
@example(record=[{"source": "agent", "action": {}}], prompt=0)
@example(record=[{"source": "agent", "observation": []}], prompt=0)
def test_a_record_of_any_objects_is_read_or_refused(record, prompt):
    try:
        parsed = parse(Messages(tuple(record), prompt), "websailor", AnswerRules(tools=("finish",)))
    except UnparsableRollout:
        return
    assert all(isinstance(one.text, str) for one in parsed.segments)
