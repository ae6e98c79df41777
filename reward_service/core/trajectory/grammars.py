"""What counts as well-formed text: the format verdicts a profile can choose from.

A grammar looks at the blocks of one tagged text and says what is wrong, or None.
A format error is something the policy did: outcome `error`, scored, and in the loss.
"""

import json
import re
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from reward_service.core.trajectory.tagged import Block
from reward_service.core.types import SegmentKind

CallCheck = Callable[[str], str | None]
"""What is wrong with the text of a tool call, or None; what a call looks like is the format's business."""
Grammar = Callable[[Sequence[Block], CallCheck], str | None]

_LETTER = {
    SegmentKind.THOUGHT: "t",
    SegmentKind.TOOL_CALL: "c",
    SegmentKind.TOOL_RESPONSE: "r",
    SegmentKind.ANSWER: "a",
}
# "<think> … </think> <tool_call> … </tool_call> <tool_response> … </tool_response>" repeated, then
# "<think> … </think> <answer> … </answer>" (arXiv:2510.24694, App. A, after WebSailor).
_TURNS = re.compile(r"(?:tcr)*ta")


def unfinished_tag(blocks: Sequence[Block]) -> str | None:
    """Name the first tag that was opened and never closed."""
    for block in blocks:
        if block.kind is not None and not block.closed:
            return f"unfinished {block.kind} tag"
    return None


def json_call_error(text: str) -> str | None:
    """A call is a JSON object with a `name` and `arguments`."""
    try:
        call = json.loads(text)
    except (ValueError, RecursionError):
        call = None
    sound = isinstance(call, dict) and isinstance(call.get("name"), str) and "arguments" in call
    return None if sound else "tool call is not a JSON object with name and arguments"


def plain_call_error(text: str) -> str | None:
    """A call is a query in plain words."""
    return None if text.strip() else "tool call is empty"


def balanced(blocks: Sequence[Block], call_error: CallCheck) -> str | None:  # noqa: ARG001  # one signature for all
    """Every opened tag is closed and an answer stands."""
    if error := unfinished_tag(blocks):
        return error
    return None if any(block.kind is SegmentKind.ANSWER and block.opened for block in blocks) else "no answer"


def websailor(blocks: Sequence[Block], call_error: CallCheck) -> str | None:
    """The strict grammar: thought, call and response in turns, then thought and answer, and nothing between.

    "Any response that does not strictly follow the format will be considered a case with format errors"
    (arXiv:2510.24694, App. A). In tagged text a tool call is a JSON object with `name` and `arguments`.
    """
    if error := balanced(blocks, call_error):
        return error
    if any(block.kind is None and block.text.strip() for block in blocks):
        return "text outside the tags"
    tagged = [block for block in blocks if block.kind is not None]
    if any(not block.opened for block in tagged):
        return "closing tag without its opening tag"
    if not _TURNS.fullmatch("".join(_LETTER[block.kind] for block in tagged if block.kind)):
        return "tags out of order"
    calls = (block.text for block in tagged if block.kind is SegmentKind.TOOL_CALL)
    return next((error for call in calls if (error := call_error(call))), None)


def none(blocks: Sequence[Block], call_error: CallCheck) -> str | None:  # noqa: ARG001  # one signature for all
    """Anything goes."""
    return None


GRAMMARS: Mapping[str, Grammar] = MappingProxyType(
    {"websailor": websailor, "balanced": balanced, "none": none}
)
