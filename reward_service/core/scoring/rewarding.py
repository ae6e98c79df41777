"""From facts to rewards and advantages: one group, or all groups of a training step."""

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from reward_service.core.advantages import BATCH_ESTIMATORS, advantages
from reward_service.core.advantages.batch import BatchRollout
from reward_service.core.filters import Place, weights
from reward_service.core.paying import Paid, credit, pay
from reward_service.core.profiles import Profile
from reward_service.core.rewards.compose import BASE, total
from reward_service.core.rewards.maps import weight_at
from reward_service.core.scoring.checks import check_facts
from reward_service.core.scoring.members import comparable, votes, with_signals
from reward_service.core.scoring.results import Numbers, flags_of_group, result_of, unpaid
from reward_service.core.signals.entity_match import group_max
from reward_service.core.types import Estimator, GroupResult, GroupStatus, PartialPolicy, RolloutFacts, Row

NOWHERE: Place = ("", "")


class _Call(NamedTuple):
    """What the groups of a call have in common."""

    profile: Profile
    estimator: Estimator
    partial: PartialPolicy
    progress: float | None


class _Priced(NamedTuple):
    """A group whose rewards are known."""

    facts: Sequence[RolloutFacts]
    status: GroupStatus
    scored: Sequence[RolloutFacts]
    paid: Paid
    rewards: Sequence[float]
    """R, of the scored rollouts."""
    place: Place


def reward(
    facts: Sequence[RolloutFacts],
    profile: Profile,
    *,
    estimator: Estimator | None = None,
    partial: PartialPolicy | None = None,
    missing: int = 0,
    progress: float | None = None,
    place: Place = NOWHERE,
) -> GroupResult:
    """Pay one group.

    An unscored rollout has no vote in the group's maximum, mean or spread, and no reward. Under the policy `fail` one
    such member fails the group: no reward is invented for anyone. Under `survivors` the scored ones are paid among
    themselves.

    Args:
        facts: of every rollout of the group, at least one, all measured against the same question.
        profile: how to reward.
        estimator: overrides the profile's.
        partial: what an unscored member does to the group; the default fails it.
        missing: how many members never came; they count as unscored ones.
        progress: share of the training that is done, in [0, 1]; None if no weight of the profile depends on it.
        place: ids of the run and the group; filters that draw depend on them.

    Returns:
        One result a rollout, in the same order.

    Raises:
        ValueError: an empty group, facts about different questions, counts out of range, or no progress where it is needed.
            Numbers of turns are checked where the profile pays by turn.
    """
    call = _Call(profile, estimator or profile.estimator, partial or PartialPolicy(), progress)
    group = _priced(facts, call, missing, place)
    if isinstance(group, GroupResult):
        return group
    estimated = advantages(group.rewards, call.estimator, facts=group.scored)
    return _settled(group, call, [one for one in estimated if one is not None])


def reward_batch(
    groups: Sequence[Sequence[RolloutFacts]],
    profile: Profile,
    *,
    estimator: Estimator,
    partial: PartialPolicy | None = None,
    progress: float | None = None,
    places: Sequence[Place] | None = None,
) -> list[GroupResult]:
    """Pay all groups of a training step, with an estimator that compares them with each other.

    Args:
        groups: the facts of every group.
        profile: how to reward.
        estimator: its type is a name in `reward_service.core.advantages.BATCH_ESTIMATORS`.
        partial: what an unscored member does to its group. A group that fails does not vote.
        progress: share of the training that is done, in [0, 1]; None if no weight of the profile depends on it.
        places: ids of the run and the group of each group; filters that draw depend on them.

    Returns:
        One result a group, in the same order.

    Raises:
        ValueError: as `reward`.
    """
    call = _Call(profile, estimator, partial or PartialPolicy(), progress)
    priced = [
        _priced(facts, call, 0, place)
        for facts, place in zip(groups, places or [NOWHERE] * len(groups), strict=True)
    ]
    batch = [group for group in priced if isinstance(group, _Priced)]
    estimated = iter(_over_batch(batch, call) if batch else [])
    return [
        group if isinstance(group, GroupResult) else _settled(group, call, next(estimated))
        for group in priced
    ]


