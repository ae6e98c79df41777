"""The proposals of all sources for one question as one list.

Names of the same plain form are one proposal. So are two of which one is a form of the other, as the matcher derives forms: the
longer name stays, because it yields the shorter one. Confidences of different sources are combined as if they were independent:
1 - Π (1 - cₛ).
"""

from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from math import prod
from typing import TypeAlias

from entity_index.propose.values import Proposal, Reason, plainly
from entity_index.types import Entity

Forms: TypeAlias = Callable[[Entity], Iterable[str]]
"""The folded forms that matching derives from an entity."""
SPELT = "spelling"


def combined(proposals: Iterable[Proposal], forms: Forms) -> list[Proposal]:
    """Return one proposal per thing, the surest first.

    Args:
        proposals: of all sources, for one question.
        forms: what the matcher looks for, given an entity.
    """
    by_plain: dict[str, list[Proposal]] = defaultdict(list)
    for one in proposals:
        by_plain[plainly(one.name)].append(one)
    home = _homes(by_plain, forms)
    gathered: dict[str, list[Proposal]] = defaultdict(list)
    for plain in sorted(by_plain, key=lambda one: (home[one] != one, one)):
        gathered[home[plain]] += by_plain[plain]
    return sorted(map(_united, gathered.values()), key=lambda one: (-one.confidence, one.name))


def _homes(by_plain: dict[str, list[Proposal]], forms: Forms) -> dict[str, str]:
    """Return for each plain name the longest one whose forms include it, itself if there is none or more than one."""
    derived = {plain: _forms_of(found[0], forms) for plain, found in by_plain.items()}
    home = {}
    for plain in by_plain:
        longer = [other for other in by_plain if len(other) > len(plain) and plain in derived[other]]
        home[plain] = longer[0] if len(longer) == 1 else plain
    return {plain: home[to] for plain, to in home.items()}


def _forms_of(one: Proposal, forms: Forms) -> set[str]:
    entity = Entity(one.name, tuple(alias for alias, _ in one.aliases))
    return {f" {form} " for form in forms(entity)}


def _united(found: Sequence[Proposal]) -> Proposal:
    first = found[0]
    by_source: dict[str, float] = {}
    for one in found:
        for evidence in one.evidence[:1]:
            by_source[evidence.source] = max(one.confidence, by_source.get(evidence.source, 0.0))
    spelt = [(one.name, SPELT) for one in found[1:]]
    aliases = [alias for one in found for alias in one.aliases] + spelt
    distances = [one.distance for one in found if one.distance is not None]
    return Proposal(
        name=first.name,
        confidence=1 - prod(1 - confidence for confidence in by_source.values()),
        evidence=tuple(dict.fromkeys(evidence for one in found for evidence in one.evidence)),
        aliases=tuple({alias: origin for alias, origin in reversed(aliases) if alias != first.name}.items())[
            ::-1
        ],
        distance=min(distances, default=None),
        entity_id=next((one.entity_id for one in found if one.entity_id), None),
    )


def sources_of(evidence: Iterable[Reason]) -> list[str]:
    """Return the names of the sources behind a proposal."""
    return sorted({one.source for one in evidence})
