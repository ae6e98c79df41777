"""The watch: scores the canaries and looks at the index, at start, when something changes, and every so often.

What it finds takes the process out of readiness, and brings it back. A profile or an index version that is met for the first
time wakes it.
"""

import asyncio
import contextlib
import functools
import logging

from reward_service.api import canaries
from reward_service.api.metrics import Metrics
from reward_service.api.readiness import CANARY, INDEX, Readiness
from reward_service.serve.errors import IndexUnavailable
from reward_service.serve.scorer import RewardService

log = logging.getLogger("reward_service.watch")

PROBED = 16  # questions read of each active version: enough to notice a file that is gone or damaged


class Watch:
    """Keeps readiness true."""

    def __init__(
        self, service: RewardService, *, metrics: Metrics, readiness: Readiness, interval_s: float
    ) -> None:
        self.service = service
        self.metrics = metrics
        self.readiness = readiness
        self.interval_s = interval_s

    async def run(self) -> None:
        """Look, for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.service.changed.wait(), self.interval_s)
            self.service.changed.clear()
            try:
                await self.look()
            except Exception as error:  # noqa: BLE001  # a watch that dies silently would be worse than none
                self._say(CANARY, f"the golden groups could not be scored: {type(error).__name__}")

    async def look(self) -> None:
        """Look once."""
        profiles = self.service.profiles.known
        found = await self.service.in_thread(
            functools.partial(lambda: list(canaries.differences(profiles, canaries.golden())))
        )
        self.metrics.add("canary_runs_total", "different" if found else "same")
        self._say(CANARY, "; ".join(found[:3]))
        self._say(INDEX, await self._index_trouble())

    def _say(self, reason: str, why: str) -> None:
        if why:
            log.error("not ready", extra={"fields": {"reason": reason, "why": why}})
            self.readiness.missing(reason, why)
        else:
            self.readiness.clear(reason)

    async def _index_trouble(self) -> str:
        """Open the active version of every data set, read a few questions, and show which versions they are."""
        try:
            active = await self.service.probe(PROBED)
        except IndexUnavailable as error:
            return error.detail
        self.metrics.forget("index_version_info")
        for version in active:
            self.metrics.set("index_version_info", version.dataset, version.version, value=1)
        return ""
