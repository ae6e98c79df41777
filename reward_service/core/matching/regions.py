"""Uncredited regions: stretches of thought whose mentions earn nothing.

- **pasted**: a run of at least `tokens` tokens that also stands in an earlier tool response of the same rollout. A span is pasted if
  such a run contains it. Only the windows around spans are looked for, among the tool responses' windows.
- **listed**: a window of `width` folded characters with more than `most` distinct mentions. A span is listed if such a window
  contains it.
"""

from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from reward_service.core.matching.arrays import Mask, Positions, distinct, stretches
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.layout import Layout
from reward_service.core.matching.mentions import Mentions
from reward_service.core.matching.scan import Spans

SKETCH_BASE = 9973
NOWHERE = np.iinfo(np.int64).max


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


def _alike(text: FoldedText, first: Positions, tokens: int) -> Positions:
    """Return where windows begin that may be equal to one of these."""
    sketches = _sketches(text, tokens)
    sought = np.zeros(1 << 16, dtype=np.bool_)
    sought[sketches[first]] = True
    return np.flatnonzero(sought.take(sketches))


def _pasted_windows(text: FoldedText, layout: Layout, first: Positions, tokens: int) -> Mask:
    """Return which windows of `tokens` tokens also stand in an earlier tool response of their rollout."""
    if not first.size:
        return np.zeros(0, dtype=np.bool_)
    alike = _alike(text, first, tokens)
    observed = ~layout.is_thought[text.segment(text.spaces[alike])]
    sources = _whole_windows(text, alike[observed], tokens)
    copied = np.zeros(len(first), dtype=np.bool_)
    rollout, source_rollout = (layout.rollout[text.segment(text.spaces[which])] for which in (first, sources))
    for number in distinct(source_rollout).tolist():
        mine = np.flatnonzero(rollout == number)
        copied[mine] = _copied(text, first[mine], sources[source_rollout == number], tokens)
    return copied


def _copied(text: FoldedText, first: Positions, sources: Positions, tokens: int) -> Mask:
    """Return which windows are equal to a source window before them."""
    texts, sources_texts = (_texts(text, which, tokens) for which in (first, sources))
    earliest = dict(zip(reversed(sources_texts), reversed(sources.tolist()), strict=True))
    return np.array([earliest.get(window, NOWHERE) for window in texts], dtype=np.int64) < first


def _texts(text: FoldedText, first: Positions, tokens: int) -> list[bytes]:
    bounds = zip(text.spaces[first].tolist(), text.spaces[first + tokens].tolist(), strict=True)
    return [text.data[start:end] for start, end in bounds]


def pasted(text: FoldedText, layout: Layout, spans: Spans, *, tokens: int) -> Mask:
    """Return which spans stand inside a pasted run; one longer than `tokens` if all its windows are pasted."""
    first = text.spaces.searchsorted(spans.start) - 1
    last = text.spaces.searchsorted(spans.end) - tokens
    low, high = np.minimum(first, last), np.maximum(first, last)
    windows = _whole_windows(text, distinct(stretches(low, high - low + 1)), tokens)
    copied = np.append(0, np.cumsum(_pasted_windows(text, layout, windows, tokens)))
    begin, stop = windows.searchsorted(low), windows.searchsorted(high, side="right")
    needed = np.where(last > first, stop - begin, 1)
    inside: Mask = copied[stop] - copied[begin] >= needed
    return inside


@dataclass(frozen=True, slots=True)
class _Places:
    """Mentions as plain lists, in folded characters."""

    key: list[int]
    start: list[int]
    end: list[int]
    segment: list[int]


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


def _near(
    head: Positions,
    mentions: Mentions,
    spans: Spans,
    *,
    most: int,
    reach: int,
    measure: Callable[[Positions], Positions],
) -> Positions:
    """Return those of the mentions that have more than `most` after them within reach, distinct or not, and a span."""
    start, named = measure(mentions.start[head]), np.sort(measure(spans.start))
    close = measure(mentions.end[head + most]) - start <= reach
    head, start = head[close], start[close]
    before, after = named.searchsorted((start - reach, start + reach))
    near: Positions = head[before < after]
    return near


def listed(text: FoldedText, mentions: Mentions, spans: Spans, *, most: int, width: int) -> Mask:
    """Return which spans stand inside a window of `width` characters with more than `most` distinct mentions."""
    near = np.arange(max(0, len(mentions.start) - most))
    for measure, reach in ((np.asarray, width * text.widest), (text.chars, width)):  # bytes rule most out
        near = _near(near, mentions, spans, most=most, reach=reach, measure=measure)
        if not near.size:
            return np.zeros(len(spans), dtype=np.bool_)
    start, end, segment = text.chars(mentions.start), text.chars(mentions.end), text.segment(mentions.start)
    places = _Places(mentions.key.tolist(), start.tolist(), end.tolist(), segment.tolist())
    dense = list(_dense_stretches(places, near.tolist(), most=most, width=width))
    first, last = np.array(dense, dtype=np.int64).reshape(-1, 2).T
    if not first.size:
        return np.zeros(len(spans), dtype=np.bool_)
    low = np.maximum(end[last] - width, text.chars(text.separators[segment[first]]))
    high = np.minimum(start[first] + width, text.chars(text.separators[segment[first] + 1]))
    at = low.searchsorted(text.chars(spans.start), side="right") - 1
    inside: Mask = (at >= 0) & (text.chars(spans.end) <= high[at])
    return inside
