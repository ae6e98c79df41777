"""Work on the event loop takes turns with what arrives."""

import asyncio

import pytest

from reward_service.serve.turns import MOST_ROUNDS, Turns


@pytest.fixture
def turns():
    made = Turns(threads=1)
    yield made
    made.close()


class Calls:
    """Calls that arrive, one a round of the event loop."""

    def __init__(self, turns):
        self.turns = turns
        self.arrived = 0

    async def arrive(self, calls):
        for _ in range(calls):
            self.arrived += 1
            self.turns.arrive()
            await asyncio.sleep(0)


async def done_after(turns, calls):
    """Say how many of the calls had arrived when the work was done."""
    arriving = Calls(turns)
    task = asyncio.create_task(arriving.arrive(calls))
    arrived = await turns.in_turn(lambda: arriving.arrived)
    await task
    return arrived


async def test_all_that_has_come_is_looked_at_before_the_next_piece_of_work(turns):
    assert await done_after(turns, 20) == 20


async def test_a_flood_does_not_keep_work_from_being_done(turns):
    assert await done_after(turns, 10 * MOST_ROUNDS) in range(MOST_ROUNDS, MOST_ROUNDS + 2)


async def test_what_has_come_is_looked_at_before_a_thread_begins_too(turns):
    arriving = Calls(turns)
    task = asyncio.create_task(arriving.arrive(20))

    assert await turns.in_thread(lambda: arriving.arrived) == 20
    await task


async def test_one_piece_is_done_at_a_time(turns):
    order = []

    def work(name):
        order.extend([f"{name} begins", f"{name} ends"])

    await asyncio.gather(*(turns.in_turn(lambda name=name: work(name)) for name in "ab"))

    assert order == ["a begins", "a ends", "b begins", "b ends"]
