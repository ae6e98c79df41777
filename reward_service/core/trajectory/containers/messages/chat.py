"""Messages with a role, of every API and framework that has them.

| system | role | text | thoughts | calls |
|---|---|---|---|---|
| OpenAI chat, vLLM, OpenRouter, TRL | `role` | `content` | `reasoning_content`, `reasoning`, `reasoning_details` | `tool_calls`, `function_call` |
| Anthropic | `role` | blocks of `content` | `thinking` | `tool_use`, `tool_result` |
| Gemini | `role` | `parts` | `thought: true` | `functionCall`, `functionResponse` |
| ShareGPT | `from` | `value` | | role `function_call` |
| LangChain, LangGraph | `type`, or the class's name | `content` | parts | `tool_calls` with `args` |
| Inspect | `role` | `content` | part `reasoning` | `tool_calls` with `function` as a string |
| smolagents | `role` `tool-call`, `tool-response` | parts | | in the text |
| DSPy's adapters | `role` | fields in the text | `[[ ## reasoning ## ]]` | `[[ ## next_tool_name ## ]]` |
| gpt-oss | `role` | parts | `channel` `analysis` | `recipient` |
"""

import re
from collections.abc import Iterator, Mapping
from typing import Any

from reward_service.core.trajectory.calls import named_call, restated_calls, tool_call_text
from reward_service.core.trajectory.containers.messages.parts import (
    OBJECT,
    ContentReader,
    calls_in,
    first_of,
    ids_of_calls,
    is_array,
    is_result,
    without_calls,
)
from reward_service.core.trajectory.roles import role_of
from reward_service.core.trajectory.values import (
    UNKNOWN_PARTS,
    UNKNOWN_ROLE,
    Author,
    Part,
    Transcript,
    Turn,
)
from reward_service.core.types import SegmentKind

_CONTENT_KEYS = ("content", "parts", "value", "text", "message", "blocks", "items", "contents")
_REASONING_KEYS = (
    "reasoning_content",
    "reasoning",
    "thinking",
    "thought",
    "reasoning_details",
    "thinking_blocks",
    "tool_plan",
    "reasoning_text",
    "reasoningContent",
    "reasoningText",
    "thinking_content",
    "reasoning_summary",
    "thoughts",
    "think",
    "cot",
    "chain_of_thought",
    "thought_process",
    "rationale",
)
_REASONING = frozenset(_REASONING_KEYS)
_CALL_KEYS = ("tool_calls", "function_call", "toolCalls", "tool_call", "function_calls", "invalid_tool_calls")
_MORE_KEYS = ("additional_kwargs", "provider_specific_fields")
_TEXT_ALONE = frozenset({"role", "from", "type", *_CONTENT_KEYS}) - {"parts"}
_TEXT_AND_CALLS = _TEXT_ALONE | {"tool_calls"}
# What a message begins with that opens with a thought, by the first character, and what ends the thought.
_OPENS_WITH = {"[": ("[THINK]", "[/THINK]"), "◁": ("◁think▷", "◁/think▷")}
_FIELD = re.compile(r"\[\[ ## (\w{1,64}) ## \]\]")
_OF_A_FIELD = {
    "reasoning": SegmentKind.THOUGHT,
    "rationale": SegmentKind.THOUGHT,
    "next_thought": SegmentKind.THOUGHT,
    "answer": SegmentKind.ANSWER,
}
SMOLAGENTS_ROLES = frozenset({"tool-call", "tool-response"})


def chat_message(message: Mapping[str, Any], role_name: object) -> Transcript:
    """Return one message of a role: whose turn it is, its parts, and flags for an unknown role or part."""
    role = role_of(role_name)
    content = first_of(message, _CONTENT_KEYS) or message.get("refusal")
    if isinstance(content, str) and (usual := _usual(message, role_name, content)):
        return Transcript((Turn(role.author, usual),))
    if message.get("from_history") is True:  # Agno's, of an earlier run
        return Transcript((Turn(Author.PROMPT, ()),))
    content = message.get("parts") or content  # the AI SDK's messages have their text beside their parts
    if content is None and role.kind is SegmentKind.THOUGHT:
        content = message.get("summary")
    if content is None and role.author is Author.TOOL:
        content = first_of(message, ("output", "result", "response"))
    reading = ContentReader()
    if role.author is Author.POLICY:
        parts = _policy(message, content, role.kind or _of_a_channel(message), reading)
    elif role.author is Author.TOOL:
        parts = [*_results(content, reading)]
    else:
        parts = reading.parts(content)
    flags = {UNKNOWN_PARTS} if reading.has_unknown else set()
    if role.author is Author.UNKNOWN:
        flags.add(UNKNOWN_ROLE)
    is_smolagents = isinstance(role_name, str) and role_name.lower() in SMOLAGENTS_ROLES
    if is_smolagents and role.kind is SegmentKind.TOOL_CALL:
        said = "".join(part.text for part in reading.parts(content))
        parts = [
            Part(SegmentKind.TOOL_CALL, tool_call_text(one.name, one.arguments), one)
            for one in restated_calls(said)
        ]
    return Transcript(
        (Turn(role.author, tuple(parts)),), frozenset(flags), dialect="smolagents" if is_smolagents else None
    )


