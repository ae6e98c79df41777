"""The interface of a store: it keeps bytes, tells the time, and replaces a group by compare-and-set.

A store does not interpret the bytes. Several processes may share one: to change a group, a process reads it, decides, and
writes with compare-and-set. If another writer was faster nothing is written; the loser gets the current state and decides
again.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol


class GroupKey(NamedTuple):
    """Identifies a group."""

    run_id: str
    group_id: str


class Snapshot(NamedTuple):
    """A run and some of its groups, as of one moment."""

    now: float
    """By the store's clock, seconds since the epoch; the same clock for all processes that share the store."""
    run: bytes | None
    open_groups: int
    groups: tuple[bytes | None, ...]
    """One item per group asked for, in order."""


class Write(NamedTuple):
    """The new state of a group."""

    blob: bytes
    keep_s: float
    """The store may delete it this long after the latest write."""
    closes_at: float | None
    """When it is due to be closed; None once it is closed."""
    wake: bool = False
    """Wake the requests that wait for it, in all processes."""


class OpenGroup(NamedTuple):
    """An entry of the list of open groups."""

    group_id: str
    closes_at: float


class GroupStore(Protocol):
    """Keeps runs and groups. Every method may raise `StateUnavailable`."""

    async def start(self) -> None:
        """Start the store.

        Raises:
            UnsafeStore: its configuration allows it to lose what it is given.
        """
        ...

    async def stop(self) -> None:
        """Close the store."""
        ...

    async def check(self) -> None:
        """Check that the store answers, has room, and keeps what it is given.

        Raises:
            StateUnavailable: it does not.
        """
        ...

    async def declare(self, run_id: str, record: bytes, *, keep_s: float) -> bytes:
        """Store a run unless its id is in use. Returns the record stored under the id, new or old."""
        ...

    async def drop(self, run_id: str) -> None:
        """Delete a run and its groups."""
        ...

    async def read(self, run_id: str, group_ids: Sequence[str] = ()) -> Snapshot:
        """Read a run and some of its groups."""
        ...

    async def swap(
        self, key: GroupKey, old: bytes | None, new: Write, *, run: bytes, keep_run_s: float
    ) -> Snapshot | None:
        """Replace a group if it and its run are unchanged since they were read, and prolong the run's life.

        Returns:
            None if the group is now `new`, even if an earlier try did it whose answer was lost; otherwise the current
            state of the run and the group.
        """
        ...

    async def open_groups(
        self, run_id: str, *, until: float | None = None, limit: int = 1000
    ) -> list[OpenGroup]:
        """Return open groups, ordered by when they close; with `until`, only those that are due by then."""
        ...

    async def forget(self, key: GroupKey) -> None:
        """Remove a group from the list of open groups if the group itself has expired."""
        ...

    def wakeups(self) -> AsyncIterator[GroupKey]:
        """Yield the groups whose waiters should read them again. Some may be missed, so read periodically too."""
        ...
