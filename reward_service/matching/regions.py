"""Uncredited regions: stretches of thought whose mentions earn nothing.

- **pasted**: a run of at least `tokens` tokens that also stands in an earlier tool response of the same rollout. A span is pasted if
  such a run contains it. Only the windows around spans are looked for, among the tool responses' windows.
- **listed**: a window of `width` folded characters with more than `most` distinct mentions. A span is listed if such a window
  contains it.
"""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from reward_service.matching.fold import FoldedText, Mask, Positions
from reward_service.matching.layout import Layout
from reward_service.matching.mentions import Keys, Mentions, loads
from reward_service.matching.scan import Spans

FILTER_BITS = 16
NOWHERE = np.iinfo(np.int64).max


def _whole_windows(text: FoldedText, first: Positions, tokens: int) -> Positions:
    """Return those of the tokens from which a window of `tokens` tokens stays in its segment."""
    first = first[(first >= 0) & (first + tokens < len(text.spaces))]
    inside: Mask = text.token_segment[first] == text.token_segment[first + tokens]
    return first[inside]


def _sketches(text: FoldedText, tokens: int) -> Keys:
    """Return a few bits of the window from each token on: equal windows have equal bits. Eight bytes span at most four tokens."""
    words = loads(text)[text.spaces + 1]
    mixed = np.zeros(max(0, len(words) - tokens), dtype=np.uint64)
    for step in range(0, tokens - 3, 4):
        mixed += words[step : step + len(mixed)] * np.uint64(2 * step + 0x9E3779B97F4A7C15)
    return mixed >> np.uint64(64 - FILTER_BITS)


def _pasted_windows(text: FoldedText, layout: Layout, first: Positions, tokens: int) -> Mask:
    """Return which windows of `tokens` tokens also stand in an earlier tool response of their rollout."""
    if not first.size:
        return np.zeros(0, dtype=np.bool_)
    sketches = _sketches(text, tokens)
    known = np.zeros(1 << FILTER_BITS, dtype=np.bool_)
    known[sketches[first]] = True
    sources = np.flatnonzero(known[sketches])
    sources = _whole_windows(text, sources[~layout.is_thought[text.token_segment[sources]]], tokens)
    copied = np.zeros(len(first), dtype=np.bool_)
    rollout, source_rollout = (layout.rollout[text.token_segment[which]] for which in (first, sources))
    for number in np.unique(source_rollout).tolist():
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
    reach = high - low + 1
    rank = np.arange(int(reach.sum())) - np.repeat(np.cumsum(reach) - reach, reach)
    windows = _whole_windows(text, np.unique(np.repeat(low, reach) + rank), tokens)
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


def _near(start: Positions, end: Positions, spans: Positions, *, most: int, width: int) -> Positions:
    """Return the mentions with more than `most` mentions after them within the width, distinct or not, and a span in reach."""
    head = np.arange(max(0, len(start) - most))
    head = head[end[head + most] - start[head] <= width]
    before, after = spans.searchsorted((start[head] - width, start[head] + width))
    near: Positions = head[before < after]
    return near


def listed(text: FoldedText, mentions: Mentions, spans: Spans, *, most: int, width: int) -> Mask:
    """Return which spans stand inside a window of `width` characters with more than `most` distinct mentions."""
    start, end, segment = text.chars(mentions.start), text.chars(mentions.end), text.segment(mentions.start)
    near = _near(start, end, np.sort(text.chars(spans.start)), most=most, width=width)
    if not near.size:
        return np.zeros(len(spans), dtype=np.bool_)
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
