"""Notices a judge that changes under its name: asks it again and again about answers whose verdicts are known.

An asker is checked when it is used for the first time, and at an interval from then on. What is found is a metric and a
line of `/v1/info`; it never takes the process out of readiness.
"""

import asyncio
import contextlib
import logging

from reward_service.api.metrics import Metrics
from reward_service.core.judging.asks import Answered, Ask
from reward_service.core.judging.conclusions import pending
from reward_service.core.judging.kinds import Case
from reward_service.core.judging.presented import presented
from reward_service.core.judging.probes import PAIRS, KnownAnswer
from reward_service.core.judging.replies import CORRECT
from reward_service.core.types import Asker
from reward_service.serve.errors import BackendUnavailable
from reward_service.serve.sources.judges import Judges

log = logging.getLogger("reward_service.judge_check")

MOST_DIFFERENT = 1
"""Verdicts that may differ: border cases flip even at temperature 0."""


class JudgeCheck:
    """Checks the askers that are in use."""

    def __init__(self, judges: Judges, *, metrics: Metrics, interval_s: float) -> None:
        self._judges, self._metrics, self._interval_s = judges, metrics, interval_s

    async def run(self) -> None:
        """Check for ever; return at once if the interval is 0."""
        while self._interval_s:
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._judges.has_new_asker.wait(), self._interval_s)
            self._judges.has_new_asker.clear()
            for asker in list(self._judges.askers.values()):
                await self._check(asker)

    async def _check(self, asker: Asker) -> None:
        found = [await self._verdict(asker, one) for one in PAIRS]
        label = f"{asker.name}@{asker.model}"
        for result in found:
            self._metrics.add("judge_canary_total", label, result)
        if found.count("failed") < len(found):
            drifts = found.count("different") > MOST_DIFFERENT
            self._metrics.set("judge_drift", label, value=drifts)
            self._judges.drifting.update({label: drifts})
            if drifts:
                log.warning("a judge differs from known verdicts", extra={"fields": {"asker": label}})

    async def _verdict(self, asker: Asker, known: KnownAnswer) -> str:
        """Return whether a judge says what is known of an answer."""
        [ask] = asks_about(asker, known)
        try:
            given = await self._judges.ask_again(ask)
        except BackendUnavailable:
            return "failed"
        if not isinstance(given, Answered):
            return "failed"
        return "same" if (given.value == CORRECT) is known.is_correct else "different"


def asks_about(asker: Asker, known: KnownAnswer) -> list[Ask]:
    """Return what an asker asks about an answer."""
    return pending(Case(known.question, (asker,), presented(known.answer)), {})
