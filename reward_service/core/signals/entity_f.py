"""The soft F-score over entities of WebLeaper: precision keeps a rollout from naming everything."""

from reward_service.core.signals.cells import Share
from reward_service.core.types import RolloutFacts


def entity_f(facts: RolloutFacts) -> Share | None:
    """Return F1 of precision matched / named and recall matched / m, as the share 2 · matched / (named + m).

    None if the question has no entity left to match. `named` are all entity-like mentions, right or wrong. Do not use it where
    mentions are not counted: precision would be 1.
    """
    matched = facts.matched or 0
    return Share(2 * matched, max(facts.mentions, matched) + facts.entities) if facts.entities else None
