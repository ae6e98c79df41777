"""Mentions: how many entity-like things a rollout names, right or wrong."""

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class MentionNames:
    """The names of a pinned data set, against which mentions are counted."""

    names: frozenset[str]

    @classmethod
    def of(cls, names: Iterable[str]) -> "MentionNames":
        """Compile the names of a data set."""
        return cls(frozenset(names))
