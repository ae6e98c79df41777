"""OpenAI chat messages -> segments.

Who wrote what is decided by the role, never by the text: only an assistant message can hold a thought.

- assistant: `reasoning_content` (or `reasoning`) is a thought; in `content`, tags decide where there are any;
  text outside tags is a thought, and in the last message, if that calls no tool, the answer;
- tool (or function): a tool response; user: a tool response where wrapped in `<tool_response>`, else the prompt;
- system, developer: the prompt.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from reward_service.core.trajectory.grammars import unfinished_tag
from reward_service.core.trajectory.tagged import Block, scan_blocks
from reward_service.core.types import Segment, SegmentKind

PROMPT_ROLES = frozenset({"system", "developer"})
TOOL_ROLES = frozenset({"tool", "function"})
_NOT_ASSISTANT = PROMPT_ROLES | TOOL_ROLES | {"user"}
# What JSON makes of objects and arrays is asked for first: an abstract class takes ten times as long.
_OBJECT = (dict, Mapping)
_ARRAY = (list, Sequence)


class UnparsableRollout(ValueError):  # names what it is about
    """The caller's record of the rollout cannot be read; nothing the policy did."""


def _text(value: Any, n: int, name: str) -> str:
    """Return the text of a field of message n: a string, null, or a list of parts."""
    if isinstance(value, str):
        return value
    if value is None:
        return ""
    if isinstance(value, _ARRAY):
        parts = [part.get("text", "") if isinstance(part, _OBJECT) else part for part in value]
        if all(isinstance(part, str) for part in parts):
            return "".join(parts)
    raise UnparsableRollout(
        f"messages[{n}].{name} must be a string, null or a list of text parts, got {type(value).__name__}"
    )


def tool_call_text(name: str | None, arguments: Any) -> str:
    """Return a tool call as one text: its name, if it has one, and its arguments as they were sent."""
    written = arguments if isinstance(arguments, str) else json.dumps(arguments, ensure_ascii=False)
    return written if name is None else f"{name} {written}"


def _tool_calls(calls: Any, n: int) -> list[Segment]:
    """Return the tool calls of message n."""
    if calls is None:
        return []
    if not isinstance(calls, _ARRAY) or isinstance(calls, str):
        raise UnparsableRollout(f"messages[{n}].tool_calls must be a list, got {type(calls).__name__}")
    return [_tool_call(call, n, number) for number, call in enumerate(calls)]


def _tool_call(call: Any, n: int, number: int) -> Segment:
    function = call.get("function") if isinstance(call, _OBJECT) else None
    if not isinstance(function, _OBJECT) or not isinstance(name := function.get("name"), str):
        raise UnparsableRollout(f"messages[{n}].tool_calls[{number}] must be an object with function.name")
    return Segment(SegmentKind.TOOL_CALL, tool_call_text(name, function.get("arguments")))


def _untagged_kind(blocks: Sequence[Block], *, final: bool) -> SegmentKind | None:
    """Return what text outside the tags is: a thought, the final message's answer, or nothing beside a tagged answer."""
    if not final:
        return SegmentKind.THOUGHT
    return None if any(block.kind is SegmentKind.ANSWER for block in blocks) else SegmentKind.ANSWER


def _said(blocks: Sequence[Block], *, final: bool) -> list[Segment]:
    """Return the segments of an assistant's text."""
    untagged = _untagged_kind(blocks, final=final)
    return [
        Segment(kind, block.text)
        for block in blocks
        if (kind := block.kind or untagged) is not None and (block.is_segment or block.text.strip())
    ]


def _assistant(message: Mapping[str, Any], n: int, *, last: bool) -> tuple[list[Segment], str | None]:
    """Return the segments of an assistant message, and the format error of its text."""
    reasoning = message.get("reasoning_content")
    if reasoning is None:
        reasoning = message.get("reasoning")
    thought = _text(reasoning, n, "reasoning_content")
    calls = _tool_calls(message.get("tool_calls"), n)
    blocks = list(scan_blocks(_text(message.get("content"), n, "content")))
    said = _said(blocks, final=last and not calls)
    thoughts = [Segment(SegmentKind.THOUGHT, thought)] if thought else []
    return thoughts + said + calls, unfinished_tag(blocks)


def _not_assistant(role: str, message: Mapping[str, Any], n: int) -> list[Segment]:
    content = _text(message.get("content"), n, "content")
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
        role = message.get("role") if isinstance(message, _OBJECT) else None
        if role == "assistant":
            has_assistant = True
            said, problem = _assistant(message, n, last=n == len(messages) - 1)
            segments += said
            error = error or problem
        elif isinstance(role, str) and role in _NOT_ASSISTANT:
            segments += _not_assistant(role, message, n)
        else:
            raise UnparsableRollout(f"messages[{n}] must be an object with a known role")
    if not has_assistant:
        raise UnparsableRollout("messages must contain an assistant message")
    return segments, error
