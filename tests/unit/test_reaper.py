"""The background work of one process, and its end."""

import asyncio

from reward_service.serve.config import Settings
from reward_service.serve.groups.stores.memory import MemoryGroupStore
from reward_service.serve.runs.groups import Groups
from reward_service.serve.runs.reaper import Reaper
from reward_service.serve.scorer import Scorer


class Stubborn(MemoryGroupStore):
    """Loses the first cancellation, like a client whose answer arrives in the same moment."""

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


async def test_it_ends_even_if_a_cancellation_is_lost():
    scorer, store = Scorer(Settings()), Stubborn()
    async with asyncio.timeout(120):
        async with Reaper(Groups(scorer, store)).running():
            await store.is_listening.wait()
    scorer.close()

    assert store.lost == 1
