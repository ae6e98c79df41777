"""Functions of one number: how a signal is mapped before it is normalised, and how a weight changes with training."""

from collections.abc import Sequence
from itertools import pairwise
from math import inf

from reward_service.core.types import Knots, Map


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
