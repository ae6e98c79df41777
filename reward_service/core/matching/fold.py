r"""The vectorised twin of `entity_index.folding.fold`: many segments at once, as UTF-8 bytes.

Idea: most bytes are ASCII and one `bytes.translate` folds them; the characters beyond are looked up and written over their own bytes,
what is over becomes zeros, and what is rare and local (apostrophes, runs of marks, characters that become longer, tokens of one
character, double spaces) is done where it occurs.
Every step keeps some bytes or puts some in; the list of steps is the offset map, walked back only for the spans that are asked for.

Segments are joined by ` \x01 `: it folds to itself, so no match crosses it, and each segment keeps a space at both ends.
"""

from collections.abc import Iterable, Iterator, Sequence
from functools import cached_property

import numpy as np

from entity_index.folding import BEFORE_ELIDED, ELIDED, LONGEST_ELIDED, MAX_MARK_RUN, compose_hangul
from reward_service.core.matching.arrays import Bytes, Mask, Positions, among, positions, stretches
from reward_service.core.matching.characters import (
    ALONE,
    ASCII_CODES,
    CASELESS,
    CHARACTERS,
    FIRST_LEAD,
    GONE,
    JOINS,
    LETTERS,
    LOWER,
    MANY,
    QUOTE,
    SEP,
    SPACE,
    STRONG,
    STRONG_SPACE,
    UTF_8,
    WIDEST,
    WIDTH,
    have,
    numbers_at,
    to_text,
)

SEPARATOR = bytes([SEP])
ZERO = np.uint8(ord("0"))
SMALL_S = ord("s")
JAMO = "\u1100".encode()[:2]  # what begins the bytes of a conjoining jamo
LEAD_OF_JAMO = JAMO[:1]
DIGITS = 10


def _is_space(codes: Bytes) -> Mask:
    space: Mask = codes - np.uint8(STRONG_SPACE) <= 1
    return space


def _ends_word(codes: Bytes) -> Mask:
    ends: Mask = _is_space(codes) | (codes == QUOTE) | (codes == 0)
    return ends


def _glued(raw: Bytes) -> Positions:
    """Return where a capitalised word is glued onto four digits."""
    at = positions(raw[:-1] - np.uint8(ord("0")) < DIGITS) + 1
    at = at[raw[at] - np.uint8(ord("A")) < LETTERS]
    for step in (-2, -3, -4):
        at = at[raw[np.maximum(at + step, 0)] - np.uint8(ord("0")) < DIGITS]
    return at[raw[at + 1] - np.uint8(ord("a")) < LETTERS]


_VOWELS = np.isin(
    np.arange(256), np.frombuffer(BEFORE_ELIDED.upper().encode() + BEFORE_ELIDED.encode(), dtype=np.uint8)
)
_ELIDED = np.array([int.from_bytes(word.encode(), "big") for word in ELIDED], dtype=np.int64)
_BACK = np.arange(1, LONGEST_ELIDED + 1)[:, None]


def _elisions(codes: Bytes, at: Positions, after: Positions) -> Positions:
    """Return the apostrophes between an elided word and a vowel; few in English, where what follows one is a consonant."""
    at = at[_VOWELS[codes[after]]]
    return at[_after_elided(codes, at)] if at.size else at


# dell'arte: one byte back stands l, two bytes back ll, then ell, dell. Each is a number, its letters in bytes; "dell" is an elided word and
# a space stands before it.
def _after_elided(codes: Bytes, at: Positions) -> Mask:
    """Return which of these apostrophes come right after an elided word."""
    letters = codes[np.maximum(at - _BACK, 0)].astype(np.int64) | LOWER
    words = (letters << 8 * (_BACK - 1)).cumsum(axis=0)
    begins = _is_space(codes[np.maximum(at - _BACK - 1, 0)])
    found: Mask = np.logical_or.reduce(begins & among(words, _ELIDED))
    return found


