"""Callers that speak a trainer's own protocol, and name neither group nor rollout: they meet, and are scored as a group.

Whoever cannot be paid is told why in words; what a trainer makes of that is its adapter's business.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace

from entity_index.types import Question
from reward_service.errors import QuotaExceeded
from reward_service.profiles import Profile
from reward_service.rendezvous import Overdue, Rendezvous, TakenOver
from reward_service.scoring import evaluate
from reward_service.service import GroupCall, QuestionRef, RewardService
from reward_service.types import Rollout, RolloutResult


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


Paid = RolloutResult | str
"""What a caller gets, or why there is no reward."""


class CompatService:
    """Lets callers meet, and scores who has met."""

    def __init__(self, scorer: RewardService) -> None:
        self._scorer = scorer
        self._rendezvous: Rendezvous[Caller, Paid] = Rendezvous(self._score)

    async def pay(self, caller: Caller, *, group_size: int, deadline_s: float) -> Paid:
        """Return what a caller gets once its group is full; one that is evaluated waits for nobody.

        Raises:
            QuotaExceeded: too many wait already.
        """
        if caller.is_evaluation:
            return await self._evaluate(caller)
        if self._rendezvous.waiting >= self._scorer.settings.max_waiting:
            raise QuotaExceeded("too many rollouts wait for their groups")
        key = (caller.meets, caller.question, caller.profile.digest, group_size)
        try:
            return await self._rendezvous.meet(
                key, caller, size=group_size, deadline_s=deadline_s, name=caller.name
            )
        except Overdue:
            return f"fewer than {group_size} rollouts of this prompt came within {deadline_s:g} s"
        except TakenOver:
            return "the rollout was sent again"

    async def _score(self, callers: Sequence[Caller]) -> list[Paid]:
        first = callers[0]
        rollouts = tuple(replace(one.rollout, rollout_id=str(n)) for n, one in enumerate(callers))
        call = GroupCall("compat", "compat", first.question, rollouts)
        [scored] = await self._scorer.score([call], first.profile)
        if scored.result is None:
            return [_refusal(scored.measured.error)] * len(callers)
        return [one if one.reward is not None else one.detail or one.status for one in scored.result.rollouts]

    async def _evaluate(self, caller: Caller) -> Paid:
        call = GroupCall("compat", "compat", caller.question, (caller.rollout,))
        [measured] = await self._scorer.measure([call], caller.profile)
        if measured.error is not None:
            return _refusal(measured.error)
        result = evaluate(measured.facts[0], caller.profile)
        return result if result.reward is not None else result.detail or result.status


def _refusal(error: Exception | None) -> str:
    return str(error)
