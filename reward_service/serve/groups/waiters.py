"""The requests of this process that wait for a group.

Whoever learns something about a group tells everybody who waits for it, once. A waiter is there before its rollout is
stored, so that nothing told in between is missed. What it is told may then be older than its rollout: that a group is
closed is true at any age, that the rollout is not there means something only if it was asked for later.
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
class Patience:
    """How long a caller waits."""

    wait_s: float
    gone: Callable[[], Coroutine[None, None, None]]
    """Finishes when the caller has left."""


class Waiter(Generic[T]):
    """One request that waits."""

    def __init__(self, moments: Iterator[int]) -> None:
        self.told: T | None = None
        """What the group looked like when somebody last said so; None where there was no such group."""
        self._moments = moments
        self._since: int | None = None
        self._heard = False
        self._over: Callable[[T | None, bool], bool] = lambda _seen, _is_fresh: False
        self._end: asyncio.Future[bool] = asyncio.get_running_loop().create_future()

    def tell(self, seen: T | None, asked: int) -> None:
        """Say what the group looked like, somewhat after the moment when somebody asked."""
        self.told, self._heard = seen, True
        if self._over(seen, self._since is not None and asked > self._since):
            self.finish(over=True)

    def finish(self, *, over: bool = False) -> None:
        """Wait no longer."""
        if not self._end.done():
            self._end.set_result(over)

    async def until(self, over: Callable[[T | None, bool], bool], patience: Patience) -> bool:
        """Wait until what is told is worth an answer, and return whether it is.

        Args:
            over: says so of what is told, and of whether that was asked for after the waiting began.
            patience: how long to wait.
        """
        self._over = over
        if self._heard:
            self.tell(self.told, 0)
        self._since = next(self._moments)
        disconnected = asyncio.create_task(patience.gone())
        disconnected.add_done_callback(lambda _: self.finish())
        timer = asyncio.get_running_loop().call_later(patience.wait_s, self.finish)
        try:
            return await self._end
        finally:
            timer.cancel()
            disconnected.cancel()


class Watch(Generic[T]):
    """All of them."""

    def __init__(self, limit: int) -> None:
        self.limit = limit
        """Most waiters at once."""
        self._moments = count(1)
        self._waiters: dict[GroupKey, set[Waiter[T]]] = {}
        self._count = 0
        self._released = False

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def __contains__(self, key: GroupKey) -> bool:
        """Whether anybody waits for a group."""
        return key in self._waiters

    def keys(self) -> list[GroupKey]:
        """Return the groups that are waited for."""
        return list(self._waiters)

    @contextmanager
    def waiting(self, key: GroupKey) -> Iterator[Waiter[T] | None]:
        """Wait for a group; None where there is no room to wait."""
        if self._released or self._count >= self.limit:
            yield None
            return
        waiter = Waiter[T](self._moments)
        self._waiters.setdefault(key, set()).add(waiter)
        self._count += 1
        try:
            yield waiter
        finally:
            self._leave(key, waiter)

    def _leave(self, key: GroupKey, waiter: Waiter[T]) -> None:
        self._count -= 1
        self._waiters[key].discard(waiter)
        if not self._waiters[key]:
            del self._waiters[key]

    def moment(self) -> int:
        """Return a number that grows: what is asked for after it is newer than it."""
        return next(self._moments)

    def tell(self, key: GroupKey, seen: T | None, *, asked: int) -> None:
        """Tell everybody who waits for a group what it looked like, somewhat after a moment."""
        for waiter in self._waiters.get(key, ()):
            waiter.tell(seen, asked)

    def release(self) -> None:
        """Let everybody go, and nobody wait from now on: this process is about to end."""
        self._released = True
        for waiters in self._waiters.values():
            for waiter in waiters:
                waiter.finish()
