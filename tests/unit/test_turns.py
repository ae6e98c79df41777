"""Work on the event loop takes turns with what arrives."""

import asyncio

from reward_service.serve.config import Settings
from reward_service.serve.scorer import MOST_ROUNDS, RewardService


async def arrives(service, calls):
    for _ in range(calls):
        service.arrivals += 1
        await asyncio.sleep(0)


async def done_after(calls):
    """Say how many of the calls had arrived when the work was done."""
    service = RewardService(Settings())
    arriving = asyncio.create_task(arrives(service, calls))
    arrived = await service.in_turn(lambda: service.arrivals)
    await arriving
    service.close()
    return arrived


async def test_all_that_has_come_is_looked_at_before_the_next_piece_of_work():
    assert await done_after(20) == 20


async def test_a_flood_does_not_keep_work_from_being_done():
    assert await done_after(10 * MOST_ROUNDS) in range(MOST_ROUNDS, MOST_ROUNDS + 2)


async def test_one_piece_is_done_at_a_time():
    service = RewardService(Settings())
    order = []

    def work(name):
        order.extend([f"{name} begins", f"{name} ends"])

    await asyncio.gather(*(service.in_turn(lambda name=name: work(name)) for name in "ab"))
    service.close()

    assert order == ["a begins", "a ends", "b begins", "b ends"]
