"""How fast a backend may be asked: buckets that fill with time, whose clock is an argument."""

MINUTE_S = 60.0


class Rate:
    """So much a minute; a minute's worth may be used at once."""

    def __init__(self, per_minute: float | None, now: float) -> None:
        """Begin full.

        Args:
            per_minute: the limit; None: there is none.
            now: in seconds.
        """
        self._per_minute = per_minute
        self._left = per_minute or 0.0
        self._at = now

    def wait_s(self, amount: float, now: float) -> float:
        """Return how long to wait until so much may be used; more than a minute's worth waits for a full bucket."""
        if self._per_minute is None:
            return 0.0
        self._fill(now)
        lacking = min(amount, self._per_minute) - self._left
        return max(lacking, 0.0) * MINUTE_S / self._per_minute

    def take(self, amount: float, now: float) -> None:
        """Use so much; a negative amount gives back what was not used."""
        if self._per_minute is not None:
            self._fill(now)
            self._left = min(self._left - amount, self._per_minute)

    def _fill(self, now: float) -> None:
        per_minute = self._per_minute or 0.0
        self._left = min(self._left + (now - self._at) * per_minute / MINUTE_S, per_minute)
        self._at = now
