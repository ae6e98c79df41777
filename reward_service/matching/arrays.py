"""The kinds of arrays that matching passes around, and what is done with positions everywhere."""

from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.integer[Any]]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def stretches(start: Positions, length: Positions) -> Positions:
    """Return all positions of the stretches that begin at `start` and have these lengths, one stretch after the other.

    >>> stretches(np.array([5, 20]), np.array([3, 2])).tolist()
    [5, 6, 7, 20, 21]
    """
    before = np.cumsum(length) - length
    return np.repeat(start - before, length) + np.arange(int(length.sum()))
