"""Records of agent frameworks whose objects have no role: AutoGen's events, Pydantic AI's messages, DSPy's trajectories.

What a framework writes in an agent's name (summaries of results, handoffs, the end of a run) is not the policy's.
"""

import re
from collections import defaultdict
from collections.abc import Iterator, Mapping
from typing import Any

from reward_service.core.trajectory.calls import answer_in, tool_call_text
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
    r"(thought|reasoning|tool_name|action|tool|tool_args|action_input|tool_input|args|input|observation|result"
    r"|output|response|answer|final_answer)"
    r"(?:_(\d{1,4}))?"
)
_TELLING = frozenset({"thought", "reasoning", "tool_name", "action", "observation"})
_LABELS = re.compile(r"^\s{0,9}(?:Action|Invoking|Final Answer):?", re.MULTILINE)
_FINAL = ("final_result",)
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
    is_own = message["kind"] == "response"
    told = chat_message({"content": message["parts"]}, "assistant" if is_own else "user")
    turns = tuple(turn._replace(parts=tuple(map(_unless_final, turn.parts))) for turn in told.turns)
    return told._replace(turns=turns) if is_own else told


def _unless_final(part: Part) -> Part:
    """Return a part; a call of the tool that Pydantic AI takes the result from as the answer it gives."""
    answer = answer_in(part.call, _FINAL)
    return part if answer is None else Part(SegmentKind.ANSWER, answer)


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
    came_out = ("result", "output", "response")  # of the call where there is one, else of the run
    seen = first_of(step, ("observation", *(() if action is None else came_out)))
    if seen is not None and not is_end:
        yield Turn(Author.TOOL, (Part(SegmentKind.TOOL_RESPONSE, reading.response(seen)),))
    answers = ("answer", "final_answer", *(came_out if action is None and "observation" not in step else ()))
    if (answer := first_of(step, answers)) is not None:
        yield Turn(Author.POLICY, (Part(SegmentKind.ANSWER, reading.response(answer)),))


def agent_executor(one: Mapping[str, Any]) -> Transcript:
    """Return the result of a run of LangChain's executor: its pairs of an action and what came of it, then its output."""
    steps = one["intermediate_steps"]
    pairs = [pair for pair in (steps if is_array(steps) else ()) if is_array(pair) and len(pair) == 2]
    said = [_executed(*pair) for pair in pairs if isinstance(pair[0], OBJECT)]
    return Transcript(tuple(turn for step in (*said, {"answer": one.get("output")}) for turn in _step(step)))


def _executed(action: Mapping[str, Any], seen: Any) -> dict[str, Any]:
    thought = _LABELS.split(str(action.get("log") or ""))[0].strip().removeprefix("Thought:").strip()
    return {"thought": thought, **action, "observation": seen}


def _call(action: Any, given: Any) -> Part:
    if not isinstance(action, str):
        return call_part(action)
    said = tool_call_text(action, "" if given is None else given).rstrip()
    return Part(SegmentKind.TOOL_CALL, said, Call(action, given))
