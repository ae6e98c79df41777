"""The entity match rate of E-GRPO (arXiv:2510.24694, Eq. 1-3).

γ is a set measure: a second mention adds nothing. Counts stay integers, so that each rate is one correctly rounded
division and does not depend on the order or the size of a batch.
"""

from collections.abc import Iterable

from reward_service.core.signals.cells import Share
from reward_service.core.types import RolloutFacts


def entity_match(facts: RolloutFacts) -> Share | None:
    """Return γ as the share matched / m; None if the question has no entity left to match."""
    return Share(facts.matched or 0, facts.entities) if facts.entities else None


def match_rate(matched: int, entities: int) -> float:
    """Return γ = matched / m, in [0, 1]; 0 where the question has no entity left."""
    return matched / entities if entities else 0.0


def group_max(matched: Iterable[int]) -> int:
    """Return maxⱼ matchedⱼ over the scored rollouts of a group; 0 for none.

    "γ_max is the maximum over all G rollouts": errors count too.
    """
    return max(matched, default=0)


def normalized_match_rate(matched: int, best: int) -> float:
    """Return γ̂ = γ / γ_max = matched / group_max, in [0, 1]; 0 where the whole group matched nothing."""
    return matched / best if best else 0.0


def precision(matched: int, mentions: int) -> float | None:
    """Return matched / mentions, in [0, 1]; None where mentions were not counted."""
    return min(matched / mentions, 1.0) if mentions else None
