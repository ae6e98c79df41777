"""What facts of a group must hold before anything is paid: they may come from a caller, a store or a ledger."""

from collections.abc import Iterable, Mapping, Sequence
from itertools import chain
from math import isfinite

from reward_service.core.types import RolloutFacts, RolloutStatus


def check_facts(facts: Sequence[RolloutFacts], *, by_turn: bool = True) -> None:
    """Refuse facts of a group that contradict each other or themselves.

    Args:
        facts: of every rollout of the group.
        by_turn: whether numbers of turns are looked at, which takes longer than all the rest.

    Raises:
        ValueError: with what was expected and what came.
    """
    if not facts:
        raise ValueError("a group must have at least one rollout")
    if len({one.entities for one in facts}) > 1:
        raise ValueError("all rollouts of a group must be measured against the same entities")
    for one in facts:
        named = (one.matched or 0) + sum(one.uncredited.values())
        if not 0 <= (one.matched or 0) <= named <= one.entities:
            raise ValueError(f"matched and uncredited must add up to at most {one.entities}, got {named}")
        if one.status is RolloutStatus.SCORED and (one.outcome is None or one.matched is None):
            raise ValueError("a scored rollout must have an outcome and a matched count")
        if one.length is not None and one.length < 1:
            raise ValueError(f"length must be at least 1, got {one.length}")
        if one.signals or one.measured:
            _check_finite({"signals": one.signals.values(), "measured": one.measured.values()})
        if by_turn:
            _check_turns(one)
            _check_finite(one.turn_signals)


def _check_turns(one: RolloutFacts) -> None:
    """Refuse entities by turn that contradict the counts."""
    if not one.entity_named:
        return
    named = set(chain.from_iterable(one.entity_named))
    if len(one.entity_named) != len(one.turns):
        raise ValueError(f"entity_named must have one list for each of {len(one.turns)} turns")
    if one.matched is not None and len(named) != one.matched:
        raise ValueError(f"entity_named names {len(named)} entities, but matched is {one.matched}")


def _check_finite(rows: Mapping[str, Iterable[float | None]]) -> None:
    for name, numbers in rows.items():
        if not all(map(isfinite, filter(None, numbers))):  # without 0 and None, which are in order
            raise ValueError(f"{name} must have finite numbers only")
