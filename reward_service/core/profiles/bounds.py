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
    lows, highs = zip(
        (base[outcome], base[outcome]), *(_paid(term, outcome) for term in spec.terms), strict=True
    )
    return Bounds(sum(lows), sum(highs))


def wrong_may_exceed_correct(spec: RewardSpec) -> bool:
    """Whether a wrong rollout can earn more than a correct one."""
    return bounds_of(spec, Outcome.WRONG).high > bounds_of(spec, Outcome.CORRECT).low


def highest_correct(spec: RewardSpec, progress: float) -> float:
    """Return what a correct rollout earns at most at a progress; a term without a known limit counts as its weight."""
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
    value = _weighed(term.weight, _normalized(term.normalize, _mapped(term)))
    sure = solved and unsolved and not term.gates
    return value if sure else _spanning([0.0, *value])


def _mapped(term: Term) -> Bounds:
    value = Bounds(*RANGES.get(term.signal, (-inf, inf)))
    for one in term.map:
        value = _after(one, value)
    return value


def _after(one: Map, value: Bounds) -> Bounds:
    if one.knots is not None:
        ends = [] if one.outside is None else [one.outside]
        return _spanning([*(y for _, y in one.knots), *ends])
    low, high = one.clip or (-inf, inf)
    return Bounds(min(max(value.low, low), high), min(max(value.high, low), high))


def _normalized(name: str, value: Bounds) -> Bounds:
    if name == "none":
        return value
    highest = {"group_max": 1.0, "group_max_others": max(value.high, 1.0), "group_z": inf}
    return Bounds(-inf if name == "group_z" or value.low < 0 else 0.0, highest[name])


def _weighed(weight: float | Knots, value: Bounds) -> Bounds:
    factors = [y for _, y in weight] if isinstance(weight, tuple) else [weight]
    return _spanning(factor * end if factor else 0.0 for factor in factors for end in value)


def _spanning(values: Iterable[float]) -> Bounds:
    kept = list(values)
    return Bounds(min(kept), max(kept))
