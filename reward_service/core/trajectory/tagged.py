"""Tagged text, `<think>…</think><tool_call>…</tool_call><tool_response>…</tool_response><answer>…</answer>`, cut into blocks.

One pass over the tags, one open block at a time, linear in the text whatever the tags say. Rules:

- inside a tool call, a tool response or an answer only its own closing tag means anything: a web page may say `<think>`;
- inside a thought, `<think>` and `<tool_response>` mean that it was never closed: no text of a tool ever becomes a thought;
- a thought that was never closed ends at the first tag that opens after it;
- a `</think>` before any other tag closes a thought whose opening tag stands in the prompt.

Formats differ in how the tags are spelled, and in whether calls and responses stand between thoughts or inside them.
It knows no grammar: whether such blocks are well formed is `grammars`' business.
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from reward_service.core.types import SegmentKind

_ENDS_A_THOUGHT = (SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE)


@dataclass(frozen=True)
class Tags:
    """How a format spells its tags."""

    spelled: tuple[tuple[str, str, SegmentKind], ...]
    """Opening and closing tag of each kind."""
    nested: bool = False
    """Calls and responses stand inside a thought, which goes on after them."""

    @property
    def interrupts_a_thought(self) -> tuple[SegmentKind, ...]:
        """Which tags stand inside a thought without ending it."""
        return (SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE) if self.nested else ()

    @cached_property
    def meaning(self) -> dict[str, tuple[bool, SegmentKind]]:
        """Whether a tag closes, and what."""
        opening = {opens: (False, kind) for opens, _, kind in self.spelled}
        return opening | {closes: (True, kind) for _, closes, kind in self.spelled}

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the tags."""
        return re.compile("|".join(map(re.escape, self.meaning)))


def angled(*names: tuple[str, SegmentKind]) -> tuple[tuple[str, str, SegmentKind], ...]:
    """Spell tags as XML does."""
    return tuple((f"<{name}>", f"</{name}>", kind) for name, kind in names)


THINK, ANSWER = ("think", SegmentKind.THOUGHT), ("answer", SegmentKind.ANSWER)
TAGGED = Tags(
    angled(THINK, ("tool_call", SegmentKind.TOOL_CALL), ("tool_response", SegmentKind.TOOL_RESPONSE), ANSWER)
)
SEARCH_R1 = Tags(
    angled(THINK, ("search", SegmentKind.TOOL_CALL), ("information", SegmentKind.TOOL_RESPONSE), ANSWER)
)
"""arXiv:2503.09516, §3.2."""
R1_SEARCHER = Tags(
    (
        *angled(THINK, ANSWER),
        ("<|begin_of_query|>", "<|end_of_query|>", SegmentKind.TOOL_CALL),
        ("<|begin_of_documents|>", "<|end_of_documents|>", SegmentKind.TOOL_RESPONSE),
    ),
    nested=True,
)
"""arXiv:2503.05592, App.: the query and the documents stand inside `<think>`."""


class Block(NamedTuple):
    """One tagged piece, or a piece outside any tag; a named tuple, as a call of a megabyte makes a thousand."""

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

    @property
    def is_blank_thought(self) -> bool:
        """Whether it is a whole thought that says nothing, as between two calls inside one thought."""
        return self.kind is SegmentKind.THOUGHT and self.closed and not self.text.strip()


@dataclass(slots=True)
class _Open:
    """The block being read."""

    kind: SegmentKind
    start: int
    first_inner: int | None = None
    """Where the first tag that opens inside it stands."""
    reopened: bool = False
    in_thought: bool = False
    """A thought goes on after it."""


def _unclosed(text: str, block: _Open, end: int) -> Iterator[Block]:
    """Yield a block that ends without its tag; a thought ends where another block opens inside it."""
    if block.kind is SegmentKind.THOUGHT and block.first_inner is not None:
        yield Block(block.kind, text[block.start : block.first_inner], closed=False)
        yield Block(None, text[block.first_inner : end])
    else:
        yield Block(block.kind, text[block.start : end], closed=False)


def _opened_inside(
    text: str, block: _Open, tag: re.Match[str], *, kind: SegmentKind, tags: Tags
) -> tuple[Iterable[Block], _Open]:
    """Return what ends where a tag opens inside a block, and the block that is open then."""
    if block.kind is SegmentKind.THOUGHT and kind in tags.interrupts_a_thought:
        return [Block(block.kind, text[block.start : tag.start()])], _Open(kind, tag.end(), in_thought=True)
    if block.kind is SegmentKind.THOUGHT and kind in _ENDS_A_THOUGHT:
        return _unclosed(text, block, tag.start()), _Open(kind, tag.end())
    block.first_inner = tag.start() if block.first_inner is None else block.first_inner
    block.reopened |= kind is block.kind is not SegmentKind.TOOL_RESPONSE
    return (), block


def scan_blocks(text: str, tags: Tags = TAGGED) -> Iterator[Block]:
    """Cut tagged text into blocks, in order, losing only the tags themselves; in nested formats blank thoughts too.

    Nothing outside the tags is no block.
    """
    if not tags.nested:
        return _scan(text, tags)
    return (block for block in _scan(text, tags) if not block.is_blank_thought)


def _scan(text: str, tags: Tags) -> Iterator[Block]:
    block: _Open | None = None
    at = 0
    first = True
    meaning = tags.meaning
    for tag in tags.pattern.finditer(text):
        closing, kind = meaning[tag[0]]
        start, end = tag.span()
        if block is None:
            if closing and first and kind is SegmentKind.THOUGHT:
                yield Block(kind, text[at:start], opened=False)
            else:
                if at < start:
                    yield Block(None, text[at:start])
                if closing:
                    yield Block(kind, "", opened=False)
                else:
                    block = _Open(kind, end)
        elif closing and kind is block.kind:
            yield Block(kind, text[block.start : start], closed=not block.reopened)
            block = _Open(SegmentKind.THOUGHT, end) if block.in_thought else None
        elif not closing:
            ended, block = _opened_inside(text, block, tag, kind=kind, tags=tags)
            yield from ended
        at = end
        first = False
    if block is not None:
        yield from _unclosed(text, block, len(text))
    elif at < len(text):
        yield Block(None, text[at:])
