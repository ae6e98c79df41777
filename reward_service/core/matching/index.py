"""The automaton of one question: every form, cut into byte patterns that one Aho-Corasick pass can find.

A folded form is a phrase. It is looked for

- whole, between spaces: an exact match;
- if it may have k edits, also as k + 1 pieces: with k edits at least one piece is left untouched (pigeonhole), so a window worth
  verifying has one of them in its place;
- if middle names may be added, also by its first and its last token;
- if its words may be inflected, also by what the most telling of them begins with.

A Hangul phrase is open at its end, because particles are written onto it. The same bytes in several roles are one pattern.
"""

from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum
from typing import NamedTuple

import ahocorasick_rs
import numpy as np

from entity_index.folding import fold, is_hangul
from reward_service.core.matching.arrays import Positions, stretches
from reward_service.core.matching.characters import UTF_8
from reward_service.core.matching.forms import ARTICLE, Form, Guard, allowed_edits
from reward_service.core.matching.longer import ANY_BEHIND, BY_WORDS


class Phrase(NamedTuple):
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


SHORT_TEXT = 1 << 16  # bytes
END = 6  # bytes of a pattern
DFA_PATTERNS = 512  # of about 25 entities; so many a DFA repays in a group of some hundred kilobytes
BYTES_OF_FORM = 1100
BYTES_OF_CELL = 4  # a DFA has a row for each state, at most one a byte of the patterns, with a cell for each byte that occurs

Use = tuple[bytes, int, int, int]
"""A pattern, the value of its role, what it is looked for (a phrase, or for names and inflected words a form), and where in it the pattern begins:
in bytes, for an inflected word in words."""


class Table:
    """From a key to its rows, one to many: what each pattern is used for, which forms a phrase has. Keys count from 0, each has a row."""

    def __init__(self, keyed: list[int], *, width: int) -> None:
        """Make a table of rows written one after the other, each a key and its columns; those of a key keep their order."""
        rows = np.array(keyed, dtype=np.int64).reshape(-1, 1 + width)
        rows = rows[np.argsort(rows[:, 0], kind="stable")]
        self.columns = rows[:, 1:].T.copy()
        self._first = np.flatnonzero(np.diff(rows[:, 0], prepend=-1))
        self._count = np.diff(self._first, append=len(rows))
        self._is_one_to_one = bool((self._count == 1).all())

    def join(self, keys: Positions) -> tuple[Positions, Positions]:
        """Return, for every row of every key, which key it is of (a position in `keys`) and the columns of the row."""
        if self._is_one_to_one:
            return np.arange(len(keys)), self.columns[:, keys]
        count = self._count[keys]
        return np.repeat(np.arange(len(keys)), count), self.columns[:, stretches(self._first[keys], count)]


def _pieces(padded: bytes, edits: int) -> Iterator[tuple[int, bytes]]:
    """Cut a padded phrase into k + 1 pieces of about the same length; yields where each begins, and the piece."""
    length, pieces, start = len(padded), edits + 1, 0
    for number in range(1, pieces + 1):
        end = length * number // pieces
        yield start, padded[start:end]
        start = end


def _phrases(forms: Sequence[Form], *, max_edits: int) -> list[Phrase]:
    owners: dict[str, list[int]] = {}
    for number, form in enumerate(forms):
        owners.setdefault(form.folded, []).append(number)
    unguarded = Guard.NONE
    free = {form.folded for form in forms if form.guard is unguarded}
    return [
        Phrase(
            text,
            _padded(text),
            text.count(" ") + 1,
            allowed_edits(text, most=max_edits) if text in free else 0,
            tuple(numbers),
        )
        for text, numbers in owners.items()
    ]


def _padded(text: str) -> bytes:
    return f" {text} ".encode()


def _whole(text: str, padded: bytes) -> bytes:
    return padded[:-1] if is_hangul(text[-1]) else padded


def _first_and_last(form: Form) -> tuple[bytes, ...]:
    first, *_, last = form.folded.split(" ")
    return _padded(first), _padded(last)


def _most_telling(form: Form) -> tuple[int, bytes]:
    """Return the inflected word with the longest beginning, by its position, and that beginning."""
    leads = [word.lead for word in form.words]
    at = max(range(len(leads)), key=lambda at: len(leads[at]))
    return at, f" {leads[at]}".encode()


def _lead(spelling: str) -> int:
    if spelling[0].isascii() and spelling[0].isalnum():
        return 0
    return len(spelling[: fold(spelling).offsets[0]].encode(*UTF_8))


def _nesting(patterns: Iterable[bytes]) -> int:
    """Return the most of some distinct patterns that can end at one position: each a suffix of the next."""
    deepest, nested = 1, list[bytes]()
    for backwards in sorted([pattern[::-1] for pattern in patterns]):  # a beginning sorts before what goes on
        while nested and not backwards.startswith(nested[-1]):
            nested.pop()
        nested.append(backwards)
        deepest = max(deepest, len(nested))
    return deepest


def _uses(forms: Sequence[Form], phrases: Sequence[Phrase]) -> Iterator[Use]:
    whole, part, first, last, lead = (role.value for role in Role)
    for number, phrase in enumerate(phrases):
        yield _whole(phrase.text, phrase.padded), whole, number, 0
        if phrase.edits:
            for start, piece in _pieces(phrase.padded, phrase.edits):
                yield piece, part, number, start
    for number, form in enumerate(forms):
        if form.middle:
            one, other = _first_and_last(form)
            yield one, first, number, 0
            yield other, last, number, 0
        if form.words:
            at, beginning = _most_telling(form)
            yield beginning, lead, number, at


