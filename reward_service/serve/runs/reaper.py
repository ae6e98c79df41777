"""Background work: closes groups that are due, and notifies the requests that wait for a group.

Every replica does this for all groups, so the death of any one of them delays nothing.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from operator import attrgetter

from reward_service.serve import errors
from reward_service.serve.groups.stores.protocols import GroupKey, Snapshot
from reward_service.serve.runs.access import EVERY_RUN
from reward_service.serve.runs.groups import Groups
from reward_service.serve.timings import Timings

log = logging.getLogger("reward_service")

TICK_EVERY_S = 1.0
CANCEL_AGAIN_S = 0.2
# Groups read with one command: 256 groups of 16 are half a megabyte.
CHUNK = 256
CANNOT_BE_READ = (errors.CorruptState, errors.EngineMismatch, errors.ProfileMismatch, errors.UnknownProfile)


class Reaper:
    """The background work of one process."""

    def __init__(self, groups: Groups, *, tick_every_s: float = TICK_EVERY_S) -> None:
        self._groups = groups
        self._tick_every_s = tick_every_s
        self._notified: dict[GroupKey, bytes] = {}
        """The groups that are waited for, as stored when their waiters were last notified."""
        self._left: dict[str, int] = {}
        """By run: due groups that could not be closed here. So many more are listed, that they hide no other."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Run for the length of a block.

        Raises:
            UnsafeStore: the store may lose what it is given.
        """
        await self._groups.store.start()
        loops = [asyncio.create_task(self._forever(step)) for step in (self.tick, self.listen)]
        try:
            yield
        finally:
            await _ended(loops)
            await self._groups.store.stop()

    async def tick(self) -> None:
        """Close the groups that are due, and read every group that is waited for: a wake-up may have been missed."""
        for run_id in list(self._groups.runs_in_use):
            await self._expire_due(run_id)
        before, self._notified = self._notified, {}
        for run_id, keys in groupby(sorted(self._groups.waiters.keys()), key=attrgetter("run_id")):
            group_ids = [key.group_id for key in keys]
            for start in range(0, len(group_ids), CHUNK):
                await self._notify_of_changes(run_id, group_ids[start : start + CHUNK], before)

    async def listen(self) -> None:
        """Notify waiters of the groups that any process has changed."""
        async for key in self._groups.store.wakeups():
            if key in self._groups.waiters:
                await self._notify_of_changes(key.run_id, [key.group_id], {})

    async def _forever(self, step: Callable[[], Coroutine[None, None, None]]) -> None:
        """Repeat a step. While the store does not answer, keep trying."""
        while True:
            try:
                await step()
            except errors.CallError as error:
                log.warning("%s %s", error.title, error.detail)
            await asyncio.sleep(self._tick_every_s)

    async def _expire_due(self, run_id: str) -> None:
        store = self._groups.store
        stored = await store.read(run_id)
        if stored.run is None:
            self._groups.forget_run(run_id)
            return
        self._groups.runs_in_use[run_id] = stored.open_groups
        limit = CHUNK + self._left.pop(run_id, 0)
        due = await store.open_groups(run_id, until=stored.now, limit=limit)
        closed = [await self._expire(GroupKey(run_id, listed.group_id)) for listed in due]
        if not all(closed):
            self._left[run_id] = closed.count(False)

    async def _expire(self, key: GroupKey) -> bool:
        """Close a group that is due. Returns whether it is open no longer: another engine's group stays open."""
        try:
            view = await self._groups.expire(key, access=EVERY_RUN, timings=Timings())
            if view is None:
                await self._groups.store.forget(key)
        except errors.UnknownRun:
            return True  # deleted meanwhile
        except (*CANNOT_BE_READ, errors.InvalidRequest) as error:  # the latter: too long for the ledger
            log.warning("group %s of run %s: %s %s", *key[::-1], error.title, error.detail)
            return False
        return view is None or not view.state.is_open

    async def _notify_of_changes(
        self, run_id: str, group_ids: Sequence[str], before: Mapping[GroupKey, bytes]
    ) -> None:
        """Read groups, and notify the waiters of each one that differs from `before`, or is not stored."""
        asked = self._groups.waiters.moment()
        stored = await self._groups.store.read(run_id, group_ids)
        for group_id, blob in zip(group_ids, stored.groups, strict=True):
            key = GroupKey(run_id, group_id)
            if blob is not None:
                self._notified[key] = blob
            if blob is None or blob != before.get(key):
                self._notify(key, stored, blob, asked)

    def _notify(self, key: GroupKey, stored: Snapshot, blob: bytes | None, asked: int) -> None:
        """Notify the waiters of a group. If it cannot be read, the next call for it gets the error."""
        try:
            view = self._groups.view_of(key, stored, blob)
        except CANNOT_BE_READ as error:
            log.warning("group %s of run %s: %s %s", *key[::-1], error.title, error.detail)
        else:
            self._groups.waiters.notify(key, view, asked=asked)


async def _ended(loops: Collection["asyncio.Task[None]"]) -> None:
    """Cancel tasks until they have ended.

    Once is not enough: a command to Redis that is answered in the same moment loses the cancellation (`asyncio.wait_for`
    before Python 3.12 returns the result instead), and a loop that goes on for ever keeps the process from ending.
    """
    pending = set(loops)
    while pending:
        for loop in pending:
            loop.cancel()
        _, pending = await asyncio.wait(pending, timeout=CANCEL_AGAIN_S)
    await asyncio.gather(*loops, return_exceptions=True)
