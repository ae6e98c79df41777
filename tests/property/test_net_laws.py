"""The law of the safety net: what stands between call or response marks of any kind is never a thought."""

import re

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from reward_service.core.trajectory import CONTAINERS, DIALECTS, FORMATS, parse
from reward_service.core.trajectory.containers.native import TEMPLATES
from reward_service.core.types import Messages, Reading, Segment, SegmentKind, Steps, Text

SECRET = "Zanderheim"
# Spelled out here and not taken from the tables: the law must not be as blind as they are.
HIDING = [
    ("<tool_call>", "</tool_call>"),
    ("<tool_response>", "</tool_response>"),
    ("<search>", "</search>"),
    ("<information>", "</information>"),
    ("<documents>", "</documents>"),
    ("<result>", "</result>"),
    ("<access>", "</access>"),
    ("<response>", "</response>"),
    ("<use_mcp_tool>", "</use_mcp_tool>"),
    ("<minimax:tool_call>", "</minimax:tool_call>"),
    ("<function=search>", "</function>"),
    ('<invoke name="search">', "</invoke>"),
    ("<|begin_of_query|>", "<|end_of_query|>"),
    ("<|begin_of_documents|>", "<|end_of_documents|>"),
    ("<|begin_search_query|>", "<|end_search_query|>"),
    ("<|begin_search_result|>", "<|end_search_result|>"),
    ("<|begin_click_link|>", "<|end_click_link|>"),
    ("<|begin_click_result|>", "<|end_click_result|>"),
    ("<｜tool▁calls▁begin｜>", "<｜tool▁calls▁end｜>"),
    ("<｜tool▁output▁begin｜>", "<｜tool▁output▁end｜>"),
    ("<|tool_calls_section_begin|>", "<|tool_calls_section_end|>"),
    ("<|python_tag|>", "<|eom_id|>"),
    ("<|start_header_id|>ipython<|end_header_id|>\n\n", "<|eot_id|>"),
    ("<|observation|>", "<|assistant|>"),
    ("<|im_start|>tool\n", "<|im_end|>"),
    ("<|start|>assistant<|channel|>commentary to=functions.search<|message|>", "<|call|>"),
    ("<|start|>functions.search to=assistant<|channel|>commentary<|message|>", "<|end|>"),
    ("<start_function_call>", "<end_function_call>"),
    ("<|tool_call>", "<tool_call|>"),
    ("[TOOL_CALLS]", "</s>"),
    ("```tool_code\n", "\n```"),
    ("[TOOL_RESULTS]", "[/TOOL_RESULTS]"),
    ("<|begin_click_intent|>", "<|end_click_intent|>"),
    ("<TOOLCALL>", "</TOOLCALL>"),
    ("<tool_calls>", "</tool_calls>"),
    ("<seed:tool_call>", "</seed:tool_call>"),
    ("<|tool_call_start|>", "<|tool_call_end|>"),
    ("<|tool_response_start|>", "<|tool_response_end|>"),
    ("<|action_start|>", "<|action_end|>"),
    ("<|START_ACTION|>", "<|END_ACTION|>"),
    ("<|START_TOOL_RESULT|>", "<|END_TOOL_RESULT|>"),
    ("<|tool_call|>", "<|/tool_call|>"),
    ("<|python_start|>", "<|python_end|>"),
    ("<|start_of_role|>tool<|end_of_role|>", "<|end_of_text|>"),
    ("<|tool_response|>", "<|end|>"),
    ("<SPECIAL_11>User\n", "<SPECIAL_12>"),
    ("<|START_OF_TURN_TOKEN|><|USER_TOKEN|>", "<|END_OF_TURN_TOKEN|>"),
    ("<｜hy_User｜>", "<｜hy_Assistant｜>"),
    ("]~b]tool\n", "[e~["),
    ("<seed:bos>tool\n", "<seed:eos>"),
    ("<context>", "</context>"),
    ("<learnings>", "</learnings>"),
    ("<interpreter>", "</interpreter>"),
    ("<python>", "</python>"),
    ("<web_search>", "</web_search>"),
    ("<crawl_page>", "</crawl_page>"),
    ("<execute>", "</execute>"),
    ("✿FUNCTION✿: search\n✿ARGS✿:", "✿RETURN✿:"),
    ("```output\n", "\n```"),
]
# And whatever a dialect that is added later brings along.
ELSEWHERE = {"<observation>", "<code>", "<function="}
HIDING += [
    (mark.opens, mark.closes)
    for dialect in DIALECTS.values()
    for mark in dialect.data_marks
    if (mark.opens, mark.closes) not in HIDING and mark.opens not in ELSEWHERE
]
words = st.text("abcdefg ", min_size=1, max_size=8).map(lambda text: f"w{text}w")
noise = st.sampled_from(
    ["<think>", "</think>", "<answer>", "</answer>", "\nThought: ", "\n", "<observation>", "x"]
)
hidden = st.builds(
    lambda mark, before, after: f"{mark[0]}{before}{SECRET}{after}{mark[1]}",
    st.sampled_from(HIDING),
    st.lists(noise, max_size=3).map("".join),
    st.lists(noise, max_size=3).map("".join),
)
turns = st.lists(words | noise | hidden, min_size=1, max_size=8).map("".join)


