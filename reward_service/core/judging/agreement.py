"""How well verdicts agree with known ones, from counts.

A judge is described by two rates, because its precision depends on how many answers are right: of the right answers, the
share that it calls right (TPR), and of the wrong ones (FPR). What an FPR means for training is how many groups without a
right answer get an invented winner.
"""

from math import sqrt
from typing import NamedTuple

Z95 = 1.959963984540054


class Interval(NamedTuple):
    """A share, and the bounds between which it lies with 95 % confidence."""

    share: float
    low: float
    high: float


class Counts(NamedTuple):
    """Answers by known verdict, and how many of them are called right."""

    right: int
    right_accepted: int
    wrong: int
    wrong_accepted: int

    @property
    def tpr(self) -> Interval:
        """Share of right answers that are called right."""
        return wilson(self.right_accepted, self.right)

    @property
    def fpr(self) -> Interval:
        """Share of wrong answers that are called right."""
        return wilson(self.wrong_accepted, self.wrong)


def wilson(count: int, of: int) -> Interval:
    """Return a share with Wilson's score interval; everything is possible where nothing was counted.

    >>> [round(bound, 3) for bound in wilson(2, 100)]
    [0.02, 0.006, 0.07]
    """
    if not of:
        return Interval(0.0, 0.0, 1.0)
    share, square = count / of, Z95 * Z95
    centre = (share + square / (2 * of)) / (1 + square / of)
    spread = Z95 * sqrt(share * (1 - share) / of + square / (4 * of * of)) / (1 + square / of)
    return Interval(share, max(centre - spread, 0.0), min(centre + spread, 1.0))


def agreement(tpr: float, fpr: float, base: float) -> float:
    """Return the share of verdicts that are the known ones, where a share `base` of the answers is right."""
    return base * tpr + (1 - base) * (1 - fpr)


def kappa(tpr: float, fpr: float, base: float) -> float:
    """Return Cohen's kappa: agreement beyond what chance gives; 0 where chance gives all of it.

    >>> round(kappa(0.9, 0.1, 0.5), 3)
    0.8
    """
    accepted = base * tpr + (1 - base) * fpr
    by_chance = base * accepted + (1 - base) * (1 - accepted)
    return (agreement(tpr, fpr, base) - by_chance) / (1 - by_chance) if by_chance < 1 else 0.0


def invented_winners(fpr: float, group_size: int) -> float:
    """Return the share of groups without a right answer in which at least one is called right.

    >>> round(invented_winners(0.0265, 8), 2)
    0.19
    """
    return 1 - (1 - fpr) ** group_size
