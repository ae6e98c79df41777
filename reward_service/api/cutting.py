"""Groups out of a body that still arrives: the lines of JSON Lines, or the items of a JSON array.

Only where a group ends is found here; what it says, and whether that is JSON at all, is found when it is decoded.
"""

import re
from collections.abc import Iterator
from typing import Protocol

from reward_service.serve.errors import MalformedJson

BLANK = b" \t\r\n"
# The rest of a string, up to its end; without one, it goes on in the next piece, perhaps behind a backslash.
_STRING = re.compile(rb'(?:[^"\\]++|\\.)*+(?P<end>"|\\?\Z)', re.DOTALL)
_IN_ITEM = re.compile(rb'["\[\]{}]')
_BETWEEN = re.compile(rb'["\[\]{},]')


class Cutter(Protocol):
    """Cuts a body into groups."""

    piece_bytes: int
    """The most that may be cut in one go: an event loop has to go round in between."""
    held: bytearray
    """The start of the next group."""

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the groups that end in a piece, blank ones too."""
        ...

    def finish(self) -> None:
        """Say that the body has ended; what is still held is the last group.

        Raises:
            MalformedJson: it should not have.
        """
        ...


class Lines:
    """A group on each line."""

    piece_bytes = 256 * 1024

    def __init__(self) -> None:
        self.held = bytearray()

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the lines that end in a piece."""
        *ended, rest = piece.split(b"\n")
        for end in ended:
            line = bytes(self.held) + end
            self.held.clear()
            yield line
        self.held += rest

    def finish(self) -> None:
        """Accept any end: the last line needs no mark."""


class Items:
    """An array whose items are groups."""

    # A piece of nothing but brackets takes some milliseconds.
    piece_bytes = 4 * 1024

    def __init__(self) -> None:
        self.held = bytearray()
        self._depth = 0
        """How many brackets are open, the array's own included."""
        self._has_begun = self._has_items = self._in_string = self._is_escaped = False

    def feed(self, piece: bytes) -> Iterator[bytes]:
        """Yield the items that end in a piece.

        Raises:
            MalformedJson: there is something before or behind the array, or nothing between two commas.
        """
        at = self._begin(piece)
        while at < len(piece):
            if self._in_string:
                at = self._string(piece, at)
            elif not self._depth:
                self._only_blank(piece[at:])
                return
            else:
                mark = (_IN_ITEM if self._depth > 1 else _BETWEEN).search(piece, at)
                self.held += piece[at : mark.start() if mark else len(piece)]
                at = mark.end() if mark else len(piece)
                if mark and self._ends(mark[0]):
                    yield bytes(self.held)
                    self.held.clear()

    def finish(self) -> None:
        """Refuse an array that does not end.

        Raises:
            MalformedJson: the body has ended before it.
        """
        if self._depth or not self._has_begun:
            raise MalformedJson("the body ends before the array of groups does")

    def _begin(self, piece: bytes) -> int:
        """Return where to go on in a piece: behind the bracket that opens the array, if that is still to come."""
        if self._has_begun:
            return 0
        at = len(piece) - len(piece.lstrip(BLANK))
        if at < len(piece) and piece[at : at + 1] != b"[":
            raise MalformedJson("the body must be a JSON array of groups")
        self._has_begun = at < len(piece)
        self._depth = int(self._has_begun)
        return at + 1

    def _string(self, piece: bytes, at: int) -> int:
        """Keep a string up to its end, or to the end of the piece; return where that is."""
        start = at
        if self._is_escaped:
            at += 1
        end = _STRING.match(piece, at)
        said = end["end"] if end else b""
        at = end.end() if end else len(piece)
        self._in_string, self._is_escaped = said != b'"', said == b"\\"
        self.held += piece[start:at]
        return at

    def _ends(self, mark: bytes) -> bool:
        """Take a mark; return whether an item ends there."""
        if self._depth == 1 and mark in {b",", b"]"}:
            return self._item(is_last=mark == b"]")
        self.held += mark
        self._in_string = mark == b'"'
        self._depth += (mark in b"[{") - (mark in b"]}")
        return False

    def _item(self, *, is_last: bool) -> bool:
        """Return whether what is held is an item; where it is nothing, the array may only be an empty one."""
        is_item = bool(self.held.strip(BLANK))
        if not is_item and (self._has_items or not is_last):
            raise MalformedJson("an item of the array of groups is missing")
        self._has_items = True
        self._depth -= is_last
        return is_item

    def _only_blank(self, rest: bytes) -> None:
        if rest.strip(BLANK):
            raise MalformedJson("there is something behind the array of groups")
