r"""The vectorised twin of `entity_index.folding.fold`: many segments at once, as UTF-8 bytes.

Idea: folding is almost per character, so one gather from a table indexed by code point does it; what remains is rare and local
(apostrophes, runs of marks, characters that become several, tokens of one character, double spaces) and is done where it occurs.
Every step keeps some characters or makes several of one; the list of steps is the offset map, walked back only for the spans that
are asked for.

Segments are joined by ` \x01 `: it folds to itself, so no match crosses it, and each segment keeps a space at both ends.
The table is filled from the reference, character by character, as characters are met.
Two things that folding forgets are kept beside the bytes, because mentions are counted by them: which letters were capitals
and which spaces were punctuation (`strong`), and which letters have no case (`caseless`).
"""

from collections.abc import Sequence
from functools import cached_property
from typing import Any

import numpy as np
import numpy.typing as npt

from entity_index.folding import APOSTROPHE, MAX_MARK_RUN, fold_char, is_mark, stands_alone

Codes = npt.NDArray[np.unsignedinteger[Any]]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]

SEPARATOR = "\x01"
SPACE, QUOTE, S, SEP = ord(" "), ord(APOSTROPHE), ord("s"), ord(SEPARATOR)
SOFT = " -\u2010\u2011"  # what may stand inside a name

# A table entry is a code point (0: nothing) with these bits above it, the rare ones on top: one comparison finds them.
CODE = (1 << 21) - 1
CASELESS = 1 << 21  # a letter of a script without capitals
STRONG = 1 << 22  # a capital, or a space that is more than a blank or a hyphen
ALONE = 1 << 23  # it becomes a token of its own
JOINS = 1 << 24  # it becomes a mark, which combines with the character before it
MANY = 1 << 25  # it becomes several characters; the low bits number its expansion
UNSEEN = 1 << 26

ASCII_CODE, ASCII_STRONG = 0x7F, 0x80
CACHEFUL = 1 << 15  # characters
FIRST_EXPANSION = 0x100  # so that no expansion's number reads as a space, a quote or an s


def _entry(folded: str, char: str) -> int:
    """Return the table entry of one folded character that came from `char`."""
    strong = char not in SOFT if folded == " " else char.isupper()
    caseless = folded.isalpha() and char.lower() == char.upper()
    return (
        ord(folded)
        | ALONE * stands_alone(folded)
        | JOINS * is_mark(folded)
        | STRONG * strong
        | CASELESS * caseless
    )


def _fold_ascii_char(char: str) -> int:
    folded = char if char == SEPARATOR else fold_char(char)
    strong = char not in SOFT if folded == " " else char.isupper()
    return ord(folded) | ASCII_STRONG * strong


_ascii = bytes(_fold_ascii_char(chr(code)) for code in range(128)) + bytes(128)
_table = np.full(0x110000, UNSEEN, dtype=np.uint32)


class _Expansions:
    """The characters that become several, end to end in one pool."""

    def __init__(self) -> None:
        self.pool: Codes = np.empty(0, dtype=np.uint32)
        self.start: Positions = np.zeros(FIRST_EXPANSION + 1, dtype=np.int64)

    def add(self, entries: Sequence[int]) -> int:
        """Enter one expansion and return its number."""
        self.pool = np.append(self.pool, np.array(entries, dtype=np.uint32))
        self.start = np.append(self.start, len(self.pool))
        return len(self.start) - 2

    def lengths(self, numbers: npt.NDArray[np.integer[Any]]) -> Positions:
        """Return how many characters each expansion has."""
        lengths: Positions = self.start[numbers + 1] - self.start[numbers]
        return lengths

    def write(self, numbers: npt.NDArray[np.integer[Any]]) -> Codes:
        """Return the characters of these expansions, one after the other."""
        lengths = self.lengths(numbers)
        skipped = self.start[numbers] - (np.cumsum(lengths) - lengths)
        written: Codes = self.pool[np.arange(int(lengths.sum())) + np.repeat(skipped, lengths)]
        return written


_expansions = _Expansions()


def _fill(codes: Codes) -> None:
    """Enter characters that are met for the first time."""
    for code in np.unique(codes).tolist():
        char = chr(code)
        folded = char if char == SEPARATOR else fold_char(char)
        if len(folded) > 1:
            value = MANY | _expansions.add([_entry(c, char) for c in folded])
        else:
            value = _entry(folded, char) if folded else 0
        _table[code] = value


def _gather(text: str) -> Codes:
    """Look every character up, a cacheful at a time: an index is eight bytes, a character four."""
    codes = np.frombuffer(text.encode("utf-32-le", "surrogatepass"), dtype=np.uint32)
    values: Codes = np.empty(len(codes), dtype=np.uint32)
    for at in range(0, len(codes), CACHEFUL):
        np.take(_table, codes[at : at + CACHEFUL], out=values[at : at + CACHEFUL], mode="clip")
    unseen = np.flatnonzero(values >= UNSEEN)
    if unseen.size:
        _fill(codes[unseen])
        values[unseen] = _table[codes[unseen]]
    return values


