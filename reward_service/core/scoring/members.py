"""Which members of a group count: those that were scored, and have every number their profile and estimator need."""

from collections.abc import Sequence
from dataclasses import replace

from reward_service.core.advantages import needs_of
from reward_service.core.profiles import Profile
from reward_service.core.signals import lacks
from reward_service.core.signals.by_turn import turn_defect
from reward_service.core.types import Estimator, RolloutFacts, RolloutStatus


def votes(one: RolloutFacts) -> bool:
    """Whether a rollout counts in its group's statistics, and is rewarded."""
    return one.status is RolloutStatus.SCORED


def with_signals(
    facts: Sequence[RolloutFacts], profile: Profile, later: Sequence[str] = ()
) -> list[RolloutFacts]:
    """Mark a rollout as unscored if it lacks a signal that the profile uses: without that term, the reward would be a different one.

    Args:
        facts: of the rollouts.
        profile: how they are rewarded.
        later: signals that a judge is yet to give.
    """
    if not profile.needed_signals and not profile.reward.is_by_turn:
        return list(facts)
    return [_without(one, _lacking(one, profile, later)) if votes(one) else one for one in facts]


def _lacking(one: RolloutFacts, profile: Profile, later: Sequence[str]) -> str | None:
    """Return what a rollout lacks to be paid; None if nothing."""
    for name in profile.needed_signals:
        if lacks(one, name) and name not in later:
            return f"the profile needs the signal {name}, which the rollout does not have"
    return turn_defect(one, profile.turn_needs) if profile.reward.is_by_turn else None


def _without(one: RolloutFacts, defect: str | None) -> RolloutFacts:
    return one if defect is None else replace(one, status=RolloutStatus.SIGNAL_MISSING, detail=defect)


def comparable(facts: Sequence[RolloutFacts], estimator: Estimator) -> Sequence[RolloutFacts]:
    """Mark a rollout as unscored if it lacks a field that the estimator compares rollouts by."""
    needs = needs_of(estimator)
    return [_with_field(one, needs, estimator.type) for one in facts] if needs else facts


def _with_field(one: RolloutFacts, needs: Sequence[str], estimator: str) -> RolloutFacts:
    missing = [name for name in needs if getattr(one, name) is None]
    if not missing or not votes(one):
        return one
    detail = f"the estimator {estimator} needs the rollout's {missing[0]}, which was not sent"
    return replace(one, status=RolloutStatus.SIGNAL_MISSING, detail=detail)
