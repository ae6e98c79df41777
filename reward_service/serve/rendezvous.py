"""Requests that carry no ids become a group by meeting here.

Some trainers ask for a reward with nothing but a prompt, a label and a text. Those who ask about the same thing at the
same time are a group; rules:

- connections are counted, not texts: a retry looks like a twin, so whoever leaves gives up the place;
- a place may have a name; who comes back under it takes it over;
- a full group is scored at once, and the next one who comes begins another;
- a group that is not full at its deadline is given up, and nobody is paid.

It is the memory of one process: all who are to meet must come to the same one.
"""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Sequence
from typing import Generic, TypeVar

T = TypeVar("T")
R = TypeVar("R")


class Overdue(Exception):
    """The others have not come in time."""


class TakenOver(Exception):
    """Somebody else has come under the same name."""


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

    @property
    def waiting(self) -> int:
        """How many wait."""
        return sum(len(group.places) for group in self._groups.values())

    async def meet(
        self, key: Hashable, value: T, *, size: int, deadline_s: float, name: str | None = None
    ) -> R:
        """Wait until a group is full, and return what this member of it gets. Who is cancelled leaves.

        Args:
            key: who has the same key may meet.
            value: what the group is scored by.
            size: how many a full group has.
            deadline_s: how long the first one waits.
            name: of the place; None for one that nobody can take over.

        Raises:
            Overdue, TakenOver: there is no group for this one.
        """
        place: _Place[T, R] = _Place(value, name)
        group = self._join(key, place, deadline_s)
        if len(group.places) >= size:
            self._close(key)
            task = asyncio.create_task(self._settle(group))
            self._scoring.add(task)
            task.add_done_callback(self._scoring.discard)
        try:
            return await place.paid
        finally:
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
        """Give up a place; a group that is closed keeps its members, so that the others are paid as they were told."""
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
