"""The self-check: scores the canary groups and reads from the index, and sets readiness accordingly.

It runs at start, at a fixed interval, and whenever a profile or an index version is used for the first time. A failure
takes the process out of readiness; the next success brings it back.
"""

import asyncio
import contextlib
import functools
import logging

from reward_service.api import canaries
from reward_service.api.metrics import Metrics
from reward_service.api.readiness import CANARY, INDEX, Readiness
from reward_service.serve.errors import IndexUnavailable
from reward_service.serve.scorer import Scorer

log = logging.getLogger("reward_service.self_check")

PROBED = 16  # questions read of each active version: enough to notice a file that is gone or damaged


class SelfCheck:
    """Checks the canaries and the index, and sets readiness."""

    def __init__(self, service: Scorer, *, metrics: Metrics, readiness: Readiness, interval_s: float) -> None:
        self.service = service
        self.metrics = metrics
        self.readiness = readiness
        self.interval_s = interval_s

    async def run(self) -> None:
        """Check for ever."""
        while True:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self.service.truth.changed.wait(), self.interval_s)
            self.service.truth.changed.clear()
            try:
                await self.check()
            except Exception as error:  # noqa: BLE001  # a self-check that ends silently is worse than none
                self._report(CANARY, f"the golden groups could not be scored: {type(error).__name__}")

    async def check(self) -> None:
        """Check once."""
        profiles = dict(self.service.profiles.known)
        found = await self.service.turns.in_thread(
            functools.partial(lambda: list(canaries.differences(profiles, canaries.golden())))
        )
        self.metrics.add("canary_runs_total", "different" if found else "same")
        self._report(CANARY, "; ".join(found[:3]))
        self._report(INDEX, await self._index_problem())

    def _report(self, reason: str, why: str) -> None:
        if why:
            log.error("not ready", extra={"fields": {"reason": reason, "why": why}})
            self.readiness.missing(reason, why)
        else:
            self.readiness.clear(reason)

    async def _index_problem(self) -> str:
        """Return what is wrong with the versions in use, '' for nothing, and show the active ones as metrics."""
        await self.service.truth.check_again()
        try:
            active = await self.service.truth.probe(PROBED)
        except IndexUnavailable as error:
            return error.detail
        self.metrics.forget("index_version_info")
        for version in active:
            self.metrics.set("index_version_info", version.dataset, version.version, value=1)
        return "; ".join(await self.service.truth.content_problems())