# "Curie's d'Or don't" -> "Curie d Or dont": the first apostrophe goes with its s, because a space follows; the second is after the
# elided word d and before a vowel, so it becomes a space; the third just goes. What goes becomes a zero, until `_close`.
def _drop_apostrophes(codes: Bytes, raw: Bytes) -> bool:
    """Drop apostrophes, and the `s` of a possessive; return whether two spaces may have come together.

    After an elided word an apostrophe becomes a space.

    Two characters always follow an apostrophe: the buffer ends in a separator.
    """
    at = positions(codes == QUOTE)
    if not at.size:
        return False
    after = at + WIDTH[raw[at]]
    third = after + WIDTH[raw[after]]
    parts = bool((_ends_word(codes[at - 1]) & _ends_word(codes[after])).any())
    is_s = ((codes[after] | LOWER) == SMALL_S) & ((third == after + 1) | (codes[after + 1] == 0))
    at_s, elided = at[is_s & _ends_word(codes[third])], _elisions(codes, at, after)
    codes[at] = 0
    codes[elided] = SPACE
    if at_s.size:
        in_word = at_s[~_is_space(_before(codes, at_s))]
        codes[in_word + WIDTH[raw[in_word]]] = 0
    return parts


def _before(codes: Bytes, at: Positions) -> Bytes:
    """Return the last byte that stays before each position."""
    before = codes[at - 1]
    if not before.all():
        kept = positions(codes)
        before = codes[kept[kept.searchsorted(at) - 1]]
    return before


def _drop_second_spaces(codes: Bytes) -> None:
    """Let each run of spaces become its first one."""
    space = _is_space(codes)
    codes[1:] *= (~(space[1:] & space[:-1])).view(np.uint8)


def _long_mark_runs(codes: Bytes) -> Positions:
    """Return the bytes of the marks that have `MAX_MARK_RUN` marks directly before them."""
    at = _beyond_ascii(codes, JOINS)
    after = at + WIDTH[codes[at]]
    rank = np.arange(len(at))
    heads = np.append(True, at[1:] != after[:-1])[: len(at)]
    too_far = rank - np.maximum.accumulate(np.where(heads, rank, 0)) >= MAX_MARK_RUN
    return stretches(at[too_far], after[too_far] - at[too_far])


def _token_bounds(codes: Bytes) -> Positions:
    """Return where tokens of one character may have to be parted from their neighbours. Both ends of the buffer are separators."""
    alone = _beyond_ascii(codes, ALONE)
    bounds = np.zeros(len(codes) + 1, dtype=np.bool_)  # faster than sorting them
    bounds[alone] = bounds[alone + WIDTH[codes[alone]]] = True
    at = positions(bounds)
    return at[~have(codes, at, JOINS)]


def _beyond_ascii(codes: Bytes, trait: int) -> Positions:
    """Return the first bytes of the characters beyond ASCII that have a trait."""
    first = positions(codes >= FIRST_LEAD)
    return first[have(codes, first, trait)]


_BITS = np.unpackbits(np.arange(256, dtype=np.uint8)[:, None], axis=1)
_ONES = _BITS.sum(axis=1, dtype=np.int64)
_NTH_ONE = np.argsort(1 - _BITS.astype(np.int64), axis=1, kind="stable")


class _Closed:
    """A step that closed the gaps which zeros were. It finds the n-th byte that stayed without listing them all: eight at a time."""

    def __init__(self, codes: Bytes) -> None:
        self._codes = codes

    @cached_property
    def _stayed(self) -> Bytes:
        return np.packbits(self._codes != 0)

    @cached_property
    def _end(self) -> Positions:
        end: Positions = _ONES.take(self._stayed).cumsum()
        return end

    # Codes a 0 0 b c: the bytes that stayed are 1 0 0 1 1, packed into one byte. Byte 1 of the result (b) is the second one bit,
    # which is bit 3: `_end` tells which packed byte holds it, `_NTH_ONE` which bit of that byte it is.
    def back(self, at: Positions) -> Positions:
        """Return where these bytes were before the step."""
        byte = self._end.searchsorted(at, side="right")
        bits = self._stayed[byte]
        nth: Positions = byte * 8 + _NTH_ONE[bits, at - self._end[byte] + _ONES[bits]]
        return nth


class _Put:
    """A step that put bytes in, each before one that was there."""

    def __init__(self, before: Positions, origin: Positions) -> None:
        self._at = before + np.arange(len(before))
        self._origin = origin

    def back(self, at: Positions) -> Positions:
        """Return where these bytes, or what those that were put in came from, were before the step."""
        passed = self._at.searchsorted(at)
        put = np.minimum(passed, len(self._at) - 1)
        return np.where(self._at[put] == at, self._origin[put], at - passed)


