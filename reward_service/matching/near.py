"""Near misses: for the reader of an explanation, what came closest to an entity that was not named. It decides nothing."""

from collections.abc import Iterator, Sequence
from collections.abc import Set as AbstractSet

from rapidfuzz import fuzz

from entity_index.folding import Folded, fold
from reward_service.matching.forms import Form
from reward_service.matching.index import Index
from reward_service.matching.values import NearMiss
from reward_service.types import Segment, SegmentKind

LEAST_SIMILARITY = 70.0
MAX_CHARS = 200_000  # of thoughts looked at; partial ratios run at a few MB/s


def _thoughts(rollout: Sequence[Segment]) -> Iterator[tuple[int, Folded]]:
    left = MAX_CHARS
    for position, segment in enumerate(rollout):
        if segment.kind is SegmentKind.THOUGHT and left > 0:
            yield position, fold(segment.text[:left])
            left -= len(segment.text)


def _nearest(form: Form, thoughts: Sequence[tuple[int, Folded]]) -> NearMiss | None:
    best: NearMiss | None = None
    for position, thought in thoughts:
        least = best.similarity if best else LEAST_SIMILARITY
        found = fuzz.partial_ratio_alignment(form.folded, thought.text, score_cutoff=least)
        if found and found.dest_start < found.dest_end and (best is None or found.score > best.similarity):
            span = thought.span(found.dest_start, found.dest_end)
            best = NearMiss(form.entity, form.spelling, found.score, position, *span)
    return best


def near_misses(rollout: Sequence[Segment], index: Index, named: AbstractSet[int]) -> tuple[NearMiss, ...]:
    """Return the closest passage for each entity that is not named, by its first form, where anything is close."""
    thoughts = list(_thoughts(rollout))
    missing: dict[int, Form] = {}
    for form in index.forms:
        if form.entity not in named:
            missing.setdefault(form.entity, form)
    return tuple(near for form in missing.values() if (near := _nearest(form, thoughts)))
