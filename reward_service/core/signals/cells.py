"""The value of a signal for one rollout: a share of integers, or a float.

Integers are kept until the one division that makes a number of them, so that two rollouts with the same counts get the
same bits whatever else is in their group.
"""

from collections.abc import Iterable
from typing import NamedTuple, TypeAlias


class Share(NamedTuple):
    """A part of a whole, as two integers."""

    part: int
    """In [0, of]."""
    of: int
    """At least 1."""


Cell: TypeAlias = Share | float


def value(cell: Cell) -> float:
    """Return a cell as a number: one correctly rounded division."""
    return cell.part / cell.of if isinstance(cell, Share) else cell


def largest(cells: Iterable[Cell]) -> Cell:
    """Return the largest cell; 0 if there is none."""
    return max(cells, key=value, default=0.0)


def ratio(cell: Cell, top: Cell) -> float:
    """Return cell / top, with one division; 0 where the top is not above 0.

    Shares are compared as fractions: part · top.of / (of · top.part), which for a common whole is part / top.part.
    """
    if isinstance(cell, Share) and isinstance(top, Share):
        return cell.part * top.of / (cell.of * top.part) if top.part else 0.0
    above, below = value(cell), value(top)
    return above / below if below > 0 else 0.0
