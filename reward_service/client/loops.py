"""One async client for each event loop. Trainers make loops, and close them, as they please."""

import asyncio
from collections.abc import Callable
from weakref import WeakKeyDictionary

from reward_service.client.aio import AsyncClient


class LoopClients:
    """Makes clients where they are first needed. They live as long as their loops do."""

    def __init__(self, make: Callable[[], AsyncClient]) -> None:
        self._make = make
        self._clients: WeakKeyDictionary[asyncio.AbstractEventLoop, AsyncClient] = WeakKeyDictionary()

    def here(self) -> AsyncClient:
        """Return the client of the loop that runs now."""
        loop = asyncio.get_running_loop()
        if loop not in self._clients:
            self._clients[loop] = self._make()
        return self._clients[loop]

    async def aclose(self) -> None:
        """Close the client of the loop that runs now."""
        client = self._clients.pop(asyncio.get_running_loop(), None)
        if client is not None:
            await client.aclose()
