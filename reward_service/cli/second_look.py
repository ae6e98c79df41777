"""What is shown beside the reward, under every profile: reachability, and the checker's own verdict.

Presence is not entailment: a page that holds the words of an answer need not support it.
"""

from dataclasses import replace

from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.scoring import measure_group
from reward_service.core.types import GroupResult, RewardSpec, RolloutFacts, Term
from reward_service.serve.scorer import Scored

LENS = ("answer_seen", "named_before_seen", "retrieved")
"""Signals that are measured whether or not the profile reads them."""


def second_look(scored: Scored, profile: Profile) -> list[RolloutFacts]:
    """Measure a group again as if no outcome had been sent, with the numbers of `LENS`."""
    truth, rollouts = scored.measured.truth, scored.measured.call.rollouts
    lens = replace(profile, reward=RewardSpec(terms=tuple(Term(name, weight=0.0) for name in LENS)))
    unjudged = [replace(one, outcome=None) for one in rollouts]
    return measure_group(unjudged, truth.question if truth else Question(""), lens)


def with_measured(group: GroupResult, seconds: list[RolloutFacts]) -> GroupResult:
    """Return a group whose rollouts have the numbers of a second look beside their own."""
    rollouts = (
        replace(one, measured={**second.measured, **one.measured})
        for one, second in zip(group.rollouts, seconds, strict=True)
    )
    return replace(group, rollouts=tuple(rollouts))
