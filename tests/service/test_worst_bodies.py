"""Each route gets the worst body that it takes, while health is asked for: the event loop is never held."""

import asyncio
import time

import pytest

from benchmarks.worst import WORST, exchange
from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.http_client import call

SIZE = 1 << 20
TICK_S = 0.005
HELD_S = 0.25  # of the loop's own CPU time, so that a busy machine changes nothing


class Watched:
    """An application, and how often a turn of its event loop used the processor for too long."""

    def __init__(self, app):
        self.app, self.held, self._used = app, 0, None

    async def __call__(self, scope, receive, send):
        if self._used is None:
            self._tick(time.thread_time())
        await self.app(scope, receive, send)

    def _tick(self, used):
        now = time.thread_time()
        self.held += now - used > HELD_S
        self._used = now
        asyncio.get_running_loop().call_later(TICK_S, self._tick, now)


@pytest.fixture(scope="module")
def watched():
    return Watched(create_app(Settings(canary_interval_s=3600)))


@pytest.fixture(scope="module")
def port(watched):
    with serving(watched) as url:
        yield int(url.rpartition(":")[2])


@pytest.mark.no_cover  # tracing would be charged to the loop
@pytest.mark.parametrize("name", WORST)
async def test_health_is_answered_beside_the_worst_body(watched, port, name):
    worst, before = WORST[name], watched.held
    sending = asyncio.create_task(exchange(port, worst, worst.body(SIZE)))
    health = []
    while not sending.done():
        health.append((await call(port, "GET", "/livez"))[0])
        await asyncio.wait([sending], timeout=0.1)

    assert set(health) == {200}
    assert watched.held == before
    assert not (await sending).startswith(b"HTTP/1.1 500")


async def test_a_flood_of_readiness_is_answered(port):
    answers = await asyncio.gather(*(call(port, "GET", "/readyz") for _ in range(300)))

    assert {status for status, _ in answers} == {200}
