"""Uncredited regions: stretches of thought whose mentions earn nothing.

Both are measured in words' worth: a character of a script written without spaces is worth half a word.

- **pasted**: a run is a stretch of tokens of which every `words` in a row also appear in an earlier tool response of the same rollout.
  A span is pasted if a run contains it that is worth at least `words` words more than the span, so that a name's own length never
  makes it pasted, and that is worth twice as many words or names several things. Only the windows around spans are looked for, among
  the tool responses' windows.
- **listed**: a window of `words` words with more than `most` distinct mentions. A span is listed if such a window contains it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from typing import Self

import numpy as np
import numpy.typing as npt

from reward_service.core.matching.arrays import Mask, Positions, among, positions
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.layout import Layout
from reward_service.core.matching.mentions import Mentions
from reward_service.core.matching.scan import Spans

PASTED_MENTIONS = 3
"""A copied sentence that names fewer things may be the finding itself: a reader pays it in 9 of 15 cases."""
SKETCH_BASE = 9973


def _whole_windows(text: FoldedText, first: Positions, tokens: int) -> Positions:
    """Return those of the tokens from which a window of `tokens` tokens stays in its segment."""
    first = first[(first >= 0) & (first + tokens < len(text.spaces))]
    inside: Mask = text.segment(text.spaces[first]) == text.segment(text.spaces[first + tokens])
    return first[inside]


def _sketches(text: FoldedText, tokens: int) -> npt.NDArray[np.uint16]:
    """Return a number for every window of so many tokens, made of their first bytes."""
    initial = text.bytes_.take(text.spaces[:-1] + 1).astype(np.uint16)
    sketches = np.zeros(max(0, len(text.spaces) - tokens), dtype=np.uint16)
    for at in range(tokens):
        sketches *= np.uint16(SKETCH_BASE)
        sketches += initial[at : at + len(sketches)]
    return sketches


# The first bytes of "of the city of rome" are o t c o r. With windows of two tokens, the sketches are numbers of (o, t), (t, c), (c, o),
# (o, r). Windows that are equal have the same sketch; of a text without copies, hardly any window is left to compare.
def _pasted_windows(text: FoldedText, layout: Layout, first: Positions, tokens: int) -> Mask:
    """Return which windows of `tokens` tokens also appear in an earlier tool response of their rollout."""
    if not first.size:
        return np.zeros(0, dtype=np.bool_)
    sketches = _sketches(text, tokens)
    sought = np.zeros(1 << 16, dtype=np.bool_)
    sought[sketches[first]] = True
    alike = positions(sought.take(sketches))
    sources = alike[~layout.is_thought[text.segment(text.spaces[alike])]]
    # With the rollout's number before it, a sketch is shared only within the rollout.
    look, source_look = (
        layout.rollout[text.segment(text.spaces[at])] << 16 | sketches[at] for at in (first, sources)
    )
    suspects = positions(among(look, source_look))
    sources = _whole_windows(text, sources[among(source_look, look[suspects])], tokens)
    copied = np.zeros(len(first), dtype=np.bool_)
    copied[suspects] = _copied(text, layout, first[suspects], sources, tokens=tokens)
    return copied


def _copied(
    text: FoldedText, layout: Layout, first: Positions, sources: Positions, *, tokens: int
) -> list[bool]:
    """Return which windows are equal to a source window before them in their rollout."""
    windows, sources_windows = (_windows(text, layout, at, tokens) for at in (first, sources))
    earliest = dict(zip(reversed(sources_windows), reversed(sources.tolist()), strict=True))
    return [earliest.get(window, at) < at for window, at in zip(windows, first.tolist(), strict=True)]


def _windows(text: FoldedText, layout: Layout, first: Positions, tokens: int) -> list[tuple[int, bytes]]:
    """Return windows as the number of their rollout and their text."""
    start = text.spaces[first]
    columns = (
        one.tolist() for one in (layout.rollout[text.segment(start)], start, text.spaces[first + tokens])
    )
    return [(rollout, text.data[begin:end]) for rollout, begin, end in zip(*columns, strict=True)]


@dataclass(frozen=True, slots=True)
class _Runs:
    """Pasted runs in the order of the text, as half-open token spans; neither starts nor ends repeat."""

    start: Positions
    stop: Positions

    @classmethod
    def of(cls, windows: Positions, tokens: int) -> Self:
        """Return the runs that copied windows of so many tokens form."""
        heads = np.append(True, windows[1:] - windows[:-1] > 1)[: len(windows)]
        tails = np.append(heads[1:], True)[: len(windows)]
        return cls(windows[heads], windows[tails] + tokens)


def _union(start: Positions, stop: Positions, *, size: int) -> Positions:
    """Return what lies in any of these half-open stretches of so many numbers, ascending."""
    opened = np.bincount(np.maximum(start, 0), minlength=size + 1)
    closed = np.bincount(np.minimum(stop, size), minlength=size + 1)
    return positions((opened - closed).cumsum() > 0)


def _named_in(text: FoldedText, mentions: Mentions, runs: _Runs) -> Mask:
    """Return which runs name at least `PASTED_MENTIONS` distinct things."""
    first = mentions.start.searchsorted(text.spaces[runs.start])
    last = mentions.end.searchsorted(text.spaces[runs.stop], side="right")
    named = last - first >= PASTED_MENTIONS
    bounds = zip(first[named].tolist(), last[named].tolist(), strict=True)
    named[named] = [len(np.unique(mentions.key[a:b])) >= PASTED_MENTIONS for a, b in bounds]
    return named


def _longest_around(
    runs: _Runs, worth: Positions, first: Positions, stop: Positions, *, tokens: int
) -> Positions:
    """Return the most that a run around each token span is worth; fewer than `tokens` of them can be around one."""
    low, high = runs.stop.searchsorted(stop), runs.start.searchsorted(first, side="right") - 1
    most = np.zeros(len(first), dtype=np.int64)
    for at in range(tokens):
        around = high - at >= low
        most[around] = np.maximum(most[around], worth[(high - at)[around]])
    return most


# words = 12; a response says "... the museum was founded in 1911 by the painter Anna Ek of Oslo, who ..." and the thought repeats 26 words
# of it. The run is worth 52 half words. The span "Anna Ek" is worth 4, and 52 >= 4 + 24, so it is pasted. Of a copied run of 15
# words, worth 30, the same span is pasted only if the run names three things, as 30 is under 48.
def pasted(text: FoldedText, layout: Layout, mentions: Mentions, spans: Spans, *, words: int) -> Mask:
    """Return which spans stand inside a pasted run that says `words` words more than they do.

    A run of less than twice as many words has to name several things: a single copied sentence may be the finding itself.
    """
    first = text.spaces.searchsorted(spans.start) - 1
    stop = text.spaces.searchsorted(spans.end)
    # A token is worth half a word or more, so what lies further away can change no verdict.
    near = _union(first - 4 * words, stop + 3 * words + 1, size=len(text.spaces))
    windows = _whole_windows(text, near, words)
    windows = windows[layout.may_copy[text.segment(text.spaces[windows])]]
    windows = windows[_pasted_windows(text, layout, windows, words)]
    if not windows.size:
        return np.zeros(len(spans), dtype=np.bool_)
    runs = _Runs.of(windows, words)
    worth = text.half_words(text.spaces[runs.stop]) - text.half_words(text.spaces[runs.start] + 1)
    worth[(worth < 4 * words) & ~_named_in(text, mentions, runs)] = 0
    own = text.half_words(spans.end) - text.half_words(spans.start)
    inside: Mask = _longest_around(runs, worth, first, stop, tokens=words) >= own + 2 * words
    return inside


@dataclass(frozen=True, slots=True)
class _Places:
    """Mentions as plain lists, in half words."""

    key: list[int]
    start: list[int]
    end: list[int]
    segment: list[int]


# most = 2, width = 10, mentions a a b c at 0, 3, 6, 9: from the first, a a b c fit the width and are three distinct ones, more than two:
# (0, 3) is yielded. From the second, the finger need not go back: the first a is taken out of the counts, a b c remain: (1, 3).
def _dense_stretches(
    places: _Places, near: Iterable[int], *, most: int, width: int
) -> Iterator[tuple[int, int]]:
    """Yield each shortest stretch with more than `most` distinct mentions that fits a window, as (first, last) mention.

    Two fingers, from each of the `near` mentions on; those in between are passed over.
    """
    counts: Counter[int] = Counter()
    begin = stop = 0
    for first in near:
        if first > stop:
            counts, begin, stop = Counter(), first, first
        for left in places.key[begin:first]:
            counts[left] -= 1
            if not counts[left]:
                del counts[left]
        begin, limit = first, places.start[first] + width
        while (
            len(counts) <= most
            and stop < len(places.key)
            and places.end[stop] <= limit
            and places.segment[stop] == places.segment[first]
        ):
            counts[places.key[stop]] += 1
            stop += 1
        if len(counts) > most:
            yield first, stop - 1


def _near(start: Positions, end: Positions, spans: Positions, *, most: int, width: int) -> Positions:
    """Return the mentions that have more than `most` after them within the width, distinct or not, and a span."""
    head = np.arange(max(0, len(start) - most))
    head = head[end[head + most] - start[head] <= width]
    before, after = np.sort(spans).searchsorted((start[head] - width, start[head] + width))
    near: Positions = head[before < after]
    return near


def listed(text: FoldedText, mentions: Mentions, spans: Spans, *, most: int, words: int) -> Mask:
    """Return which spans stand inside a window of so many words with more than `most` distinct mentions."""
    width, none = 2 * words, np.zeros(len(spans), dtype=np.bool_)
    if len(mentions.start) <= most:
        return none
    start, end = text.half_words_before(mentions.first), text.half_words_before(mentions.stop)
    named = text.half_words(spans.start)
    near = _near(start, end, named, most=most, width=width)
    if not near.size:
        return none
    segment = text.segment(mentions.start)
    places = _Places(mentions.key.tolist(), start.tolist(), end.tolist(), segment.tolist())
    dense = list(_dense_stretches(places, near.tolist(), most=most, width=width))
    first, last = np.array(dense, dtype=np.int64).reshape(-1, 2).T
    if not first.size:
        return none
    bounds = text.half_words(text.separators)
    low = np.maximum(end[last] - width, bounds[segment[first]])
    high = np.minimum(start[first] + width, bounds[segment[first] + 1])
    at = low.searchsorted(named, side="right") - 1
    inside: Mask = (at >= 0) & (text.half_words(spans.end) <= high[at])
    return inside
