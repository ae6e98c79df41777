"""When to stop asking a backend that does not answer: a state machine whose clock is an argument.

closed  --(half of at least ten calls within 30 s failed)-->  open
open    --(15 s later, one call is let through)-->            probing
probing --(it succeeds)--> closed     --(it fails)--> open
"""

from collections import deque

WINDOW_S = 30.0
LEAST_CALLS = 10
FAILED_SHARE = 0.5
OPEN_S = 15.0


class Breaker:
    """The state of one backend."""

    def __init__(self) -> None:
        self._calls: deque[tuple[float, bool]] = deque()
        self._open_until: float | None = None
        self._is_probing = False

    def closed_in_s(self, now: float) -> float:
        """Return the seconds until a call may be tried; 0 if it may be now."""
        if self._open_until is None:
            return 0.0
        if self._is_probing:
            return max(self._open_until - now, 1.0)
        return max(self._open_until - now, 0.0)

    @property
    def is_open(self) -> bool:
        """Whether calls are held back, but for the one that tries."""
        return self._open_until is not None

    def begin(self) -> None:
        """Note that a call is made; while open, it is the one that tries."""
        self._is_probing = self.is_open

    def end(self, now: float, *, failed: bool) -> None:
        """Note how a call ended."""
        if self._is_probing:
            self._is_probing = False
            self._open_until = now + OPEN_S if failed else None
            self._calls.clear()
            return
        self._calls.append((now, failed))
        while self._calls[0][0] < now - WINDOW_S:
            self._calls.popleft()
        failures = sum(failed for _, failed in self._calls)
        if len(self._calls) >= LEAST_CALLS and failures >= FAILED_SHARE * len(self._calls):
            self._open_until = now + OPEN_S
