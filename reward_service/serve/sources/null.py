"""A source that needs no model, no network and no key.

Its numbers are meaningless. Use it to try a profile, a trainer's handling of failures, or a deployment, before paying
for a judge. It can be configured to fail, or never to reply, for chosen rollouts.
"""

import asyncio
import hashlib
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from entity_index.types import Question
from reward_service.core.types import Rollout, RolloutStatus
from reward_service.serve.groups.digests import question_digest, rollout_digest
from reward_service.serve.sources.protocol import FailedStatus, Failure, Given

BITS = 52  # a float holds every such fraction exactly


@dataclass(frozen=True, slots=True)
class NullSource:
    """Gives each rollout a number in [0, 1) that depends on its content, the question and the source's name alone."""

    name: str
    failed_status: FailedStatus = RolloutStatus.BACKEND_FAILED
    failing: frozenset[str] = frozenset()
    """Ids of rollouts for which it fails at once."""
    silent: frozenset[str] = frozenset()
    """Ids of rollouts for which it never replies."""

    async def values(
        self, question: Question, rollouts: Sequence[Rollout], *, timeout_s: float | None
    ) -> list[Given]:
        """Return one number or one failure per rollout."""
        if any(rollout.rollout_id in self.silent for rollout in rollouts):
            await _wait(timeout_s)
        asked = question_digest(question, None)
        return [self._given(asked, rollout) for rollout in rollouts]

    def _given(self, asked: str, rollout: Rollout) -> Given:
        if rollout.rollout_id in self.failing:
            return Failure("it is configured to fail")
        if rollout.rollout_id in self.silent:
            return Failure("it did not reply in time")
        content = f"{self.name}\n{asked}\n{rollout_digest(rollout)}"
        digest = hashlib.sha256(content.encode()).digest()
        return (int.from_bytes(digest[:8]) >> (64 - BITS)) / (1 << BITS)


async def _wait(timeout_s: float | None) -> None:
    """Wait until the timeout."""
    with suppress(TimeoutError):
        async with asyncio.timeout(timeout_s):
            await asyncio.Event().wait()
