"""Why this process should get no traffic now; with no reason, it is ready."""

import asyncio
from collections.abc import Awaitable, Callable

from reward_service.api.metrics import Metrics

DRAINING = "draining"
INDEX = "index"
STATE = "state"
CANARY = "canary"
LEDGER = "ledger"
MODEL = "model"
JUDGE = "judge"
REASONS = (DRAINING, INDEX, STATE, CANARY, LEDGER, MODEL, JUDGE)


class Readiness:
    """The reasons that hold, each with its detail."""

    def __init__(self, metrics: Metrics) -> None:
        self._metrics = metrics
        self._missing: dict[str, str] = {}
        for reason in REASONS:
            self.clear(reason)

    def missing(self, reason: str, why: str) -> None:
        """Take the process out of readiness."""
        self._missing[reason] = why
        self._metrics.set("not_ready", reason, value=1)

    def clear(self, reason: str) -> None:
        """Say that a reason no longer holds."""
        self._missing.pop(reason, None)
        self._metrics.set("not_ready", reason, value=0)

    def reasons(self) -> dict[str, str]:
        """Return the reasons that hold."""
        return dict(self._missing)

    @property
    def draining(self) -> bool:
        """Whether the process is on its way out."""
        return DRAINING in self._missing


class Probe:
    """Asks what takes a thread or a command: once in a while, however often and by however many it is asked."""

    def __init__(
        self, ask: Callable[[], Awaitable[dict[str, str]]], *, keep_s: float, clock: Callable[[], float]
    ) -> None:
        """Ask by a function.

        Args:
            ask: returns the reasons that hold.
            keep_s: how long its answer holds.
            clock: in seconds.
        """
        self._ask, self._keep_s, self._clock = ask, keep_s, clock
        self._answer: asyncio.Task[dict[str, str]] | None = None
        self._until = 0.0

    async def reasons(self) -> dict[str, str]:
        """Return the reasons that hold, or did a moment ago."""
        if self._answer is None or (self._answer.done() and self._clock() >= self._until):
            self._answer = asyncio.create_task(self._asked())
        return await asyncio.shield(self._answer)

    async def _asked(self) -> dict[str, str]:
        try:
            return await self._ask()
        finally:
            self._until = self._clock() + self._keep_s
