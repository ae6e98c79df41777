"""A store that says what each of its operations took, and how it ended."""

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
    """A swap that somebody else was faster than."""
    FAILED = "failed"
    """The store did not answer, or nobody waited for it any longer."""


class Say(Protocol):
    """Takes what an operation took."""

    def __call__(self, operation: str, end: End, *, seconds: float) -> None:
        """Note one operation."""
        ...


class ObservedGroupStore:
    """A store in front of another one."""

    def __init__(
        self, store: GroupStore, say: Say, *, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self._store, self._say, self._clock = store, say, clock

    async def start(self) -> None:
        """Get ready."""
        await self._store.start()

    async def stop(self) -> None:
        """Let go of what the store holds open."""
        await self._store.stop()

    async def declare(self, run_id: str, record: bytes, *, keep_s: float) -> bytes:
        """Put a run under a free id; return the record that stands there now."""
        return await self._timed("declare", self._store.declare(run_id, record, keep_s=keep_s))

    async def drop(self, run_id: str) -> None:
        """Forget a run and its groups."""
        await self._timed("drop", self._store.drop(run_id))

    async def read(self, run_id: str, group_ids: Sequence[str] = ()) -> Snapshot:
        """Read a run and some of its groups."""
        return await self._timed("read", self._store.read(run_id, group_ids))

    async def swap(
        self, key: GroupKey, old: bytes | None, new: Write, *, run: bytes, keep_run_s: float
    ) -> Snapshot | None:
        """Replace a group if it and its run still are what was read, and keep the run alive."""
        swapping = self._store.swap(key, old, new, run=run, keep_run_s=keep_run_s)
        return await self._timed("swap", swapping, is_lost=lambda beaten: beaten is not None)

    async def open_groups(
        self, run_id: str, *, until: float | None = None, limit: int = 1000
    ) -> list[OpenGroup]:
        """Return open groups, those that close first coming first; with `until`, only those that are due by then."""
        return await self._timed("open_groups", self._store.open_groups(run_id, until=until, limit=limit))

    async def forget(self, key: GroupKey) -> None:
        """Take a group off the list of open groups, if it is kept no longer."""
        await self._timed("forget", self._store.forget(key))

    def wakeups(self) -> AsyncIterator[GroupKey]:
        """Yield groups whose waiters should look again."""
        return self._store.wakeups()

    async def _timed(
        self, operation: str, answering: Awaitable[T], *, is_lost: Callable[[T], bool] = lambda _: False
    ) -> T:
        end, began = End.FAILED, self._clock()
        try:
            answer = await answering
            end = End.LOST if is_lost(answer) else End.DONE
        finally:
            self._say(operation, end, seconds=self._clock() - began)
        return answer
