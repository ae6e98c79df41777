"""Collects requests that carry no ids into groups.

Some trainers ask for a reward with nothing but a prompt, a label and a text. Requests with the same key that wait at the
same time are a group. The rules:

- Connections are counted, not texts: a retry looks like a twin, so a caller that disconnects gives up its place.
- A place may have a name; a later request with the same name takes the place over.
- A full group is scored at once, and the next request begins another one.
- A group that is not full at its deadline is dissolved, and none of its members gets a reward.

The groups are in the memory of one process, so all requests of a group must reach the same process.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Overdue(Exception):
    """The group was not full at its deadline."""


class TakenOver(Exception):
    """A later request with the same name has taken the place."""


class _Place(Generic[T, R]):
    def __init__(self, value: T, name: str | None) -> None:
        self.value, self.name = value, name
        self.paid: asyncio.Future[R] = asyncio.get_running_loop().create_future()


class _Group(Generic[T, R]):
    def __init__(self) -> None:
        self.places: list[_Place[T, R]] = []
        self.timer: asyncio.TimerHandle | None = None


class Rendezvous(Generic[T, R]):
    """The groups that are still waiting for members."""

    def __init__(self, score: Callable[[Sequence[T]], Awaitable[Sequence[R]]]) -> None:
        self._score = score
        self._groups: dict[Hashable, _Group[T, R]] = {}
        self._scoring: set[asyncio.Task[None]] = set()
        self.waiting = 0
        """Number of requests that wait."""

    async def meet(
        self, key: Hashable, value: T, *, size: int, deadline_s: float, name: str | None = None
    ) -> R:
        """Wait until a group is full, and return the result of this member. A cancelled call gives up its place.

        Args:
            key: requests with equal keys form groups.
            value: passed to the scoring function.
            size: of a full group.
            deadline_s: seconds that the group waits, counted from its first member.
            name: of the place; None if no request may take it over.

        Raises:
            Overdue: the group was not full at its deadline.
            TakenOver: a later request has taken the place.
        """
        place: _Place[T, R] = _Place(value, name)
        group = self._join(key, place, deadline_s)
        self.waiting += 1
        if len(group.places) >= size:
            self._close(key)
            task = asyncio.create_task(self._settle(group))
            self._scoring.add(task)
            task.add_done_callback(self._scoring.discard)
        try:
            return await place.paid
        finally:
            self.waiting -= 1
            self._leave(key, group, place)

    def _join(self, key: Hashable, place: _Place[T, R], deadline_s: float) -> _Group[T, R]:
        group = self._groups.setdefault(key, _Group())
        if group.timer is None:
            group.timer = asyncio.get_running_loop().call_later(deadline_s, self._expire, key)
        for other in [one for one in group.places if place.name is not None and one.name == place.name]:
            group.places.remove(other)
            other.paid.set_exception(TakenOver)
        group.places.append(place)
        return group

    def _leave(self, key: Hashable, group: _Group[T, R], place: _Place[T, R]) -> None:
        """Give up a place. A group that is being scored keeps its members, so that the others' results stay the same."""
        if self._groups.get(key) is group and place in group.places:
            group.places.remove(place)
            if not group.places:
                self._close(key)

    def _close(self, key: Hashable) -> None:
        group = self._groups.pop(key)
        if group.timer is not None:
            group.timer.cancel()

    def _expire(self, key: Hashable) -> None:
        places = self._groups.pop(key).places
        for place in places:
            if not place.paid.done():
                place.paid.set_exception(Overdue)

    async def _settle(self, group: _Group[T, R]) -> None:
        try:
            paid = await self._score([place.value for place in group.places])
        except Exception as error:  # noqa: BLE001  # every member is told
            for place in group.places:
                if not place.paid.done():
                    place.paid.set_exception(error)
            return
        for place, one in zip(group.places, paid, strict=True):
            if not place.paid.done():
                place.paid.set_result(one)
