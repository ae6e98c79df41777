"""Samples of one prompt that a trainer starts together: each ends alone, and the last one to end has all of them scored.

For trainers that start the samples of a prompt as tasks of one loop and hand the same object to all of them.
"""

import asyncio
from collections.abc import Awaitable, Callable, Sequence

from reward_service.client.groups import RolloutReward
from reward_service.core.types import Rollout

Score = Callable[[Sequence[Rollout]], Awaitable[list[RolloutReward]]]


class Gathering:
    """The samples of one prompt: joined when they start, scored when the last one ends."""

    def __init__(self) -> None:
        self.size = 0
        self._ended: list[Rollout] = []
        self._paid: asyncio.Future[list[RolloutReward]] = asyncio.get_running_loop().create_future()

    def join(self) -> int:
        """Take a place."""
        self.size += 1
        return self.size - 1

    async def end(self, place: int, rollout: Rollout, score: Score) -> RolloutReward:
        """Hand in a sample that has ended, and wait for the others.

        Raises:
            RuntimeError: another sample of the prompt failed, or the group could not be scored.
        """
        self._ended.append(rollout)
        if len(self._ended) == self.size:
            await self._settle(score)
        paid = {one.rollout_id: one for one in await asyncio.shield(self._paid)}
        return paid[str(place)]

    async def _settle(self, score: Score) -> None:
        try:
            paid = await score(sorted(self._ended, key=lambda one: int(one.rollout_id)))
        except BaseException as error:
            self.fail(error)
            raise
        self._paid.set_result(paid)

    def fail(self, error: BaseException) -> None:
        """Tell the others that there will be no rewards."""
        if not self._paid.done():
            self._paid.set_exception(RuntimeError(f"the group of this sample has no rewards: {error!r}"))
            self._paid.exception()  # it may not be awaited yet


class Gatherings:
    """The prompts that are being sampled."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[object, Gathering]] = {}

    def of(self, shared: object) -> Gathering:
        """Return the gathering of the samples that were started with this object."""
        _, gathering = self._open.setdefault(id(shared), (shared, Gathering()))
        return gathering

    def drop(self, shared: object) -> None:
        """Forget it; the next samples with this object are another group."""
        self._open.pop(id(shared), None)
