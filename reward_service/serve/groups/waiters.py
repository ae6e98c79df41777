"""The requests of this process that wait for a group.

Every new reading of a group goes to all its waiters. A request becomes a waiter before its rollout is stored, so that it
misses no reading. A reading may therefore be older than the request's rollout: that a group is closed holds at any age,
but that the rollout is absent counts only if the reading was asked for after the rollout had been stored.
"""

import asyncio
from collections.abc import Callable, Coroutine, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import Generic, TypeVar

from reward_service.serve.groups.stores.protocols import GroupKey

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class WaitLimit:
    """What ends a wait that has brought no answer."""

    wait_s: float
    disconnected: Callable[[], Coroutine[None, None, None]]
    """Finishes when the caller has closed the connection."""


class Waiter(Generic[T]):
    """One request that waits."""

    def __init__(self, moments: Iterator[int]) -> None:
        self.latest: T | None = None
        """The latest reading of the group; None if there was no such group."""
        self._moments = moments
        self._since: int | None = None
        self._was_notified = False
        self._is_answer: Callable[[T | None, bool], bool] = lambda _latest, _is_fresh: False
        self._end: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def notify(self, latest: T | None, asked: int) -> None:
        """Take a reading of the group that was asked for at moment `asked`."""
        self.latest, self._was_notified = latest, True
        if self._is_answer(latest, self._since is not None and asked > self._since):
            self.finish(has_answer=True)

    def finish(self, *, has_answer: bool = False) -> None:
        """End the wait."""
        if not self._end.done():
            self._end.set_result(has_answer)

    async def until(self, is_answer: Callable[[T | None, bool], bool], limit: WaitLimit) -> bool:
        """Wait for a reading that is an answer. Returns whether there was one before the limit.

        Args:
            is_answer: called with each reading, and with whether it was asked for after the wait began.
            limit: what ends the wait otherwise.
        """
        self._is_answer = is_answer
        if self._was_notified:
            self.notify(self.latest, 0)
        self._since = next(self._moments)
        disconnected = asyncio.create_task(limit.disconnected())
        disconnected.add_done_callback(lambda _: self.finish())
        timer = asyncio.get_running_loop().call_later(limit.wait_s, self.finish)
        try:
            return await self._end
        finally:
            timer.cancel()
            disconnected.cancel()


class Waiters(Generic[T]):
    """All waiters of this process, by group."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Most waiters at once."""
        self._moments = count(1)
        self._waiters: dict[GroupKey, set[Waiter[T]]] = {}
        self._count = 0
        self._released = False

    def __len__(self) -> int:
        """Return the number of waiters."""
        return self._count

    def __contains__(self, key: GroupKey) -> bool:
        """Return whether a group is waited for."""
        return key in self._waiters

    def keys(self) -> list[GroupKey]:
        """Return the groups that are waited for."""
        return list(self._waiters)

    @contextmanager
    def waiting(self, key: GroupKey) -> Iterator[Waiter[T] | None]:
        """Yield a waiter for a group; None if the limit is reached or the waiters have been released."""
        if self._released or self._count >= self.limit:
            yield None
            return
        waiter = Waiter[T](self._moments)
        self._waiters.setdefault(key, set()).add(waiter)
        self._count += 1
        try:
            yield waiter
        finally:
            self._remove(key, waiter)

    def _remove(self, key: GroupKey, waiter: Waiter[T]) -> None:
        self._count -= 1
        self._waiters[key].discard(waiter)
        if not self._waiters[key]:
            del self._waiters[key]

    def moment(self) -> int:
        """Return a number higher than all before it: what is asked for later is newer."""
        return next(self._moments)

    def notify(self, key: GroupKey, latest: T | None, *, asked: int) -> None:
        """Pass a reading of a group, asked for at moment `asked`, to all its waiters."""
        for waiter in self._waiters.get(key, ()):
            waiter.notify(latest, asked)

    def release(self) -> None:
        """End all waits and allow no new ones: this process is about to end."""
        self._released = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.finish()
