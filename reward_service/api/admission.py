"""Who may come in: decided before a body is read, from counts alone.

Two budgets (requests, bytes of bodies) bound the process; the same two bound each API key and each run, below those of
the process, so that one caller's flood leaves room for the others. A body that declares its length reserves it at once;
one that does not, or unpacks to more, takes as it grows. Nothing waits here: what does not fit is refused, and whoever
was admitted gives everything back at the end.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from reward_service.serve.config import Settings
from reward_service.serve.errors import CallError, OverCapacity, QuotaExceeded


class Limits(NamedTuple):
    """Most requests, and most bytes, in flight."""

    requests: int
    bytes: int


@dataclass(slots=True)
class Budget:
    """What is in flight under one limit."""

    limits: Limits
    refusal: Callable[[str], CallError]
    requests: int = 0
    bytes: int = 0

    def check(self, requests: int, size: int) -> None:
        """Refuse what does not fit.

        Raises:
            QuotaExceeded, OverCapacity: as the budget is a caller's or the process's.
        """
        if self.requests + requests > self.limits.requests:
            raise self.refusal(f"{self.limits.requests} requests are in flight")
        if self.bytes + size > self.limits.bytes:
            raise self.refusal(f"{self.bytes} of {self.limits.bytes} bytes in flight are in use")

    def take(self, requests: int, size: int) -> None:
        """Count in, or out with negative numbers."""
        self.requests += requests
        self.bytes += size


class Ticket:
    """One admitted request; give it back with `release`."""

    def __init__(self, budgets: Iterable[Budget], declared: int) -> None:
        self._budgets = tuple(budgets)
        self._reserved = declared
        self._used = 0
        self._requests = 1

    def grow(self, size: int) -> None:
        """Account for bytes that have arrived, or were unpacked.

        Raises:
            QuotaExceeded, OverCapacity: they do not fit.
        """
        more = self._used + size - self._reserved
        if more > 0:
            for budget in self._budgets:
                budget.check(0, more)
            for budget in self._budgets:
                budget.take(0, more)
            self._reserved += more
        self._used += size

    def shrink(self, size: int) -> None:
        """Give back bytes that are held no longer; a stream does, line by line."""
        for budget in self._budgets:
            budget.take(0, -size)
        self._reserved -= size
        self._used -= size

    def release(self) -> None:
        """Give everything back; doing so again changes nothing."""
        for budget in self._budgets:
            budget.take(-self._requests, -self._reserved)
        self._requests = self._reserved = 0


class Admission:
    """The budgets of a process, its callers and their runs."""

    def __init__(self, settings: Settings) -> None:
        self.process = Budget(Limits(settings.max_requests, settings.max_inflight_bytes), OverCapacity)
        self._limits: Mapping[str, Limits] = {
            "key": Limits(settings.max_requests_per_key, settings.max_inflight_bytes_per_key),
            "run": Limits(settings.max_requests_per_run, settings.max_inflight_bytes_per_run),
        }
        self._callers: dict[tuple[str, str], Budget] = {}

    def enter(self, *, key: str | None, run: str | None, declared: int) -> Ticket:
        """Admit a request.

        Args:
            key: id of the API key; None where none was asked for.
            run: the run, where it is known.
            declared: bytes its body says it has; 0 where it does not say.

        Raises:
            QuotaExceeded: the key or the run has its share in flight.
            OverCapacity: the process has.
        """
        self._forget_idle()
        budgets = [self._caller(*who) for who in (("key", key), ("run", run)) if who[1] is not None]
        budgets.append(self.process)
        for budget in budgets:
            budget.check(1, declared)
        for budget in budgets:
            budget.take(1, declared)
        return Ticket(budgets, declared)

    def _caller(self, kind: str, name: str | None) -> Budget:
        who = (kind, name or "")
        if who not in self._callers:
            self._callers[who] = Budget(self._limits[kind], QuotaExceeded)
        return self._callers[who]

    def _forget_idle(self) -> None:
        """Keep only callers with something in flight: there are never more of those than requests, twice."""
        if len(self._callers) > 2 * self.process.limits.requests:
            self._callers = {who: budget for who, budget in self._callers.items() if budget.requests}
