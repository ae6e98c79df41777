"""Mentions: how many entity-like things a rollout names, right or wrong.

Two ways to count, both one linear pass:

- **by look**, without any data: a run of capitalised words and numbers with nothing but a blank or a hyphen between them, at most
  `LONGEST_RUN` words (a longer run is several mentions), and no single word that merely opens a sentence; and, because lists may be
  written without capitals or in scripts that have none, a short piece without capitals or numbers in a list: pieces parted by 、 or by
  one sign that repeats `LIST_SIGNS` times. Short clauses between commas and stops are prose.
- **by name**, against the names of the pinned data set. Only this is good enough for a precision that decides anything.

Two mentions are the same if they have the same length, the same first eight and the same last eight bytes after folding.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import ahocorasick_rs
import numpy as np
import numpy.typing as npt

from entity_index.folding import fold
from reward_service.core.matching import lexicon
from reward_service.core.matching.arrays import Mask, Positions, positions, stretches
from reward_service.core.matching.characters import SEP, UTF_8
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.spellings import without_parenthesis

Keys = npt.NDArray[np.uint64]

LONGEST_RUN = 4
SHORT_PIECE = 3  # words between two punctuation marks
SHORT_CASELESS_PIECE = 8  # the same in scripts without capitals, where a token may be one character
ENUMERATION = "、"  # parts the members of a list and nothing else
LIST_SIGNS = 6  # the same sign so many times in a row parts a list; Chinese prose has a stop before
BLANKS = " \t\r"
WORD = 8
ZERO = np.uint8(ord("0"))


@dataclass(frozen=True, slots=True)
class Mentions:
    """Mentions in the order of the text, one column each."""

    start: Positions
    end: Positions
    """Half-open spans in folded bytes."""
    key: Keys
    first: Positions
    stop: Positions
    """The same spans in tokens of the text."""

    def __getitem__(self, which: Mask | Positions) -> "Mentions":
        """Return some of the mentions."""
        return Mentions(
            self.start[which], self.end[which], self.key[which], self.first[which], self.stop[which]
        )


def no_mentions() -> Mentions:
    """Return none."""
    nowhere = np.empty(0, dtype=np.int64)
    return Mentions(nowhere, nowhere, nowhere.astype(np.uint64), nowhere, nowhere)


def _loads(text: FoldedText) -> Keys:
    """Return the eight bytes from every position of the folded text as one number."""
    buffer = text.data + bytes(WORD)
    words: Keys = np.ndarray((len(text.data) + 1,), np.uint64, buffer, strides=(1,))
    return words


def _keys(text: FoldedText, start: Positions, end: Positions) -> Keys:
    words, length = _loads(text), end - start
    used = np.minimum(length, WORD).astype(np.uint64)
    mask = ~np.uint64(0) >> (np.uint64(64) - used * np.uint64(8))
    head, tail = words[start] & mask, words[np.maximum(end - WORD, start)] & mask
    mixed: Keys = (head * np.uint64(0x9E3779B97F4A7C15)) ^ (tail * np.uint64(0xC2B2AE3D27D4EB4F))
    return mixed ^ length.astype(np.uint64)


def _single(words: Iterable[str]) -> Keys:
    text = FoldedText(sorted(words))
    firsts = positions(text.bytes_[text.spaces[:-1] + 1] != SEP)
    return np.sort(_keys(text, text.spaces[firsts] + 1, text.spaces[firsts + 1]))


_OPENERS = _single(lexicon.OPENERS)


# "In Oslo the 1911 Nobel Peace Prize of Alfred Nobel": inside (capital or digit) are In Oslo, 1911 Nobel Peace Prize, Alfred Nobel. A
# run of five would be cut after the fourth word; a run of digits alone would be left out, as no name.
def _runs(capital: Mask, digit: Mask, parted: Mask) -> tuple[Positions, Positions]:
    """Return the token spans of capitalised runs with the numbers in them, cut to `LONGEST_RUN` tokens."""
    inside = capital | digit
    joined = np.zeros(len(inside), dtype=np.bool_)
    joined[1:] = inside[1:] & inside[:-1] & ~parted[1:]
    start = positions(inside & ~joined)
    joined_next = np.append(joined[1:], False)
    end = positions(inside & ~joined_next) + 1
    if start.size:
        named = np.logical_or.reduceat(capital, start)
        start, end = start[named], end[named]
    cuts = -(-(end - start) // LONGEST_RUN)
    start = start.repeat(cuts) + stretches(np.zeros_like(cuts), cuts) * LONGEST_RUN
    return start, np.minimum(start + LONGEST_RUN, end.repeat(cuts))


def _marks(text: FoldedText, space: Positions) -> list[str]:
    """Return the first sign, blanks aside, of what stood at each of these spaces in the original text."""
    end, start = text.raw_spans(space - 1, space)[1], text.origin(space + 1)
    between = (
        text.raw[a:b].decode(*UTF_8).strip(BLANKS) for a, b in zip(end.tolist(), start.tolist(), strict=True)
    )
    return [gap[:1] for gap in between]


def _in_list(follows: Mask, marks: Sequence[str]) -> Mask:
    """Return which pieces appear in a list: parted from their neighbours by one repeated sign.

    Args:
        follows: whether each piece follows the one before it directly, both of them short; shape (pieces,).
        marks: the sign before each piece that does.
    """
    own = np.full(len(follows), "", dtype="U1")
    own[follows] = marks
    number = np.arange(len(own))
    head = ~follows | np.append(True, own[1:] != own[:-1])[: len(own)]
    first = np.maximum.accumulate(np.where(head, number, 0))
    size = np.bincount(first, minlength=len(own))[first]
    long = follows & ((size >= LIST_SIGNS) | (own == ENUMERATION))
    inside: Mask = long | np.append(long[1:], False)
    return inside


def _often(true: Mask, *, least: int) -> Mask:
    """Return what is true so many times in a row."""
    number = np.arange(len(true))
    since = np.maximum.accumulate(np.where(true, 0, number + 1))
    size = np.bincount(since[true], minlength=len(true) + 1)[since]
    often: Mask = true & (size >= least)
    return often


def _longest_piece(text: FoldedText, start: Positions, space: Positions) -> Positions | int:
    """Return how many tokens a short piece may have, more in scripts without capitals."""
    if text.widest == 1:
        return SHORT_PIECE
    caseless = np.logical_or.reduceat(text.caseless(space + 1), start)
    return np.where(caseless, SHORT_CASELESS_PIECE, SHORT_PIECE)


def _pieces(
    text: FoldedText, skipped: Mask, parted: Mask, *, space: Positions
) -> tuple[Positions, Positions]:
    """Return the token spans of short pieces of a list that hold no token to skip."""
    start = positions(parted)
    if not start.size:
        return start, start
    end = np.append(start[1:], len(parted))
    first = space[start]
    short = (end - start <= _longest_piece(text, start, space)) & (text.bytes_[first + 1] != SEP)
    follows = _often(short & np.append(False, short[:-1]), least=LIST_SIGNS if text.widest == 1 else 1)
    if not follows.any():
        return start[:0], end[:0]
    plain = ~np.logical_or.reduceat(skipped, start)
    kept = short & plain & _in_list(follows, _marks(text, first[follows]))
    return start[kept], end[kept]


def mentions_by_look(text: FoldedText, wanted: Mask) -> Mentions:
    """Return the capitalised runs and short pieces of the wanted segments, without words that merely open a sentence."""
    which = text.tokens(positions(wanted))
    which = which[which + 1 < len(text.spaces)]
    space, after = text.spaces.take(which), text.spaces.take(which + 1)
    initial = space + 1
    first = text.bytes_.take(initial)
    separator, digit = first == SEP, first - ZERO < 10
    capital = text.strong(initial)
    parted = text.strong(space) | separator
    parted[:1] = True
    parted[1:] |= separator[:-1]
    runs = _runs(capital, digit, parted)
    pieces = _pieces(text, capital | separator | digit, parted, space=space)
    start, end = (np.concatenate(columns) for columns in zip(runs, pieces, strict=True))
    order = start.argsort(kind="stable")
    found = (initial[start[order]], after[end[order] - 1])
    mentions = Mentions(*found, _keys(text, *found), which[start[order]], which[end[order] - 1] + 1)
    near = np.minimum(_OPENERS.searchsorted(mentions.key), len(_OPENERS) - 1)
    return mentions[_OPENERS[near] != mentions.key]


class MentionNames:
    """The names of a pinned data set, made ready to be counted in text."""

    def __init__(self, names: Iterable[str]) -> None:
        folded = {fold(spelling).text for name in names for spelling in (name, *without_parenthesis(name))}
        self.names = tuple(sorted(name for name in folded if len(name) > 1 and name not in lexicon.OPENERS))
        self._number = {name: number for number, name in enumerate(self.names)}
        self._automaton = ahocorasick_rs.BytesAhoCorasick([f" {name} ".encode() for name in self.names])

    def numbers(self, folded: Iterable[str]) -> Positions:
        """Return the numbers of those folded texts that are names."""
        return np.array([self._number[text] for text in folded if text in self._number], dtype=np.int64)

    def find(self, text: FoldedText) -> tuple[Positions, Positions]:
        """Return the number and the start of every name in the text that is not part of a longer one."""
        found = self._automaton.find_matches_as_indexes(text.data, overlapping=True)
        rows = np.array(found, dtype=np.int64).reshape(-1, 3)
        rows = rows[np.lexsort((-rows[:, 2], rows[:, 1]))]
        reach = np.maximum.accumulate(np.append(0, rows[:, 2]))[:-1]
        rows = rows[rows[:, 2] > reach]
        return rows[:, 0], rows[:, 1] + 1
