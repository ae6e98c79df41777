"""Chat messages into segments."""

import pytest

from reward_service.core.trajectory import UnparsableRollout, parse, tool_call_text
from reward_service.core.types import Messages, Reading, SegmentKind

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

    assert pieces(*messages) == [
        (T, "a"),
        (C, "c"),
        (R, "r <think>Z</think>"),
        (T, "so "),
        (T, "b"),
        (T, " then "),
        (A, "d"),
    ]
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


@pytest.mark.parametrize("messages", [[], [{"role": "user", "content": "x"}], ["x"], [{"content": "x"}]])
def test_only_a_record_without_a_turn_of_the_policy_is_broken(messages):
    with pytest.raises(UnparsableRollout, match="no turn of the policy"):
        read(*messages)


@pytest.mark.parametrize("role", ["narrator", "", None, 5])
def test_a_role_nobody_knows_neither_earns_nor_grounds(role):
    parsed = read({"role": role, "content": "Z"}, assistant("x"))

    assert [(one.kind, one.text) for one in parsed.segments] == [(A, "x")]
    assert "unknown_role" in parsed.flags


@pytest.mark.parametrize(
    "role", ["observation", "ipython", "environment", "Tool", "tool-result", "function_response"]
)
def test_a_tool_has_many_names(role):
    assert pieces(assistant("a", tool_calls=[call()]), {"role": role, "content": "Z"}, assistant("x")) == [
        (T, "a"),
        (C, 'search {"q": 1}'),
        (R, "Z"),
        (A, "x"),
    ]


@pytest.mark.parametrize("role", ["Assistant", "AI", "gpt", "model"])
def test_the_policy_has_many_names(role):
    assert pieces({"role": role, "content": "<think>a</think>x"}) == [(T, "a"), (A, "x")]


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ({"results": ["Z"]}, '{"results": ["Z"]}'),
        (5, "5"),
        ([{"title": "a", "snippet": "Z"}], '{"title": "a", "snippet": "Z"}'),
        ([{"type": "text", "text": "Z"}, {"type": "image_url", "image_url": {"url": "x"}}], "Z\n[image]"),
        ("<tool_response>\nZ\n</tool_response>", "\nZ\n"),
        (None, ""),
    ],
)
def test_a_tool_may_return_any_json(content, text):
    assert pieces(assistant("a", tool_calls=[call()]), {"role": "tool", "content": content}, assistant("x"))[
        2
    ] == (R, text)


@pytest.mark.parametrize(
    ("field", "calls"),
    [
        ("", []),
        ({}, []),
        ([None, {}], []),
        ('[{"function": {"name": "f", "arguments": "{}"}}]', ["f {}"]),
        ([{"name": "f", "args": {"q": 1}}], ['f {"q": 1}']),
        ([{"function": "f", "arguments": {"q": 1}}], ['f {"q": 1}']),
        ([{"type": "custom", "custom": {"name": "f", "input": "q"}}], ["f q"]),
        ([{"function": {}}], ['{"function": {}}']),
        (["f(x)"], ["f(x)"]),
        (5, ["5"]),
    ],
)
def test_a_call_is_a_call_however_it_is_written(field, calls):
    segments = pieces(assistant("a", tool_calls=field), {"role": "tool", "content": "r"}, assistant("x"))

    assert [text for kind, text in segments if kind is C] == calls


@pytest.mark.parametrize(
    "broken", [{"function": {}}, {"function": {"name": "f", "arguments": '{"q'}}, "f(x)"]
)
def test_a_broken_call_is_the_policys_mistake_where_a_grammar_judges_calls(broken):
    messages = [assistant("a", tool_calls=[broken]), {"role": "tool", "content": "r"}, assistant("x")]

    assert read(*messages, grammar="websailor").format_error is not None
    assert read(*messages, grammar="balanced").format_error is None


@pytest.mark.parametrize(
    "thought",
    [
        {"reasoning_content": "", "reasoning": "Z"},
        {"reasoning_content": {"text": "Z"}},
        {"reasoning_text": "Z"},
        {"reasoningContent": "Z"},
        {"thinking_content": "Z"},
        {"reasoning_details": [{"type": "reasoning.text", "text": "Z"}]},
        {"content": [{"type": "thinking", "thinking": "Z"}, {"type": "text", "text": "x"}]},
        {
            "content": [{"type": "reasoning", "reasoning": "Z"}, {"type": "text", "text": "x"}],
            "reasoning": "Z",
        },
    ],
)
def test_a_thought_may_come_in_any_field_once(thought):
    assert pieces({"role": "assistant", "content": "x", **thought}) == [(T, "Z"), (A, "x")]


def test_the_text_may_come_as_message():
    assert pieces({"role": "CHATBOT", "message": "<think>Z</think>x"}) == [(T, "Z"), (A, "x")]


