"""How a signal is mapped before it is normalised, and how a weight changes with training."""

from collections.abc import Callable, Mapping, Sequence
from itertools import pairwise
from math import inf
from types import MappingProxyType

from reward_service.core.types import Knots, Map, Row, StateDifference

ALIGNMENTS: Mapping[str, Callable[[Row, float], Row]] = MappingProxyType(
    {
        "before": lambda states, _start: (*states, None),
        "after": lambda states, start: (start, *states),
        "ends": lambda states, _start: states,
    }
)
"""When the states of a signal were taken: before each turn (IGPO), after each turn with a known start (FactAgent), or at
both ends of every turn, which are T + 1 states (shaping). Each returns the T + 1 states around the turns."""


def piecewise(knots: Knots, x: float, *, outside: float | None = None) -> float:
    """Return the value of a piecewise linear function.

    Args:
        knots: points (x, y) by rising x. At a repeated x the first y holds, and the second one right after it.
        x: where.
        outside: the value beyond the first and the last point; None keeps the y of the end.
    """
    (first, low), (last, high) = knots[0], knots[-1]
    if x < first:
        return low if outside is None else outside
    if x > last:
        return high if outside is None else outside
    before, at = next(
        ((one, two) for one, two in pairwise(knots) if one[0] < x <= two[0]), (knots[0], knots[0])
    )
    return _between(before, at, x)


def _between(before: Sequence[float], at: Sequence[float], x: float) -> float:
    """Return the y at x on a line; exactly the y of the second point at its x."""
    (x0, y0), (x1, y1) = before, at
    return y1 if x == x1 else (y0 * (x1 - x) + y1 * (x - x0)) / (x1 - x0)


def mapped(maps: Sequence[Map], x: float) -> float:
    """Return a number after all maps, in their order."""
    for one in maps:
        low, high = one.clip or (-inf, inf)
        x = min(max(x, low), high) if one.knots is None else piecewise(one.knots, x, outside=one.outside)
    return x


def difference(states: Row, spec: StateDifference) -> Row:
    """Return what each turn gained: discount · state after it - state before it.

    A missing state loses the gain of both turns it touches. With discount 1 the gains add up to the last state minus the
    first (potential-based shaping).

    Args:
        states: shape (T,), or (T + 1,) for `ends`.
        spec: when they were taken, and the discount.

    Returns:
        Shape (T,); None where a state is missing, so with `before` always for the answer turn.
    """
    around = ALIGNMENTS[spec.at](states, spec.start)
    return tuple(
        None if old is None or new is None else spec.discount * new - old for old, new in pairwise(around)
    )


def mapped_turns(maps: Sequence[Map], row: Row) -> Row:
    """Return the numbers of the turns of a rollout after all maps; one that is missing stays so."""
    if maps and maps[0].difference is not None:
        row, maps = difference(row, maps[0].difference), maps[1:]
    return tuple(None if x is None else mapped(maps, x) for x in row) if maps else row


def weight_at(weight: float | Knots, progress: float | None) -> float:
    """Return the weight of a term.

    Args:
        weight: a number, or knots over progress.
        progress: share of the training that is done, in [0, 1]; may be None for a number.

    Raises:
        ValueError: the weight depends on the progress, which is not given.
    """
    if not isinstance(weight, tuple):
        return weight
    if progress is None:
        raise ValueError("a weight of the profile depends on progress, which was not given")
    return piecewise(weight, progress)
