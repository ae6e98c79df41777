"""Filters: which rollouts a step should learn from, as a weight beside each advantage. Nothing is ever deleted.

- `zero_spread`: 0 for groups whose values hardly differ (DAPO)
- `mean_range`: 0 for groups whose mean is not strictly inside a range (OpenRLHF)
- `dagrpo`: 0 for rollouts without a distinct rollout of the other outcome (inferred)

Overlength rollouts need no filter: they are always left out of the loss (`in_loss`).
"""

from collections.abc import Callable, Mapping, Sequence
from math import fsum, prod
from types import MappingProxyType

from reward_service.core.types import Filter, Outcome, RolloutFacts


def _zero_spread(one: Filter, values: Sequence[float], _facts: Sequence[RolloutFacts]) -> list[float]:
    """Return 1 where max - min > tolerance, else 0 (DAPO, arXiv:2503.14476; the tolerance is ours).

    Do not apply it to outcomes under E-GRPO: it deletes the groups that partial credit revives.
    """
    return [float(max(values) - min(values) > one.tolerance)] * len(values)


def _mean_range(one: Filter, values: Sequence[float], _facts: Sequence[RolloutFacts]) -> list[float]:
    """Return 1 where low < mean < high, else 0 (OpenRLHF, samples_generator.py)."""
    return [float(one.low < fsum(values) / len(values) < one.high)] * len(values)


def _dagrpo(one: Filter, _values: Sequence[float], facts: Sequence[RolloutFacts]) -> list[float]:
    """Return 1 where a rollout of the other outcome differs by at least `distance` in the signal, else 0.

    DaGRPO (arXiv:2512.06337) masks pairs of low distinctiveness; this rule is inferred, its own was not found. A group
    whose outcomes agree has weight 0, so it undoes partial credit there.
    """
    rows = [(fact.outcome is Outcome.CORRECT, fact.signals[one.signal]) for fact in facts]
    return [
        float(any(other is not correct and _apart(a, b) >= one.distance for other, b in rows))
        for correct, a in rows
    ]


def _apart(a: float, b: float) -> float:
    """Return |a - b| to 12 digits: 0.6 and 0.4 are 0.2 apart."""
    return round(abs(a - b), 12)


FILTERS: Mapping[str, Callable[[Filter, Sequence[float], Sequence[RolloutFacts]], list[float]]] = (
    MappingProxyType({"zero_spread": _zero_spread, "mean_range": _mean_range, "dagrpo": _dagrpo})
)
"""Each takes its parameters, and values and facts of the scored rollouts of one group, at least one."""

VALUES: Mapping[str, Callable[[float, RolloutFacts], float]] = MappingProxyType(
    {
        "reward": lambda reward, _facts: reward,
        "outcome": lambda _reward, facts: float(facts.outcome is Outcome.CORRECT),
    }
)
"""What a filter looks at."""


def signals_of_filters(filters: Sequence[Filter]) -> list[str]:
    """Return the signals that filters read."""
    return [one.signal for one in filters if one.signal]


def weights(
    filters: Sequence[Filter], rewards: Sequence[float | None], facts: Sequence[RolloutFacts]
) -> list[float | None]:
    """Return the product of all filters for each rollout of one group.

    Args:
        filters: none gives 1 to every scored rollout.
        rewards: R, shape (G,); None where the rollout is unscored, which has no vote.
        facts: shape (G,).

    Returns:
        Shape (G,), each >= 0; None exactly where the reward is None.
    """
    if not filters:
        return [None if reward is None else 1.0 for reward in rewards]
    scored = [(reward, fact) for reward, fact in zip(rewards, facts, strict=True) if reward is not None]
    columns = [_column(one, scored) for one in filters if scored]
    products = iter([prod(row) for row in zip(*columns, strict=True)])
    return [None if reward is None else next(products) for reward in rewards]


def _column(one: Filter, scored: Sequence[tuple[float, RolloutFacts]]) -> list[float]:
    values = [VALUES[one.of](reward, fact) for reward, fact in scored]
    return FILTERS[one.type](one, values, [fact for _, fact in scored])
