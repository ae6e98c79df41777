"""Records of agent frameworks whose objects have no role: AutoGen's events, Pydantic AI's messages, DSPy's trajectories.

What a framework writes in an agent's name (summaries of results, handoffs, the end of a run) is not the policy's.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from reward_service.core.trajectory.calls import tool_call_text
from reward_service.core.trajectory.containers.messages.chat import chat_message
from reward_service.core.trajectory.containers.messages.parts import (
    OBJECT,
    ContentReader,
    call_part,
    first_of,
    is_array,
)
from reward_service.core.trajectory.roles import role_of
from reward_service.core.trajectory.values import Author, Call, Part, Transcript, Turn
from reward_service.core.types import SegmentKind

_PROMPT = Transcript((Turn(Author.PROMPT, ()),))
_AGENTS_ROLES = {
    "TextMessage": "assistant",
    "MultiModalMessage": "assistant",
    "AssistantMessage": "assistant",
    "ToolCallRequestEvent": "assistant",
    "ThoughtEvent": "thought",
}
_RESULTS = frozenset({"ToolCallExecutionEvent", "FunctionExecutionResultMessage"})
_THE_FRAMEWORKS = frozenset(
    {
        "UserMessage",
        "SystemMessage",
        "ToolCallSummaryMessage",
        "HandoffMessage",
        "StopMessage",
        "MemoryQueryEvent",
        "UserInputRequestedEvent",
        "ModelClientStreamingChunkEvent",
    }
)
AUTOGEN = frozenset({*_AGENTS_ROLES, *_RESULTS, *_THE_FRAMEWORKS})
"""The types of AutoGen's events and messages."""
_FIELD = re.compile(
    r"(thought|reasoning|tool_name|action|tool|tool_args|action_input|tool_input|args|input|observation|answer|final_answer)"
    r"(?:_(\d{1,4}))?"
)
_TELLING = frozenset({"thought", "reasoning", "tool_name", "action", "observation"})
_BEHIND_ALL = 10_000
"""The place of fields without a number: more than any number has."""


def autogen_event(event: Mapping[str, Any]) -> Transcript:
    """Return an event or message of AutoGen's as a turn: of the agent that is its source, of a tool, or of no author."""
    kind, said = event["type"], event.get("content")
    if kind in _RESULTS:
        results = said if is_array(said) else [said]
        reading = ContentReader()
        parts = [
            Part(SegmentKind.TOOL_RESPONSE, reading.response(one.get("content")))
            for one in results
            if isinstance(one, OBJECT)
        ]
        return Transcript((Turn(Author.TOOL, tuple(parts)),))
    if kind in _THE_FRAMEWORKS or role_of(event.get("source")).author is Author.PROMPT:
        return _PROMPT
    are_calls = kind != "MultiModalMessage" and is_array(said)
    message = {"tool_calls" if are_calls else "content": said, "thought": event.get("thought")}
    return chat_message(message, _AGENTS_ROLES[kind])


def pydantic_message(message: Mapping[str, Any]) -> Transcript:
    """Return a message of Pydantic AI's as a turn: its requests hold the prompt and what tools returned."""
    return chat_message(
        {"content": message["parts"]}, "assistant" if message["kind"] == "response" else "user"
    )


def is_react(one: Mapping[str, Any]) -> bool:
    """Return whether an object has the fields of a step of ReAct, numbered or not."""
    return any(step.keys() & _TELLING for step in _steps(one).values())


def react_trajectory(one: Mapping[str, Any]) -> Transcript:
    """Return the steps of a trajectory as DSPy keeps it, its fields numbered by step, or the one step of an object."""
    steps = _steps(one)
    return Transcript(tuple(turn for n in sorted(steps) for turn in _step(steps[n])))


def _steps(one: Mapping[str, Any]) -> Mapping[int, dict[str, Any]]:
    """Return the fields of each step by its number."""
    kept = one.get("trajectory")
    steps: dict[int, dict[str, Any]] = defaultdict(dict)
    for key, value in {**(kept if isinstance(kept, OBJECT) else {}), **one}.items():
        if (field := _FIELD.fullmatch(key)) and value is not None:
            steps[int(field[2] or _BEHIND_ALL)][field[1]] = value
    return steps


def _step(step: Mapping[str, Any]) -> Iterator[Turn]:
    """Yield a step's turns: a thought and a call, what came back, an answer. DSPy's `finish` without arguments only ends the run."""
    reading = ContentReader()
    action, given = (
        first_of(step, ("tool_name", "action", "tool")),
        first_of(step, ("tool_args", "action_input", "tool_input", "args", "input")),
    )
    is_end = action == "finish" and not given
    said = [
        Part(SegmentKind.THOUGHT, reading.thought(first_of(step, ("thought", "reasoning")))),
        *([] if action is None or is_end else [_call(action, given)]),
    ]
    yield Turn(Author.POLICY, tuple(part for part in said if part.text))
    if "observation" in step and not is_end:
        yield Turn(Author.TOOL, (Part(SegmentKind.TOOL_RESPONSE, reading.response(step["observation"])),))
    if (answer := first_of(step, ("answer", "final_answer"))) is not None:
        yield Turn(Author.POLICY, (Part(SegmentKind.ANSWER, reading.response(answer)),))


def _call(action: Any, given: Any) -> Part:
    if not isinstance(action, str):
        return call_part(action)
    said = tool_call_text(action, "" if given is None else given).rstrip()
    return Part(SegmentKind.TOOL_CALL, said, Call(action, given))