def _are_inner(text: Bytes) -> Mask:
    """Return which bytes of UTF-8 do not begin a character."""
    inner: Mask = (text & 0xC0) == 0x80
    return inner


def _joined(parts: Iterable[bytes]) -> bytes:
    return SEPARATOR + b" " + b" \x01 ".join(parts) + b" " + SEPARATOR


def _places(text: bytes, rare: bytes) -> Iterator[int]:
    """Yield where a byte that is rare stands; a search for the next one reads faster than arrays can compare."""
    at = text.find(rare)
    while at >= 0:
        yield at
        at = text.find(rare, at + 1)


class FoldedText:
    r"""Several segments, folded into one buffer of UTF-8 bytes: `\x01 first segment \x01 second segment \x01`."""

    raw: bytes
    """The segments as they came, in UTF-8, two spaces and a separator between them."""
    data: bytes
    """The folded text."""

    def __init__(self, texts: Sequence[str]) -> None:
        parts = [text.encode(*UTF_8) for text in texts]
        text = self.raw = _joined(parts)
        if any(SEPARATOR in part for part in parts):
            text = _joined(part.replace(SEPARATOR, b" ") for part in parts)
        if LEAD_OF_JAMO in text and JAMO in text:  # one byte is looked for much faster than two
            text = compose_hangul(text.decode(*UTF_8)).encode(*UTF_8)
        self._is_ascii = text.isascii()
        self._trail: list[_Closed | _Put] = []
        self._codes: Bytes = np.frombuffer(bytearray(text).translate(ASCII_CODES), dtype=np.uint8)
        self._fold(np.frombuffer(text, dtype=np.uint8))
        self.data = to_text(self._codes).tobytes()

    def _fold(self, raw: Bytes) -> None:
        glued = _glued(raw)
        if glued.size:
            self._put(glued, SPACE, origin=glued)
            raw = np.insert(raw, glued, SPACE)
        found = 0 if self._is_ascii else self._write_over(raw)
        spaces_meet = _drop_apostrophes(self._codes, raw)
        if found & MANY:
            self._write_longer(raw)
        if spaces_meet or found & (GONE | MANY | JOINS):
            self._close()
        if found & JOINS:
            self._cut_mark_runs()
        if found & ALONE:
            self._part_tokens()
        _drop_second_spaces(self._codes)
        self._close()

    def _close(self) -> None:
        """Close the gaps that zeros are."""
        self._trail.append(_Closed(self._codes))
        self._codes = np.frombuffer(bytearray(self._codes).translate(None, b"\0"), dtype=np.uint8)

    def _put(self, before: Positions, codes: Bytes | int, *, origin: Positions) -> None:
        if before.size:
            self._trail.append(_Put(before, origin))
            self._codes = np.insert(self._codes, before, codes)

    def _write_over(self, raw: Bytes) -> int:
        """Write what becomes of the characters beyond ASCII over their own bytes; return all their traits."""
        first = positions(raw >= FIRST_LEAD)
        numbers, width = numbers_at(raw, first), WIDTH[raw[first]]
        for step in range(WIDEST):
            of = positions(width > step)
            self._codes[first[of] + step] = CHARACTERS.first[numbers[of], step]
        return int(np.bitwise_or.reduce(CHARACTERS.traits[numbers]))

    def _write_longer(self, raw: Bytes) -> None:
        """Put in what does not fit the bytes of its character, in its place."""
        first = _beyond_ascii(raw, MANY)
        numbers = numbers_at(raw, first)
        start, end = CHARACTERS.longer_span[numbers].T
        self._codes[stretches(first, WIDTH[raw[first]])] = 0
        at = first.repeat(end - start)
        self._put(at, CHARACTERS.longer[stretches(start, end - start)], origin=at)

    def _cut_mark_runs(self) -> None:
        dropped = _long_mark_runs(self._codes)
        if dropped.size:
            self._codes[dropped] = 0
            self._close()

    # 我在Google -> 我 在 Google: each Han character is a token, so a space goes before 在 and before G. None goes before 我, which
    # has one already, and none before a mark, which belongs to the character it combines with.
    def _part_tokens(self) -> None:
        """Put a space between tokens that have none."""
        at = _token_bounds(self._codes)
        if not (self._codes[at].all() and self._codes[at - 1].all()):
            self._close()
            at = _token_bounds(self._codes)
        at = at[~(_is_space(self._codes[at - 1]) | _is_space(self._codes[at]))]
        self._put(at, SPACE, origin=at)

    @cached_property
    def bytes_(self) -> Bytes:
        """The folded text as an array."""
        return np.frombuffer(self.data, dtype=np.uint8)

    def strong(self, at: Positions) -> Mask:
        """Return at which of these first bytes of folded characters a capital stood, or punctuation that became a space."""
        codes = self._codes.take(at)
        strong: Mask = (codes == STRONG_SPACE) | (codes - np.uint8(ord("A")) < LETTERS)
        if self._is_ascii:
            return strong
        beyond = positions(codes >= FIRST_LEAD)
        if beyond.size:
            strong[beyond] = have(np.frombuffer(self.raw, dtype=np.uint8), self.origin(at[beyond]), STRONG)
        return strong

    def is_digit(self, at: Positions) -> Mask:
        """Return at which of these bytes a digit stands; what lies before the text or behind it is none."""
        digit: Mask = self.bytes_.take(at, mode="clip") - ZERO < len("0123456789")
        return digit

    def caseless(self, at: Positions) -> Mask:
        """Return at which of these first bytes of folded characters a letter of a script without capitals stands."""
        return have(self.bytes_, at, CASELESS)

    @cached_property
    def spaces(self) -> Positions:
        """The position in `data` of each space; token i is what stands between spaces i and i + 1."""
        return positions(self.bytes_ == SPACE)

    def tokens(self, segments: Positions) -> Positions:
        """Return the tokens of these segments, each with the separator's that closes it."""
        bounds = self.spaces.searchsorted(self.separators)
        first = bounds[segments]
        return stretches(first, bounds[segments + 1] - first)

    @cached_property
    def separators(self) -> Positions:
        """The position in `data` of each separator; segment i stands between separators i and i + 1."""
        return np.array(list(_places(self.data, SEPARATOR)))

    def segment(self, at: Positions) -> Positions:
        """Return the segments in which these positions of `data` stand."""
        return self.separators.searchsorted(at) - 1

    @cached_property
    def widest(self) -> int:
        """The most bytes a folded character takes here."""
        return 1 if self._is_ascii or self.data.isascii() else WIDEST

    @cached_property
    def _half_words(self) -> Positions:
        """What stands before each token, in half words; the last number is all of it."""
        alone = have(self.bytes_, self.spaces[:-1] + 1, ALONE)
        return np.append(0, (2 - alone.astype(np.int64)).cumsum())

    def half_words(self, at: Positions) -> Positions:
        """Return what the tokens that begin before these positions are worth, in half words.

        A token of a script written without spaces is a character, and worth half a word.
        """
        return self.half_words_before(self.spaces.searchsorted(at - 1))

    def half_words_before(self, tokens: Positions) -> Positions:
        """Return what all the tokens before these are worth, in half words."""
        return 2 * tokens if self.widest == 1 else self._half_words[tokens]

    def origin(self, at: Positions) -> Positions:
        """Return the first bytes in `raw` of the characters that made these bytes of `data`."""
        for step in reversed(self._trail):
            at = step.back(at)
        return at if self._is_ascii else self._first_byte(at)

    def _first_byte(self, at: Positions) -> Positions:
        raw = np.frombuffer(self.raw, dtype=np.uint8)
        inner = _are_inner(raw[at])
        while inner.any():
            at = at - inner
            inner = _are_inner(raw[at])
        return at

    def raw_spans(self, starts: Positions, ends: Positions) -> tuple[Positions, Positions]:
        """Return the half-open spans of `raw`, in bytes, that made these non-empty spans of `data`."""
        start, last = self.origin(np.concatenate((starts, ends - 1))).reshape(2, -1)
        return start, last + WIDTH[np.frombuffer(self.raw, dtype=np.uint8)[last]]

    def raw_char_spans(self, starts: Positions, ends: Positions) -> tuple[Positions, Positions]:
        """Return the same spans in characters of the text that `raw` encodes."""
        start, end = self.raw_spans(starts, ends)
        if self._is_ascii:
            return start, end
        inner = positions(_are_inner(np.frombuffer(self.raw, dtype=np.uint8)))
        return start - inner.searchsorted(start), end - inner.searchsorted(end)
