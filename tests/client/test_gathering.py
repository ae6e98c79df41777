"""Samples that start together and end apart."""

import asyncio

import pytest

from reward_service.client import Rollout, RolloutReward, Text
from reward_service.client.gathering import Gatherings


async def pay(rollouts):
    return [
        RolloutReward(one.rollout_id, "scored", len(rollouts) + float(one.rollout_id)) for one in rollouts
    ]


async def sample(gatherings, shared, score=pay):
    gathering = gatherings.of(shared)
    place = gathering.join()
    await asyncio.sleep(0)
    gatherings.drop(shared)
    return await gathering.end(place, Rollout(str(place), Text("")), score)


async def test_those_that_share_an_object_are_a_group():
    gatherings, one, other = Gatherings(), object(), object()

    paid = await asyncio.gather(*[sample(gatherings, shared) for shared in (one, other, one)])

    assert [each.reward for each in paid] == [2.0, 1.0, 3.0]
    assert (await sample(gatherings, one)).reward == 1.0


async def test_where_the_group_cannot_be_scored_each_is_told_why():
    async def fail(rollouts):
        raise ValueError("no service")

    gatherings, shared = Gatherings(), object()

    outcomes = await asyncio.gather(
        *[sample(gatherings, shared, fail) for _ in range(3)], return_exceptions=True
    )

    assert [type(one) for one in outcomes] == [RuntimeError, RuntimeError, ValueError]
    assert "no service" in str(outcomes[0])


async def test_a_group_whose_last_sample_is_cancelled_ends():
    async def forever(rollouts):
        await asyncio.Event().wait()

    gatherings, shared = Gatherings(), object()
    first, last = (asyncio.create_task(sample(gatherings, shared, forever)) for _ in range(2))
    for _ in range(5):
        await asyncio.sleep(0)

    last.cancel()

    with pytest.raises(RuntimeError, match="Cancelled"):
        await first
