"""What a store is: it keeps bytes, tells the time, and replaces a group by compare-and-set.

It knows nothing of what the bytes say. Several processes may share one; whoever wants to change a group reads it,
decides, and swaps it for what was read. If somebody else was faster nothing happens; the loser is told what stands there
now, and decides again.
"""

from collections.abc import AsyncIterator, Sequence
from typing import NamedTuple, Protocol


class GroupKey(NamedTuple):
    """Which group."""

    run_id: str
    group_id: str


class Snapshot(NamedTuple):
    """A run and some of its groups, as of one moment."""

    now: float
    """The store's clock, seconds since the epoch: the same for all who share it."""
    run: bytes | None
    open_groups: int
    groups: tuple[bytes | None, ...]
    """One item per group asked for, in order."""


class Write(NamedTuple):
    """What a group is replaced by."""

    blob: bytes
    keep_s: float
    """The store may forget it after this long without a further write."""
    closes_at: float | None
    """When somebody has to look at it again; None once it is closed."""
    wake: bool = False
    """Tell everybody who waits for it."""


class OpenGroup(NamedTuple):
    """An entry of the list of open groups."""

    group_id: str
    closes_at: float


class GroupStore(Protocol):
    """Keeps runs and groups. Every method may raise `StateUnavailable`."""

    async def start(self) -> None:
        """Get ready.

        Raises:
            UnsafeStore: it answers, and may forget what it is given.
        """
        ...

    async def stop(self) -> None:
        """Let go of what the store holds open."""
        ...

    async def declare(self, run_id: str, record: bytes, *, keep_s: float) -> bytes:
        """Put a run under a free id; return the record that stands there now."""
        ...

    async def drop(self, run_id: str) -> None:
        """Forget a run and its groups."""
        ...

    async def read(self, run_id: str, group_ids: Sequence[str] = ()) -> Snapshot:
        """Read a run and some of its groups."""
        ...

    async def swap(
        self, key: GroupKey, old: bytes | None, new: Write, *, run: bytes, keep_run_s: float
    ) -> Snapshot | None:
        """Replace a group if it and its run still are what was read, and keep the run alive.

        Returns:
            None if the group now is `new`, also where an earlier try, whose answer was lost, has made it so; otherwise
            the run and the group as they stand instead.
        """
        ...

    async def open_groups(
        self, run_id: str, *, until: float | None = None, limit: int = 1000
    ) -> list[OpenGroup]:
        """Return open groups, those that close first coming first; with `until`, only those that are due by then."""
        ...

    async def forget(self, key: GroupKey) -> None:
        """Take a group off the list of open groups, if it is kept no longer."""
        ...

    def wakeups(self) -> AsyncIterator[GroupKey]:
        """Yield groups whose waiters should look again. Some may be missed: look now and then anyway."""
        ...
