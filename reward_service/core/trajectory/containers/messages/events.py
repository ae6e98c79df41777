"""Records of events and steps: OpenHands, smolagents, ATIF (Harbor's trajectory format, versions up to 1.8).

A step of ATIF that was copied from an earlier trajectory is context, and the trajectories of subagents are left where they
are: neither may earn a second time.
"""

import re
from collections.abc import Mapping
from typing import Any

from reward_service.core.trajectory.calls import json_text, tool_call_text
from reward_service.core.trajectory.containers.messages.parts import (
    OBJECT,
    ContentReader,
    call_part,
    calls_in,
    first_of,
    is_array,
)
from reward_service.core.trajectory.values import UNKNOWN_PARTS, Author, Call, Part, Transcript, Turn
from reward_service.core.types import SegmentKind

_CODE = re.compile(r"<code>|(?:^Code:\s{0,9})?```", re.MULTILINE)
# What OpenHands records beside the work: neither the policy's actions nor what a tool found.
_NOT_ACTIONS = frozenset(
    {"system", "recall", "condensation", "condensation_request", "change_agent_state", "null"}
)
_NOT_RESPONSES = frozenset({"null", "agent_state_changed", "recall", "think"})
THOUGHT, CALL, RESPONSE, ANSWER = (
    SegmentKind.THOUGHT,
    SegmentKind.TOOL_CALL,
    SegmentKind.TOOL_RESPONSE,
    SegmentKind.ANSWER,
)


def _policy(*parts: Part) -> Turn:
    return Turn(Author.POLICY, tuple(part for part in parts if part.text or part.call))


def _tool(text: str) -> Turn:
    return Turn(Author.TOOL, (Part(RESPONSE, text),))


def openhands_v1(event: Mapping[str, Any]) -> Transcript:
    """Return an event of OpenHands' software development kit as a turn: an action, what came of it, or a message."""
    said, by = event.get("llm_message"), event.get("source")
    reading = ContentReader()
    if event.get("tool_call") is not None and by == "agent":
        thoughts = (reading.thought(event.get(key)) for key in ("reasoning_content", "thought"))
        turn = _policy(*(Part(THOUGHT, one) for one in thoughts), call_part(event["tool_call"]))
    elif isinstance(said, OBJECT) and by == "agent":
        thought = Part(THOUGHT, reading.thought(said.get("reasoning_content")))
        turn = _policy(thought, *reading.parts(said.get("content")))
    elif event.get("kind") in ("ObservationEvent", "AgentErrorEvent"):
        seen = event.get("observation")
        turn = _tool(
            reading.response(seen.get("content") if isinstance(seen, OBJECT) else event.get("error"))
        )
    else:
        turn = Turn(Author.PROMPT, ())
    return Transcript((turn,), frozenset({UNKNOWN_PARTS} if reading.has_unknown else ()))


def openhands_event(event: Mapping[str, Any]) -> Transcript:
    """Return an action of the agent or an observation of the environment as a turn; none where it says nothing."""
    if "observation" in event:
        is_blank = str(event["observation"]) in _NOT_RESPONSES
        return Transcript(() if is_blank else (_tool(ContentReader().response(event.get("content"))),))
    if event.get("source") != "agent" or str(event.get("action")) in _NOT_ACTIONS:
        return Transcript((Turn(Author.PROMPT, ()),))
    return Transcript((_openhands_action(event),))


def _openhands_action(event: Mapping[str, Any]) -> Turn:
    given, action = event.get("args"), event.get("action")
    name = action if isinstance(action, str) else None
    fields = given if isinstance(given, OBJECT) else {}
    thought = Part(THOUGHT, ContentReader().thought(fields.get("thought")))
    if name in {"message", "think"}:
        said = ContentReader().thought(first_of(fields, ("content", "thought")))
        return _policy(Part(THOUGHT if name == "think" else None, said))
    arguments = {key: value for key, value in fields.items() if key != "thought"}
    call = Call(name, arguments, sound=name is not None)
    return _policy(thought, Part(CALL, tool_call_text(name, arguments), call))


def smolagents_step(step: Mapping[str, Any]) -> Transcript:
    """Return a step of an agent's memory as the policy's turn and what came of it; the model's own text holds the code."""
    if "task" in step or "system_prompt" in step:
        return Transcript((Turn(Author.PROMPT, ()),), dialect="smolagents")
    said = ContentReader().thought(first_of(step, ("model_output", "plan", "model_output_message")))
    code = _CODE.search(said)
    if _is_final(step):
        thought = said[: code.start()] if code else said
        return _smolagents(_policy(Part(None, thought), Part(ANSWER, json_text(step["action_output"]))))
    calls = [] if code else calls_in(step.get("tool_calls"))
    observed = first_of(step, ("observations", "error"))
    turns = [
        _policy(Part(None, said), *calls),
        *([_tool(_observed(observed))] if observed else []),
    ]
    return _smolagents(*turns)


def _observed(said: Any) -> str:
    """Return what the agent is shown of a step: its log, or the error it ended with."""
    message = said.get("message") if isinstance(said, OBJECT) else None
    return ContentReader().response(said if message is None else message)


def _smolagents(*turns: Turn) -> Transcript:
    return Transcript(turns, dialect="smolagents")


def _is_final(step: Mapping[str, Any]) -> bool:
    return bool(step.get("is_final_answer")) and step.get("action_output") is not None


def atif_step(step: Mapping[str, Any]) -> Transcript:
    """Return a step of an ATIF trajectory: its turn, and one for each result of its calls."""
    if step.get("source") != "agent" or step.get("is_copied_context"):
        author = Author.PROMPT
        return Transcript(
            (Turn(author, ()), *_atif_results(step))
            if not step.get("is_copied_context")
            else (Turn(author, ()),)
        )
    reading = ContentReader()
    calls = step.get("tool_calls")
    agent = _policy(
        Part(THOUGHT, reading.thought(step.get("reasoning_content"))),
        *reading.parts(step.get("message")),
        *(call_part(one) for one in (calls if is_array(calls) else ())),
    )
    flags = frozenset({UNKNOWN_PARTS} if reading.has_unknown else ())
    return Transcript((agent, *_atif_results(step)), flags)


def _atif_results(step: Mapping[str, Any]) -> list[Turn]:
    """Return what came back; a subagent's trajectory is only named there."""
    observation = step.get("observation")
    results = observation.get("results") if isinstance(observation, OBJECT) else None
    said = [one.get("content") for one in results or () if isinstance(one, OBJECT)]
    return [_tool(ContentReader().response(one)) for one in said if one is not None]