def _over_batch(batch: Sequence[_Priced], call: _Call) -> list[list[float]]:
    """Return the advantages of the scored rollouts of all groups. Terms without weight have no value to standardise."""
    spec = call.profile.reward
    turns = () if spec.turns_stand_apart else spec.turn_terms
    weights = {
        term.name or term.signal: weight_at(term.weight, call.progress) for term in (*spec.terms, *turns)
    }
    factors = {BASE: 1.0, **{name: weight for name, weight in weights.items() if weight}}
    rollouts = [
        [
            BatchRollout(
                reward,
                one.length or 1,
                {name: parts.get(name, 0.0) / factor for name, factor in factors.items()},
            )
            for one, reward, parts in zip(group.scored, group.rewards, group.paid.parts, strict=True)
        ]
        for group in batch
    ]
    return BATCH_ESTIMATORS[call.estimator.type](rollouts, call.estimator, factors)


def _priced(facts: Sequence[RolloutFacts], call: _Call, missing: int, place: Place) -> _Priced | GroupResult:
    """Return the rewards of a group, or its result if no rollout is paid."""
    check_facts(facts, by_turn=call.profile.reward.is_by_turn)
    facts = comparable(with_signals(facts, call.profile), call.estimator)
    scored = [one for one in facts if votes(one)]
    status = call.partial.settle(len(scored), len(facts) + missing)
    if status is GroupStatus.FAILED:
        return unpaid(facts)
    paid = pay(call.profile.reward, scored, estimator=call.estimator, progress=call.progress)
    return _Priced(facts, status, scored, paid, [total(parts) for parts in paid.parts], place)


def _settled(group: _Priced, call: _Call, estimated: Sequence[float]) -> GroupResult:
    """Return the result of a group with these advantages of its scored rollouts."""
    numbers = map(
        Numbers,
        group.rewards,
        estimated,
        weights(call.profile.filters, group.rewards, group.scored, advantages=estimated, place=group.place),
        _if_all_counted(group, call),
        *_by_turn(group, call, estimated),
    )
    rows = iter(zip(group.paid.parts, numbers, strict=True))
    best = group_max(one.matched or 0 for one in group.scored)
    return GroupResult(
        status=group.status,
        entities=group.facts[0].entities,
        group_max=best,
        rollouts=tuple(
            result_of(one, *next(rows), best=best) if votes(one) else result_of(one) for one in group.facts
        ),
        flags=flags_of_group(group.facts),
    )


def _by_turn(
    group: _Priced, call: _Call, estimated: Sequence[float]
) -> tuple[Sequence[Row | None], Sequence[tuple[float, ...] | None]]:
    """Return rewards and advantages of turns of the scored rollouts, None where the profile has none."""
    nothing = [None] * len(group.scored)
    if group.paid.turns is None:
        return nothing, nothing
    spec = call.profile.reward
    return group.paid.turns.rewards if spec.pays_turns else nothing, credit(
        spec,
        group.scored,
        group.paid.turns,
        rewards=group.rewards,
        advantages=estimated,
        estimator=call.estimator,
        progress=call.progress,
    )


def _if_all_counted(group: _Priced, call: _Call) -> Sequence[float]:
    """Return the rewards the group would get if uncredited spans counted: the price of the guards, beside what is paid."""
    if not any(one.uncredited for one in group.scored):
        return group.rewards
    counted = [_all_counted(one) if one.uncredited else one for one in group.scored]
    paid = pay(call.profile.reward, counted, estimator=call.estimator, progress=call.progress)
    return [total(parts) for parts in paid.parts]


def _all_counted(one: RolloutFacts) -> RolloutFacts:
    """Return the facts if uncredited spans counted. Which turns they appear in changes no reward: the last is as good as any."""
    more = sum(one.uncredited.values())
    named = one.entity_named and (
        *one.entity_named[:-1],
        (*one.entity_named[-1], *range(-more, 0)),  # positions that no entity has
    )
    return replace(one, matched=(one.matched or 0) + more, entity_named=named)
