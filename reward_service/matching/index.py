"""The automaton of one question: every form, cut into byte patterns that one Aho-Corasick pass can find.

A folded form is a phrase. It is looked for

- whole, between spaces: an exact match;
- if it may have k edits, also as k + 1 pieces: with k edits at least one piece is left untouched (pigeonhole), so a window worth
  verifying has one of them in its place;
- if middle names may be added, also by its first and its last token.

A Hangul phrase is open at its end, because particles are written onto it. The same bytes in several roles are one pattern.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise

import ahocorasick_rs
import numpy as np

from entity_index.folding import fold, is_hangul
from reward_service.matching.fold import Positions
from reward_service.matching.forms import Form, Guard, allowed_edits

Use = tuple[bytes, int, int]
"""A pattern, what it stands for (a phrase or a form, by number), and where in it the pattern begins."""


@dataclass(frozen=True, slots=True)
class Phrase:
    """One folded text that one or several forms look for."""

    text: str
    padded: bytes
    tokens: int
    edits: int
    """k; 0 where every form of it is guarded."""
    forms: tuple[int, ...]
    """Positions in `Index.forms`."""


class Table:
    """From a key to its rows, one to many: what each pattern is used for, which forms a phrase has."""

    def __init__(self, rows: Iterable[tuple[int, int, int]], *, keys: int) -> None:
        columns = np.array(sorted(rows), dtype=np.int64).reshape(-1, 3)
        self.references, self.offsets = columns[:, 1], columns[:, 2]
        self._first = np.searchsorted(columns[:, 0], np.arange(keys + 1))
        self._count = np.diff(self._first)

    def join(self, keys: Positions) -> tuple[Positions, Positions]:
        """Return, for every row of every key, which key it is of (a position in `keys`) and which row."""
        count = self._count[keys]
        of = np.repeat(np.arange(len(keys)), count)
        rank = np.arange(len(of)) - np.repeat(np.cumsum(count) - count, count)
        return of, self._first[keys[of]] + rank


def _pieces(phrase: Phrase, number: int) -> Iterable[Use]:
    """Cut the padded phrase into k + 1 pieces of about the same length."""
    cuts = [len(phrase.padded) * i // (phrase.edits + 1) for i in range(phrase.edits + 2)]
    return ((phrase.padded[start:end], number, start) for start, end in pairwise(cuts))


def _phrases(forms: Sequence[Form], *, max_edits: int) -> list[Phrase]:
    owners: dict[str, list[int]] = {}
    for number, form in enumerate(forms):
        owners.setdefault(form.folded, []).append(number)
    phrases = []
    for text, numbers in owners.items():
        free = any(forms[number].guard is Guard.NONE for number in numbers)
        edits = allowed_edits(text, most=max_edits) if free else 0
        phrases.append(Phrase(text, f" {text} ".encode(), text.count(" ") + 1, edits, tuple(numbers)))
    return phrases


def _whole(phrase: Phrase) -> bytes:
    return phrase.padded[:-1] if is_hangul(phrase.text[-1]) else phrase.padded


def _nesting(patterns: Iterable[bytes]) -> int:
    """Return the most patterns that can end at one position: each a suffix of the next."""
    known = set(patterns)
    return max((sum(pattern[at:] in known for at in range(len(pattern))) for pattern in known), default=1)


class Index:
    """Forms, and the automaton that finds them."""

    def __init__(self, forms: Sequence[Form], *, max_edits: int) -> None:
        self.forms = tuple(forms)
        self.phrases = _phrases(forms, max_edits=max_edits)
        self._build_automaton()
        self._build_columns()

    def _build_automaton(self) -> None:
        whole = [(_whole(phrase), number, 0) for number, phrase in enumerate(self.phrases)]
        pieces = [
            use
            for number, phrase in enumerate(self.phrases)
            if phrase.edits
            for use in _pieces(phrase, number)
        ]
        ends = [(number, form.folded.split(" ")) for number, form in enumerate(self.forms) if form.middle]
        first = [(f" {words[0]} ".encode(), number, 0) for number, words in ends]
        last = [(f" {words[-1]} ".encode(), number, 0) for number, words in ends]
        patterns = dict.fromkeys(pattern for pattern, _, _ in (*whole, *pieces, *first, *last))
        numbers = {pattern: number for number, pattern in enumerate(patterns)}
        self.whole, self.pieces, self.first, self.last = (
            Table(((numbers[pattern], what, offset) for pattern, what, offset in uses), keys=len(numbers))
            for uses in (whole, pieces, first, last)
        )
        self.nesting = _nesting(patterns)
        self.longest = max(map(len, patterns), default=1)
        self.automaton = ahocorasick_rs.BytesAhoCorasick(
            list(patterns), implementation=ahocorasick_rs.Implementation.DFA
        )

    def _build_columns(self) -> None:
        """Lay out what the scan asks about forms and phrases as arrays."""
        self.entity = np.array([form.entity for form in self.forms], dtype=np.int64)
        self.alias = np.array([form.alias for form in self.forms], dtype=np.int64)
        self.guarded = np.array([form.guard is not Guard.NONE for form in self.forms], dtype=np.bool_)
        self.lead = [fold(form.spelling).offsets[0] for form in self.forms]
        """Where in its spelling a form's first folded character stands."""
        owners = ((number, form, 0) for number, phrase in enumerate(self.phrases) for form in phrase.forms)
        self.owners = Table(owners, keys=len(self.phrases))
        self.tokens = np.array([phrase.tokens for phrase in self.phrases], dtype=np.int64)
        self.edits = np.array([phrase.edits for phrase in self.phrases], dtype=np.int64)
        self.lengths = np.array([len(phrase.padded) - 2 for phrase in self.phrases], dtype=np.int64)
