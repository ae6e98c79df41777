"""Marked text, such as `<think>…</think><tool_call>…</tool_call><tool_response>…</tool_response><answer>…</answer>`, cut into blocks.

One pass over the marks, linear in the text whatever the marks say. Rules:

- inside a tool call, a tool response or an answer only its own closing mark means anything: a web page may say `<think>`;
- inside a thought, `<think>` and `<tool_response>` mean that it was never closed: no text of a tool ever becomes a thought;
- a thought that was never closed ends at the first mark that opens after it;
- a `</think>` before any other mark closes a thought whose opening mark stands in the prompt;
- what the environment writes between marks of its own is nobody's: it is left out, and ends a thought.

Dialects differ in how the marks are spelled, and in whether calls and responses stand between thoughts or inside them.
It knows no grammar: whether such blocks are well formed is `grammars`' business.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from reward_service.core.trajectory.values import Block
from reward_service.core.types import SegmentKind


class Mark(NamedTuple):
    """How something is marked."""

    opens: str
    closes: str
    kind: SegmentKind | None
    """None: the environment's own words."""


def angled(kind: SegmentKind | None, *names: str) -> tuple[Mark, ...]:
    """Spell marks as XML does."""
    return tuple(Mark(f"<{name}>", f"</{name}>", kind) for name in names)


@dataclass(frozen=True)
class Marks:
    """The marks of a dialect."""

    spelled: tuple[Mark, ...]
    nested: bool = False
    """Calls and responses stand inside a thought, which goes on after them."""

    @cached_property
    def meaning(self) -> dict[str, tuple[bool, Mark]]:
        """Whether a mark closes, and what."""
        closing = {mark.closes: (True, mark) for mark in self.spelled if mark.kind is not None}
        return closing | {mark.opens: (False, mark) for mark in self.spelled}

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the marks."""
        return re.compile("|".join(map(re.escape, self.meaning)))

    def of(self, *kinds: SegmentKind) -> tuple[Mark, ...]:
        """Return the marks of some kinds."""
        return tuple(mark for mark in self.spelled if mark.kind in kinds)


@dataclass(slots=True)
class _Thought:
    """The thought being read."""

    start: int
    is_presumed: bool = False
    """The template has opened it; no mark in the text says so."""
    first_inner: int | None = None
    """Where the first mark that opens inside it stands."""


class _Scan:
    """One pass over a text."""

    def __init__(self, text: str, marks: Marks, *, in_thought: bool) -> None:
        self.text, self.marks = text, marks
        self.at = self.next = 0
        """Where the text begins that no block has yet, and where the next mark is looked for."""
        self.thought = _Thought(0, is_presumed=True) if in_thought and text.strip() else None
        self.is_first = True
        self.is_cut = False
        """Whether the text ended inside a call, a response or an answer."""

    def blocks(self) -> Iterator[Block]:
        """Yield the blocks in order, losing only the marks and the environment's words."""
        while tag := self.marks.pattern.search(self.text, self.next):
            self.next = tag.end()
            closing, mark = self.marks.meaning[tag[0]]
            read = self._outside if self.thought is None else self._inside
            yield from read(mark, tag.start(), closing=closing)
            self.is_first = False
        if self.thought is not None:
            yield from self._unclosed(len(self.text))
        else:
            yield from self._free(len(self.text))

    def _free(self, end: int) -> Iterator[Block]:
        """Yield the text outside any mark, if there is any."""
        if self.at < end:
            yield Block(None, self.text[self.at : end], at=self.at)

    def _outside(self, mark: Mark, start: int, *, closing: bool) -> Iterator[Block]:
        if closing and self.is_first and mark.kind is SegmentKind.THOUGHT:
            yield Block(mark.kind, self.text[self.at : start], opened=False, at=self.at)
            self.at = self.next
        elif closing:
            yield from self._free(start)
            yield Block(mark.kind, "", opened=False, at=start)
            self.at = self.next
        elif mark.kind is SegmentKind.THOUGHT:
            yield from self._free(start)
            self.thought = _Thought(self.next)
        elif self._is_meant(mark):
            yield from self._free(start)
            yield from self._data(mark)

    def _inside(self, mark: Mark, start: int, *, closing: bool) -> Iterator[Block]:
        """Go on within a thought."""
        thought = self.thought
        if thought is None or (closing and mark.kind is not SegmentKind.THOUGHT):
            return
        if closing:
            yield self._thought(start)
            self.thought, self.at = None, self.next
        elif mark.kind is SegmentKind.THOUGHT:
            yield from self._before_another(thought, start)
            self.thought = _Thought(self.next)
        elif self.marks.nested and mark.kind in {SegmentKind.TOOL_CALL, SegmentKind.TOOL_RESPONSE}:
            yield self._thought(start)
            yield from self._data(mark)
            self.thought = None if self.is_cut else _Thought(self.at, is_presumed=thought.is_presumed)
        elif mark.kind is SegmentKind.TOOL_RESPONSE or (mark.kind is None and self._is_meant(mark)):
            yield from self._unclosed(start)
            self.thought = None
            yield from self._data(mark)
        elif mark.kind is not None and thought.first_inner is None:
            thought.first_inner = start

    def _before_another(self, thought: _Thought, start: int) -> Iterator[Block]:
        """Yield a thought in which another one opens; one that was only presumed ends there in good order."""
        if not thought.is_presumed:
            yield from self._unclosed(start)
        elif self.text[thought.start : start].strip():
            yield self._thought(start)

    def _thought(self, end: int, *, closed: bool = True) -> Block:
        begin = end if self.thought is None else self.thought.start
        return Block(SegmentKind.THOUGHT, self.text[begin:end], closed=closed, at=begin)

    def _unclosed(self, end: int) -> Iterator[Block]:
        """Yield a thought that ends without its mark; it ends where another block opens inside it."""
        inner = None if self.thought is None else self.thought.first_inner
        yield self._thought(end if inner is None else inner, closed=False)
        if inner is not None:
            yield Block(None, self.text[inner:end], at=inner)

    def _is_meant(self, mark: Mark) -> bool:
        """Return whether a mark means anything; words of the environment do only where they come to their end."""
        return mark.kind is not None or self.text.find(mark.closes, self.next) >= 0

    def _data(self, mark: Mark) -> Iterator[Block]:
        """Yield what stands up to the mark's own end, and go on after it."""
        start, end = self.next, self.text.find(mark.closes, self.next)
        closed = end >= 0
        end = end if closed else len(self.text)
        if mark.kind is not None:
            twice = mark.kind is not SegmentKind.TOOL_RESPONSE and self.text.find(mark.opens, start, end) >= 0
            yield Block(mark.kind, self.text[start:end], closed=closed and not twice, at=start)
        self.is_cut = not closed
        self.at = self.next = end + len(mark.closes) if closed else end


def scan_blocks(text: str, marks: Marks, *, in_thought: bool = False) -> Iterator[Block]:
    """Cut marked text into blocks, in order; where calls stand inside thoughts, without blank thoughts.

    Args:
        text: what the policy wrote.
        marks: how its dialect spells things.
        in_thought: the text begins inside a thought that the template has opened.
    """
    blocks = _Scan(text, marks, in_thought=in_thought).blocks()
    return (block for block in blocks if not block.is_blank_thought) if marks.nested else blocks