def ways(text, dialect):
    """Every way in which the policy may be said to have written a text."""
    reading = Reading(dialect=dialect)
    yield from (Text(text, container, reading) for container in CONTAINERS)
    for message in (
        {"content": text},
        {"content": "x", "reasoning_content": text},
        {"content": [{"type": "thinking", "thinking": text}]},
        {"content": [{"type": "reasoning", "reasoning": text}]},
        {"content": "x", "reasoning_details": [{"type": "reasoning.text", "text": text}]},
        {"content": text, "channel": "analysis"},
        {"parts": [{"text": text, "thought": True}]},
    ):
        yield Messages(
            (
                {"role": "assistant", **message},
                {"role": "tool", "content": "p"},
                {"role": "assistant", "content": "x"},
            ),
            0,
            reading,
        )
    for one in (
        {"type": "reasoning", "summary": [{"type": "summary_text", "text": text}]},
        {"source": "agent", "action": "think", "args": {"thought": text}},
        {"source": "agent", "kind": "ActionEvent", "reasoning_content": text, "tool_call": {"name": "f"}},
        {"source": "agent", "step_id": 1, "message": "", "reasoning_content": text},
        {"step_number": 1, "model_output": text},
        {"type": "ai", "data": {"content": text}},
        {"from": "gpt", "value": text},
    ):
        yield Messages((one, {"role": "assistant", "content": "x"}), 0, reading)
    yield Steps((Segment(SegmentKind.THOUGHT, text),))


def thinking(thought, dialect=None):
    """A message whose thought is a field."""
    message = {"role": "assistant", "reasoning": thought, "content": "x"}
    return Messages((message,), 0, Reading(dialect=dialect))


def thoughts(source):
    return [one.text for one in parse(source, "none").segments if one.kind is SegmentKind.THOUGHT]


@settings(max_examples=300, deadline=None)
@given(dialect=st.sampled_from(sorted(DIALECTS)), text=turns)
@example(
    dialect="tagged",
    text=f"<think>a <information>{SECRET} </think><think>{SECRET}</think> </information> b</think>",
)
def test_nothing_between_call_or_response_marks_earns(dialect, text):
    for source in ways(text, dialect):
        assert not any(SECRET in thought for thought in thoughts(source)), source


def test_the_law_covers_every_template():
    for template in TEMPLATES.values():
        assert any(re.match(mark[0], opens) for mark in template.data_marks for opens, _ in HIDING), template


@pytest.mark.parametrize("dialect", DIALECTS)
def test_each_mark_hides_what_is_between_and_is_said_where_it_is_foreign(dialect):
    own = DIALECTS[dialect].data_marks
    for opens, closes in HIDING:
        parsed = parse(thinking(f"a {opens}{SECRET}{closes} b", dialect), "none")

        said = [one.text.strip() for one in parsed.segments if one.kind is SegmentKind.THOUGHT]
        assert said == ["a", "b"], opens
        assert ("foreign_markup" in parsed.flags) is not any(opens.startswith(one.opens) for one in own), (
            opens
        )


