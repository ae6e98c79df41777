"""Items of OpenAI's Responses API: one object for each thing the model did."""

from collections.abc import Mapping
from typing import Any

from reward_service.core.trajectory.calls import json_text
from reward_service.core.trajectory.containers.messages.parts import ContentReader, call_part, first_of
from reward_service.core.trajectory.values import Author, Call, Part, Transcript, Turn
from reward_service.core.types import SegmentKind

_RESULTS = ("output", "content", "result", "results", "outputs")
_SAYS_NOTHING = frozenset({"item_reference", "compaction"})


def is_item(kind: str) -> bool:
    """Return whether a type is one of an item that has no role."""
    return (
        kind == "reasoning"
        or kind in _SAYS_NOTHING
        or kind.endswith(("_call", "_call_output", "_list_tools"))
    )


def item(one: Mapping[str, Any], kind: str) -> Transcript:
    """Return one item of a type: a turn of the policy, of a tool or of the prompt; no turn where it says nothing."""
    if kind == "reasoning":
        said = _reasoning(one)
        return _policy(*([Part(SegmentKind.THOUGHT, said)] if said else []))
    if kind in _SAYS_NOTHING or kind.endswith("_list_tools"):
        return Transcript(())
    if kind.endswith("_call_output"):
        return Transcript((_response(one),))
    if kind in {"function_call", "custom_tool_call", "mcp_call"}:
        call = _policy(call_part(one))
    else:
        action = one.get("action", {key: one[key] for key in ("queries", "code", "query") if key in one})
        call = _policy(
            Part(SegmentKind.TOOL_CALL, json_text(action), Call(kind.removesuffix("_call"), action))
        )
    has_result = first_of(one, _RESULTS) is not None
    return Transcript((*call.turns, _response(one))) if has_result else call


def _policy(*parts: Part) -> Transcript:
    return Transcript((Turn(Author.POLICY, parts),))


def _response(one: Mapping[str, Any]) -> Turn:
    said = ContentReader().response(first_of(one, _RESULTS))
    return Turn(Author.TOOL, (Part(SegmentKind.TOOL_RESPONSE, said),))


def _reasoning(one: Mapping[str, Any]) -> str:
    """Return the reasoning itself, or its summary where the API gives no more."""
    reading = ContentReader()
    return (
        reading.thought(one.get("content"))
        or reading.thought(one.get("summary"))
        or reading.thought(one.get("text"))
    )
