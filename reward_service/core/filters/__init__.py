"""Filters: which rollouts a step should learn from, as a weight beside each advantage. Nothing is ever deleted.

- `zero_spread`: 0 for groups whose values hardly differ (DAPO)
- `mean_range`: 0 for groups whose mean is not strictly inside a range (OpenRLHF)
- `dagrpo`: 0 for rollouts without a distinct rollout of the other outcome (inferred)
- `dppo`: 0 for a random part of rollouts with small advantages, more than 1 for the rest of them (inferred)

Overlength rollouts need no filter: they are always left out of the loss (`in_loss`).
"""

import hashlib
from collections.abc import Callable, Mapping, Sequence
from math import fsum, prod
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.signals import cell_of
from reward_service.core.signals.cells import value
from reward_service.core.types import Filter, Outcome, RolloutFacts

DRAW_BITS = 52
NO_IDS = ("", "")


class Candidate(NamedTuple):
    """What a filter may look at of a scored rollout."""

    reward: float
    facts: RolloutFacts
    advantage: float
    ids: tuple[str, str]
    """Of its run and its group."""


def _zero_spread(one: Filter, values: Sequence[float], _group: Sequence[Candidate]) -> list[float]:
    """Return 1 where max - min > tolerance, else 0 (DAPO, arXiv:2503.14476; the tolerance is ours).

    Do not apply it to outcomes under E-GRPO: it deletes the groups that partial credit revives.
    """
    return [float(max(values) - min(values) > one.tolerance)] * len(values)


def _mean_range(one: Filter, values: Sequence[float], _group: Sequence[Candidate]) -> list[float]:
    """Return 1 where low < mean < high, else 0 (OpenRLHF, samples_generator.py)."""
    return [float(one.low < fsum(values) / len(values) < one.high)] * len(values)


def _dagrpo(one: Filter, _values: Sequence[float], group: Sequence[Candidate]) -> list[float]:
    """Return 1 where a rollout of the other outcome differs by at least `distance` in the signal, else 0.

    DaGRPO (arXiv:2512.06337) masks pairs of low distinctiveness; this rule is inferred, its own was not found. A group
    whose outcomes agree has weight 0, so it undoes partial credit there. A question that does not have the signal has
    nothing to tell rollouts apart by; there every weight is 1.
    """
    cells = [cell_of(one.signal, each.facts) for each in group]
    numbers = [value(cell) for cell in cells if cell is not None]
    if len(numbers) < len(cells):
        return [1.0] * len(group)
    rows = [
        (each.facts.outcome is Outcome.CORRECT, number) for each, number in zip(group, numbers, strict=True)
    ]
    return [
        float(any(other is not correct and _apart(a, b) >= one.distance for other, b in rows))
        for correct, a in rows
    ]


def draw(run_id: str, group_id: str, rollout_id: str) -> float:
    """Return a number in [0, 1) that looks random and depends on ids alone, so that the same call gives the same bits."""
    digest = hashlib.sha256(f"{run_id}\n{group_id}\n{rollout_id}".encode()).digest()
    return (int.from_bytes(digest[:8]) >> (64 - DRAW_BITS)) / (1 << DRAW_BITS)


def keep_probabilities(advantages: Sequence[float], rate: float) -> list[float]:
    """Return 1 - rate where an advantage is smaller than the group's mean |A|, else 1."""
    sizes = [round(abs(advantage), 12) for advantage in advantages]  # equal ones stay equal
    mean = round(fsum(sizes) / len(sizes), 12)
    return [1.0 - rate if size < mean else 1.0 for size in sizes]


def _dppo(one: Filter, _values: Sequence[float], group: Sequence[Candidate]) -> list[float]:
    """Return 1/p for a rollout that is kept, which has probability p, else 0; on average every weight is 1.

    DPPO (arXiv:2603.04135) prunes and rescales without bias; this rule is inferred, its own was not found. Pruning here
    saves updates, not sampling.
    """
    kept = keep_probabilities([each.advantage for each in group], one.rate)
    return [
        1.0 / p if draw(*each.ids, each.facts.rollout_id) < p else 0.0
        for p, each in zip(kept, group, strict=True)
    ]


def _apart(a: float, b: float) -> float:
    """Return |a - b| to 12 digits: 0.6 and 0.4 are 0.2 apart."""
    return round(abs(a - b), 12)


FILTERS: Mapping[str, Callable[[Filter, Sequence[float], Sequence[Candidate]], list[float]]] = (
    MappingProxyType(
        {"zero_spread": _zero_spread, "mean_range": _mean_range, "dagrpo": _dagrpo, "dppo": _dppo}
    )
)
"""Each takes its parameters, what it looks at, and the scored rollouts of one group, at least one."""

VALUES: Mapping[str, Callable[[Candidate], float]] = MappingProxyType(
    {
        "reward": lambda one: one.reward,
        "outcome": lambda one: float(one.facts.outcome is Outcome.CORRECT),
    }
)
"""What a filter looks at."""


def signals_of_filters(filters: Sequence[Filter]) -> list[str]:
    """Return the signals that filters read."""
    return [one.signal for one in filters if one.signal]


def weights(
    filters: Sequence[Filter],
    rewards: Sequence[float | None],
    facts: Sequence[RolloutFacts],
    *,
    advantages: Sequence[float | None] | None = None,
    ids: tuple[str, str] = NO_IDS,
) -> list[float | None]:
    """Return the product of all filters for each rollout of one group.

    Args:
        filters: none gives 1 to every scored rollout.
        rewards: R, shape (G,); None where the rollout is unscored, which has no vote.
        facts: shape (G,).
        advantages: A, shape (G,), for filters that look at it; None for 0.
        ids: of the run and the group, for filters that draw.

    Returns:
        Shape (G,), each >= 0; None exactly where the reward is None.
    """
    if not filters:
        return [None if reward is None else 1.0 for reward in rewards]
    rows = zip(rewards, facts, advantages or [0.0] * len(rewards), strict=True)
    scored = [Candidate(reward, fact, size or 0.0, ids) for reward, fact, size in rows if reward is not None]
    columns = [_column(one, scored) for one in filters if scored]
    products = iter([prod(row) for row in zip(*columns, strict=True)])
    return [None if reward is None else next(products) for reward in rewards]


def _column(one: Filter, group: Sequence[Candidate]) -> list[float]:
    return FILTERS[one.type](one, [VALUES[one.of](each) for each in group], group)
