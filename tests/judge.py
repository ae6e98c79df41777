"""A source of signals that answers as a test tells it, and remembers what it was asked."""

from reward_service.core.types import RolloutStatus


async def half(rollouts):
    return [0.5] * len(rollouts)


class Judge:
    name = "judge"
    failed_status = RolloutStatus.JUDGE_FAILED

    def __init__(self, answer=half):
        self.answer = answer
        self.groups, self.timeouts_s = [], []

    async def values(self, question, rollouts, *, timeout_s):  # noqa: ARG002  # the protocol
        self.groups.append([one.rollout_id for one in rollouts])
        self.timeouts_s.append(timeout_s)
        return await self.answer(rollouts)
