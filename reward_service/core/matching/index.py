"""The automaton of one question: every form, cut into byte patterns that one Aho-Corasick pass can find.

A folded form is a phrase. It is looked for

- whole, between spaces: an exact match;
- if it may have k edits, also as k + 1 pieces: with k edits at least one piece is left untouched (pigeonhole), so a window worth
  verifying has one of them in its place;
- if middle names may be added, also by its first and its last token;
- if its words may be inflected, also by what the most telling of them begins with.

A Hangul phrase is open at its end, because particles are written onto it. The same bytes in several roles are one pattern.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import IntEnum
from itertools import pairwise

import ahocorasick_rs
import numpy as np

from entity_index.folding import fold, is_hangul
from reward_service.core.matching.arrays import Positions, stretches
from reward_service.core.matching.characters import UTF_8
from reward_service.core.matching.forms import Form, Guard, allowed_edits
from reward_service.core.matching.longer import LAST_WORDS


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


class Role(IntEnum):
    """What a pattern is looked for as."""

    WHOLE = 0
    PIECE = 1
    FIRST = 2
    LAST = 3
    LEAD = 4


OF_PHRASES = (Role.WHOLE, Role.PIECE)
SHORT_TEXT = 1 << 16  # bytes
END = 6  # bytes of a pattern

Use = tuple[bytes, Role, int, int]
"""A pattern, its role, what it is looked for (a phrase, or for names and inflected words a form), and where in it the pattern begins:
in bytes, for an inflected word in words."""


class Table:
    """From a key to its rows, one to many: what each pattern is used for, which forms a phrase has."""

    def __init__(self, keyed: Iterable[tuple[int, ...]], *, keys: int, width: int) -> None:
        rows = np.array(list(keyed), dtype=np.int64).reshape(-1, 1 + width)
        rows = rows[np.lexsort(rows.T[::-1])]
        self.columns = rows[:, 1:].T.copy()
        self._first = rows[:, 0].searchsorted(np.arange(keys + 1))
        self._count = np.diff(self._first)
        self._is_one_to_one = bool((self._count == 1).all())

    def join(self, keys: Positions) -> tuple[Positions, Positions]:
        """Return, for every row of every key, which key it is of (a position in `keys`) and the columns of the row."""
        if self._is_one_to_one:
            return np.arange(len(keys)), self.columns[:, keys]
        count = self._count[keys]
        return np.repeat(np.arange(len(keys)), count), self.columns[:, stretches(self._first[keys], count)]


def _pieces(phrase: Phrase, number: int) -> Iterable[Use]:
    """Cut the padded phrase into k + 1 pieces of about the same length."""
    cuts = [len(phrase.padded) * i // (phrase.edits + 1) for i in range(phrase.edits + 2)]
    return ((phrase.padded[start:end], Role.PIECE, number, start) for start, end in pairwise(cuts))


def _phrases(forms: Sequence[Form], *, max_edits: int, guarded: bool = True) -> list[Phrase]:
    owners: dict[str, list[int]] = {}
    for number, form in enumerate(forms):
        owners.setdefault(form.folded, []).append(number)
    phrases = []
    for text, numbers in owners.items():
        free = not guarded or any(forms[number].guard is Guard.NONE for number in numbers)
        edits = allowed_edits(text, most=max_edits) if free else 0
        phrases.append(Phrase(text, f" {text} ".encode(), text.count(" ") + 1, edits, tuple(numbers)))
    return phrases


def _whole(phrase: Phrase) -> bytes:
    return phrase.padded[:-1] if is_hangul(phrase.text[-1]) else phrase.padded


def _lead(spelling: str) -> int:
    if spelling[0].isascii() and spelling[0].isalnum():
        return 0
    return len(spelling[: fold(spelling).offsets[0]].encode(*UTF_8))


def _nesting(patterns: Iterable[bytes]) -> int:
    """Return the most patterns that can end at one position: each a suffix of the next."""
    deepest, nested = 1, list[bytes]()
    for backwards in sorted(
        {pattern[::-1] for pattern in patterns}
    ):  # what a pattern begins with sorts before it
        while nested and not backwards.startswith(nested[-1]):
            nested.pop()
        nested.append(backwards)
        deepest = max(deepest, len(nested))
    return deepest


def _uses(forms: Sequence[Form], phrases: Sequence[Phrase]) -> Iterable[Use]:
    for number, phrase in enumerate(phrases):
        yield _whole(phrase), Role.WHOLE, number, 0
        if phrase.edits:
            yield from _pieces(phrase, number)
    for number, form in enumerate(forms):
        if form.middle:
            first, *_, last = form.folded.split(" ")
            yield f" {first} ".encode(), Role.FIRST, number, 0
            yield f" {last} ".encode(), Role.LAST, number, 0
        if form.words:
            leads = [word.lead for word in form.words]
            telling = max(range(len(leads)), key=lambda at: len(leads[at]))
            yield f" {leads[telling]}".encode(), Role.LEAD, number, telling


def possible_in(text: bytes, forms: Sequence[Form], *, max_edits: int) -> list[Form]:
    """Return the forms that can be found in a folded text, guards aside: they have a pattern whose two ends occur in it.

    Most names are not in the question. Their share of the automaton would cost far more than this look at a short text.
    """
    if len(text) > SHORT_TEXT:
        return list(forms)
    phrases = _phrases(forms, max_edits=max_edits, guarded=False)
    known = {text[at : at + END] for at in range(len(text))}
    possible = set[int]()
    for pattern, role, number, _ in _uses(forms, phrases):
        if len(pattern) < END or (pattern[:END] in known and pattern[-END:] in known):
            possible.update(phrases[number].forms if role in OF_PHRASES else (number,))
    return [forms[number] for number in sorted(possible)]


class Index:
    """Forms, and the automaton that finds them."""

    def __init__(self, forms: Sequence[Form], *, max_edits: int) -> None:
        self.forms = tuple(forms)
        self.phrases = _phrases(forms, max_edits=max_edits)
        self._build_automaton()
        self._build_columns()

    def _build_automaton(self) -> None:
        uses = list(_uses(self.forms, self.phrases))
        patterns = dict.fromkeys(pattern for pattern, *_ in uses)
        numbers = {pattern: number for number, pattern in enumerate(patterns)}
        self.uses = Table(((numbers[pattern], *rest) for pattern, *rest in uses), keys=len(numbers), width=3)
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
        self.asks_capital = np.array([form.guard is Guard.CAPITAL for form in self.forms], dtype=np.bool_)
        self.open_ended = np.array([form.open_ended for form in self.forms], dtype=np.bool_)
        self.may_be_last = np.array([form.folded in LAST_WORDS for form in self.forms], dtype=np.bool_)
        self.asks_written = self.guarded & ~self.asks_capital
        self.lead = [_lead(form.spelling) for form in self.forms]
        """Where in its spelling a form's first folded character stands, in bytes."""
        owners = ((number, form) for number, phrase in enumerate(self.phrases) for form in phrase.forms)
        self.owners = Table(owners, keys=len(self.phrases), width=1)
        self.numeric = np.array(
            [phrase.text[0].isdigit() or phrase.text[-1].isdigit() for phrase in self.phrases], dtype=np.bool_
        )
        self.tokens = np.array([phrase.tokens for phrase in self.phrases], dtype=np.int64)
        self.edits = np.array([phrase.edits for phrase in self.phrases], dtype=np.int64)
        self.lengths = np.array([len(phrase.padded) - 2 for phrase in self.phrases], dtype=np.int64)
