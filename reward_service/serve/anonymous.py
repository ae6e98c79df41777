"""Callers that speak a trainer's own protocol, and name neither group nor rollout: they meet, and are scored as a group.

A rollout is measured when it comes, and only its facts wait.
Whoever cannot be paid is told why in words; what a trainer makes of that is its adapter's business.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.scoring import evaluate, reward
from reward_service.core.types import Rollout, RolloutFacts, RolloutResult, RolloutStatus
from reward_service.serve.errors import QuotaExceeded, refused_status
from reward_service.serve.rendezvous import Overdue, Rendezvous, TakenOver
from reward_service.serve.scorer import GroupCall, QuestionRef, RewardService


@dataclass(frozen=True, slots=True)
class Caller:
    """One rollout that wants a reward."""

    rollout: Rollout
    question: Question | QuestionRef
    profile: Profile
    meets: Hashable = ()
    """Who has the same may meet: the run, and what tells prompts apart."""
    name: str | None = None
    """The rollout's own name within its group, where the protocol has one."""
    is_evaluation: bool = False


@dataclass(frozen=True, slots=True)
class Seat:
    """What is kept of a rollout that waits: no text."""

    key: Hashable
    name: str | None
    facts: RolloutFacts
    profile: Profile
    is_evaluation: bool


@dataclass(frozen=True, slots=True)
class Unpaid:
    """Why there is no reward."""

    status: RolloutStatus
    reason: str

    def __str__(self) -> str:
        return self.reason


Paid = RolloutResult | Unpaid
"""What a caller gets, or why there is none."""


class CompatService:
    """Lets callers meet, and scores who has met."""

    def __init__(self, scorer: RewardService) -> None:
        self._scorer = scorer
        self._rendezvous: Rendezvous[Seat, Paid] = Rendezvous(_score)

    async def take(self, caller: Caller) -> Seat | Unpaid:
        """Measure a rollout, so that its text need not wait; or say why there will be no reward."""
        call = GroupCall("compat", "compat", caller.question, (caller.rollout,))
        [measured] = await self._scorer.measure([call], caller.profile)
        if measured.error is not None:
            return Unpaid(refused_status(measured.error), str(measured.error))
        key = (caller.meets, caller.question, caller.profile.digest)
        return Seat(key, caller.name, measured.facts[0], caller.profile, caller.is_evaluation)

    async def pay(self, seat: Seat, *, group_size: int, deadline_s: float) -> Paid:
        """Return what a rollout gets once its group is full; one that is evaluated waits for nobody.

        Raises:
            QuotaExceeded: too many wait already.
        """
        if seat.is_evaluation:
            return _said(evaluate(seat.facts, seat.profile))
        if self._rendezvous.waiting >= self._scorer.settings.max_waiting:
            raise QuotaExceeded("too many rollouts wait for their groups")
        try:
            return await self._rendezvous.meet(
                (seat.key, group_size), seat, size=group_size, deadline_s=deadline_s, name=seat.name
            )
        except Overdue:
            why = f"fewer than {group_size} rollouts of this prompt came within {deadline_s:g} s"
            return Unpaid(RolloutStatus.TIMEOUT, why)
        except TakenOver:
            return Unpaid(RolloutStatus.GROUP_FAILED, "the rollout was sent again")


async def _score(seats: Sequence[Seat]) -> list[Paid]:
    facts = [replace(seat.facts, rollout_id=str(n)) for n, seat in enumerate(seats)]
    return [_said(one) for one in reward(facts, seats[0].profile).rollouts]


def _said(result: RolloutResult) -> Paid:
    return result if result.reward is not None else Unpaid(result.status, result.detail or result.status)
