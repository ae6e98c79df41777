"""The reader of chat messages as it was first written: every value is asked what it is, every place is written down.

It shares with the product what a tag is, and the text of a tool call.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from reward_service.core.trajectory.grammars import unfinished_tag
from reward_service.core.trajectory.messages import (
    PROMPT_ROLES,
    TOOL_ROLES,
    UnparsableRollout,
    tool_call_text,
)
from reward_service.core.trajectory.tagged import Block, scan_blocks
from reward_service.core.types import Segment, SegmentKind


def _text(value: Any, where: str) -> str:
    """Return the text of a message's content: a string, null, or a list of parts."""
    if value is None:
        return ""
    if isinstance(value, str):
        return value
    if isinstance(value, Sequence):
        parts = [part.get("text", "") if isinstance(part, Mapping) else part for part in value]
        if all(isinstance(part, str) for part in parts):
            return "".join(parts)
    raise UnparsableRollout(
        f"{where} must be a string, null or a list of text parts, got {type(value).__name__}"
    )


def _tool_calls(message: Mapping[str, Any], where: str) -> list[Segment]:
    calls = message.get("tool_calls")
    if calls is None:
        return []
    if not isinstance(calls, Sequence) or isinstance(calls, str):
        raise UnparsableRollout(f"{where}.tool_calls must be a list, got {type(calls).__name__}")
    segments = []
    for n, call in enumerate(calls):
        function = call.get("function") if isinstance(call, Mapping) else None
        if not isinstance(function, Mapping) or not isinstance(function.get("name"), str):
            raise UnparsableRollout(f"{where}.tool_calls[{n}] must be an object with function.name")
        segments.append(
            Segment(SegmentKind.TOOL_CALL, tool_call_text(function["name"], function.get("arguments")))
        )
    return segments


def _untagged_kind(blocks: Sequence[Block], *, final: bool) -> SegmentKind | None:
    """Return what text outside the tags is: a thought, the final message's answer, or nothing beside a tagged answer."""
    if not final:
        return SegmentKind.THOUGHT
    return None if any(block.kind is SegmentKind.ANSWER for block in blocks) else SegmentKind.ANSWER


def _assistant(message: Mapping[str, Any], where: str, *, last: bool) -> Iterator[tuple[Segment, str | None]]:
    """Yield the segments of an assistant message, each with the format error of the text it came from."""
    reasoning = message.get("reasoning_content")
    thought = _text(
        message.get("reasoning") if reasoning is None else reasoning, f"{where}.reasoning_content"
    )
    if thought:
        yield Segment(SegmentKind.THOUGHT, thought), None
    calls = _tool_calls(message, where)
    blocks = list(scan_blocks(_text(message.get("content"), f"{where}.content")))
    error = unfinished_tag(blocks)
    untagged = _untagged_kind(blocks, final=last and not calls)
    for block in blocks:
        kind = block.kind or untagged
        if kind is not None and (block.is_segment or block.text.strip()):
            yield Segment(kind, block.text), error
    for call in calls:
        yield call, None


def _not_assistant(role: str, message: Mapping[str, Any], where: str) -> list[Segment]:
    content = _text(message.get("content"), f"{where}.content")
    if role in TOOL_ROLES:
        return [Segment(SegmentKind.TOOL_RESPONSE, content)]
    if role == "user" and "<tool_response>" in content:
        blocks = scan_blocks(content)
        return [
            Segment(block.kind, block.text) for block in blocks if block.kind is SegmentKind.TOOL_RESPONSE
        ]
    return []


def parse_messages(messages: Sequence[Any]) -> tuple[list[Segment], str | None]:
    """Read chat messages.

    Args:
        messages: OpenAI chat messages, from the prompt to the end of the rollout.

    Returns:
        The segments in order, and what is wrong with the tags of the assistant's text (None: nothing).

    Raises:
        UnparsableRollout: a message is not an object, has an unknown role or odd content, or none is the assistant's.
    """
    segments: list[Segment] = []
    error: str | None = None
    has_assistant = False
    for n, message in enumerate(messages):
        where = f"messages[{n}]"
        role = message.get("role") if isinstance(message, Mapping) else None
        if role == "assistant":
            has_assistant = True
            for segment, problem in _assistant(message, where, last=n == len(messages) - 1):
                segments.append(segment)
                error = error or problem
        elif isinstance(role, str) and role in TOOL_ROLES | PROMPT_ROLES | {"user"}:
            segments += _not_assistant(role, message, where)
        else:
            raise UnparsableRollout(f"{where} must be an object with a known role")
    if not has_assistant:
        raise UnparsableRollout("messages must contain an assistant message")
    return segments, error
