"""Marked text, such as `<think>…</think><tool_call>…</tool_call><tool_response>…</tool_response><answer>…</answer>`, cut into blocks.

One pass over the marks, linear in the text whatever the marks say. Rules:

- inside a tool call, a tool response or an answer only its own closing mark means anything: a web page may say `<think>`;
- inside a thought, `<think>` and `<tool_response>` mean that it was never closed: no text of a tool ever becomes a thought;
- a thought that was never closed ends at the first mark that opens after it;
- a `</think>` before any other mark closes a thought whose opening mark is in the prompt;
- what the environment writes between marks of its own has no author: it is left out, and ends a thought.

Dialects differ in how the marks are spelled, and in whether calls and responses come between thoughts or inside them.
It knows no grammar: whether such blocks are well formed is `grammars`' business.
"""

import re
from dataclasses import dataclass
from functools import cached_property, partial
from typing import NamedTuple

from reward_service.core.trajectory.values import Block
from reward_service.core.types import SegmentKind

THOUGHT, RESPONSE = SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE
_INTERRUPTS = (SegmentKind.TOOL_CALL, RESPONSE)


as_block = partial(tuple.__new__, Block)
"""Makes a block of a tuple with all of its fields, in half the time that naming them takes."""


class Mark(NamedTuple):
    """How something is marked."""

    opens: str
    closes: str
    kind: SegmentKind | None
    """None: the environment's own words."""
    may_be_last: bool = False
    """The end of the text ends it, too."""


def angled(kind: SegmentKind | None, *names: str) -> tuple[Mark, ...]:
    """Return marks as XML spells them, one for each name."""
    return tuple(Mark(f"<{name}>", f"</{name}>", kind) for name in names)


@dataclass(frozen=True)
class Marks:
    """The marks of a dialect."""

    spelled: tuple[Mark, ...]
    nested: bool = False
    """Calls and responses are inside a thought, which goes on after them."""

    @cached_property
    def meaning(self) -> dict[str, tuple[bool, Mark]]:
        """Whether a mark closes, and what."""
        closing = {mark.closes: (True, mark) for mark in self.spelled if mark.kind is not None}
        return closing | {mark.opens: (False, mark) for mark in self.spelled}

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of the marks."""
        return re.compile("|".join(map(re.escape, self.meaning)))

    @cached_property
    def ends(self) -> dict[str, tuple[SegmentKind, str]]:
        """By opening mark: the kind and the closing mark."""
        return {mark.opens: (mark.kind, mark.closes) for mark in self.spelled if mark.kind is not None}

    @cached_property
    def longest(self) -> int:
        """The length of the longest mark that opens a block."""
        return max(map(len, self.ends))

    @cached_property
    def unusual(self) -> tuple[str, ...]:
        """What opens the marks that are spelled in other ways than XML does."""
        return tuple(mark.opens for mark in self.spelled if not mark.opens.startswith("<"))

    def of(self, *kinds: SegmentKind) -> tuple[Mark, ...]:
        """Return the marks of some kinds."""
        return tuple(mark for mark in self.spelled if mark.kind in kinds)


class _Scan:
    """One pass over a text; blocks are put into a list, as generators would cost more than the scanning itself."""

    def __init__(
        self, text: str, marks: Marks, found: list[Block], *, at: int, is_usual: bool, in_thought: bool
    ) -> None:
        self.text, self.marks, self.found, self.is_usual = text, marks, found, is_usual
        self.at = self.next = at
        """Where the text begins that no block has yet, and where the next mark is looked for."""
        self.in_thought = self.is_presumed = in_thought and bool(text.strip())
        """Whether a thought is open, which begins where no block has the text yet, and whether only the template opened it."""
        self.first_inner: int | None = None
        """Position of the first mark that opens inside the thought."""
        self.is_first = at == 0
        self.endless: set[Mark] = set()
        """The environment's marks that do not close any more."""

    def go_on(self) -> None:
        """Find the other blocks in order, losing only the marks and the environment's words."""
        text, search, meaning = self.text, self.marks.pattern.search, self.marks.meaning
        while tag := search(text, self.next):
            closing, mark = meaning[tag[0]]
            start, self.next = tag.span()
            if self.in_thought:
                self._inside(mark, start, closing=closing)
            elif closing:
                self._stray(mark.kind, start)
            else:
                self._outside(mark, start)
            self.is_first = False
            if self.is_usual and not self.in_thought:
                self.at = _whole_blocks(text, self.marks, self.found, self.at)
                self.next = max(self.next, self.at)
        if self.in_thought:
            self._unclosed(len(text))
        else:
            self._free(len(text))

    def _free(self, end: int) -> None:
        """Keep the text outside any mark, if there is any."""
        if self.at < end:
            self.found.append(Block(None, self.text[self.at : end], at=self.at))

    def _open(self) -> None:
        self.in_thought, self.is_presumed, self.first_inner, self.at = True, False, None, self.next

    def _stray(self, kind: SegmentKind | None, start: int) -> None:
        """Keep a closing mark that nothing opened; the very first closes a thought that the prompt has opened."""
        if self.is_first and kind is THOUGHT:
            self.found.append(Block(kind, self.text[self.at : start], opened=False, at=self.at))
        else:
            self._free(start)
            self.found.append(Block(kind, "", opened=False, at=start))
        self.at = self.next

    def _outside(self, mark: Mark, start: int) -> None:
        if mark.kind is THOUGHT:
            self._free(start)
            self._open()
        elif mark.kind is not None or self._is_meant(mark):
            self._free(start)
            self._data(mark)

    def _inside(self, mark: Mark, start: int, *, closing: bool) -> None:
        """Go on within a thought."""
        kind = mark.kind
        if closing:
            if kind is THOUGHT:
                self._end(start)
                self.in_thought, self.at = False, self.next
        elif kind is THOUGHT:
            self._before_another(start)
            self._open()
        elif self.marks.nested and kind in _INTERRUPTS:
            self._end(start)
            self.in_thought, self.first_inner = self._data(mark), None
        elif kind is RESPONSE or (kind is None and self._is_meant(mark)):
            self._unclosed(start)
            self.in_thought = False
            self._data(mark)
        elif kind is not None and self.first_inner is None:
            self.first_inner = start

    def _before_another(self, start: int) -> None:
        """End a thought in which another one opens; one that was only presumed ends there in good order."""
        if not self.is_presumed:
            self._unclosed(start)
        elif self.text[self.at : start].strip():
            self._end(start)

    def _end(self, end: int, *, closed: bool = True) -> None:
        self.found.append(Block(THOUGHT, self.text[self.at : end], closed=closed, at=self.at))

    def _unclosed(self, end: int) -> None:
        """End a thought without its mark; it ends where another block opens inside it, which is read if it closes."""
        inner = self.first_inner
        self._end(end if inner is None else inner, closed=False)
        if inner is not None:
            rest = _scanned(self.text[inner:end], self.marks, in_thought=False)
            is_whole = all(block.opened and block.closed for block in rest)
            self.found += (
                [block._replace(at=inner + block.at) for block in rest]
                if is_whole
                else [Block(None, self.text[inner:end], at=inner)]
            )

    def _is_meant(self, mark: Mark) -> bool:
        """Return whether the environment's words mean anything: they do only where they come to their end."""
        if mark not in self.endless and self.text.find(mark.closes, self.next) < 0:
            self.endless.add(mark)
        return mark not in self.endless

    def _data(self, mark: Mark) -> bool:
        """Keep the text up to the mark's own end, and go on after it; return whether it came to its end."""
        text, start, kind = self.text, self.next, mark.kind
        end = text.find(mark.closes, start)
        closed = end >= 0
        end = end if closed else len(text)
        is_whole = closed or mark.may_be_last
        if kind is not None:
            twice = kind is not RESPONSE and text.find(mark.opens, start, end) >= 0
            self.found.append(Block(kind, text[start:end], closed=is_whole and not twice, at=start))
        self.at = self.next = end + len(mark.closes) if closed else end
        return closed


