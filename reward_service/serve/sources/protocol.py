"""What a source of a signal is.

A source is asked about the rollouts of one question together, so that it may send them as one batch and answer equal
ones once. Many groups are asked about at the same time: how many questions are under way at once, retries and caches
are the source's own business.
"""

from collections.abc import Sequence
from typing import Literal, NamedTuple, Protocol, TypeAlias

from entity_index.types import Question
from reward_service.core.types import Rollout, RolloutStatus

FailedStatus: TypeAlias = Literal[RolloutStatus.JUDGE_FAILED, RolloutStatus.BACKEND_FAILED]


class Failure(NamedTuple):
    """Why a source has no number for a rollout."""

    reason: str
    """In a few words that quote neither the rollout nor the question: callers and logs see it."""


Given: TypeAlias = "float | Failure"
"""What a source gives for one rollout: a finite number, or why there is none. A failure is never a 0."""


class Source(Protocol):
    """Gives one number a rollout."""

    @property
    def name(self) -> str:
        """What it is called where it fails; the signal it gives is named by the profile."""
        ...

    @property
    def failed_status(self) -> FailedStatus:
        """The status of a rollout that it has no number for: `judge_failed` for judges, `backend_failed` for models."""
        ...

    async def values(
        self, question: Question, rollouts: Sequence[Rollout], *, timeout_s: float | None
    ) -> Sequence[Given]:
        """Return what it gives for each rollout, shape (G,), in the order of the rollouts.

        One rollout that cannot be valued does not keep the others from their numbers. A caller that cancels ends the
        work: nothing of it goes on in the background, except what fills a cache.

        Args:
            question: what the rollouts answer, with its gold answers.
            rollouts: as they were recorded; none of them is parsed yet, and some may prove unreadable.
            timeout_s: how long it may take, >= 0; rollouts without a number by then are failures. None: any time.
        """
        ...
