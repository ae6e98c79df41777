"""Keeps groups moving while nobody asks: closes those that are due, and wakes those who wait.

Every replica does it for all groups, so none is special and none is missed when one dies.
"""

import asyncio
import logging
from collections.abc import AsyncIterator, Callable, Collection, Coroutine, Mapping, Sequence
from contextlib import asynccontextmanager
from itertools import groupby
from operator import attrgetter

from reward_service.serve import errors
from reward_service.serve.groups.stores.protocols import GroupKey, Snapshot
from reward_service.serve.runs.groups import Standing
from reward_service.serve.timings import Timings

log = logging.getLogger("reward_service")

LOOK_EVERY_S = 1.0
CANCEL_AGAIN_S = 0.2
# Groups read with one command: 256 groups of 16 are half a megabyte.
CHUNK = 256
CANNOT_BE_READ = (errors.CorruptState, errors.EngineMismatch, errors.ProfileMismatch, errors.UnknownProfile)


class Keeper:
    """The background work of one process."""

    def __init__(self, standing: Standing, *, look_every_s: float = LOOK_EVERY_S) -> None:
        self._standing = standing
        self._look_every_s = look_every_s
        self._told: dict[GroupKey, bytes] = {}
        """Groups that somebody waits for, as they were at the last look."""

    @asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        """Work until the block is left.

        Raises:
            UnsafeStore: the store cannot be trusted.
        """
        await self._standing.store.start()
        loops = [asyncio.create_task(self._forever(step)) for step in (self.tick, self.listen)]
        try:
            yield
        finally:
            await _ended(loops)
            await self._standing.store.stop()

    async def tick(self) -> None:
        """Close what is due, and look at every group that somebody waits for: wake-ups may have been missed."""
        for run_id in list(self._standing.runs_in_use):
            await self._expire_due(run_id)
        told, self._told = self._told, {}
        for run_id, keys in groupby(sorted(self._standing.watch.keys()), key=attrgetter("run_id")):
            group_ids = [key.group_id for key in keys]
            for start in range(0, len(group_ids), CHUNK):
                await self._look(run_id, group_ids[start : start + CHUNK], told)

    async def listen(self) -> None:
        """Tell who waits about groups that any process has changed."""
        async for key in self._standing.store.wakeups():
            if key in self._standing.watch:
                await self._look(key.run_id, [key.group_id], {})

    async def _forever(self, step: Callable[[], Coroutine[None, None, None]]) -> None:
        """Repeat a step; where the store does not answer, go on as soon as it does."""
        while True:
            try:
                await step()
            except errors.CallError as error:
                log.warning("%s %s", error.title, error.detail)
            await asyncio.sleep(self._look_every_s)

    async def _expire_due(self, run_id: str) -> None:
        store = self._standing.store
        snapshot = await store.read(run_id)
        if snapshot.run is None:
            self._standing.runs_in_use.pop(run_id, None)
            return
        self._standing.runs_in_use[run_id] = snapshot.open_groups
        for listed in await store.open_groups(run_id, until=snapshot.now, limit=CHUNK):
            await self._expire(GroupKey(run_id, listed.group_id))

    async def _expire(self, key: GroupKey) -> None:
        try:
            if await self._standing.expire(key, timings=Timings()) is None:
                await self._standing.store.forget(key)
        except errors.UnknownRun:
            return  # deleted meanwhile
        except CANNOT_BE_READ as error:
            log.warning("group %s of run %s: %s %s", *key[::-1], error.title, error.detail)

    async def _look(self, run_id: str, group_ids: Sequence[str], told: Mapping[GroupKey, bytes]) -> None:
        """Look at groups, and tell who waits for one that is not as it was told."""
        asked = self._standing.watch.moment()
        snapshot = await self._standing.store.read(run_id, group_ids)
        for group_id, blob in zip(group_ids, snapshot.groups, strict=True):
            key = GroupKey(run_id, group_id)
            if blob is not None:
                self._told[key] = blob
            if blob is None or blob != told.get(key):
                self._tell(key, snapshot, blob, asked)

    def _tell(self, key: GroupKey, snapshot: Snapshot, blob: bytes | None, asked: int) -> None:
        """Tell who waits; a group that cannot be read is said by whoever asks for it next."""
        try:
            seen = self._standing.seen(key, snapshot, blob)
        except CANNOT_BE_READ as error:
            log.warning("group %s of run %s: %s %s", *key[::-1], error.title, error.detail)
        else:
            self._standing.watch.tell(key, seen, asked=asked)


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
