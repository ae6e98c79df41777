"""Admission of calls: decided before a body is read, from counts alone.

Two budgets (requests, bytes of bodies) bound the process; the same two bound each owner of keys and each of an owner's
runs, below those of the process, so that one caller's flood leaves room for the others. A body that declares its length
reserves it at once; one that does not, or unpacks to more, takes as it grows. What does not fit now waits in a room, and
is refused only where the room is full or the wait would be longer than the caller's patience. Whoever was admitted gives
everything back at the end.
"""

import asyncio
import math
import time
from collections.abc import AsyncIterator, Callable, Iterable, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import NamedTuple

from starlette.requests import ClientDisconnect

from reward_service.api.waiting_room import Queued, Room, Sender
from reward_service.serve.config import Settings
from reward_service.serve.errors import CallError, OverCapacity, QuotaExceeded

PACE_OF = 16  # departures that the pace of departures is averaged over
READ_ON = 1 << 18  # bytes of a refused body that are read and dropped: less work than another connection


class Limits(NamedTuple):
    """Most requests, and most bytes, in flight."""

    requests: int
    bytes: int


@dataclass(slots=True)
class Budget:
    """What is in flight under one limit."""

    limits: Limits
    refusal: type[CallError]
    requests: int = 0
    bytes: int = 0
    tickets: int = 0
    """That count under it, also those that have given their place among the requests back."""

    def lacks(self, requests: int, size: int) -> str | None:
        """Return why more does not fit; None where it does."""
        if self.requests + requests > self.limits.requests:
            return f"{self.limits.requests} requests are in flight"
        if self.bytes + size > self.limits.bytes:
            return f"{self.bytes} of {self.limits.bytes} bytes in flight are in use"
        return None

    def take(self, requests: int, size: int) -> None:
        """Count in, or out with negative numbers."""
        self.requests += requests
        self.bytes += size


class Ticket:
    """One admitted request; give it back with `release`."""

    def __init__(self, door: "Admission", budgets: Iterable[Budget], declared: int) -> None:
        self.budgets = tuple(budgets)
        self._door = door
        self._is_out = False
        self._requests = self._reserved = self._used = 0
        for budget in self.budgets:
            budget.tickets += 1
        self._take(1, declared)

    def grow(self, size: int) -> None:
        """Account for bytes that have arrived, or were unpacked.

        Raises:
            QuotaExceeded, OverCapacity: they do not fit.
        """
        more = self._used + size - self._reserved
        if more > 0:
            for budget in self.budgets:
                if why := budget.lacks(0, more):
                    raise budget.refusal(why)
            self._take(0, more)
        self._used += size

    def shrink(self, size: int) -> None:
        """Give back bytes that are held no longer; a stream does, line by line."""
        self._take(0, -size)
        self._used -= size
        self._door.serve()

    @asynccontextmanager
    async def away(self) -> AsyncIterator[None]:
        """Give the place among the requests back while a model is waited for; what has come in keeps its bytes."""
        if self._is_out:
            yield
            return
        self._take(-1, 0)
        with self._door.room.guest():
            self._door.serve()
            yield
            await self._door.come_back(self)

    def come_back(self) -> None:
        """Take a place among the requests again."""
        self._take(1, 0)

    def release(self) -> None:
        """Give everything back; doing so again changes nothing."""
        if self._is_out:
            return
        self._is_out = True
        self._take(-self._requests, -self._reserved)
        for budget in self.budgets:
            budget.tickets -= 1
        self._door.departed()

    def _take(self, requests: int, size: int) -> None:
        for budget in self.budgets:
            budget.take(requests, size)
        self._requests += requests
        self._reserved += size


