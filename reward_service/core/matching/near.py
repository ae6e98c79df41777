"""Near misses: for the reader of an explanation, what came closest to an entity that was not named. It decides nothing.

Looked at are the stretches of as many tokens as the entity's first form around the first few places that share a word with it.
"""

from collections.abc import Iterator
from collections.abc import Set as AbstractSet

import numpy as np
from rapidfuzz import fuzz

from reward_service.core.matching import lexicon
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.forms import Form
from reward_service.core.matching.index import Index
from reward_service.core.matching.layout import Layout
from reward_service.core.types import NearMiss

LEAST_SIMILARITY = 70.0
PLACES_PER_WORD = 8
LEAST_LETTERS = 3


def _places(text: FoldedText, form: Form, segment: int) -> Iterator[tuple[int, int]]:
    """Yield stretches of the segment that share a word with the form, in bytes of the folded text."""
    begin, stop = text.separators[segment : segment + 2].tolist()
    words = form.folded.split(" ")
    for offset, word in enumerate(words):
        at, left = (
            begin,
            PLACES_PER_WORD * (len(word) >= LEAST_LETTERS and word not in lexicon.OPENERS),
        )
        while left and (at := text.data.find(f" {word} ".encode(), at + 1, stop)) >= 0:
            left -= 1
            first = int(text.spaces.searchsorted(at)) - offset
            last = min(first + len(words), len(text.spaces) - 1)
            yield max(begin + 1, int(text.spaces[max(0, first)])) + 1, min(stop - 1, int(text.spaces[last]))


def _nearest(text: FoldedText, layout: Layout, form: Form, segments: list[int]) -> NearMiss | None:
    places = [(segment, *place) for segment in segments for place in _places(text, form, segment)]
    scored = [
        (fuzz.ratio(form.folded, text.data[start:end].decode()), -start, segment, end)
        for segment, start, end in places
    ]
    similarity, start, segment, end = max(scored, default=(0.0, 0, 0, 0))
    if similarity < LEAST_SIMILARITY:
        return None
    (begin,), (stop,) = text.raw_char_spans(np.array([-start]), np.array([end]))
    offset = layout.raw_start[segment]
    return NearMiss(
        form.entity,
        form.spelling,
        similarity,
        int(layout.position[segment]),
        int(begin - offset),
        int(stop - offset),
    )


def near_misses(
    text: FoldedText, layout: Layout, index: Index, *, rollout: int, named: AbstractSet[int]
) -> tuple[NearMiss, ...]:
    """Return the closest passage for each entity that a rollout does not name, by its first form, where anything is close."""
    segments = np.flatnonzero((layout.rollout == rollout) & layout.is_thought).tolist()
    missing: dict[int, Form] = {}
    for form in index.forms:
        if form.entity not in named:
            missing.setdefault(form.entity, form)
    return tuple(near for form in missing.values() if (near := _nearest(text, layout, form, segments)))
