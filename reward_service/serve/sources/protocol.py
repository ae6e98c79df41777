"""The interface of a source of a signal.

A source receives the rollouts of one question together, so that it can send them as one batch and evaluate equal ones
once. Many groups may be requested concurrently: the source itself is responsible for its concurrency limit, retries and
caches.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from entity_index.types import Question
from reward_service.core.types import Rollout, RolloutStatus

FailedStatus: TypeAlias = Literal[RolloutStatus.JUDGE_FAILED, RolloutStatus.BACKEND_FAILED]


class Failure(NamedTuple):
    """Why a source has no number for a rollout."""

    reason: str
    """A few words that quote neither the rollout nor the question, because they reach callers and logs."""


Given: TypeAlias = "float | Failure"
"""The value of one rollout: a finite number, or the reason why there is none. A failure is never a 0."""


class Source(Protocol):
    """Returns one number per rollout."""

    @property
    def name(self) -> str:
        """Name of the source in messages about failures; the profile names the signal."""
        ...

    @property
    def failed_status(self) -> FailedStatus:
        """Status of a rollout for which it fails: `judge_failed` for judges, `backend_failed` for models."""
        ...

    async def values(
        self, question: Question, rollouts: Sequence[Rollout], *, timeout_s: float | None
    ) -> Sequence[Given]:
        """Return one value per rollout, shape (G,), in the order of the rollouts.

        A failure for one rollout must not affect the others. If the caller cancels, the work ends: nothing continues
        in the background, except filling a cache.

        Args:
            question: what the rollouts answer, with its gold answers.
            rollouts: as recorded; they are not parsed yet, and some may be unreadable.
            timeout_s: time limit, >= 0; rollouts without a number by then are failures. None: no limit.
        """
        ...
