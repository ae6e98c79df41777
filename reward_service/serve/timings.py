"""Where one request's time goes, and how much it has left.

A `Timings` is made once per request and handed down. What enters a stage is measured, and refused once the deadline has
passed: the caller has stopped waiting, so the work would be wasted. The stages feed the `Server-Timing` header, the
histograms and the log line.

    queue      waiting until the service has capacity for the call
    receive    the body, with decompression
    decode     bytes -> the call, checked against the schema
    state      runs and groups in their store
    look_up    ground truth from the index
    ask        signals from judges and models
    measure    text -> facts
    turn       other rollouts of the same group, which are stored one by one
    wait       the group's other rollouts, for a caller who waits for them
    reward     facts -> rewards
    publish    the ledger
    encode     the reply -> bytes
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import AbstractAsyncContextManager, asynccontextmanager, nullcontext
from types import TracebackType
from typing import Self

from reward_service.serve.errors import DeadlineExceeded

STAGES = (
    *("queue", "receive", "decode", "state", "look_up", "ask", "measure"),
    *("turn", "wait", "reward", "publish", "encode"),
)


class Timings:
    """Seconds by stage, and the deadline."""

    __slots__ = ("away", "clock", "deadline", "seconds", "started")

    def __init__(
        self, *, timeout_s: float | None = None, clock: Callable[[], float] = time.perf_counter
    ) -> None:
        self.clock = clock
        self.started = clock()
        self.deadline = None if timeout_s is None else self.started + timeout_s
        """On the clock; None: the caller waits for ever."""
        self.seconds: dict[str, float] = {}
        """Of the stages entered so far, in that order."""
        self.away: Callable[[], AbstractAsyncContextManager[None]] = nullcontext
        """Makes a context in which the call needs no processor, so that others are admitted."""

    def stage(self, name: str) -> "Stage":
        """Return a context that measures a stage; stages may be entered again and add up."""
        return Stage(self, name)

    @asynccontextmanager
    async def remote(self, name: str) -> AsyncIterator[None]:
        """Measure a stage that waits for another process, and wait no longer than the caller does.

        Raises:
            DeadlineExceeded: naming the stage.
        """
        with self.stage(name):
            try:
                async with asyncio.timeout(self.remaining_s()):
                    yield
            except TimeoutError:
                raise DeadlineExceeded("the time limit passed during this stage", stage=name) from None

    def remaining_s(self) -> float | None:
        """Return the seconds left, at least 0; None without a deadline. Waits on anything remote are cut to it."""
        return None if self.deadline is None else max(self.deadline - self.clock(), 0.0)

    def check(self, stage: str) -> None:
        """Give up if the caller has stopped waiting.

        Raises:
            DeadlineExceeded: naming the stage.
        """
        if self.deadline is not None and self.clock() >= self.deadline:
            raise DeadlineExceeded("the caller no longer waits for the response", stage=stage)

    def total_s(self) -> float:
        """Return the seconds since the request began."""
        return self.clock() - self.started


class Stage:
    """One visit to a stage."""

    __slots__ = ("name", "started", "timings")

    def __init__(self, timings: Timings, name: str) -> None:
        self.timings = timings
        self.name = name
        self.started = 0.0

    def __enter__(self) -> Self:
        """Enter, unless the deadline has passed."""
        self.timings.check(self.name)
        self.started = self.timings.clock()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Add what it took, also where it failed."""
        seconds = self.timings.seconds
        seconds[self.name] = seconds.get(self.name, 0.0) + self.timings.clock() - self.started
