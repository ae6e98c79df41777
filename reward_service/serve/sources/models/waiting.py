"""What waits to be computed: a line for each bucket of lengths, and the oldest text of all picks the next.

BucketLines are bounded in tokens, so that a caller is refused rather than kept for longer than it waits. A text whose caller
has left, or whose time is over, is dropped before it is computed. Nothing here knows a thread or a clock.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Generic, NamedTuple, TypeVar

from reward_service.serve.sources.models.shapes import BatchShape

T = TypeVar("T")


@dataclass(slots=True, eq=False)
class Entry(Generic[T]):
    """One text that waits."""

    what: T
    tokens: int
    bucket: int
    until: float
    """When its caller stops waiting."""
    is_left: bool = False
    """Whether the caller has left."""
    number: int = field(default=0)
    """Its place among all that came."""


class Taken(NamedTuple, Generic[T]):
    """What is computed next, and what was dropped on the way."""

    batch: list[Entry[T]]
    bucket: int
    dropped: list[Entry[T]]


class BucketLines(Generic[T]):
    """All that waits."""

    def __init__(self, shapes: Sequence[BatchShape], *, max_tokens: int) -> None:
        """Begin empty.

        Args:
            shapes: of the buckets.
            max_tokens: most tokens that wait, without padding.
        """
        self._shapes = shapes
        self._max_tokens = max_tokens
        self._lines: list[deque[Entry[T]]] = [deque() for _ in shapes]
        self._came = 0
        self.tokens = 0

    def __len__(self) -> int:
        """Return how many wait."""
        return sum(map(len, self._lines))

    def add(self, entry: Entry[T]) -> bool:
        """Let a text wait; False if there is no room. The first one always finds room."""
        if self.tokens and self.tokens + entry.tokens > self._max_tokens:
            return False
        self._came += 1
        entry.number = self._came
        self._lines[entry.bucket].append(entry)
        self.tokens += entry.tokens
        return True

    def take(self, now: float) -> Taken[T] | None:
        """Return the next batch: the oldest text and what stands behind it in its line. None if nothing waits."""
        dropped: list[Entry[T]] = []
        for line in self._lines:
            while line and _is_over(line[0], now):
                dropped.append(self._first(line))
        if not len(self):
            return Taken([], 0, dropped) if dropped else None
        bucket = min((line[0].number, n) for n, line in enumerate(self._lines) if line)[1]
        line = self._lines[bucket]
        batch: list[Entry[T]] = []
        while line and len(batch) < self._shapes[bucket].rows:
            entry = self._first(line)
            (dropped if _is_over(entry, now) else batch).append(entry)
        return Taken(batch, bucket, dropped)

    def clear(self) -> list[Entry[T]]:
        """Let go of everything."""
        return [self._first(line) for line in self._lines for _ in range(len(line))]

    def _first(self, line: deque[Entry[T]]) -> Entry[T]:
        entry = line.popleft()
        self.tokens -= entry.tokens
        return entry


def _is_over(entry: Entry[T], now: float) -> bool:
    return entry.is_left or entry.until <= now