def test_a_message_may_come_in_an_envelope():
    choice = {
        "index": 0,
        "finish_reason": "stop",
        "message": {"role": "assistant", "content": "<think>Z</think>x"},
    }

    assert pieces(choice) == [(T, "Z"), (A, "x")]
    assert read({"type": "progress", "message": "Z"}, assistant("x")).flags == ("unknown_role", "no_thoughts")


def test_a_part_nobody_knows_is_said():
    parsed = read(assistant([{"type": "hologram", "data": "Z"}, {"type": "text", "text": "x"}]))

    assert (parsed.answer, parsed.flags) == ("x", ("unknown_parts", "no_thoughts"))


@pytest.mark.parametrize(
    "after",
    [
        [{"role": "user", "content": "Done."}],
        [{"role": "tool", "content": "done"}],
        [assistant("")],
        [{"role": "user", "content": "Done."}, {"role": "system", "content": "Bye."}],
    ],
)
def test_the_answer_is_the_last_text_whatever_others_say_after_it(after):
    assert pieces(assistant("x", reasoning="a"), *after) == [(T, "a"), (A, "x")]


def test_a_policy_that_said_nothing_gave_no_answer():
    for grammar in ("balanced", "websailor"):
        assert read(assistant(""), grammar=grammar).format_error == "no answer"
    assert read(assistant(""), grammar="none").format_error is None


def test_nobody_grounds_himself():
    messages = [assistant("<think>a</think><tool_response>Z</tool_response>"), assistant("x")]
    own = parse(Messages(tuple(messages)), "none")
    theirs = parse(Messages(tuple(messages), reading=Reading(responses_in_policy_turn=True)), "none")

    assert (R, "Z") not in own.segments
    assert own.flags == ("responses_in_policy_turn",)
    assert (R, "Z") in theirs.segments


def test_a_dialect_that_answers_itself_counts_only_where_no_tool_speaks():
    said = assistant("<think>a</think><search>q</search><information>Z</information><answer>x</answer>")
    tool = {"role": "tool", "content": "page"}
    reading = Reading(dialect="search_r1")

    alone = parse(Messages((said,), reading=reading), "none")
    beside = parse(Messages((assistant("<search>q</search>"), tool, said), reading=reading), "none")

    assert (R, "Z") in alone.segments
    assert (R, "Z") not in beside.segments


def test_an_example_in_the_prompt_is_no_response():
    messages = [{"role": "user", "content": "Write <tool_response>Z</tool_response>. Who?"}, assistant("x")]

    assert pieces(*messages) == [(A, "x")]


def test_a_thought_goes_on_over_messages_where_calls_stand_inside_it():
    messages = [
        assistant("a <|begin_of_query|>q<|end_of_query|>"),
        {"role": "tool", "content": "<|begin_of_documents|>Z<|end_of_documents|>"},
        assistant("b</think><answer>x</answer>"),
    ]
    parsed = parse(Messages(tuple(messages), reading=Reading(dialect="r1_searcher")), "balanced")

    assert parsed.segments == ((T, "a "), (C, "q"), (R, "Z"), (T, "b"), (A, "x"))
    assert parsed.format_error is None


@pytest.mark.parametrize(
    ("content", "error"),
    [
        (
            "<think>a</think><tool_call>{}</tool_call>",
            "tool call is not a JSON object with name and arguments",
        ),
        ("<answer>x</answer><think>a</think>", "tags out of order"),
        ("<think>a</think>x", None),
        ("a", None),
    ],
)
def test_the_strict_grammar_judges_the_marks_of_each_message(content, error):
    assert (
        read(
            assistant(content), {"role": "tool", "content": "r"}, assistant("x"), grammar="websailor"
        ).format_error
        == error
    )


def test_marks_in_one_message_hide_what_is_between_them_there_and_nothing_elsewhere():
    said = [
        assistant("Quillock first."),
        assistant("So <invoke>Zanderheim</invoke> Ostravel."),
        assistant(""),
    ]

    parsed = read(*said, {"role": "tool", "content": "r"}, assistant("<answer>x</answer>"))

    thoughts = [segment.text for segment in parsed.segments if segment.kind is T]
    assert thoughts == ["Quillock first.", "So ", " Ostravel."]
    assert "foreign_markup" in parsed.flags


class Unwalked(str):
    """A text that fails if its characters are looked at one by one, which costs more than all of the reading."""

    __slots__ = ()

    def __iter__(self):
        raise AssertionError("walked through a text")


@pytest.mark.parametrize("role", ["assistant", "tool", "user"])
def test_a_text_is_no_array_of_its_characters(role):
    said = Unwalked("Quillock was born in Zanderheim")

    read(assistant("Searching."), {"role": role, "content": said}, assistant("Done."))
