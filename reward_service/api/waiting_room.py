"""Where requests wait that do not fit: a line for each run of each owner, served in turn.

The owners come first in turn and then each owner's runs, so that neither many requests nor many names of runs give
anybody a larger share. The room says whose turn it is; whether there is room for that one is not its business.
"""

import asyncio
from collections import Counter, deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Generic, NamedTuple, TypeVar

T = TypeVar("T")


class Sender(NamedTuple):
    """Who asks."""

    owner: str | None = None
    """Of the API key; None where none was asked for."""
    run: str | None = None
    """Where it is known."""


@dataclass(slots=True, eq=False)
class Queued(Generic[T]):
    """One request that waits."""

    caller: Sender
    declared: int
    """Bytes that its body says it has."""
    size: int
    """Bytes that it may have."""
    got: T | None = None
    """What it was given when it was served."""
    turn: asyncio.Future[None] | None = None
    """Done when it has been served; None until it is waited for."""
    is_left: bool = False
    """Whether its caller has left."""


class Room(Generic[T]):
    """All requests that wait."""

    def __init__(self) -> None:
        self.lines: dict[str | None, dict[str | None, deque[Queued[T]]]] = {}
        """By owner and run; those that come first are served first."""
        self.places = 0
        """Requests that wait here, or elsewhere for a model."""
        self.bytes = 0
        self._of_owner: Counter[str | None] = Counter()

    def add(self, place: Queued[T]) -> None:
        """Put a request at the end of its line."""
        owner, run = place.caller
        self.lines.setdefault(owner, {}).setdefault(run, deque()).append(place)
        self._count(place, 1)

    def remove(self, place: Queued[T]) -> None:
        """Let a request go that waits no longer."""
        owner, run = place.caller
        self.lines[owner][run].remove(place)
        self._count(place, -1)
        self._close_line(place.caller)

    def served(self, place: Queued[T], got: T) -> None:
        """Give the first of a line what it waited for; its owner and its run are last in turn now."""
        place.got = got
        if place.turn is not None and not place.turn.done():
            place.turn.set_result(None)
        owner, run = place.caller
        runs = self.lines.pop(owner)
        line = runs.pop(run)
        line.popleft()
        runs[run] = line
        self.lines[owner] = runs
        self._count(place, -1)
        self._close_line(place.caller)

    def ahead_of(self, caller: Sender) -> int:
        """Return about how many are served before a new request of a caller: those of its line, and of the others in turn."""
        runs = self.lines.get(caller.owner, {})
        own = len(runs.get(caller.run, ()))
        others = len(runs) - (caller.run in runs)
        of_owner = own + min(self._of_owner[caller.owner] - own, others * (own + 1))
        return of_owner + sum(
            min(count, of_owner + 1) for owner, count in self._of_owner.items() if owner != caller.owner
        )

    @contextmanager
    def guest(self) -> Iterator[None]:
        """Count a request as one that waits while it waits for a model."""
        self.places += 1
        try:
            yield
        finally:
            self.places -= 1

    def _count(self, place: Queued[T], step: int) -> None:
        self.places += step
        self.bytes += step * place.size
        self._of_owner[place.caller.owner] += step

    def _close_line(self, caller: Sender) -> None:
        runs = self.lines[caller.owner]
        if not runs[caller.run]:
            del runs[caller.run]
        if not runs:
            del self.lines[caller.owner], self._of_owner[caller.owner]
