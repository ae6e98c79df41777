"""Records of tracers: spans and runs of a model, each with what went in and what came out."""

import json

import pytest

from reward_service.core.trajectory import parse
from reward_service.core.types import Messages, SegmentKind

T, C, R, A = SegmentKind.THOUGHT, SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE, SegmentKind.ANSWER
STORY = ((T, "Who?"), (C, 'search {"q": "film"}'), (R, "A page."), (T, "So."), (A, "Quillock"))
ASKED = {"role": "user", "parts": [{"type": "text", "content": "Who filmed it? Zanderheim?"}]}
CALLING = {
    "role": "assistant",
    "parts": [
        {"type": "reasoning", "content": "Who?"},
        {"type": "tool_call", "id": "c", "name": "search", "arguments": {"q": "film"}},
    ],
}
FOUND = {"role": "tool", "parts": [{"type": "tool_call_response", "id": "c", "response": "A page."}]}
ANSWERING = {
    "role": "assistant",
    "parts": [{"type": "reasoning", "content": "So."}, {"type": "text", "content": "Quillock"}],
}
GENAI = [
    ({"gen_ai.input.messages": [ASKED], "gen_ai.output.messages": [CALLING]}),
    ({"gen_ai.input.messages": [ASKED, CALLING, FOUND], "gen_ai.output.messages": [ANSWERING]}),
    {"gen_ai.tool.name": "search"},
]
AS_JSON = [{key: json.dumps(one) for key, one in span.items()} for span in GENAI]
CHAT = [
    {"role": "user", "content": "Who filmed it? Zanderheim?"},
    {
        "role": "assistant",
        "reasoning_content": "Who?",
        "tool_calls": [{"function": {"name": "search", "arguments": '{"q": "film"}'}}],
    },
    {"role": "tool", "content": "A page."},
    {"role": "assistant", "reasoning_content": "So.", "content": "Quillock"},
]
LANGCHAIN = {"lc": 1, "type": "constructor", "id": ["AIMessage"], "kwargs": CHAT[3]}
RECORDS = {
    "GenAI": [{"name": "chat", "attributes": one} for one in GENAI],
    "GenAI, as JSON": [{"attributes": one} for one in AS_JSON],
    "GenAI, flat": AS_JSON[:2],
    "OTLP": [
        {"attributes": [*({"key": key, "value": {"stringValue": one}} for key, one in span.items()), None]}
        for span in AS_JSON
    ],
    "an export of OTLP": [
        {"resourceSpans": [{"scopeSpans": [{"spans": [None, *({"attributes": one} for one in AS_JSON)]}]}]}
    ],
    "Logfire": [{"attributes": {"pydantic_ai.all_messages": json.dumps([ASKED, CALLING, FOUND, ANSWERING])}}],
    "LangSmith": [
        {"run_type": "chain", "inputs": {"question": "?"}, "outputs": None},
        {
            "run_type": "llm",
            "inputs": {"messages": [CHAT[:3]]},
            "outputs": {"generations": [[{"message": LANGCHAIN}]]},
        },
        *[{"run_type": "tool", "inputs": {"input": "x"}, "outputs": {"output": "Zanderheim"}}] * 5,
    ],
    "Langfuse": [{"type": "GENERATION", "input": {"messages": CHAT[:3]}, "output": CHAT[3]}],
}


def read(record):
    return parse(Messages(tuple(record)), "none")


@pytest.mark.parametrize("record", RECORDS.values(), ids=RECORDS)
def test_the_longest_call_of_a_trace_is_the_rollout(record):
    assert (read(record).segments, read(record).flags) == (STORY, ())


@pytest.mark.parametrize(
    ("asked", "answered", "message"),
    [("gen_ai.prompt", "gen_ai.completion", ""), ("llm.input_messages", "llm.output_messages", "message.")],
)
def test_places_of_messages_may_be_spelled_in_names(asked, answered, message):
    call = {"tool_call.function.name": "search", "tool_call.function.arguments": '{"q": "film"}'}
    fields = {
        f"{asked}.1.{message}role": "assistant",
        **{f"{asked}.1.{message}tool_calls.0.{key}": one for key, one in call.items()},
        f"{asked}.10.{message}role": "tool",
        f"{asked}.10.{message}content": "A page.",
        f"{answered}.0.{message}role": "assistant",
        f"{answered}.0.{message}content": "Quillock",
        f"{answered}.0.{message}content.odd": "x",
    }
    fields |= {f"{asked}.0.{message}role": "user", f"{asked}.0.{message}content": "Zanderheim?"}

    assert read([{"attributes": fields}]).segments == (
        (C, 'search {"q": "film"}'),
        (R, "A page."),
        (A, "Quillock"),
    )


def test_a_message_with_attributes_of_its_own_is_no_span():
    assert read([{"role": "assistant", "content": "x", "attributes": None}]).segments == ((A, "x"),)