@pytest.mark.parametrize(
    "mark", [mark for mark in HIDING if mark[0] != "<tool_response>"], ids=lambda mark: mark[0]
)
def test_a_mark_that_never_closes_hides_the_rest_of_its_own_thought(mark):
    source = Text(f"<think>a {mark[0]}{SECRET}</think><think>b</think><answer>c</answer>")

    assert [thought.strip() for thought in thoughts(source)] == ["a", "b"]


@pytest.mark.parametrize("mark", ["<observation>", "<code>"])
def test_marks_that_others_think_in_count_only_where_they_are_declared(mark):
    text = f"<think>a {mark}{SECRET}{mark.replace('<', '</')}</think><answer>b</answer>"
    declared = {"<observation>": "deepdive", "<code>": "smolagents"}[mark]

    assert SECRET in thoughts(Text(text))[0]
    assert not any(SECRET in one for one in thoughts(thinking(text, declared)))


@pytest.mark.parametrize(
    ("code", "result"),
    [
        ("<code>", "<interpreter>"),
        ("<code>", "<observation>"),
        ("<code>", "<result>"),
        ("<code>", "```output\n"),
        ("```python\n", "<interpreter>"),
        ("```python\n", "```output\n"),
    ],
)
def test_code_is_a_call_where_its_result_is_right_behind_it(code, result):
    call, page = whole(code), whole(result)
    parsed = parse(thinking(f"a {call}\n{page} b {call}{page} c {code}{SECRET}"), "none")

    assert [one.text.strip() for one in parsed.segments] == ["a", "b", "c", "x"]
    assert parsed.flags == ("foreign_markup",)


def whole(mark):
    """What a mark encloses, with its end."""
    return f"{mark}{SECRET}" + (mark.replace("<", "</") if "<" in mark else "\n```")


def test_a_mark_on_a_page_opens_nothing_in_a_thought():
    source = Text(
        f"<think>a</think><tool_call>q</tool_call><tool_response><search></tool_response><think>{SECRET}</think>"
        "<tool_call>q</tool_call><tool_response></search></tool_response><answer>b</answer>"
    )

    assert thoughts(source) == ["a", SECRET]


def test_words_that_only_look_like_a_label_hide_nothing():
    text = f"First Action: look.\nSecond Action: think.\nAction: f[{SECRET}]\nThought: b"
    source = Messages(({"role": "assistant", "content": text}, {"role": "assistant", "content": "x"}))

    assert thoughts(source) == ["First Action: look.\nSecond Action: think.\n", "Thought: b"]


@pytest.mark.parametrize("colon", [":", " :", "：", "**:**"])
def test_react_labels_of_a_call_hide_what_follows_up_to_the_next_thought(colon):
    text = f"Thought: a\nAction: search\nAction Input: {SECRET}\nObservation: {SECRET}\nThought: b"
    said = text.replace(":", colon)
    source = Messages(({"role": "assistant", "content": said}, {"role": "assistant", "content": "x"}))

    assert thoughts(source) == [f"Thought{colon} a\n", f"Thought{colon} b"]
    assert parse(source, "none").flags == ("foreign_markup",)


MARKS = re.findall(r"\S+", " ".join(one for pair in HIDING for one in pair))


@pytest.mark.parametrize("name", FORMATS)
@given(text=st.lists(st.sampled_from(MARKS) | words | noise, max_size=20).map("".join))
def test_the_net_only_takes_away(name, text):
    parsed = parse(Text(text, name), "none")

    assert sum(len(one.text) for one in parsed.segments) <= len(text) + text.count("Action Input")


def test_code_that_is_no_call_is_no_mark():
    parsed = parse(thinking("a < b\n```python\n1\n```\nso [1] c"), "none")

    assert [one.text for one in parsed.segments] == ["a < b\n```python\n1\n```\nso [1] c", "x"]
    assert parsed.flags == ()
