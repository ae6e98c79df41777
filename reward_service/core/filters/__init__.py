"""Filters: which rollouts a step should learn from, as a weight beside each advantage. Nothing is ever deleted.

- `zero_spread`: 0 for groups whose values hardly differ (DAPO)
- `mean_range`: 0 for groups whose mean is not strictly inside a range (OpenRLHF)
- `dagrpo`: 0 for rollouts without a distinct rollout of the other outcome (inferred)
- `dppo`: 0 for a share of the rollouts whose advantage is small, more for the rest of them (inferred)

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

Place = tuple[str, str]
"""Ids of a run and of a group in it."""
DRAWN_BITS = 52  # a float holds them exactly


class Judged(NamedTuple):
    """What a filter may look at of one scored rollout."""

    reward: float
    advantage: float
    facts: RolloutFacts
    place: Place


def draw(place: Place, rollout_id: str) -> float:
    """Return a number in [0, 1) that the ids of run, group and rollout determine, so that a repeated call drops the same."""
    digest = hashlib.sha256("\n".join((*place, rollout_id)).encode("utf-8", "surrogatepass")).digest()
    return (int.from_bytes(digest[:8], "big") >> (64 - DRAWN_BITS)) / 2.0**DRAWN_BITS


def _values(one: Filter, members: Sequence[Judged]) -> list[float]:
    return [VALUES[one.of](member.reward, member.facts) for member in members]


def _zero_spread(one: Filter, members: Sequence[Judged]) -> list[float]:
    """Return 1 where max - min > tolerance, else 0 (DAPO, arXiv:2503.14476; the tolerance is ours).

    Do not apply it to outcomes under E-GRPO: it deletes the groups that partial credit revives.
    """
    values = _values(one, members)
    return [float(max(values) - min(values) > one.tolerance)] * len(values)


def _mean_range(one: Filter, members: Sequence[Judged]) -> list[float]:
    """Return 1 where low < mean < high, else 0 (OpenRLHF, samples_generator.py)."""
    values = _values(one, members)
    return [float(one.low < fsum(values) / len(values) < one.high)] * len(values)


def _dagrpo(one: Filter, members: Sequence[Judged]) -> list[float]:
    """Return 1 where a rollout of the other outcome differs by at least `distance` in the signal, else 0.

    DaGRPO (arXiv:2512.06337) masks pairs of low distinctiveness; this rule is inferred, its own was not found. A group
    whose outcomes agree has weight 0, so it undoes partial credit there. A question that does not have the signal has
    nothing to tell rollouts apart by; there every weight is 1.
    """
    cells = [cell_of(one.signal, member.facts) for member in members]
    numbers = [value(cell) for cell in cells if cell is not None]
    if len(numbers) < len(cells):
        return [1.0] * len(members)
    solved = [member.facts.outcome is Outcome.CORRECT for member in members]
    rows = list(zip(solved, numbers, strict=True))
    return [
        float(any(other is not correct and _apart(a, b) >= one.distance for other, b in rows))
        for correct, a in rows
    ]


def _apart(a: float, b: float) -> float:
    """Return |a - b| to 12 digits: 0.6 and 0.4 are 0.2 apart."""
    return round(abs(a - b), 12)


def _dppo(one: Filter, members: Sequence[Judged]) -> list[float]:
    """Return 1 / keep where a draw keeps a rollout, else 0: keep is 1 - rate where |A| < mean |A|, else 1.

    DPPO (arXiv:2603.04135) prunes so that the gradient stays unbiased; this rule is inferred from InfoBatch, its own was not
    found. It saves the trainer's work on a dropped rollout, which has been sampled already.
    """
    sizes = [round(abs(member.advantage), 12) for member in members]  # equal ones stay equal
    mean = round(fsum(sizes) / len(sizes), 12)
    keeps = [1.0 - one.rate if size < mean else 1.0 for size in sizes]
    drawn = [draw(member.place, member.facts.rollout_id) for member in members]
    return [1.0 / keep if number < keep else 0.0 for keep, number in zip(keeps, drawn, strict=True)]


FILTERS: Mapping[str, Callable[[Filter, Sequence[Judged]], list[float]]] = MappingProxyType(
    {"zero_spread": _zero_spread, "mean_range": _mean_range, "dagrpo": _dagrpo, "dppo": _dppo}
)
"""Each takes its parameters, and the scored rollouts of one group, at least one."""

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
    filters: Sequence[Filter],
    rewards: Sequence[float | None],
    facts: Sequence[RolloutFacts],
    *,
    advantages: Sequence[float] | None = None,
    place: Place = ("", ""),
) -> list[float | None]:
    """Return the product of all filters for each rollout of one group.

    Args:
        filters: none gives 1 to every scored rollout.
        rewards: R, shape (G,); None where the rollout is unscored, which has no vote.
        facts: shape (G,).
        advantages: A of the scored rollouts, in order; may be left out if no filter looks at them.
        place: ids of the run and the group, from which draws are made.

    Returns:
        Shape (G,), each >= 0; None exactly where the reward is None.
    """
    if not filters:
        return [None if reward is None else 1.0 for reward in rewards]
    scored = [(reward, fact) for reward, fact in zip(rewards, facts, strict=True) if reward is not None]
    members = [
        Judged(reward, advantage, fact, place)
        for (reward, fact), advantage in zip(scored, advantages or [0.0] * len(scored), strict=True)
    ]
    columns = [FILTERS[one.type](one, members) for one in filters if members]
    products = iter([prod(row) for row in zip(*columns, strict=True)])
    return [None if reward is None else next(products) for reward in rewards]
