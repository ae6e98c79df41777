"""E-GRPO's own rule, to the letter: an entity is matched if its name is a substring of one thought.

Case-sensitive, on the raw text, names only. Aliases are ignored, nothing is masked, no region is uncredited.
E_q is a set: a name that is listed twice is one entity. An empty name is no phrase and leaves the set.
"""

import re
from collections.abc import Iterator, Sequence

from entity_index.types import Question
from reward_service.core.matching.spec import Matching
from reward_service.core.types import Match, Segment, SegmentKind


def distinct_names(question: Question) -> dict[str, int]:
    """Return each distinct non-empty name with the position of the first entity that bears it."""
    names: dict[str, int] = {}
    for position, entity in enumerate(question.entities):
        if entity.name:
            names.setdefault(entity.name, position)
    return names


def _matches(name: str, position: int, rollout: Sequence[Segment]) -> Iterator[Match]:
    """Yield the first place of a name in each thought that has it."""
    for index, segment in enumerate(rollout):
        if segment.kind is SegmentKind.THOUGHT and (start := segment.text.find(name)) >= 0:
            yield Match(position, "exact", name, 0, index, start, start + len(name))


def match_substrings(rollout: Sequence[Segment], question: Question, *, explain: bool) -> Matching:
    """Match one rollout by the paper's rule.

    Args:
        rollout: its segments in order; only thoughts are searched.
        question: the ground truth.
        explain: also return where each name was found first.
    """
    names = distinct_names(question)
    every = [tuple(_matches(name, position, rollout)) for name, position in names.items()]
    found = [matches for matches in every if matches]
    return Matching(
        entities=len(names),
        matched=len(found),
        named=tuple(sorted((match.segment, match.entity) for matches in found for match in matches)),
        matches=tuple(matches[0] for matches in found) if explain else (),
    )


def substrings_of(rollout: Sequence[Segment], question: Question) -> list[Match]:
    """Return every place where a name stands to the letter, in any segment, in order of the names."""
    return [
        Match(position, "exact", name, 0, index, found.start(), found.end())
        for name, position in distinct_names(question).items()
        for index, segment in enumerate(rollout)
        for found in re.finditer(re.escape(name), segment.text)
    ]