def _long_mark_runs(values: Codes) -> Positions:
    """Return the marks that have `MAX_MARK_RUN` marks directly before them."""
    rare = np.flatnonzero(values >= ALONE)
    at = rare[(values[rare] & JOINS) != 0]
    too_far: Positions = at[MAX_MARK_RUN:][at[MAX_MARK_RUN:] - at[:-MAX_MARK_RUN] == MAX_MARK_RUN]
    return too_far


def _drop_apostrophes(values: Codes, code: int) -> bool:
    """Drop apostrophes, and the `s` of a possessive; return whether two spaces may have come together.

    Two characters always follow an apostrophe: the buffer ends in a separator.
    """
    at = np.flatnonzero(values == QUOTE)
    before, after, third = (values[at + step] & code for step in (-1, 1, 2))
    at_s = at[(after == S) & _ends_word(third)]
    values[at] = 0
    if at_s.size:
        values[at_s[_before(values, at_s) & code != SPACE] + 1] = 0
    return bool((_ends_word(before) & _ends_word(after)).any())


def _ends_word(codes: npt.NDArray[np.integer[Any]]) -> Mask:
    ends: Mask = (codes == SPACE) | (codes == QUOTE) | (codes == 0)
    return ends


def _before(values: Codes, at: Positions) -> Codes:
    """Return the last character that stays before each position."""
    before = values[at - 1]
    if (before == 0).any():
        kept = np.flatnonzero(values)
        before = values[kept[kept.searchsorted(at) - 1]]
    return before


def _single_spaces(values: Codes, code: int) -> Mask:
    """Return which characters stay when each run of spaces becomes its first one."""
    space = (values & code) == SPACE
    kept = np.ones(len(values), dtype=np.bool_)
    np.logical_and(space[1:], space[:-1], out=kept[1:])
    np.logical_not(kept[1:], out=kept[1:])
    return kept


def _parted(values: Codes) -> Positions:
    """Return the positions of tokens that follow another token without a space. Both ends of the buffer are separators."""
    rare = np.flatnonzero(values >= ALONE)
    alone = rare[(values[rare] & ALONE) != 0]
    at = np.union1d(alone, alone + 1)
    left, right = values[at - 1], values[at]
    parted: Positions = at[((right & JOINS) == 0) & (left & CODE != SPACE) & (right & CODE != SPACE)]
    return parted


_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
_ONES = _BITS.sum(axis=1, dtype=np.int64)
_NTH_ONE = np.argsort(1 - _BITS.astype(np.int64), axis=1, kind="stable")


class _Kept:
    """A step that kept some characters. It finds the n-th of them without listing them all: eight at a time."""

    def __init__(self, kept: Mask) -> None:
        self._kept = kept

    @cached_property
    def _bytes(self) -> npt.NDArray[np.uint8]:
        return np.packbits(self._kept)

    @cached_property
    def _end(self) -> Positions:
        return np.cumsum(_ONES[self._bytes], dtype=np.int64)

    def back(self, chars: Positions) -> Positions:
        """Return where these characters were before the step."""
        byte = self._end.searchsorted(chars, side="right")
        bits = self._bytes[byte]
        nth: Positions = byte * 8 + _NTH_ONE[bits, chars - self._end[byte] + _ONES[bits]]
        return nth


class _Put:
    """A step that put characters in, each before one that was there."""

    def __init__(self, before: Positions, origin: Positions) -> None:
        self._at = before + np.arange(len(before))
        self._origin = origin

    def back(self, chars: Positions) -> Positions:
        """Return where these characters, or what those that were put in came from, were before the step."""
        passed = self._at.searchsorted(chars)
        at = np.minimum(passed, len(self._at) - 1)
        return np.where(self._at[at] == chars, self._origin[at], chars - passed)


def _joined(texts: Sequence[str]) -> str:
    joined = f" {SEPARATOR} ".join(texts)
    return f"{SEPARATOR} {joined} {SEPARATOR}"


