"""Tagged text, `<think>…</think><tool_call>…</tool_call><tool_response>…</tool_response><answer>…</answer>`, cut into blocks.

One pass over the tags, one open block at a time, linear in the text whatever the tags say. Rules:

- inside a tool call, a tool response or an answer only its own closing tag means anything: a web page may say `<think>`;
- inside a thought, `<think>` and `<tool_response>` mean that it was never closed: no text of a tool ever becomes a thought;
- a thought that was never closed ends at the first tag that opens after it;
- a `</think>` before any other tag closes a thought whose opening tag stands in the prompt.

It knows no grammar: whether such blocks are well formed is `grammars`' business.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from reward_service.types import SegmentKind

TAG_NAMES = {
    "think": SegmentKind.THOUGHT,
    "tool_call": SegmentKind.TOOL_CALL,
    "tool_response": SegmentKind.TOOL_RESPONSE,
    "answer": SegmentKind.ANSWER,
}
_TAG = re.compile(r"<(/?)(think|tool_call|tool_response|answer)>")
_ENDS_A_THOUGHT = (SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE)


@dataclass(frozen=True, slots=True)
class Block:
    """One tagged piece, or a piece outside any tag."""

    kind: SegmentKind | None
    """None: text outside any tag."""
    text: str
    opened: bool = True
    """False: a closing tag without its opening tag."""
    closed: bool = True
    """False: an opening tag without its closing tag, or one opened twice."""

    @property
    def is_segment(self) -> bool:
        """Whether it is a piece of the rollout: tagged, and not just a stray closing tag."""
        return self.kind is not None and (self.opened or self.text != "")


@dataclass(slots=True)
class _Open:
    """The block being read."""

    kind: SegmentKind
    start: int
    first_inner: int | None = None
    """Where the first tag that opens inside it stands."""
    reopened: bool = False


def _unclosed(text: str, block: _Open, end: int) -> Iterator[Block]:
    """Yield a block that ends without its tag; a thought ends where another block opens inside it."""
    if block.kind is SegmentKind.THOUGHT and block.first_inner is not None:
        yield Block(block.kind, text[block.start : block.first_inner], closed=False)
        yield Block(None, text[block.first_inner : end])
    else:
        yield Block(block.kind, text[block.start : end], closed=False)


def scan_blocks(text: str) -> Iterator[Block]:
    """Cut tagged text into blocks, in order, losing only the tags themselves."""
    block: _Open | None = None
    at = 0
    first = True
    for tag in _TAG.finditer(text):
        closing, kind = bool(tag[1]), TAG_NAMES[tag[2]]
        if block is None:
            if closing and kind is SegmentKind.THOUGHT and first:
                yield Block(kind, text[at : tag.start()], opened=False)
            else:
                yield Block(None, text[at : tag.start()])
                if closing:
                    yield Block(kind, "", opened=False)
                else:
                    block = _Open(kind, tag.end())
        elif closing and kind is block.kind:
            yield Block(kind, text[block.start : tag.start()], closed=not block.reopened)
            block = None
        elif not closing:
            if block.kind is SegmentKind.THOUGHT and kind in _ENDS_A_THOUGHT:
                yield from _unclosed(text, block, tag.start())
                block = _Open(kind, tag.end())
            else:
                block.first_inner = tag.start() if block.first_inner is None else block.first_inner
                block.reopened |= kind is block.kind is not SegmentKind.TOOL_RESPONSE
        at = tag.end()
        first = False
    if block is None:
        yield Block(None, text[at:])
    else:
        yield from _unclosed(text, block, len(text))
