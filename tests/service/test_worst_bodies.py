"""Each route gets the worst body that it takes, while health is asked for: the event loop is never held."""

import asyncio

import pytest

from benchmarks.service import serving
from benchmarks.worst import WORST, exchange
from tests.http_client import call

SIZE = 1 << 20


@pytest.fixture(scope="module")
def port():
    """The service in a process of its own: neither tracing nor this process's garbage is charged to its loop."""
    with serving("tests.watched") as (_, port):
        yield port


@pytest.mark.parametrize("name", WORST)
async def test_health_is_answered_beside_the_worst_body(port, name):
    worst = WORST[name]
    sending = asyncio.create_task(exchange(port, worst, worst.body(SIZE)))
    health = []
    while not sending.done():
        health.append((await call(port, "GET", "/livez"))[0])
        await asyncio.wait([sending], timeout=0.1)

    assert set(health) == {200}
    assert await call(port, "GET", "/held") == (200, 0)
    assert not (await sending).startswith(b"HTTP/1.1 500")


async def test_a_flood_of_readiness_is_answered(port):
    answers = await asyncio.gather(*(call(port, "GET", "/readyz") for _ in range(300)))

    assert {status for status, _ in answers} == {200}