class FoldedText:
    r"""Several segments, folded into one buffer of UTF-8 bytes: `\x01 first segment \x01 second segment \x01`."""

    raw: str
    """The segments as they came, two spaces and a separator between them."""
    data: bytes
    """The folded text."""
    strong: Mask
    """Per folded character: a capital, or a space that was punctuation."""
    caseless: Mask | None
    """Per folded character: a letter of a script without capitals. None where there is none."""

    def __init__(self, texts: Sequence[str]) -> None:
        text = self.raw = _joined(texts)
        if any(SEPARATOR in text for text in texts):
            text = _joined([text.replace(SEPARATOR, " ") for text in texts])
        self._trail: list[_Kept | _Put] = []
        if text.isascii():
            self._fold_ascii(text)
        else:
            self._fold_unicode(text)

    def _keep(self, values: Codes, kept: Mask) -> Codes:
        self._trail.append(_Kept(kept))
        return values[kept]

    def _without_apostrophes(self, values: Codes, code: int) -> Codes:
        """Mark apostrophes as dropped, and really take them out only where that brings spaces together."""
        return self._keep(values, values != 0) if _drop_apostrophes(values, code) else values

    def _fold_ascii(self, text: str) -> None:
        values: Codes = np.frombuffer(bytearray(text, "ascii").translate(_ascii), dtype=np.uint8)
        if APOSTROPHE in text or "`" in text:
            values = self._without_apostrophes(values, ASCII_CODE)
        values = self._keep(values, (values != 0) & _single_spaces(values, ASCII_CODE))
        self.data = (values & ASCII_CODE).tobytes()
        self.strong, self.caseless = values > ASCII_CODE, None

    def _fold_unicode(self, text: str) -> None:
        values = _gather(text)
        found = int(np.bitwise_or.reduce(values))
        _drop_apostrophes(values, CODE)
        values = self._keep(values, values != 0)
        if found & MANY:
            values = self._expand(values)
        if found & (JOINS | MANY) and (dropped := _long_mark_runs(values)).size:
            kept = np.ones(len(values), dtype=np.bool_)
            kept[dropped] = False
            values = self._keep(values, kept)
        if found & (ALONE | MANY) and (at := _parted(values)).size:
            values = self._put(values, at, np.full(len(at), SPACE, dtype=np.uint32), origin=at)
        values = self._keep(values, _single_spaces(values, CODE))
        self.data = (values & np.uint32(CODE)).tobytes().decode("utf-32-le").encode()
        self.strong = (values & STRONG) != 0
        self.caseless = (values & CASELESS) != 0

    def _expand(self, values: Codes) -> Codes:
        """Write out the characters that become several: the first in their place, the others after it."""
        at = np.flatnonzero(values >= MANY)
        numbers = values[at] & CODE
        lengths, written = _expansions.lengths(numbers), _expansions.write(numbers)
        first = np.cumsum(lengths) - lengths
        values[at] = written[first]
        origin = np.repeat(at, lengths - 1)
        return self._put(values, origin + 1, np.delete(written, first), origin=origin)

    def _put(self, values: Codes, before: Positions, put: Codes, *, origin: Positions) -> Codes:
        self._trail.append(_Put(before, origin))
        return np.insert(values, before, put)

    @cached_property
    def bytes_(self) -> npt.NDArray[np.uint8]:
        """The folded text as an array."""
        return np.frombuffer(self.data, dtype=np.uint8)

    @cached_property
    def spaces(self) -> Positions:
        """The position in `data` of each space; token i is what stands between spaces i and i + 1."""
        return np.flatnonzero(self.bytes_ == SPACE)

    @cached_property
    def token_segment(self) -> Positions:
        """The segment of each space, and so of the token after it; the token of a separator closes the segment before."""
        first = self.spaces.searchsorted(self.separators)
        return np.repeat(np.arange(len(first)), np.diff(first, append=len(self.spaces)))

    @cached_property
    def separators(self) -> Positions:
        """The position in `data` of each separator; segment i stands between separators i and i + 1."""
        return np.flatnonzero(self.bytes_ == SEP)

    def segment(self, at: Positions) -> Positions:
        """Return the segments in which these positions of `data` stand."""
        return self.separators.searchsorted(at) - 1

    @property
    def widest(self) -> int:
        """The most bytes a folded character takes here."""
        return 1 if len(self.strong) == len(self.data) else 4

    @cached_property
    def _char_starts(self) -> Positions | None:
        """The position in `data` of each folded character; None where characters are bytes."""
        if self.widest == 1:
            return None
        return np.flatnonzero((self.bytes_ & 0xC0) != 0x80)

    def chars(self, at: Positions) -> Positions:
        """Return which folded characters begin at these positions of `data`."""
        return at if self._char_starts is None else self._char_starts.searchsorted(at)

    def origin(self, chars: Positions) -> Positions:
        """Return the positions in `raw` of these folded characters."""
        for step in reversed(self._trail):
            chars = step.back(chars)
        return chars

    def raw_spans(self, starts: Positions, ends: Positions) -> tuple[Positions, Positions]:
        """Return the half-open spans of `raw` that made these non-empty spans of `data`."""
        return self.origin(self.chars(starts)), self.origin(self.chars(ends) - 1) + 1
