"""One pass over the text: where forms stand exactly, and where one might stand with edits.

Everything here is arrays, one element a hit. Positions are bytes of the folded text; a span is its token characters, without the
spaces around. Candidates are windows of whole tokens around a piece; `verify` decides about them.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from itertools import chain, pairwise
from typing import Any, Self

import numpy as np
import numpy.typing as npt
from rapidfuzz.distance import Levenshtein

from entity_index.spelling import folded
from entity_index.usable import FUNCTION_WORDS
from reward_service.core.matching import longer
from reward_service.core.matching.arrays import Mask, Positions, distinct, positions, stretches
from reward_service.core.matching.characters import UTF_8, WIDEST
from reward_service.core.matching.eastern import LOOK_AHEAD, is_particles, stands_alone_in
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.forms import Form, Guard, Middle
from reward_service.core.matching.index import Index, Role
from reward_service.core.matching.lexicon import LONGEST_PINNED, SCALES
from reward_service.core.matching.persons import MIDDLE_NAMES

CHUNK_HITS = (
    1 << 20
)  # hits held as Python tuples at a time, about 150 MB; reached only by nested patterns on nothing else
EXACT, ALIAS, EXPANDED, INFLECTED, FUZZY = range(5)
CHANNELS = ("exact", "alias", "expanded", "inflected", "fuzzy")
LOOK_BACK = 64  # bytes; blanks before a word are fewer
ENDS_SENTENCE = "\x01\n\r.!?:;…。！？*#>|-–—•"
_NICKNAME = re.compile(r"""\s+(?:["“][^"“”\n]{1,40}["”]|['‘][^'‘’\n]{1,40}['’]|\([^()\n]{1,40}\))\s+""")
# What makes a part of a number of digits: the whole part of a decimal fraction, or the groups before; the part after either.
_WHOLE_PART = re.compile(rb"(?<![0-9.])[0-9]{1,20}\.\Z")
_GROUP_BEFORE = re.compile(rb"[0-9],\Z")
_GROUP = re.compile(rb"[0-9]{3}(?![0-9])")
_GOES_ON = re.compile(
    rb"\.[0-9]{1,20}(?!\.?[0-9])|,[0-9]{3}(?![0-9])| (?:%b)(?![a-z-])" % "|".join(SCALES).encode()
)
_BEGINS_SCALE = np.isin(np.arange(256), [ord(scale[0]) for scale in SCALES])
_POSSESSIVE = re.compile(rb"(?:'|\xe2\x80\x99)[sS](?![A-Za-z])")
LATIN = frozenset(b"abcdefghijklmnopqrstuvwxyz")
LONGEST_NUMBER = 24  # bytes
_MIDDLE = re.compile(rf"(?:\s+[^\W\d_][\w'’-]+){{1,{MIDDLE_NAMES}}}\s+")


@dataclass(frozen=True, slots=True)
class Spans:
    """Where forms were found, one column each."""

    form: Positions
    channel: Positions
    distance: Positions
    start: Positions
    end: Positions

    def __getitem__(self, which: npt.NDArray[Any] | slice) -> Self:
        """Return some of the spans."""
        return type(self)(
            self.form[which], self.channel[which], self.distance[which], self.start[which], self.end[which]
        )

    def __len__(self) -> int:
        return len(self.form)

    @classmethod
    def none(cls) -> Self:
        """Return no spans."""
        return cls(*(np.empty(0, dtype=np.int64) for _ in cls.__slots__))

    @classmethod
    def concat(cls, *parts: Self) -> Self:
        """Return the spans of all parts, of which most are empty."""
        filled = [part for part in parts if len(part)]
        if len(filled) < 2:
            return filled[0] if filled else cls.none()
        return cls(*(np.concatenate([getattr(part, name) for part in filled]) for name in cls.__slots__))


@dataclass(frozen=True, slots=True)
class Hits:
    """What the automaton found in one role, once for every use of the pattern."""

    reference: Positions
    offset: Positions
    start: Positions
    end: Positions

    def __getitem__(self, which: Mask) -> "Hits":
        """Return some of the hits."""
        return Hits(self.reference[which], self.offset[which], self.start[which], self.end[which])


RoleHits = tuple[Hits, ...]
"""The hits in each role, by the role's value."""


@dataclass(frozen=True, slots=True)
class Windows:
    """Stretches of whole tokens that are a phrase, or may be with edits; for names and inflected words, a form."""

    phrase: Positions
    start: Positions
    end: Positions

    def __getitem__(self, which: Mask) -> "Windows":
        """Return some of the windows."""
        return Windows(self.phrase[which], self.start[which], self.end[which])


def _raw_hits(text: FoldedText, index: Index, begin: int, stop: int) -> npt.NDArray[np.int64]:
    """Return (pattern, start, end) of what begins in [begin, stop)."""
    view = memoryview(text.data)[begin : stop + index.longest - 1]
    found = index.automaton.find_matches_as_indexes(view, overlapping=True)
    rows = np.fromiter(chain.from_iterable(found), dtype=np.int64, count=3 * len(found)).reshape(-1, 3)
    rows = rows[rows[:, 1] < stop - begin]
    rows[:, 1:] += begin
    return rows


def _unspent(text: FoldedText, rollout: Positions, left: Mask, *, begin: int, stop: int) -> bool:
    """Return whether a rollout in [begin, stop) has hits left."""
    low, high = np.clip(text.segment(np.array([begin + 1, stop - 1])), 0, len(rollout) - 1)
    return bool(left[rollout[low] : rollout[high] + 1].any())


def _by_role(role: Positions, *columns: Positions) -> RoleHits:
    """Return hits parted by their role, in each in the order they came."""
    order = role.argsort(kind="stable")
    bounds = role[order].searchsorted(np.arange(len(Role) + 1)).tolist()
    ordered = [column[order] for column in columns]
    return tuple(Hits(*(column[first:stop] for column in ordered)) for first, stop in pairwise(bounds))


def scan(text: FoldedText, index: Index, rollout: Positions, *, max_hits: int) -> tuple[RoleHits, Mask]:
    """Find every pattern, overlapping; return also which rollouts have more than `max_hits`, whose hits are left out.

    The text is read in chunks that bound what is held at a time; a chunk of nothing but a spent rollout is skipped.

    Args:
        text: the folded segments.
        index: what to look for.
        rollout: the rollout of each segment, ascending.
        max_hits: the budget of each rollout.
    """
    size = max(index.longest, CHUNK_HITS // index.nesting)
    counts = np.zeros(int(rollout.max(initial=-1)) + 1, dtype=np.int64)
    may_overspend = len(text.data) * index.nesting > max_hits
    parts = [np.empty((0, 3), dtype=np.int64)]
    for begin in range(0, len(text.data), size):
        stop = min(begin + size, len(text.data))
        if not begin or _unspent(text, rollout, counts <= max_hits, begin=begin, stop=stop):
            rows = _raw_hits(text, index, begin, stop)
            parts.append(rows)
            if may_overspend:
                counts += np.bincount(rollout[text.segment(rows[:, 1])], minlength=len(counts))
    spent = counts > max_hits
    rows = np.concatenate(parts)
    pattern, start, end = (rows[~spent[rollout[text.segment(rows[:, 1])]]] if spent.any() else rows).T
    of, (role, reference, offset) = index.uses.join(pattern)
    return _by_role(role, reference, offset, start[of], end[of]), spent


def _particle_follows(text: FoldedText, end: int) -> bool:
    return is_particles(text.data[end : text.data.index(b" ", end)].decode())


def exact_spans(text: FoldedText, index: Index, hits: RoleHits) -> Spans:
    """Return where whole forms stand, guards observed."""
    whole = hits[Role.WHOLE]
    phrase, start, end = whole.reference, whole.start + 1, whole.end
    closed = text.bytes_[end - 1] == ord(" ")
    end = end - closed
    open_ended = positions(~closed & (text.bytes_[end] != ord(" ")))
    kept = np.ones(len(end), dtype=np.bool_)
    kept[open_ended] = [_particle_follows(text, at) for at in end[open_ended].tolist()]
    found = Windows(phrase, start, end)[kept]
    return _guarded(text, index, of_forms(index, found[uncut(text, index, found)]))


# Form "5 million" in "1.5 million": the folded text is " 1 5 million ". A digit stands before the window's space, so the original is
# asked: "1." before the 5 makes it the fraction of a number. In "in 1911, 5 million" a comma and a blank stand there, which cut none.
def uncut(text: FoldedText, index: Index, windows: Windows) -> Mask:
    """Return which windows cut no number in two: "5 million" is not said by "1.5 million", nor 500 by "1,500" or "500 million"."""
    whole = np.ones(len(windows.start), dtype=np.bool_)
    numeric = positions(index.numeric[windows.phrase])
    if not numeric.size:
        return whole
    start, end = windows.start[numeric], windows.end[numeric]
    near = text.is_digit(start - 2) | text.is_digit(end + 1) | _BEGINS_SCALE[text.bytes_[end + 1]]
    suspect = numeric[near]
    if not suspect.size:
        return whole
    bounds = text.raw_spans(start[near], end[near])
    rows = zip(*(each.tolist() for each in bounds), strict=True)
    whole[suspect] = [not cuts_number(text.raw, first, last) for first, last in rows]
    return whole


def cuts_number(raw: bytes, start: int, end: int) -> bool:
    """Return whether a stretch begins or ends inside a number of the original text.

    >>> cuts_number(b"1.5 million", 2, 11), cuts_number(b"on 12.03.1989", 9, 13)
    (True, False)
    """
    before = raw[max(0, start - LONGEST_NUMBER) : start]
    begins_inside = raw[start : start + 1].isdigit() and (
        _WHOLE_PART.search(before) or (_GROUP_BEFORE.search(before) and _GROUP.match(raw, start))
    )
    return bool(begins_inside or (raw[end - 1 : end].isdigit() and _GOES_ON.match(raw, end)))


def spans_of(text: FoldedText, index: Index, hits: RoleHits) -> Spans:
    """Return where forms stand without a misspelling: exactly, with middle names, or inflected."""
    return Spans.concat(
        *(found(text, index, hits) for found in (exact_spans, expanded_spans, inflected_spans))
    )


def of_forms(index: Index, found: Windows) -> Spans:
    """Return a span for every form behind each phrase, as if it stood there exactly and unguarded."""
    at, (form,) = index.owners.join(found.phrase)
    return Spans(form, index.alias[form], np.zeros(len(form), dtype=np.int64), found.start[at], found.end[at])


def _guarded(text: FoldedText, index: Index, spans: Spans) -> Spans:
    """Return the spans where the original text shows what the guard of their form asks for."""
    capital, written = (positions(asks[spans.form]) for asks in (index.asks_capital, index.asks_written))
    kept = ~in_longer_names(text, index, spans)
    if capital.size:
        kept[capital] &= text.strong(spans.start[capital] + index.capital_at[spans.form[capital]])
    if written.size:
        kept[written] &= _as_written(text, index, spans[written])
    return spans if kept.all() else spans[kept]


def in_longer_names(text: FoldedText, index: Index, spans: Spans) -> Mask:
    """Return which spans are part of a longer name."""
    inside = np.zeros(len(spans), dtype=np.bool_)
    if not len(spans):
        return inside
    suspect = _beside_telling_words(text, index, spans)
    if suspect:
        starts, ends = text.raw_spans(spans.start[suspect], spans.end[suspect])
        rows = zip(spans.form[suspect].tolist(), starts.tolist(), ends.tolist(), strict=True)
        is_longer = cache(_is_longer)  # degenerate text repeats the same few
        inside[suspect] = [
            is_longer(
                index.forms[form],
                text.raw[max(0, start - longer.LOOK_BACK) : start],
                text.raw[start:end],
                text.raw[end : end + longer.LOOK_AHEAD],
            )
            for form, start, end in rows
        ]
    return inside


# Behind " new york " the word "Yankees" begins with a key, "Yams" does too, "is" with none. A word counts if it has a capital, or is a number
# or a part, which need none. All names in small letters are looked at, which are few.
def _beside_telling_words(text: FoldedText, index: Index, spans: Spans) -> list[int]:
    """Return which spans have a word beside them that may make a longer name of them, by three of its letters."""
    at = np.concatenate((np.minimum(spans.end + 1, len(text.bytes_) - 1), spans.start))
    capital, own = text.strong(at).reshape(2, -1).tolist()
    rows = zip(spans.form.tolist(), spans.start.tolist(), spans.end.tolist(), capital, own, strict=True)
    return [
        number
        for number, (form, start, end, is_name, has_capital) in enumerate(rows)
        if index.continued[form]
        and (
            longer.may_follow(text.data[end + 1 : end + 1 + longer.KEY], has_capital=is_name)
            or (is_name and index.any_behind[form])
            or (index.began[form] and text.data[start - 1 - longer.KEY : start - 1] in longer.END_BEFORE)
            or (text.data[start] in LATIN and not has_capital)
        )
    ]


def _is_longer(form: Form, *around: bytes) -> bool:
    return longer.is_part(form.unfinished, *(part.decode(errors="ignore") for part in around))


def _as_written(text: FoldedText, index: Index, spans: Spans) -> list[bool]:
    """Return whether the original text has the comma, the capital of a title, or the very spelling, of each form."""
    starts, ends = text.raw_spans(spans.start, spans.end)
    rows = zip(spans.form.tolist(), starts.tolist(), ends.tolist(), strict=True)
    alone = cache(_is_alone)  # degenerate text repeats the same few
    return [
        alone(
            text.raw[max(0, start - WIDEST * LONGEST_PINNED) : start],
            index.forms[form].folded,
            text.raw[end : end + WIDEST * LOOK_AHEAD],
        )
        if index.forms[form].guard is Guard.ALONE
        else _is_as_written(text.raw, index.forms[form], start=start, end=end, lead=index.lead[form])
        for form, start, end in rows
    ]


def _is_alone(before: bytes, folded: str, after: bytes) -> bool:
    around = before.decode(errors="ignore"), after.decode(errors="ignore")[:LOOK_AHEAD]
    return stands_alone_in(around[0][-LONGEST_PINNED:], folded.replace(" ", ""), around[1])


def _is_as_written(raw: bytes, form: Form, *, start: int, end: int, lead: int) -> bool:
    match form.guard:
        case Guard.COMMA:
            return b"," in raw[start:end]
        case Guard.TITLE:
            return is_title(
                raw[max(0, start - LOOK_BACK) : start].decode(errors="ignore"), raw[start:end].decode(*UTF_8)
            )
        case Guard.POSSESSIVE:
            return _POSSESSIVE.match(raw, end) is not None
        case _:
            return raw.startswith(form.spelling.encode(*UTF_8), start - lead)


def is_title(before: str, word: str) -> bool:
    """Return whether a word has a capital that is its own: what stands before it does not end a sentence."""
    before = before.rstrip(" \t")
    return word[0].isupper() and bool(before) and before[-1] not in ENDS_SENTENCE


def middle_fits(form: Form, between: str, *, any_case: bool = False) -> bool:
    """Return whether the text between a first and a last name is names, the first beginning with the form's initial.

    Names are no function words; they are capitalised, unless `any_case`. The form's own come first: initials begin theirs, and after
    whole names there is one more at most.
    """
    own, words = form.folded.split(" ")[1:-1], between.split()
    if _NICKNAME.fullmatch(between):
        return not own
    if form.middle is not Middle.NAMES:
        return False
    names = all((any_case or word[0].isupper()) and word.casefold() not in FUNCTION_WORDS for word in words)
    fits = _MIDDLE.fullmatch(between) is not None and names
    return fits and _are_middle_names(own, [folded(word) for word in words])


def _are_middle_names(own: Sequence[str], words: Sequence[str]) -> bool:
    whole = any(len(name) > 1 for name in own)
    begin = all(
        word == name or (len(name) == 1 and word.startswith(name))
        for name, word in zip(own, words, strict=False)
    )
    return begin and len(own) <= len(words) <= (len(own) + 1 if whole else MIDDLE_NAMES)


# Form "nidal hasan", text "Nidal Malik Hasan": FIRST hits token 0, LAST hits token 2. For each LAST hit, a first name two, three or
# four tokens before it is looked up among the FIRST hits, all (form, token) pairs as one sorted column of numbers. The pair
# (0, 2) is there, and "Malik" passes `middle_fits`.
def expanded_spans(text: FoldedText, index: Index, hits: RoleHits, *, any_case: bool = False) -> Spans:
    """Return where a first and a last name stand with middle names between them, which are capitalised unless `any_case`."""
    first, last = hits[Role.FIRST], hits[Role.LAST]
    if not (len(first.start) and len(last.start)):
        return Spans.none()
    first_at, last_at = text.spaces.searchsorted(first.start), text.spaces.searchsorted(last.start)
    width = len(text.spaces) + MIDDLE_NAMES + 2
    firsts = np.sort(first.reference * width + first_at)
    gap = np.arange(2, MIDDLE_NAMES + 2)[:, None]
    sought = last.reference * width + last_at - gap
    gaps, pair = np.nonzero(firsts[np.minimum(firsts.searchsorted(sought), len(firsts) - 1)] == sought)
    pairs = np.stack((last.reference[pair], last_at[pair] - gap[gaps, 0], last_at[pair]))
    return _checked_middles(text, index, pairs, any_case=any_case)


def _checked_middles(
    text: FoldedText, index: Index, pairs: npt.NDArray[np.int64], *, any_case: bool
) -> Spans:
    """Return the spans of these (form, first token, last token) whose middle fits."""
    form, first, last = pairs
    if not form.size:
        return Spans.none()
    start, end = text.spaces[first] + 1, text.spaces[last + 1]
    between_end, between_start = text.raw_spans(text.spaces[last] + 1, text.spaces[first + 1])
    rows = zip(form.tolist(), between_start.tolist(), between_end.tolist(), strict=True)
    fits = cache(lambda number, between: middle_fits(index.forms[number], between, any_case=any_case))
    kept = np.array(
        [fits(number, text.raw[a:b].decode(*UTF_8)) for number, a, b in rows],
        dtype=np.bool_,
    )
    return _at_a_distance(text, index, EXPANDED, Windows(form, start, end)[kept])


def _at_a_distance(text: FoldedText, index: Index, channel: int, found: Windows) -> Spans:
    """Return the spans of forms, with the edits between each and what stands there."""
    if not len(found.phrase):
        return Spans.none()
    rows = zip(found.phrase.tolist(), found.start.tolist(), found.end.tolist(), strict=True)
    edits = cache(lambda number, window: Levenshtein.distance(index.forms[number].folded, window.decode()))
    distance = [edits(number, text.data[a:b]) for number, a, b in rows]
    columns = np.full(len(distance), channel), np.array(distance, dtype=np.int64)
    return Spans(found.phrase, *columns, found.start, found.end)


# Form "лев толстои", text "роман Льва Толстого": the lead "толс" of word 1 hits token 2, so the form would begin at token 1. The
# words Льва and Толстого agree with the form's, the distance is that between "лев толстои" and "льва толстого".
def inflected_spans(text: FoldedText, index: Index, hits: RoleHits, *, any_case: bool = False) -> Spans:
    """Return where every word of a form stands inflected, with a capital where the form has one unless `any_case`."""
    leads = hits[Role.LEAD]
    if not leads.start.size:
        return Spans.none()
    form, first, stop = _around_leads(text, index, leads)
    token = distinct(stretches(first, stop - first))
    written, at = _raw_words(text, token), token.searchsorted(first)

    @cache
    def agree(number: int, words: tuple[str, ...]) -> bool:
        own = index.forms[number].words
        return all(one.agrees(word, any_case=any_case) for one, word in zip(own, words, strict=True))

    rows = zip(form.tolist(), at.tolist(), (at + stop - first).tolist(), strict=True)
    kept = np.array([agree(number, tuple(written[a:b])) for number, a, b in rows], dtype=np.bool_)
    found = Windows(form, text.spaces[first] + 1, text.spaces[stop])[kept]
    spans = _at_a_distance(text, index, INFLECTED, found)
    return spans[spans.distance > 0]


def _around_leads(text: FoldedText, index: Index, leads: Hits) -> tuple[Positions, Positions, Positions]:
    """Return where inflected forms may stand, by what their most telling word begins with: the form and its half-open span in tokens."""
    form = leads.reference
    first = text.spaces.searchsorted(leads.start) - leads.offset
    stop = first + np.array([len(one.words) for one in index.forms], dtype=np.int64)[form]
    inside = positions((first >= 0) & (stop < len(text.spaces)))
    edges = text.spaces[first[inside]] + 1, text.spaces[stop[inside]]
    kept = inside[text.segment(edges[0]) == text.segment(edges[1])]
    return form[kept], first[kept], stop[kept]


def _raw_words(text: FoldedText, token: Positions) -> list[str]:
    """Return these tokens as they appear in the original text."""
    starts, ends = text.raw_spans(text.spaces[token] + 1, text.spaces[token + 1])
    return [
        text.raw[start:end].decode(*UTF_8) for start, end in zip(starts.tolist(), ends.tolist(), strict=True)
    ]


# Form "benedict of nursia" (k = 1) has the pieces " benedict " and "of nursia ". In " bendict of nursia " the second begins 9 bytes
# behind the window's space where 10 are expected, so the space is expected at -1; with one byte of slack it is the one at 0.
def candidates(text: FoldedText, index: Index, pieces: Hits) -> Windows:
    """Return the windows around piece hits whose length could be right, each once."""
    phrase, expected = pieces.reference, pieces.start - pieces.offset
    if not phrase.size:
        return Windows(phrase, expected, expected)
    slack = index.edits[phrase] * text.widest
    low = text.spaces.searchsorted(expected - slack)
    count = text.spaces.searchsorted(expected + slack, side="right") - low
    placed = distinct(np.repeat(phrase, count) * len(text.spaces) + stretches(low, count))
    windows = _windows(text, index, *np.divmod(placed, len(text.spaces)))
    return windows[text.segment(windows.start) == text.segment(windows.end)]


def _windows(text: FoldedText, index: Index, phrase: Positions, first: Positions) -> Windows:
    """Return the windows that begin at these tokens, with up to k tokens more or fewer than the phrase.

    With as many tokens the length may be off by k; with more or fewer only spaces differ, so it is off by just those.
    """
    most = int(index.edits.max(initial=0))
    more = np.arange(-most, most + 1)[:, None]
    last = first + index.tokens[phrase] + more
    inside = (last > first) & (last < len(text.spaces)) & (np.abs(more) <= index.edits[phrase])
    end = text.spaces[np.where(inside, last, 0)]
    off = end - text.spaces[first] - 1 - index.lengths[phrase] - more
    close = inside & (np.abs(off) <= np.where(more == 0, index.edits[phrase] * text.widest, 0))
    at = np.nonzero(close)[1]
    return Windows(phrase[at], text.spaces[first[at]] + 1, end[close])
