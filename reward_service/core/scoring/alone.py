"""What can be said of a rollout whose group is not there, or not whole."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType

from reward_service.core.paying import pay
from reward_service.core.profiles import Profile
from reward_service.core.rewards.compose import needs_group, needs_progress, total
from reward_service.core.scoring.checks import check_facts
from reward_service.core.scoring.members import votes, with_signals
from reward_service.core.scoring.results import Numbers, flags_of_group, result_of
from reward_service.core.signals import Cell, Share
from reward_service.core.types import (
    GroupResult,
    GroupStatus,
    RewardSpec,
    RolloutFacts,
    RolloutResult,
    RolloutStatus,
)


def reward_alone(one: RolloutFacts, profile: Profile, *, best: int | None) -> RolloutResult:
    """Say what one rollout would be paid; its group is not there, so it has no advantage.

    Args:
        one: facts of the rollout.
        profile: how to reward.
        best: the group's largest `matched`. If it is None, or the reward depends on more than that (other members' signals,
            the progress of training), the rollout is pending, without a reward.

    Raises:
        ValueError: the rollout itself matched more than `best`.
    """
    check_facts([one])
    if best is not None and (one.matched or 0) > best:
        raise ValueError(f"group_max must be at least the rollout's own count {one.matched}, got {best}")
    if best is None or needs_group(profile.reward) or needs_progress(profile.reward):
        status = RolloutStatus.PENDING if one.status is RolloutStatus.SCORED else one.status
        return replace(result_of(one), status=status)
    [one] = with_signals([one], profile)
    tops: dict[str, Cell] = {"entity_match": Share(best, one.entities), "entity_new": float(best)}
    return _alone(one, profile, best=best, tops=tops)


def _alone(
    one: RolloutFacts, profile: Profile, *, best: int, tops: Mapping[str, Cell] = MappingProxyType({})
) -> RolloutResult:
    """Return the result of a rollout without a group."""
    if not votes(one):
        return result_of(one)
    paid = pay(profile.reward, [one], estimator=profile.estimator, tops=tops)
    turns = paid.turns.rewards[0] if paid.turns and profile.reward.pays_turns else None
    numbers = Numbers(total(paid.parts[0]), turn_rewards=turns)
    return result_of(one, paid.parts[0], numbers, best=best)


def evaluate(one: RolloutFacts, profile: Profile) -> RolloutResult:
    """Say what one rollout is worth outside of training: 1 if correct, else 0, whatever the profile pays for outcomes.

    Trainers validate through the same hook as they train, often with groups of another size; a reward that depends on
    the best of the group could not be compared between checkpoints.
    """
    check_facts([one])
    if one.status is RolloutStatus.SIGNAL_MISSING:
        one = replace(one, status=RolloutStatus.SCORED, detail=None)  # the outcome needs no signal
    plain = replace(profile, reward=RewardSpec())
    return replace(_alone(one, plain, best=0), normalized_match_rate=None, in_baseline=False, in_loss=False)


def pending(facts: Sequence[RolloutFacts], profile: Profile) -> GroupResult:
    """Return what can be said of a group that still waits for members: everything but what depends on them."""
    check_facts(facts)
    return GroupResult(
        status=GroupStatus.OPEN,
        entities=facts[0].entities,
        group_max=None,
        rollouts=tuple(reward_alone(one, profile, best=None) for one in facts),
        flags=flags_of_group(facts),
    )