class Admission:
    """The budgets of a process, its callers and their runs, and the room where they wait."""

    def __init__(self, settings: Settings, *, clock: Callable[[], float] = time.monotonic) -> None:
        self.process = Budget(Limits(settings.max_requests, settings.max_inflight_bytes), OverCapacity)
        self.room: Room[Ticket] = Room()
        self._of_owner = Limits(settings.max_requests_per_key, settings.max_inflight_bytes_per_key)
        self._of_run = Limits(settings.max_requests_per_run, settings.max_inflight_bytes_per_run)
        self._most = Limits(settings.max_queue, settings.max_queue_bytes)
        self._budgets: dict[Sender, Budget] = {}
        self._returning: list[tuple[Ticket, asyncio.Future[None]]] = []
        self._clock = clock
        self._pace_s = 0.0
        """Seconds from one departure to the next while others wait; 0 where that is not known."""
        self._last_departure: float | None = None

    def enter(
        self, caller: Sender, *, declared: int, size: int | None = None, patience_s: float = math.inf
    ) -> Ticket | Queued[Ticket]:
        """Admit a request, or give it a place in the room; `wait` for a place.

        Args:
            caller: who asks.
            declared: bytes its body says it has; 0 where it does not say.
            size: bytes it may have; without it what it declares.
            patience_s: how long it would wait.

        Raises:
            QuotaExceeded: the caller or the run has its share in flight, and cannot wait.
            OverCapacity: the process has, and it cannot wait.
        """
        expected_s = self.expected_wait_s(caller)
        place: Queued[Ticket] = Queued(caller, declared, declared if size is None else size)
        self.room.add(place)
        self.serve()
        if place.got is not None:
            return place.got
        fits = self.room.places <= self._most.requests and self.room.bytes <= self._most.bytes
        if fits and expected_s <= patience_s and self._can_ever_fit(place):
            return place
        self.room.remove(place)
        raise self.refusal(place, expected_s)

    async def wait(
        self, place: Queued[Ticket], *, patience_s: float, left: asyncio.Future[None] | None = None
    ) -> Ticket:
        """Wait for admission.

        Args:
            place: in the room.
            patience_s: how long.
            left: done when the caller has left.

        Raises:
            QuotaExceeded, OverCapacity: it took too long.
            ClientDisconnect: the caller has left.
        """
        turn = place.turn = asyncio.get_running_loop().create_future()
        waited_for = [turn] if left is None else [turn, left]
        try:
            await asyncio.wait(waited_for, timeout=patience_s, return_when=asyncio.FIRST_COMPLETED)
        except asyncio.CancelledError:
            self.leave(place)
            raise
        if place.got is not None:
            return place.got
        self.leave(place)
        if left is not None and left.done():
            raise ClientDisconnect
        raise self.refusal(place, self.expected_wait_s(place.caller))

    def leave(self, place: Queued[Ticket]) -> None:
        """Give up a place in the room, served or not, whose caller has left; idempotent."""
        if place.is_left:
            return
        place.is_left = True
        if place.got is not None:
            place.got.release()
        else:
            self.room.remove(place)

    def expected_wait_s(self, caller: Sender) -> float:
        """Return how long a new request of a caller would wait, going by the pace of late."""
        return (self.room.ahead_of(caller) + 1) * self._pace_s if self.room.places else 0.0

    def expected_service_s(self) -> float:
        """Return how long a request that is admitted may take, going by the pace of late: twice the mean, by Little's law.

        Past saturation nine of ten take less. By the mean alone, one in five was given up after it had been scored.
        """
        return 2 * self.process.requests * self._pace_s if self.room.places else 0.0

    def refusal(self, place: Queued[Ticket], expected_s: float) -> CallError:
        """Return why a request is not admitted, and when it could be."""
        budgets = [*self._shares_of(place.caller), self.process]
        lacking = ((budget, why) for budget in budgets if (why := budget.lacks(1, place.declared)))
        budget, why = next(lacking, (self.process, "others have waited for longer"))
        error = budget.refusal(f"{why}, and {self.room.places} wait")
        error.retry_after_s = max(1, math.ceil(expected_s))
        error.closes = place.size > READ_ON
        return error

    def serve(self) -> None:
        """Admit who fits: first who comes back, then the callers in turn."""
        self._let_back()
        while (place := self._next()) is not None:
            self._forget_idle()
            shares = [self._budgets.setdefault(*share) for share in self._shares(place.caller)]
            self.room.served(place, Ticket(self, [*shares, self.process], place.declared))

    def departed(self) -> None:
        """Note that a request has gone, and serve who waits."""
        now = self._clock()
        if not self.room.places:  # what waits next may be of another kind
            self._pace_s, self._last_departure = 0.0, None
        else:
            if self._last_departure is not None:
                self._pace_s += (now - self._last_departure - self._pace_s) / PACE_OF
            self._last_departure = now
        self.serve()

    async def come_back(self, ticket: Ticket) -> None:
        """Wait until there is a place among the requests for one that had left it, ahead of those that are new."""
        back: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._returning.append((ticket, back))
        self.serve()
        try:
            await back
        finally:
            self._returning = [one for one in self._returning if one[1] is not back]

    def _let_back(self) -> None:
        for ticket, back in self._returning:
            if not back.done() and not any(budget.lacks(1, 0) for budget in ticket.budgets):
                ticket.come_back()
                back.set_result(None)

    def _next(self) -> Queued[Ticket] | None:
        """Return the place whose turn it is; None where nothing fits. A share that is used up does not hold up the others."""
        if self.process.lacks(1, 0):
            return None
        for owner, runs in self.room.lines.items():
            if any(budget.lacks(1, 0) for budget in self._shares_of(Sender(owner))):
                continue
            for line in runs.values():
                place = line[0]
                if not any(budget.lacks(1, place.declared) for budget in self._shares_of(place.caller)):
                    # Nothing overtakes a large body here, or it would never fit.
                    return None if self.process.lacks(1, place.declared) else place
        return None

    def _can_ever_fit(self, place: Queued[Ticket]) -> bool:
        return all(
            place.declared <= budget.limits.bytes
            for budget in (*(share for _, share in self._shares(place.caller)), self.process)
        )

    def _shares(self, caller: Sender) -> Iterator[tuple[Sender, Budget]]:
        """Yield what bounds a caller below the process, each with nothing in flight: its owner, and that owner's run."""
        if caller.owner is not None:
            yield Sender(caller.owner), Budget(self._of_owner, QuotaExceeded)
        if caller.run is not None:
            yield caller, Budget(self._of_run, QuotaExceeded)

    def _shares_of(self, caller: Sender) -> list[Budget]:
        """Return what a caller has in flight under its shares."""
        return [self._budgets.get(who, fresh) for who, fresh in self._shares(caller)]

    def _forget_idle(self) -> None:
        """Keep only callers with something in flight: there are never more of those than requests, twice."""
        if len(self._budgets) > 4 * self.process.limits.requests:
            self._budgets = {who: one for who, one in self._budgets.items() if one.tickets}
