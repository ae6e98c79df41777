"""Between which rewards a profile can pay a rollout, from the ranges of its signals.

The bounds are safe, not tight: terms are treated as independent of each other.
"""

from collections.abc import Iterable
from dataclasses import replace
from math import fsum, inf, isfinite
from typing import NamedTuple

from reward_service.core.rewards.compose import WHEN
from reward_service.core.rewards.maps import weight_at
from reward_service.core.signals import RANGES
from reward_service.core.types import Knots, Map, Outcome, RewardSpec, Term


class Bounds(NamedTuple):
    """The least and the greatest value; infinite where a signal's range is unknown."""

    low: float
    high: float


def bounds_of(spec: RewardSpec, outcome: Outcome) -> Bounds:
    """Return the rewards that a rollout with this outcome can get. A `clip` in a map limits a signal of unknown range."""
    base = {
        Outcome.CORRECT: spec.base.correct,
        Outcome.WRONG: spec.base.wrong,
        Outcome.ERROR: spec.base.error,
    }
    turns = () if spec.turns_stand_apart else spec.turn_terms
    parts = [
        *(_paid(term, outcome) for term in spec.terms),
        *(_paid_by_turn(term, outcome) for term in turns),
    ]
    lows, highs = zip((base[outcome], base[outcome]), *parts, strict=True)
    return Bounds(sum(lows), sum(highs))


def wrong_may_exceed_correct(spec: RewardSpec) -> bool:
    """Whether a wrong rollout can earn more than a correct one."""
    return bounds_of(spec, Outcome.WRONG).high > bounds_of(spec, Outcome.CORRECT).low


def highest_correct(spec: RewardSpec, progress: float) -> float | None:
    """Return what a correct rollout earns at most at a progress; a term without a known limit counts as its weight.

    None if its reward depends on its number of turns.
    """
    if not spec.turns_stand_apart and any(
        _paid_by_turn(term, Outcome.CORRECT) != (0, 0) for term in spec.turn_terms
    ):
        return None
    highs = [
        high if isfinite(high) else weight_at(term.weight, progress)
        for term in spec.terms
        for high in [_paid(replace(term, weight=weight_at(term.weight, progress)), Outcome.CORRECT).high]
    ]
    return fsum([spec.base.correct, *highs])


def _paid(term: Term, outcome: Outcome) -> Bounds:
    """Return what a term can add to the reward of an outcome."""
    solved, unsolved = (outcome in outcomes for outcomes in WHEN[term.when])
    if not solved and not unsolved:
        return Bounds(0.0, 0.0)
    value = _weighed(term.weight, _normalized(term.normalizers, _mapped(term)))
    sure = solved and unsolved and not term.gates
    return value if sure else _spanning([0.0, *value])


def _paid_by_turn(term: Term, outcome: Outcome) -> Bounds:
    """Return what a term of turns can add: any number of turns may be paid, and only a share of the best is limited."""
    low, high = _paid(term, outcome)
    if "group_max" in term.normalizers or low == high == 0:
        return Bounds(low, high)
    return Bounds(-inf if low < 0 else 0.0, inf if high > 0 else 0.0)


def _mapped(term: Term) -> Bounds:
    value = Bounds(*RANGES.get(term.signal, (-inf, inf)))
    for one in term.map:
        value = Bounds(-inf, inf) if one.difference else _after(one, value)
    return value


def _after(one: Map, value: Bounds) -> Bounds:
    if one.knots is not None:
        ends = [] if one.outside is None else [one.outside]
        return _spanning([*(y for _, y in one.knots), *ends])
    low, high = one.clip or (-inf, inf)
    return Bounds(min(max(value.low, low), high), min(max(value.high, low), high))


def _normalized(names: Iterable[str], value: Bounds) -> Bounds:
    for name in names:
        highest = {
            "group_max": 1.0,
            "group_max_others": max(value.high, 1.0),
            "group_z": inf,
        }
        if name in highest:  # the others leave a number as it is, or bring it nearer to 0
            value = Bounds(-inf if name == "group_z" or value.low < 0 else 0.0, highest[name])
    return value


def _weighed(weight: float | Knots, value: Bounds) -> Bounds:
    factors = [y for _, y in weight] if isinstance(weight, tuple) else [weight]
    return _spanning(factor * end if factor else 0.0 for factor in factors for end in value)


def _spanning(values: Iterable[float]) -> Bounds:
    kept = list(values)
    return Bounds(min(kept), max(kept))
