"""What counts as well-formed: the format verdicts a profile can choose from.

A grammar looks at the blocks of one rollout and says what is wrong, or None.
A format error is something the policy did: outcome `error`, scored, and in the loss.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.trajectory.calls import CallReader
from reward_service.core.trajectory.values import Block
from reward_service.core.types import SegmentKind

NO_ANSWER = "no answer"


class Written(NamedTuple):
    """What a grammar judges; a named tuple, as there is one a rollout."""

    turns: Sequence[Sequence[Block]]
    """The blocks of each turn of the policy; of one string without roles, all of its blocks as one turn."""
    has_roles: bool
    """Whether the record says who wrote what; then only the marks in the policy's own text are in an order of its own making."""
    read_call: CallReader
    bad_call: str
    """What is wrong with a call that cannot be read."""

    @property
    def blocks(self) -> Iterable[Block]:
        """All blocks, in order."""
        return chain.from_iterable(self.turns)


Grammar = Callable[[Written], str | None]

_LETTER = {
    SegmentKind.THOUGHT: "t",
    SegmentKind.TOOL_CALL: "c",
    SegmentKind.TOOL_RESPONSE: "r",
    SegmentKind.ANSWER: "a",
}
# "<think> … </think> <tool_call> … </tool_call> <tool_response> … </tool_response>" repeated, then
# "<think> … </think> <answer> … </answer>" (arXiv:2510.24694, App. A, after WebSailor).
_TURNS = re.compile(r"(?:tcr)*ta")
# The same within one message, whose responses appear in messages of their own, unless the system writes them there too.
_TURN = re.compile(r"(?:tc+r)*t?(?:c*|a)")


def unfinished_mark(written: Written) -> str | None:
    """Name the first mark that was opened and never closed."""
    for block in written.blocks:
        if block.kind is not None and not block.closed:
            return f"unfinished {block.kind} tag"
    return None


def _letters(blocks: Iterable[Block]) -> str:
    return "".join(_LETTER[block.kind] for block in blocks if block.kind)


def _says_nothing(written: Written) -> bool:
    return not any(block.text.strip() or block.call for block in written.blocks)


def balanced(written: Written) -> str | None:
    """Every opened mark is closed and there is an answer."""
    is_answered = False
    for block in written.blocks:
        if not block.closed and block.kind is not None:
            return f"unfinished {block.kind} tag"
        is_answered = is_answered or (block.kind is SegmentKind.ANSWER and block.opened)
    return None if is_answered else NO_ANSWER


def websailor(written: Written) -> str | None:
    """The strict grammar: thought, call and response in turns, then thought and answer, and nothing between.

    "Any response that does not strictly follow the format will be considered a case with format errors"
    (arXiv:2510.24694, App. A). A tool call is what the dialect says it is: in tagged text a JSON object with `name` and
    `arguments`.
    """
    return _in_turns(written) if written.has_roles else _in_one_string(written)


def _in_one_string(written: Written) -> str | None:
    if error := balanced(written):
        return error
    blocks = list(written.blocks)
    if any(block.kind is None and block.text.strip() for block in blocks):
        return "text outside the tags"
    if any(block.kind is not None and not block.opened for block in blocks):
        return "closing tag without its opening tag"
    if not _TURNS.fullmatch(_letters(blocks)):
        return "tags out of order"
    return _call_error(blocks, written)


def _in_turns(written: Written) -> str | None:
    """Judge the marks of each message; what came as a field or as a message is in order by construction."""
    if error := unfinished_mark(written):
        return error
    if _says_nothing(written):
        return NO_ANSWER
    if not all(
        _TURN.fullmatch(_letters(block for block in turn if block.is_marked)) for turn in written.turns
    ):
        return "tags out of order"
    return _call_error(written.blocks, written)


def _call_error(blocks: Iterable[Block], written: Written) -> str | None:
    calls = (
        block.call or written.read_call(block.text) for block in blocks if block.kind is SegmentKind.TOOL_CALL
    )
    return None if all(call.sound for call in calls) else written.bad_call


def none(written: Written) -> str | None:  # noqa: ARG001  # one signature for all
    """Anything goes."""
    return None


GRAMMARS: Mapping[str, Grammar] = MappingProxyType(
    {"websailor": websailor, "balanced": balanced, "none": none}
)
