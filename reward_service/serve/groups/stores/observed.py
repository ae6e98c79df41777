"""Times the operations of another store, and reports how each of them ended."""

import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from enum import StrEnum
from typing import Protocol, TypeVar

from reward_service.serve.groups.stores.protocols import GroupKey, GroupStore, OpenGroup, Snapshot, Write

T = TypeVar("T")


class End(StrEnum):
    """How an operation ended."""

    DONE = "done"
    LOST = "lost"
    """A swap that another writer won."""
    FAILED = "failed"
    """The store did not answer, or the call was cancelled."""


class OnOperation(Protocol):
    """Receives the duration of each operation."""

    def __call__(self, operation: str, end: End, *, seconds: float) -> None:
        """Receive one operation, with how it ended and how long it took."""
        ...


class ObservedGroupStore:
    """A store that passes every operation to another one and reports it."""

    def __init__(
        self, store: GroupStore, on_operation: OnOperation, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._store, self._on_operation, self._clock = store, on_operation, clock

    async def start(self) -> None:
        """Start the store."""
        await self._store.start()

    async def stop(self) -> None:
        """Close the store."""
        await self._store.stop()

    async def check(self) -> None:
        """Check that the store answers, has room, and keeps what it is given."""
        await self._timed("check", self._store.check())

    async def declare(self, run_id: str, record: bytes, *, keep_s: float) -> bytes:
        """Store a run unless its id is in use. Returns the record stored under the id, new or old."""
        return await self._timed("declare", self._store.declare(run_id, record, keep_s=keep_s))

    async def drop(self, run_id: str) -> None:
        """Delete a run and its groups."""
        await self._timed("drop", self._store.drop(run_id))

    async def read(self, run_id: str, group_ids: Sequence[str] = ()) -> Snapshot:
        """Read a run and some of its groups."""
        return await self._timed("read", self._store.read(run_id, group_ids))

    async def swap(
        self, key: GroupKey, old: bytes | None, new: Write, *, run: bytes, keep_run_s: float
    ) -> Snapshot | None:
        """Replace a group if it and its run are unchanged since they were read, and prolong the run's life."""
        swapping = self._store.swap(key, old, new, run=run, keep_run_s=keep_run_s)
        return await self._timed("swap", swapping, is_lost=lambda beaten: beaten is not None)

    async def open_groups(
        self, run_id: str, *, until: float | None = None, limit: int = 1000
    ) -> list[OpenGroup]:
        """Return open groups, ordered by when they close; with `until`, only those that are due by then."""
        return await self._timed("open_groups", self._store.open_groups(run_id, until=until, limit=limit))

    async def forget(self, key: GroupKey) -> None:
        """Remove a group from the list of open groups if the group itself has expired."""
        await self._timed("forget", self._store.forget(key))

    def wakeups(self) -> AsyncIterator[GroupKey]:
        """Yield the groups whose waiters should read them again."""
        return self._store.wakeups()

    async def _timed(
        self, operation: str, answering: Awaitable[T], *, is_lost: Callable[[T], bool] = lambda _: False
    ) -> T:
        end, began = End.FAILED, self._clock()
        try:
            answer = await answering
            end = End.LOST if is_lost(answer) else End.DONE
        finally:
            self._on_operation(operation, end, seconds=self._clock() - began)
        return answer
