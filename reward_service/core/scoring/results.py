"""Puts the results together: of a rollout, paid or not, and of a group that is not paid."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from operator import attrgetter
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.fields import field_names
from reward_service.core.matching import UNMATCHABLE
from reward_service.core.scoring.members import votes
from reward_service.core.signals.entity_match import match_rate, normalized_match_rate, precision
from reward_service.core.trajectory import NO_THOUGHTS
from reward_service.core.types import (
    GroupResult,
    GroupStatus,
    RolloutFacts,
    RolloutResult,
    RolloutStatus,
    Row,
)

NO_ENTITIES = "no_entities"
# What a result takes over from the facts as it is.
SHARED = [name for name in field_names(RolloutResult) if name in field_names(RolloutFacts)]
_shared = attrgetter(*SHARED)


class Numbers(NamedTuple):
    """The numbers of a rollout's result that depend on its profile."""

    reward: float | None = None
    advantage: float | None = None
    weight: float | None = None
    reward_with_uncredited: float | None = None
    turn_rewards: Row | None = None
    turn_advantages: tuple[float, ...] | None = None


NO_PARTS: Mapping[str, float] = MappingProxyType({})
NO_NUMBERS = Numbers()


def result_of(
    one: RolloutFacts,
    parts: Mapping[str, float] = NO_PARTS,
    numbers: Numbers = NO_NUMBERS,
    *,
    best: int = 0,
) -> RolloutResult:
    """Put a rollout's result together; without parts it is not paid.

    Args:
        one: its facts.
        parts: of its reward.
        numbers: its reward and what follows from it.
        best: the group's largest `matched`.
    """
    rate, normalized = _rates(one, best if parts else None)
    return RolloutResult(
        **dict(zip(SHARED, _shared(one), strict=True)),
        **numbers._asdict(),
        match_rate=rate,
        normalized_match_rate=normalized,
        precision=precision((one.matched or 0) + one.uncredited.get("precision", 0), one.mentions),
        in_baseline=bool(parts),
        in_loss=bool(parts) and not one.overlength,
        components=parts,
    )


def _rates(one: RolloutFacts, best: int | None) -> tuple[float | None, float | None]:
    """Return γ, and γ̂ if the group's best is known; None for a rollout that was not searched."""
    if one.matched is None:
        return None, None
    normalized = None if best is None else normalized_match_rate(one.matched, best)
    return match_rate(one.matched, one.entities), normalized


def unpaid(facts: Sequence[RolloutFacts]) -> GroupResult:
    """Return a group without rewards; the members that could have been are named apart from those that failed it."""
    rollouts = [result_of(one) for one in facts]
    return GroupResult(
        status=GroupStatus.FAILED,
        entities=facts[0].entities,
        group_max=None,
        rollouts=tuple(
            replace(one, status=RolloutStatus.GROUP_FAILED) if one.status is RolloutStatus.SCORED else one
            for one in rollouts
        ),
        flags=flags_of_group(facts),
    )


def flags_of_group(facts: Sequence[RolloutFacts]) -> tuple[str, ...]:
    """Return what hides the signal of a whole group: no entities, some that cannot be matched, no thoughts."""
    scored = [one for one in facts if votes(one)]
    holds = {
        NO_ENTITIES: not facts[0].entities,
        UNMATCHABLE: any(UNMATCHABLE in one.flags for one in facts),
        NO_THOUGHTS: bool(scored) and all(NO_THOUGHTS in one.flags for one in scored),
    }
    return tuple(flag for flag, it_holds in holds.items() if it_holds)