def _usual(message: Mapping[str, Any], role_name: object, content: str) -> tuple[Part, ...]:
    """Return the parts of a message that is text, perhaps with calls, and nothing else, as most are; none of any other."""
    if role_name == "tool":
        return (Part(SegmentKind.TOOL_RESPONSE, content),)
    if role_name == "assistant" and message.keys() <= _TEXT_AND_CALLS:
        said = _said(content) if content[:1] in _OPENS_WITH else (Part(None, content),)
        return (*said, *calls_in(message.get("tool_calls")))
    is_text = role_name in ("user", "system") and message.keys() <= _TEXT_ALONE
    return (Part(None, content),) if is_text else ()


def _said(text: str) -> tuple[Part, ...]:
    """Return the policy's text; the thought that Magistral or Kimi-VL begins with between tokens of its own is one."""
    if _FIELD.match(text):
        return tuple(_fields(text))
    opens, closes = _OPENS_WITH[text[0]]
    if not text.startswith(opens):
        return (Part(None, text),)
    thought, _, said = text.removeprefix(opens).partition(closes)
    return (Part(SegmentKind.THOUGHT, thought), Part(None, said))


def _fields(text: str) -> Iterator[Part]:
    """Yield the fields in which DSPy has a model write, each behind its name."""
    tool = ""
    for name, said in zip(*[iter(_FIELD.split(text)[1:])] * 2, strict=True):
        if name == "next_tool_name":
            tool = said.strip()
        elif name == "next_tool_args":
            if tool != "finish":  # which only ends the run
                yield Part(SegmentKind.TOOL_CALL, f"{tool} {said.strip()}", named_call(tool, said))
        elif name != "completed":
            yield Part(_OF_A_FIELD.get(name), said.strip())


def _of_a_channel(message: Mapping[str, Any]) -> SegmentKind | None:
    """Return what gpt-oss's channel and recipient say of a message."""
    if message.get("recipient") not in (None, "", "all", "assistant", "user"):
        return SegmentKind.TOOL_CALL
    return SegmentKind.THOUGHT if message.get("channel") == "analysis" else None


def _policy(
    message: Mapping[str, Any], content: Any, kind: SegmentKind | None, reading: ContentReader
) -> list[Part]:
    if kind is SegmentKind.TOOL_CALL and "recipient" in message:
        said = reading.parts(content)
        name = str(message["recipient"]).removeprefix("functions.")
        return [Part(kind, one.text, named_call(name, one.text)) for one in said]
    if kind is SegmentKind.TOOL_CALL:
        return calls_in(content)
    message = _with_more(message)
    said = reading.parts(without_calls(content, ids_of_calls(message.get("tool_calls"))))
    if kind is not None:
        said = [part if part.kind else Part(kind, part.text) for part in said]
    elif said and said[0].kind is None and said[0].text[:1] in _OPENS_WITH:
        said[:1] = _said(said[0].text)
    written = {part.text for part in said if part.kind is SegmentKind.TOOL_CALL}
    fields = [message[key] for key in _CALL_KEYS if message.get(key) is not None]
    calls = [part for field in fields for part in calls_in(field) if part.text not in written]
    return [*_thoughts(message, reading, said), *said, *calls]


def _with_more(message: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a message with what LangChain and LiteLLM keep of the API's own fields, where it has none of its own."""
    more = first_of(message, _MORE_KEYS)
    if not isinstance(more, OBJECT):
        return message
    own = {key: one for key, one in message.items() if one}
    if more.get("tool_calls") and "tool_calls" not in own:
        own.pop("invalid_tool_calls", None)  # they are among the API's own
    return {**more, **own}


def _thoughts(message: Mapping[str, Any], reading: ContentReader, said: list[Part]) -> list[Part]:
    """Return the thought of the first reasoning field that has text, unless the content says the same."""
    held = [key for key in message if key in _REASONING]
    if len(held) > 1:
        held.sort(key=_REASONING_KEYS.index)
    thought = next((text for key in held if (text := reading.thought(message[key]))), "")
    is_new = thought and all(part.text != thought for part in said if part.kind is SegmentKind.THOUGHT)
    return [Part(SegmentKind.THOUGHT, thought)] if is_new else []


def _results(content: Any, reading: ContentReader) -> list[Part]:
    """Return what a tool's message brings: a response for each part that is a result, else one for all of it."""
    if is_array(content) and any(map(is_result, content)):
        return reading.parts(content)
    return [Part(SegmentKind.TOOL_RESPONSE, reading.response(content))]
