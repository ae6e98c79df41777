"""Groups for callers whose protocol, a trainer's own, names neither group nor rollout.

Rollouts of the same question that arrive at the same time are scored as one group. A rollout is measured when it arrives,
and only its facts are kept while it waits. If there is no reward the answer is the reason in words; the trainer's adapter
decides how that is said in its protocol.
"""

from collections.abc import Hashable, Sequence
from dataclasses import dataclass, replace
from functools import partial

from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.scoring import evaluate, reward
from reward_service.core.types import Rollout, RolloutFacts, RolloutResult, RolloutStatus
from reward_service.serve.errors import QuotaExceeded, refused_status
from reward_service.serve.rendezvous import Overdue, Rendezvous, TakenOver
from reward_service.serve.scorer import GroupCall, Scorer, check_progress, outcome_only
from reward_service.serve.timings import Timings
from reward_service.serve.truth import QuestionRef


@dataclass(frozen=True, slots=True)
class Caller:
    """A rollout to be rewarded, with the question and the profile to use."""

    rollout: Rollout
    question: Question | QuestionRef
    profile: Profile
    meets: Hashable = ()
    """Rollouts can share a group only if this is equal: the run, and the prompt's identity."""
    name: str | None = None
    """The rollout's id within its group; None if the protocol has none."""
    is_evaluation: bool = False
    progress: float | None = None
    """Share of the training that is done; rollouts of different progress share no group."""
    run: str = "compat"
    """Whose budget pays for what judges are asked."""


@dataclass(frozen=True, slots=True)
class MeasuredRollout:
    """A rollout that has been measured; its text is not kept."""

    key: Hashable
    name: str | None
    facts: RolloutFacts
    profile: Profile
    is_evaluation: bool
    progress: float | None = None


@dataclass(frozen=True, slots=True)
class Unpaid:
    """The reason why there is no reward."""

    status: RolloutStatus
    reason: str

    def __str__(self) -> str:
        return self.reason


Paid = RolloutResult | Unpaid
"""The result of a rollout, or the reason why it has no reward."""


class AnonymousGroups:
    """Collects measured rollouts into groups, and scores each group once it is full."""

    def __init__(self, scorer: Scorer) -> None:
        self._scorer = scorer
        self._rendezvous: Rendezvous[MeasuredRollout, Paid] = Rendezvous(self._score)

    async def measure(self, caller: Caller, *, owner: str, timings: Timings) -> MeasuredRollout | Unpaid:
        """Measure a rollout. Returns the reason instead if there can be no reward.

        Args:
            caller: the rollout.
            owner: of the API key it came with; rollouts of different owners never share a group.
            timings: of the request.

        Raises:
            InvalidRequest: the profile needs progress, and the URL does not have step and total_steps.
            IndexUnavailable: the index cannot be read.
            BackendUnavailable, JudgeBudget: a judge that is needed cannot be asked.
            DeadlineExceeded: the deadline of `timings` passed first.
        """
        if not caller.is_evaluation:
            check_progress(caller.profile, caller.progress, path="/step", how=": name step and total_steps")
        call = GroupCall(caller.run, "compat", caller.question, (caller.rollout,))
        paid_by = outcome_only(caller.profile) if caller.is_evaluation else caller.profile
        [scored] = await self._scorer.measure([call], paid_by, owner=owner, timings=timings)
        if scored.error is not None:
            return Unpaid(refused_status(scored.error), str(scored.error))
        # By the index version too: one may become active between two rollouts of a group.
        index = scored.truth and scored.truth.index
        key = (owner, caller.meets, caller.question, index, caller.profile.digest, caller.progress)
        return MeasuredRollout(
            key, caller.name, scored.facts[0], caller.profile, caller.is_evaluation, caller.progress
        )

    async def pay(self, measured: MeasuredRollout, *, group_size: int, deadline_s: float) -> Paid:
        """Return a rollout's result once its group is full; for evaluation at once.

        Raises:
            QuotaExceeded: too many rollouts wait already.
        """
        most = self._scorer.settings.max_rollouts
        if group_size > most:
            return Unpaid(RolloutStatus.INVALID_ROLLOUT, f"a group may have at most {most} rollouts")
        if measured.is_evaluation:
            return _result_or_reason(evaluate(measured.facts, measured.profile))
        if self._rendezvous.waiting >= self._scorer.settings.max_waiting:
            raise QuotaExceeded("too many rollouts are waiting for their groups")
        try:
            return await self._rendezvous.meet(
                (measured.key, group_size),
                measured,
                size=group_size,
                deadline_s=deadline_s,
                name=measured.name,
            )
        except Overdue:
            why = f"fewer than {group_size} rollouts of this prompt arrived within {deadline_s:g} s"
            return Unpaid(RolloutStatus.TIMEOUT, why)
        except TakenOver:
            return Unpaid(RolloutStatus.GROUP_FAILED, "the rollout was sent again")

    async def _score(self, group: Sequence[MeasuredRollout]) -> list[Paid]:
        facts = [replace(one.facts, rollout_id=str(n)) for n, one in enumerate(group)]
        place = ("", str(group[0].key))  # what the group met by, as it has no other name
        pay = partial(reward, profile=group[0].profile, progress=group[0].progress, place=place)
        result = await self._scorer.paid(facts, pay)
        return [_result_or_reason(one) for one in result.rollouts]


def _result_or_reason(result: RolloutResult) -> Paid:
    return result if result.reward is not None else Unpaid(result.status, result.detail or result.status)
