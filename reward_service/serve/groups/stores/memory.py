"""Stores runs and groups in the memory of this process: for a single server, tests and notebooks."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass, field

from reward_service.serve.clock import Clock, SystemClock
from reward_service.serve.groups.stores.protocols import GroupKey, OpenGroup, Snapshot, Write

PURGE_EVERY_S = 10.0


@dataclass(slots=True)
class _Kept:
    blob: bytes
    until: float


@dataclass(slots=True)
class _Run:
    record: _Kept
    groups: dict[str, _Kept] = field(default_factory=dict)
    open: dict[str, float] = field(default_factory=dict)


class MemoryGroupStore:
    """A store for one process; its content ends with the process."""

    def __init__(self, clock: Clock | None = None) -> None:
        self._clock = clock or SystemClock()
        self._runs: dict[str, _Run] = {}
        self._listeners: set[asyncio.Queue[GroupKey]] = set()
        self._purged_at = self._clock.now()

    async def start(self) -> None:
        """Do nothing: memory needs no preparation."""

    async def stop(self) -> None:
        """Do nothing: there is nothing to close."""

    async def check(self) -> None:
        """Memory answers."""

    async def declare(self, run_id: str, record: bytes, *, keep_s: float) -> bytes:
        """Store a run unless its id is in use. Returns the record stored under the id, new or old."""
        self._purge()
        run = self._run(run_id)
        if run is None:
            run = self._runs[run_id] = _Run(_Kept(record, self._clock.now() + keep_s))
        return run.record.blob

    async def drop(self, run_id: str) -> None:
        """Delete a run and its groups."""
        self._runs.pop(run_id, None)

    async def read(self, run_id: str, group_ids: Sequence[str] = ()) -> Snapshot:
        """Read a run and some of its groups."""
        now, run = self._clock.now(), self._run(run_id)
        if run is None:
            return Snapshot(now, None, 0, (None,) * len(group_ids))
        found = (_alive(run.groups.get(group_id), now) for group_id in group_ids)
        return Snapshot(now, run.record.blob, len(run.open), tuple(found))

    async def swap(
        self, key: GroupKey, old: bytes | None, new: Write, *, run: bytes, keep_run_s: float
    ) -> Snapshot | None:
        """Replace a group if it and its run are unchanged since they were read, and prolong the run's life."""
        now, kept = self._clock.now(), self._run(key.run_id)
        if kept is None or kept.record.blob != run:
            return await self.read(key.run_id, [key.group_id])
        if _alive(kept.groups.get(key.group_id), now) not in (old, new.blob):
            return await self.read(key.run_id, [key.group_id])
        kept.groups[key.group_id] = _Kept(new.blob, now + new.keep_s)
        kept.record.until = now + keep_run_s
        _list(kept.open, key.group_id, new.closes_at)
        if new.wake:
            self._wake(key)
        return None

    async def open_groups(
        self, run_id: str, *, until: float | None = None, limit: int = 1000
    ) -> list[OpenGroup]:
        """Return open groups, ordered by when they close; with `until`, only those that are due by then."""
        self._purge()
        run = self._run(run_id)
        entries = run.open.items() if run else ()
        due = (OpenGroup(*entry) for entry in entries if until is None or entry[1] <= until)
        return sorted(due, key=lambda group: (group.closes_at, group.group_id))[:limit]

    async def forget(self, key: GroupKey) -> None:
        """Remove a group from the list of open groups if the group itself has expired."""
        run = self._run(key.run_id)
        if run is not None and _alive(run.groups.get(key.group_id), self._clock.now()) is None:
            run.open.pop(key.group_id, None)

    async def wakeups(self) -> AsyncIterator[GroupKey]:
        """Yield the groups whose waiters should read them again."""
        mine: asyncio.Queue[GroupKey] = asyncio.Queue()
        self._listeners.add(mine)
        try:
            while True:
                yield await mine.get()
        finally:
            self._listeners.discard(mine)

    def _wake(self, key: GroupKey) -> None:
        for listener in self._listeners:
            listener.put_nowait(key)

    def _run(self, run_id: str) -> _Run | None:
        run = self._runs.get(run_id)
        return run if run is not None and run.record.until > self._clock.now() else None

    def _purge(self) -> None:
        """Free what has expired, which no call returns any more."""
        now = self._clock.now()
        if now < self._purged_at + PURGE_EVERY_S:
            return
        self._purged_at = now
        self._runs = {run_id: run for run_id, run in self._runs.items() if run.record.until > now}
        for run in self._runs.values():
            run.groups = {at: kept for at, kept in run.groups.items() if kept.until > now}


def _list(opened: dict[str, float], group_id: str, closes_at: float | None) -> None:
    """Update the list of open groups after a write to a group."""
    if closes_at is None:
        opened.pop(group_id, None)
    else:
        opened[group_id] = closes_at


def _alive(kept: _Kept | None, now: float) -> bytes | None:
    return kept.blob if kept is not None and kept.until > now else None
