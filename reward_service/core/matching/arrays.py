"""The kinds of arrays that matching passes around, and what is done with positions everywhere.

Most arrays here are short, so an array's own methods are used: `array.cumsum()` takes half the time of `np.cumsum(array)`.
"""

from typing import Any

import numpy as np
import numpy.typing as npt

Bytes = npt.NDArray[np.uint8]
Codes = npt.NDArray[np.integer[Any]]
Positions = npt.NDArray[np.int64]
Mask = npt.NDArray[np.bool_]


def positions(values: npt.NDArray[Any]) -> Positions:
    """Return where values are true; `np.flatnonzero` takes four times as long over few of them.

    >>> positions(np.array([True, False, True])).tolist()
    [0, 2]
    """
    return values.nonzero()[0]


def stretches(start: Positions, length: Positions) -> Positions:
    """Return all positions of the stretches that begin at `start` and have these lengths, one stretch after the other.

    >>> stretches(np.array([5, 20]), np.array([3, 2])).tolist()
    [5, 6, 7, 20, 21]
    """
    before = length.cumsum() - length
    return (start - before).repeat(length) + np.arange(int(length.sum()))


def distinct(values: Positions) -> Positions:
    """Return the different values, ascending.

    `np.unique` hashes, which takes a microsecond a value where they are neighbours.

    >>> distinct(np.array([7, 3, 7])).tolist()
    [3, 7]
    """
    ordered = np.sort(values)
    found: Positions = ordered[fresh(ordered)]
    return found


def among(values: Positions, others: Positions) -> Mask:
    """Return which values are also among the others; `np.isin` takes longer over few of them than all the rest of their search.

    >>> among(np.array([7, 3, 7]), np.array([9, 7])).tolist()
    [True, False, True]
    """
    if not others.size:
        return np.zeros(len(values), dtype=np.bool_)
    ordered = np.sort(others)
    found: Mask = ordered.take(ordered.searchsorted(values), mode="clip") == values
    return found


def fresh(values: npt.NDArray[Any]) -> Mask:
    """Return which values differ from the one before them; the first one does.

    >>> fresh(np.array([3, 3, 7])).tolist()
    [True, False, True]
    """
    differ = np.ones(len(values), dtype=np.bool_)
    np.not_equal(values[1:], values[:-1], out=differ[1:])
    return differ
