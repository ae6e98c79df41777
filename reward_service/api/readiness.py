"""Why this process should get no traffic now; with no reason, it is ready."""

from reward_service.api.metrics import Metrics

DRAINING = "draining"
INDEX = "index"
STATE = "state"
CANARY = "canary"
LEDGER = "ledger"
REASONS = (DRAINING, INDEX, STATE, CANARY, LEDGER)


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
