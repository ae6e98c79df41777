"""What the scored rollouts of one group are paid, and their turns."""

from collections.abc import Mapping, Sequence
from math import fsum
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.advantages.turns import PaidGroup, turn_advantages
from reward_service.core.rewards.compose import components, total
from reward_service.core.rewards.maps import weight_at
from reward_service.core.rewards.turn_terms import TurnTable, turn_table
from reward_service.core.signals import Cell
from reward_service.core.signals.by_turn import turn_rows
from reward_service.core.types import Estimator, RewardSpec, RolloutFacts, Row


class Paid(NamedTuple):
    """The rewards of one group, shape (G,)."""

    parts: list[dict[str, float]]
    """The components of each reward, which add up to it."""
    turns: TurnTable | None = None
    """What the turns are paid; None if nothing is paid by turn."""


def pay(
    spec: RewardSpec,
    facts: Sequence[RolloutFacts],
    *,
    estimator: Estimator,
    progress: float | None = None,
    tops: Mapping[str, Cell] = MappingProxyType({}),
) -> Paid:
    """Return what the rollouts of one group and their turns are paid.

    The terms of turns are part of the reward, unless the turns stand apart. Under `return`, what is not paid by turn stands
    on the answer turn.

    Args:
        spec: how facts become rewards.
        facts: of the group's scored rollouts; each has everything that the spec needs.
        estimator: z-scores of turns have its `ddof` and `epsilon`.
        progress: share of the training that is done; None where no weight depends on it.
        tops: by signal, the group's largest value where the rest of the group is not in `facts`.

    Raises:
        ValueError: a weight depends on the progress, which is not given.
    """
    parts = components(spec, facts, progress=progress, tops=tops)
    if not spec.is_by_turn:
        return Paid(parts)
    table = turn_table(spec, facts, estimator=estimator, progress=progress, tops=tops)
    if spec.turns.combine == "return":
        ends = [
            (*row[:-1], fsum((row[-1] or 0.0, total(part))))
            for row, part in zip(table.rewards, parts, strict=True)
        ]
        table = table._replace(rewards=ends)
    if not spec.turns_stand_apart:
        parts = [{**part, **sums} for part, sums in zip(parts, table.totals, strict=True)]
    return Paid(parts, table)


def credit(
    spec: RewardSpec,
    facts: Sequence[RolloutFacts],
    turns: TurnTable,
    *,
    rewards: Sequence[float],
    advantages: Sequence[float],
    estimator: Estimator,
    progress: float | None,
) -> list[tuple[float, ...] | None]:
    """Return the advantages of the turns of each rollout; None without a rule for turns.

    Args:
        spec: its rule for turns.
        facts: of the group's scored rollouts.
        turns: what they are paid.
        rewards: R, shape (G,).
        advantages: A, shape (G,).
        estimator: the one that estimated them.
        progress: share of the training that is done; None where no weight depends on it.
    """
    rule = spec.turns
    if rule.combine == "none":
        return [None] * len(facts)
    nothing: list[Row] = [(None,) * len(one.turns) for one in facts]
    group = PaidGroup(
        facts,
        rewards,
        advantages,
        turns=turns.rewards,
        scores=turns.scores,
        signal=(turn_rows(rule.signal, facts) if rule.signal else None) or nothing,
        estimator=estimator,
        weight=weight_at(rule.weight, progress),
    )
    return [tuple(row) for row in turn_advantages(rule, group)]
