"""Rollouts to the service, and what comes back. Whole groups in one call, or, as asynchronous trainers do, one at a time."""

import asyncio
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Generic, NamedTuple, Protocol, TypeVar

from reward_service.client import (
    AsyncClient,
    Client,
    Group,
    GroupRewards,
    Member,
    Outcome,
    Rollout,
    RolloutReward,
    Run,
    StopReason,
    Text,
)
from reward_service.trainer.data import TrainingQuestion


class Rolled(Protocol):
    """What is sent of a rollout."""

    @property
    def text(self) -> str:
        """Everything said and read, in tags."""
        ...

    @property
    def stop(self) -> StopReason:
        """Why sampling ended."""
        ...

    @property
    def length(self) -> int | None:
        """Tokens that the policy sampled, at least 1; None if it sampled none."""
        ...


@dataclass(frozen=True, slots=True)
class Payment:
    """Where rewards come from."""

    url: str
    dataset: str
    profile: str
    api_key: str | None = field(default=None, repr=False)
    one_by_one: bool = False
    """Send each rollout by itself (PUT) and wait for its group."""


R_co = TypeVar("R_co", bound=Rolled, covariant=True)


@dataclass(frozen=True, slots=True)
class Asked(Generic[R_co]):
    """The rollouts of one question."""

    group_id: str
    question: TrainingQuestion
    rollouts: Sequence[R_co]
    verdicts: Sequence[Outcome | None] = ()
    """The trainer's own verdicts, one per rollout; empty leaves them to the profile's checker."""


class Step(NamedTuple):
    """How far the training is."""

    number: int
    total: int
    success: float | None = None
    """The policy's success rate, in [0, 1], where that is the progress; None where the share of the steps is."""

    @property
    def progress(self) -> float:
        """What weights over the progress depend on, in [0, 1]."""
        return min(1.0, self.number / self.total) if self.success is None else self.success


DONE = Step(1, 1)
"""Of an evaluation, whose outcomes do not depend on it."""
RECENT_STEPS = 5
"""Steps whose rollouts tell the success rate."""


def success_rate(counts: Sequence[tuple[int, int]]) -> float:
    """Return the share of correct rollouts over some steps, in [0, 1]; 0 without any rollout.

    Args:
        counts: for each step, how many rollouts were correct, and how many had an outcome.
    """
    correct, judged = (sum(column) for column in zip(*counts, strict=True)) if counts else (0, 0)
    return correct / judged if judged else 0.0


def pay(
    payment: Payment,
    asked: Sequence[Asked[Rolled]],
    *,
    run_id: str,
    attempt: int = 0,
    step: Step | None = None,
) -> list[GroupRewards]:
    """Have groups scored; one result a group, in order, rollouts in order.

    Args:
        payment: where and how.
        asked: the groups, all of one size.
        run_id: the training they belong to.
        attempt: of groups that are sent one by one: higher than before where the same group ids were sampled again.
        step: how far the training is, for profiles whose weights depend on it.

    Raises:
        ClientError: the service cannot be asked, or refuses.
    """
    if payment.one_by_one:
        return asyncio.run(_singly(payment, asked, run_id, attempt=attempt, step=step))
    with Client(payment.url, api_key=payment.api_key) as client:
        groups = [_group(payment, one, run_id) for one in asked]
        progress = None if step is None else step.progress
        return client.score_groups(groups, profile=payment.profile, progress=progress)


def evaluate(payment: Payment, asked: Sequence[Asked[Rolled]]) -> list[RolloutReward]:
    """Have rollouts scored by themselves, each a group of one; their outcomes and match rates are what is of use."""
    single = [
        Asked(f"{one.group_id}-{n}", one.question, [rollout])
        for one in asked
        for n, rollout in enumerate(one.rollouts)
    ]
    whole = replace(payment, one_by_one=False)
    return [group.rollouts[0] for group in pay(whole, single, run_id="evaluation", step=DONE)]


def _rollouts(one: Asked[Rolled]) -> list[Rollout]:
    verdicts = one.verdicts or [None] * len(one.rollouts)
    return [
        Rollout(str(n), Text(rollout.text), verdict, stop_reason=rollout.stop, length=rollout.length)
        for n, (rollout, verdict) in enumerate(zip(one.rollouts, verdicts, strict=True))
    ]


def _group(payment: Payment, one: Asked[Rolled], run_id: str) -> Group:
    return Group(
        one.group_id, one.question.question_id, _rollouts(one), dataset=payment.dataset, run_id=run_id
    )


def recorded(asked: Sequence[Asked[Rolled]], *, run_id: str, step: int) -> Iterator[dict[str, Any]]:
    """Yield the rollouts of a step as lines that `reward-service score` reads."""
    for one in asked:
        for n, rollout in enumerate(one.rollouts):
            yield {
                "run_id": run_id,
                "step": step,
                "group_id": one.group_id,
                "question_id": one.question.question_id,
                "question": one.question.text,
                "rollout_id": str(n),
                "text": rollout.text,
                "stop_reason": rollout.stop,
            }


async def _singly(
    payment: Payment, asked: Sequence[Asked[Rolled]], run_id: str, *, attempt: int, step: Step | None
) -> list[GroupRewards]:
    number, total, _ = step or (None, None, None)
    run = Run(run_id, payment.profile, len(asked[0].rollouts), dataset=payment.dataset, total_steps=total)
    async with AsyncClient(payment.url, api_key=payment.api_key) as client:
        await client.declare_run(run)
        members = [
            Member(one.group_id, one.question.question_id, rollout, attempt, number)
            for one in asked
            for rollout in _rollouts(one)
        ]
        paid = await asyncio.gather(*(client.put_rollout(run, member) for member in members))
    size = run.group_size
    return [
        GroupRewards(run_id, one.group_id, "complete", tuple(paid[n * size : (n + 1) * size]))
        for n, one in enumerate(asked)
    ]