def _whole_blocks(text: str, marks: Marks, found: list[Block], at: int) -> int:
    """Take the blocks that come next, as long as each closes before any other mark; most texts are nothing else.

    Returns:
        Where the last of them ends.
    """
    ends, longest, find = marks.ends, marks.longest, text.find
    while (opens := find("<", at)) >= 0:
        start = find(">", opens, opens + longest) + 1
        meant = ends.get(text[opens:start])
        if meant is None:
            break
        kind, closes = meant
        end = find("<", start)
        if kind is RESPONSE and not text.startswith(closes, end):
            end = find(closes, end)
        if end < 0 or not text.startswith(closes, end):
            break
        if at < opens:
            found.append(as_block((None, text[at:opens], True, True, at, True, None)))
        found.append(as_block((kind, text[start:end], True, True, start, True, None)))
        at = end + len(closes)
    return at


def _scanned(text: str, marks: Marks, *, in_thought: bool) -> list[Block]:
    """Cut marked text into blocks, in order."""
    found: list[Block] = []
    is_usual = not (marks.unusual and any(opens in text for opens in marks.unusual))
    at = _whole_blocks(text, marks, found, 0) if is_usual and not in_thought else 0
    if at < len(text):
        _Scan(text, marks, found, at=at, is_usual=is_usual, in_thought=in_thought).go_on()
    return found


def scan_blocks(text: str, marks: Marks, *, in_thought: bool = False) -> list[Block]:
    """Return marked text as blocks, in order; where calls are inside thoughts, without blank thoughts.

    Args:
        text: what the policy wrote.
        marks: how its dialect spells things.
        in_thought: the text begins inside a thought that the template has opened.
    """
    blocks = _scanned(text, marks, in_thought=in_thought)
    return [block for block in blocks if not block.is_blank_thought] if marks.nested else blocks
