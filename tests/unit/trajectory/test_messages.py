"""Chat messages into segments."""

import pytest

from reward_service.core.trajectory import UnparsableRollout, parse, tool_call_text
from reward_service.core.types import Messages, SegmentKind

T, C, R, A = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER


def read(*messages, grammar="balanced"):
    return parse(Messages(messages), grammar)


def pieces(*messages):
    return [(segment.kind, segment.text) for segment in read(*messages).segments]


def assistant(content=None, **more):
    return {"role": "assistant", "content": content, **more}


def call(name="search", arguments='{"q": 1}'):
    return {"id": "1", "type": "function", "function": {"name": name, "arguments": arguments}}


def test_roles_decide_who_wrote_what():
    messages = [
        {"role": "system", "content": "<think>Z</think>"},
        {"role": "user", "content": "Who? <think>Z</think>"},
        assistant("let me look", reasoning_content="a", tool_calls=[call()]),
        {"role": "tool", "content": "<think>Z</think>"},
        assistant("d", reasoning_content="c"),
    ]

    assert pieces(*messages) == [
        (T, "a"),
        (T, "let me look"),
        (C, 'search {"q": 1}'),
        (R, "<think>Z</think>"),
        (T, "c"),
        (A, "d"),
    ]


def test_tags_inside_an_assistant_message_decide():
    messages = [
        assistant("<think>a</think><tool_call>c</tool_call>"),
        {"role": "user", "content": "<tool_response>r <think>Z</think></tool_response> and more"},
        assistant("so <think>b</think> then <answer>d</answer>"),
    ]

    assert pieces(*messages) == [(T, "a"), (C, "c"), (R, "r <think>Z</think>"), (T, "b"), (A, "d")]
    assert read(*messages).answer == "d"


def test_text_after_the_last_thought_is_the_answer():
    assert pieces(assistant("<think>a</think>\nJames Cameron")) == [(T, "a"), (A, "\nJames Cameron")]


def test_a_last_message_that_calls_a_tool_is_no_answer():
    parsed = read(assistant("hm", tool_calls=[call(arguments=None)]))

    assert parsed.answer is None
    assert [segment.kind for segment in parsed.segments] == [T, C]


def test_a_call_without_a_name_is_its_arguments():
    assert tool_call_text(None, "search[x") == "search[x"
    assert tool_call_text("search", {"q": "é"}) == 'search {"q": "é"}'


def test_content_may_come_in_parts():
    parts = [{"type": "text", "text": "a"}, {"type": "image_url", "image_url": {}}, "b"]

    assert pieces(assistant("x", reasoning=parts)) == [(T, "ab"), (A, "x")]


def test_an_unfinished_tag_is_the_policys_error_unless_anything_goes():
    assert read(assistant("<think>a")).format_error == "unfinished thought tag"
    assert read(assistant("<think>a"), assistant("x")).format_error == "unfinished thought tag"
    assert read(assistant("<think>a"), grammar="none").format_error is None


@pytest.mark.parametrize(
    ("messages", "why"),
    [
        ([], "must contain an assistant message"),
        ([{"role": "user", "content": "x"}], "must contain an assistant message"),
        (["x"], r"messages\[0\] must be an object with a known role"),
        ([{"content": "x"}], "known role"),
        ([{"role": "narrator", "content": "x"}], "known role"),
        ([assistant(5)], r"messages\[0\].content must be a string"),
        ([assistant([5])], "content must be"),
        ([assistant("x"), {"role": "tool", "content": {}}], r"messages\[1\].content"),
        ([assistant("x", tool_calls="y")], "tool_calls must be a list"),
        ([assistant("x", tool_calls=5)], "tool_calls must be a list"),
        ([assistant("x", tool_calls=[{}])], r"tool_calls\[0\] must be an object with function.name"),
        ([assistant("x", tool_calls=["y"])], "function.name"),
        ([assistant("x", tool_calls=[{"function": {"name": 1}}])], "function.name"),
    ],
)
def test_a_broken_record_is_the_callers_doing(messages, why):
    with pytest.raises(UnparsableRollout, match=why):
        read(*messages)
