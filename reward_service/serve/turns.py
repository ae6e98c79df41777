"""How CPU work shares the event loop with the calls that arrive meanwhile.

Without turns the loop itself becomes the queue: new calls wait unseen behind the work of earlier ones, and nothing can
refuse them or answer a health check. So before each piece of work the loop goes round until nothing more arrives. It
accepts one connection a round, so the more calls arrive, the more rounds it makes, up to a limit.
"""

import asyncio
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import TypeVar

T = TypeVar("T")
# Of the event loop, from a connection to its request at the door: accepted, made, read, begun. Each round accepts one connection.
ROUNDS_TO_ARRIVE = 4
# Most rounds before a piece of work: beyond some thirty refusals a call, refusing would leave no time for scoring.
MOST_ROUNDS = 32


class Turns:
    """Runs pieces of work, on the loop one at a time, or in a few threads."""

    def __init__(self, threads: int) -> None:
        self._arrivals = 0
        self._turn = asyncio.Lock()
        self._free_threads = asyncio.Semaphore(threads)
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="score")

    def arrive(self) -> None:
        """Count a call of any kind that has begun."""
        self._arrivals += 1

    async def in_turn(self, work: Callable[[], T]) -> T:
        """Do work that is short on the event loop, one piece at a time."""
        async with self._turn:
            await self._look_around()
            return work()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do long work in a thread, off the event loop; only admitted work waits for a thread.

        While a thread works, each round costs the loop a wait for the interpreter.
        """
        async with self._free_threads:
            await self._look_around()
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    def close(self) -> None:
        """Release the threads once they have finished."""
        self._threads.shutdown()

    async def _look_around(self) -> None:
        """Let the event loop go round until nothing more arrives, or for long enough."""
        quiet = 0
        for _ in range(MOST_ROUNDS):
            before = self._arrivals
            await asyncio.sleep(0)
            quiet = quiet + 1 if self._arrivals == before else 0
            if quiet == ROUNDS_TO_ARRIVE:
                return
