"""One request, repeated as long as that is safe and there is time. No socket and no clock: both are given.

A conversation is a generator: it yields what is to be done (send a request, wait), is sent what came of it, and returns
its result. `sync` and `aio` only carry conversations out.

Everything this service offers may be repeated: scoring changes nothing, and what is stored is stored under the caller's
own key. So a request is sent again where no answer came, or one that says "later" (429, 503, and 502 and 504 of a
proxy whose replica has gone), never where the service has decided. Pauses are drawn from the whole range below an
exponential bound ("full jitter"), after the time the service asks for in Retry-After, so that callers do not come back
all at once. A trainer stands still meanwhile, so its log says after half a minute what it waits for, and again each time
that the wait has doubled.
"""

import logging
from collections.abc import Callable, Generator, Mapping
from dataclasses import dataclass, field, replace
from itertools import count
from typing import TypeVar

from reward_service.client.errors import Unreachable
from reward_service.client.wire import problem

log = logging.getLogger("reward_service.client")

TOLD_AFTER_S = 30.0
LATER = frozenset({429, 502, 503, 504})
SPENT = b"urn:reward-service:judge-budget"
"""In the body of a 429 that stays one, however often it is asked again."""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a call may take, and how it is repeated."""

    deadline_s: float = 600.0
    """For the whole call with all its repetitions; then `Unreachable`. Below the trainer's own limit, if it has one."""
    attempt_s: float = 120.0
    """For one try. Above the service's longest answer: a group of 512 long rollouts takes seconds."""
    first_pause_s: float = 0.25
    longest_pause_s: float = 15.0

    def bound_s(self, tries: int) -> float:
        """Return the longest pause after so many tries."""
        return min(self.longest_pause_s, self.first_pause_s * 2.0 ** min(tries, 32))


@dataclass(frozen=True, slots=True)
class Request:
    """One HTTP request."""

    method: str
    path: str
    body: bytes | None = None
    query: Mapping[str, str] = field(default_factory=dict)
    timeout_s: float = 0.0
    """How long the answer may take; set when it is sent."""


@dataclass(frozen=True, slots=True)
class Reply:
    """The answer to it."""

    status: int
    body: bytes
    retry_after: str | None = None


@dataclass(frozen=True, slots=True)
class Broken:
    """No answer to it: no connection, a connection that broke, or time that ran out."""

    why: str


@dataclass(frozen=True, slots=True)
class Pause:
    """Wait."""

    seconds: float


T = TypeVar("T")
Conversation = Generator[Request | Pause, Reply | Broken | None, T]


@dataclass(frozen=True, slots=True)
class RetryContext:
    """How requests are repeated: for how long, by which clock, and with which random numbers."""

    patience: Patience
    now: Callable[[], float]
    """Seconds, monotonic."""
    draw: Callable[[], float]
    """A number in [0, 1)."""


def persist(request: Request, context: RetryContext, *, until: float) -> Conversation[Reply]:
    """Send a request until it is answered.

    Args:
        request: what to send.
        context: how to repeat it.
        until: when to give up, by the clock of `context`.

    Returns:
        An answer other than "later"; maybe a refusal.

    Raises:
        Unreachable: there is none, and no time for another try.
    """
    began, told_after_s = context.now(), TOLD_AFTER_S
    for tries in count():
        left_s = max(until - context.now(), 0.001)
        answer = yield replace(request, timeout_s=min(context.patience.attempt_s, left_s))
        if isinstance(answer, Reply) and (answer.status not in LATER or SPENT in answer.body):
            return answer
        pause_s = _asked_s(answer) + context.draw() * context.patience.bound_s(tries)
        if context.now() + pause_s >= until:
            raise Unreachable(f"gave up after {tries + 1} tries: {_said(answer)}")
        if context.now() - began >= told_after_s:
            log.warning("no answer after %s tries, trying again: %s", tries + 1, _said(answer))
            told_after_s *= 2
        yield Pause(pause_s)
    raise AssertionError("unreachable: the loop always returns or raises")


def _asked_s(answer: Reply | Broken | None) -> float:
    """Return how long the service asks to stay away; a date (RFC 9110 allows one) is left to the jitter."""
    asked = answer.retry_after if isinstance(answer, Reply) else None
    return float(asked) if asked is not None and asked.isascii() and asked.isdigit() else 0.0


def _said(answer: Reply | Broken | None) -> str:
    if isinstance(answer, Reply):
        return f"status {problem(answer.status, answer.body)}"
    return answer.why if answer else "nothing"
