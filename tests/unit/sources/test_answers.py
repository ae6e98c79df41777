"""Answers that are kept: one suite for the memory of a process and for a Redis."""

import asyncio

import pytest

from reward_service.core.judging.asks import Answered
from reward_service.serve.groups.stores.urls import connect
from reward_service.serve.sources.answers import LocalAnswers, SharedAnswers
from reward_service.serve.sources.budgets import Budgets, Spent
from tests.redis_server import RedisServer, needed

FIRST = Answered("correct", "judge", "sha256:1", ("correct", "correct"))
NAMES = Answered({"E0": "Lima", "E1": None}, "judge", "sha256:2")


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    needed()
    with RedisServer(tmp_path_factory.mktemp("answers")) as server:
        yield server


def shared(redis, most=100):
    return SharedAnswers(connect(redis.url, timeout_s=60), LocalAnswers(most), prefix="test", keep_s=60)


@pytest.fixture(params=["local", "shared"])
async def cache(request):
    if request.param == "local":
        yield LocalAnswers(100)
        return
    server = request.getfixturevalue("redis")
    with server.client() as client:
        client.flushall()
    one = shared(server)
    yield one
    await one.close()


async def test_what_is_put_is_found(cache):
    await cache.put("a", FIRST)
    await cache.put("b", NAMES)

    assert await cache.get_many(["a", "x", "b"]) == {"a": FIRST, "b": NAMES}
    assert await cache.get_many([]) == {}


async def test_the_first_answer_stays(cache):
    await cache.put("a", FIRST)

    assert await cache.put("a", FIRST._replace(value="incorrect")) == FIRST
    assert await cache.get_many(["a"]) == {"a": FIRST}


async def test_memory_forgets_what_was_not_used_for_longest():
    cache = LocalAnswers(2)
    for key in "ab":
        await cache.put(key, FIRST)
    await cache.get_many(["a"])
    await cache.put("c", FIRST)

    assert set(await cache.get_many(["a", "b", "c"])) == {"a", "c"}


async def test_replicas_share_answers_and_claims(redis):
    one, two = shared(redis), shared(redis)
    assert await one.claim("k", 60)
    assert not await two.claim("k", 60)
    await one.release("k")
    assert await two.claim("k", 60)

    await one.put("k", FIRST)
    assert await two.put("k", NAMES) == FIRST
    assert await two.get_many(["k"]) == {"k": FIRST}
    await asyncio.gather(one.close(), two.close())


async def test_what_cannot_be_read_is_not_there(redis):
    cache = shared(redis)
    with redis.client() as client:
        for n, blob in enumerate([b"{", b"[]", b'{"value": 1}', b"\xff"]):
            client.set(f"{{test:judgement}}:bad{n}", blob)

    assert await cache.get_many([f"bad{n}" for n in range(4)]) == {}
    await cache.close()


async def test_a_redis_that_is_gone_keeps_nothing_and_is_counted(tmp_path):
    cache = SharedAnswers(
        connect(f"unix://{tmp_path}/none.sock", timeout_s=1), LocalAnswers(9), prefix="p", keep_s=60
    )
    failed = []
    cache.failed = lambda: failed.append(1)

    assert await cache.get_many(["a"]) == {}
    assert await cache.claim("a", 60)
    assert await cache.put("a", FIRST) == FIRST
    assert await cache.get_many(["a"]) == {"a": FIRST}
    await cache.release("a")
    assert len(failed) == 4
    await cache.close()


async def test_replicas_share_a_budget(redis):
    clients = [connect(redis.url, timeout_s=60) for _ in range(2)]
    one, two = (Budgets(calls=3, tokens=None, client=client, prefix="test", keep_s=60) for client in clients)
    await one.take("run", Spent(2, 0))

    with pytest.raises(Exception, match="may use 3 calls"):
        await two.take("run", Spent(2, 0))
    await two.take("run", Spent(1, 0))
    for client in clients:
        await client.aclose()


async def test_without_its_redis_a_process_counts_alone(tmp_path):
    client = connect(f"unix://{tmp_path}/none.sock", timeout_s=1)
    budgets = Budgets(calls=1, tokens=None, client=client, prefix="p", keep_s=60)
    await budgets.take("run", Spent(1, 0))

    with pytest.raises(Exception, match="may use 1 calls"):
        await budgets.take("run", Spent(1, 0))
    await client.aclose()
