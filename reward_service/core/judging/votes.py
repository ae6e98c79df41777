"""Votes of one model about one answer."""

from collections import Counter
from collections.abc import Sequence
from enum import StrEnum


class Undecided(StrEnum):
    """What votes say while they do not decide."""

    MORE = "more"
    """Further votes can still decide."""
    SPLIT = "split"
    """They cannot."""


def tally(votes: Sequence[str | None], of: int, quorum: str) -> str | Undecided:
    """Return the label that votes decide for; with a majority of three, the third is not needed if the first two agree.

    Args:
        votes: the labels so far; None is a reply that could not be read, which is no vote.
        of: how many votes there are at most.
        quorum: `majority` of all votes, or `unanimous`.

    >>> tally(["correct", "correct"], of=3, quorum="majority")
    'correct'
    """
    counts = Counter(vote for vote in votes if vote is not None)
    needed = of if quorum == "unanimous" else of // 2 + 1
    label, most = counts.most_common(1)[0] if counts else ("", 0)
    if most >= needed:
        return label
    return Undecided.MORE if most + of - len(votes) >= needed else Undecided.SPLIT