def _patterns(form: Form, padded: bytes, edits: int) -> list[bytes]:
    """Return what a form is looked for by, whatever its guard."""
    patterns = [_whole(form.folded, padded)]
    if edits:
        patterns += [piece for _, piece in _pieces(padded, edits)]
    if form.middle:
        patterns += _first_and_last(form)
    if form.words:
        patterns.append(_most_telling(form)[1])
    return patterns


def possible_in(text: bytes, forms: Sequence[Form], *, max_edits: int) -> list[Form]:
    """Return the forms that can be found in a folded text, guards aside: they have a pattern whose two ends occur in it.

    Most names are not in the question. Their share of the automaton would cost far more than this look at a short text.
    """
    if len(text) > SHORT_TEXT:
        return list(forms)
    known = {text[at : at + END] for at in range(len(text))}

    def occurs(pattern: bytes) -> bool:
        return len(pattern) < END or (pattern[:END] in known and pattern[-END:] in known)

    def is_possible(form: Form) -> bool:
        padded, edits = _padded(form.folded), allowed_edits(form.folded, most=max_edits)
        # All patterns of most forms begin as the form does, or end as it does.
        is_plain = edits <= 1 and len(form.folded) >= END and not form.middle and not form.words
        if is_plain and padded[:END] not in known and padded[-END:] not in known:
            return False
        return any(map(occurs, _patterns(form, padded, edits)))

    return list(filter(is_possible, forms))


class Index:
    """Forms, and the automaton that finds them."""

    def __init__(self, forms: Sequence[Form], *, max_edits: int) -> None:
        self.forms = tuple(forms)
        self.phrases = _phrases(forms, max_edits=max_edits)
        self._build_automaton()
        self._build_columns()

    def _build_automaton(self) -> None:
        patterns: dict[bytes, int] = {}  # each with its number
        uses: list[int] = []
        for pattern, role, reference, offset in _uses(self.forms, self.phrases):
            uses += (patterns.setdefault(pattern, len(patterns)), role, reference, offset)
        self.uses = Table(uses, width=3)
        self.nesting = _nesting(patterns)
        self.longest = max(map(len, patterns), default=1)
        self._build(list(patterns))

    def _build(self, patterns: list[bytes]) -> None:
        """Build the automaton of a few patterns for reading fast, that of many for being built fast and small."""
        kinds = ahocorasick_rs.Implementation
        is_dfa = len(patterns) <= DFA_PATTERNS
        self.automaton = ahocorasick_rs.BytesAhoCorasick(
            patterns, implementation=kinds.DFA if is_dfa else kinds.ContiguousNFA
        )
        together = b"".join(patterns)
        row = 1 << len(set(together)).bit_length() if is_dfa else 1
        self.weight = BYTES_OF_FORM * len(self.forms) + BYTES_OF_CELL * row * len(together)
        """About how many bytes all of it holds at most."""

    def _build_columns(self) -> None:
        """Lay out what the scan asks about forms and phrases as arrays."""
        self.entity = np.array([form.entity for form in self.forms], dtype=np.int64)
        self.alias = np.array([form.alias for form in self.forms], dtype=np.int64)
        none, capital = Guard.NONE, Guard.CAPITAL
        self.guarded = np.array([form.guard is not none for form in self.forms], dtype=np.bool_)
        self.asks_capital = np.array([form.guard is capital for form in self.forms], dtype=np.bool_)
        self.capital_at = np.zeros(len(self.forms), dtype=np.int64)
        self.capital_at[
            [
                at
                for at in np.flatnonzero(self.asks_capital).tolist()
                if self.forms[at].folded.startswith(ARTICLE)
            ]
        ] = len(ARTICLE)
        """Where the capital that a form asks for stands: an article needs none."""
        self.without_place = np.array([form.place != "" for form in self.forms], dtype=np.bool_)
        self.continued = [form.continued > 0 for form in self.forms]
        self.began = [form.continued & BY_WORDS > 0 or form.given != "" for form in self.forms]
        """Which forms a word before them may make a longer name of."""
        self.any_behind = [form.place != "" or form.folded in ANY_BEHIND for form in self.forms]
        """Which forms any capitalised word behind them may make another name of."""
        self.asks_written = self.guarded & ~self.asks_capital
        written = zip(self.forms, self.asks_written.tolist(), strict=True)
        self.lead = [_lead(form.spelling) if asks else 0 for form, asks in written]
        """Where in its spelling the first folded character of a form that asks for it stands, in bytes."""
        owners = [
            one
            for number, phrase in enumerate(self.phrases)
            for form in phrase.forms
            for one in (number, form)
        ]
        self.owners = Table(owners, width=1)
        self.numeric = np.array(
            [phrase.text[0].isdigit() or phrase.text[-1].isdigit() for phrase in self.phrases], dtype=np.bool_
        )
        self.tokens = np.array([phrase.tokens for phrase in self.phrases], dtype=np.int64)
        self.edits = np.array([phrase.edits for phrase in self.phrases], dtype=np.int64)
        self.lengths = np.array([len(phrase.padded) - 2 for phrase in self.phrases], dtype=np.int64)
