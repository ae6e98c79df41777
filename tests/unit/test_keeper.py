"""The background work of one process, and its end."""

import asyncio

from reward_service.serve.config import Settings
from reward_service.serve.groups.stores.memory import MemoryStore
from reward_service.serve.runs.groups import Standing
from reward_service.serve.runs.reaper import Keeper
from reward_service.serve.scorer import Scorer


class Stubborn(MemoryStore):
    """Loses the first cancellation, as a client does whose answer comes in the same moment."""

    def __init__(self):
        super().__init__()
        self.is_listening = asyncio.Event()
        self.lost = 0

    async def wakeups(self):
        self.is_listening.set()
        while not self.lost:
            try:
                await asyncio.Event().wait()
            except asyncio.CancelledError:
                self.lost += 1
        async for key in super().wakeups():
            yield key


async def test_it_ends_also_where_a_cancellation_is_lost():
    scorer, store = Scorer(Settings()), Stubborn()
    async with asyncio.timeout(20):
        async with Keeper(Standing(scorer, store)).running():
            await store.is_listening.wait()
    scorer.close()

    assert store.lost == 1
