"""Rollouts to the service, and what comes back. Whole groups in one call, or, as asynchronous trainers do, one at a time."""

import asyncio
import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Generic, Protocol, TypeVar

from reward_service.client import (
    AsyncClient,
    Client,
    Group,
    GroupRewards,
    Member,
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


@dataclass(frozen=True, slots=True)
class Payment:
    """Where rewards come from."""

    url: str
    dataset: str
    profile: str
    api_key: str | None = None
    one_by_one: bool = False
    """Send each rollout by itself (PUT) and wait for its group."""
    alpha: float | None = None
    """Weight of partial credit, in place of the profile's; None leaves rewards and advantages as they come."""


R_co = TypeVar("R_co", bound=Rolled, covariant=True)


@dataclass(frozen=True, slots=True)
class Asked(Generic[R_co]):
    """The rollouts of one question."""

    group_id: str
    question: TrainingQuestion
    rollouts: Sequence[R_co]


def pay(
    payment: Payment, asked: Sequence[Asked[Rolled]], *, run_id: str, attempt: int = 0
) -> list[GroupRewards]:
    """Have groups scored; one result a group, in order, rollouts in order.

    Args:
        payment: where and how.
        asked: the groups, all of one size.
        run_id: the training they belong to.
        attempt: of groups that are sent one by one: higher than before where the same group ids were sampled anew.

    Raises:
        ClientError: the service cannot be asked, or refuses.
    """
    if payment.one_by_one:
        paid = asyncio.run(_singly(payment, asked, run_id, attempt))
    else:
        with Client(payment.url, api_key=payment.api_key) as client:
            groups = [_group(payment, one, run_id) for one in asked]
            paid = client.score_groups(groups, profile=payment.profile)
    return paid if payment.alpha is None else [_weighted(group, payment.alpha) for group in paid]


def evaluate(payment: Payment, asked: Sequence[Asked[Rolled]]) -> list[RolloutReward]:
    """Have rollouts scored by themselves, each a group of one; their outcomes and match rates are what is of use."""
    single = [
        Asked(f"{one.group_id}-{n}", one.question, [rollout])
        for one in asked
        for n, rollout in enumerate(one.rollouts)
    ]
    whole = replace(payment, one_by_one=False, alpha=None)
    return [group.rollouts[0] for group in pay(whole, single, run_id="evaluation")]


def _rollouts(one: Asked[Rolled]) -> list[Rollout]:
    return [
        Rollout(str(n), Text(rollout.text), stop_reason=rollout.stop)
        for n, rollout in enumerate(one.rollouts)
    ]


def _group(payment: Payment, one: Asked[Rolled], run_id: str) -> Group:
    return Group(
        one.group_id, one.question.question_id, _rollouts(one), dataset=payment.dataset, run_id=run_id
    )


async def _singly(
    payment: Payment, asked: Sequence[Asked[Rolled]], run_id: str, attempt: int
) -> list[GroupRewards]:
    run = Run(run_id, payment.profile, len(asked[0].rollouts), dataset=payment.dataset)
    async with AsyncClient(payment.url, api_key=payment.api_key) as client:
        await client.declare_run(run)
        members = [
            Member(one.group_id, one.question.question_id, rollout, attempt)
            for one in asked
            for rollout in _rollouts(one)
        ]
        paid = await asyncio.gather(*(client.put_rollout(run, member) for member in members))
    size = run.group_size
    return [
        GroupRewards(run_id, one.group_id, "complete", tuple(paid[n * size : (n + 1) * size]))
        for n, one in enumerate(asked)
    ]


def _weighted(group: GroupRewards, alpha: float) -> GroupRewards:
    """Reward anew with another weight of partial credit: R = 1, α·γ̂ or 0, and GRPO's advantages.

    The service pays by profiles, whose α is fixed; this is for the experiment that varies it. A rollout without a reward
    stays without.
    """
    scored = [one for one in group.rollouts if one.reward is not None]
    rewards = [_reward(one, alpha) for one in scored]
    mean = math.fsum(rewards) / max(len(rewards), 1)
    spread = math.sqrt(math.fsum((r - mean) ** 2 for r in rewards) / max(len(rewards) - 1, 1))
    flat = max(rewards, default=0.0) == min(rewards, default=0.0)
    new = {
        one.rollout_id: (reward, 0.0 if flat else (reward - mean) / (spread + 1e-6))
        for one, reward in zip(scored, rewards, strict=True)
    }
    return replace(
        group,
        rollouts=tuple(
            replace(one, reward=new[one.rollout_id][0], advantage=new[one.rollout_id][1])
            if one.rollout_id in new
            else one
            for one in group.rollouts
        ),
    )


def _reward(one: RolloutReward, alpha: float) -> float:
    partial = alpha * (one.normalized_match_rate or 0.0)
    return {"correct": 1.0, "wrong": partial}.get(one.outcome or "", 0.0)
