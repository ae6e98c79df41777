"""Mean, standard deviation and z-scores of one set of numbers, such as a group's rewards."""

from collections.abc import Sequence
from math import fsum, sqrt

from reward_service.core.types import Estimator

ONE_SUCCESS = "one_success"


def is_flat(values: Sequence[float]) -> bool:
    """Whether there is nothing to compare: fewer than two values, or all equal."""
    return len(values) < 2 or max(values) == min(values)


def centred(values: Sequence[float]) -> list[float]:
    """Return values - mean; exactly 0 where the values are flat."""
    if is_flat(values):
        return [0.0] * len(values)
    mean = fsum(values) / len(values)
    return [value - mean for value in values]


def std_of(deviations: Sequence[float], ddof: int) -> float:
    """Return √( Σ dᵢ² / (n - ddof) ) of n >= 2 deviations from their mean."""
    return sqrt(fsum(d * d for d in deviations) / (len(deviations) - ddof))


def floor_of(estimator: Estimator, size: int) -> float:
    """Return the least standard deviation to divide by; 0 if the estimator has no floor.

    Args:
        estimator: its `floor`; `one_success` is the standard deviation of a group in which one reward is 1 and the others
            are 0, which is 1/√G for ddof 1.
        size: G, the number of rollouts that vote, at least 2.
    """
    if isinstance(estimator.floor, str):
        return sqrt((size - 1) / (size * (size - estimator.ddof)))
    return estimator.floor or 0.0


def standardized(values: Sequence[float], estimator: Estimator) -> list[float]:
    """Return z-scores, (x - mean) / (max(std, floor) + ε); exactly 0 where the values are flat.

    Args:
        values: x, of any length.
        estimator: its `ddof`, `epsilon` and `floor`.
    """
    if is_flat(values):
        return [0.0] * len(values)
    mean = fsum(values) / len(values)
    below = divisor(values, estimator)
    return [(value - mean) / below for value in values]


def divisor(values: Sequence[float], estimator: Estimator) -> float:
    """Return max(std, floor) + ε of values that are not flat.

    Args:
        values: x, of any length from 2.
        estimator: its `ddof`, `epsilon` and `floor`.
    """
    mean = fsum(values) / len(values)
    std = std_of([value - mean for value in values], estimator.ddof)
    return max(std, floor_of(estimator, len(values))) + estimator.epsilon
