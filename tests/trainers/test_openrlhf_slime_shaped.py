"""A client shaped like slime's `remote_rm`: one session, 64 connections, ten tries, the body of the answer is the reward.

It is written for this test; slime has no package. It runs in OpenRLHF's environment, which has all it needs. The group
hook is called as slime's `batched_async_rm` calls it.
"""

import asyncio
import itertools
import json
import random
import time
from types import SimpleNamespace

import aiohttp
import pytest
from live import Balancer
from stories import QUESTION, groups_of

from reward_service.client import ClientError
from reward_service.client.trainers.slime import reward

TRIES = 10


class Trainer:
    """Asks for rewards as slime does, every pause a hundredth of slime's."""

    def __init__(self, url, seed=0):
        self.url, self.rng = url, random.Random(seed)

    async def rewards(self, groups):
        connector = aiohttp.TCPConnector(limit=64, enable_cleanup_closed=True)
        timeout = aiohttp.ClientTimeout(total=120)
        async with aiohttp.ClientSession(connector=connector, timeout=timeout) as session:
            asked = [(n, text) for n, texts in enumerate(groups) for text in texts]
            order = self.rng.sample(range(len(asked)), len(asked))
            tasks = {at: asyncio.create_task(self._reward(session, *asked[at])) for at in order}
            return [await tasks[at] for at in range(len(asked))]

    async def _reward(self, session, n, text):
        body = {
            "prompt": [{"role": "user", "content": f"Who {n}?"}],
            "response": text,
            "label": json.dumps({"question": QUESTION}),
        }
        for attempt in range(TRIES):
            try:
                async with session.post(self.url, json=body) as reply:
                    reply.raise_for_status()
                    return await reply.json()
            except aiohttp.ClientError:
                if attempt + 1 == TRIES:
                    raise
                await asyncio.sleep((min(2**attempt, 30) + self.rng.random()) / 100)
        raise AssertionError


def url(live, group_size, deadline_s=60, *, port=None):
    query = f"run={time.monotonic_ns()}&group_size={group_size}&profile=egrpo&deadline_s={deadline_s}"
    return f"http://127.0.0.1:{port or live.replicas[0].port}/compat/slime/reward?{query}"


def test_every_group_is_scored_as_a_whole_group(live, whole):
    groups = groups_of(8, 8, seed=4)

    start = time.perf_counter()
    paid = asyncio.run(Trainer(url(live, 8)).rewards(groups))
    took_s = time.perf_counter() - start

    assert paid == list(itertools.chain(*whole(groups)))
    print(f"\nslime-shaped: 8 of 8 groups of 8 as the whole-group call, {took_s:.2f} s")


def test_a_group_that_stays_incomplete_is_refused_in_the_end(live):
    with pytest.raises(aiohttp.ClientResponseError, match="422"):
        asyncio.run(Trainer(url(live, 4, deadline_s=0.05)).rewards([groups_of(1, 3)[0]]))


def test_more_rollouts_than_connections_stall_and_recover(live, whole):
    """slime keeps 64 connections: with 72 rollouts in random order, some groups have to wait for a connection."""
    groups = groups_of(9, 8, seed=5)

    paid = asyncio.run(Trainer(url(live, 8)).rewards(groups))

    assert paid == list(itertools.chain(*whole(groups)))


@pytest.mark.parametrize("how", ["refusing", "silent"])
def test_the_url_survives_a_service_that_fails_for_a_while(live, whole, how):
    """slime's own tries, whose pauses are a hundredth here: ten of them last about ten seconds."""
    groups = groups_of(4, 4, seed=9)
    with Balancer([live.replicas[0].port]) as front:
        asked = url(live, 4, port=front.url.rpartition(":")[2])
        start = time.perf_counter()
        with front.failing(how, for_s=0.2):
            paid = asyncio.run(Trainer(asked).rewards(groups))
        took_s = time.perf_counter() - start

    assert paid == list(itertools.chain(*whole(groups)))
    print(f"\nslime-shaped: URL {how} for 0.2 s: 4 of 4 groups as the whole-group call, {took_s:.2f} s")


@pytest.fixture
def hook(live, monkeypatch):
    """The group hook, on both replicas; returns rewards of groups of samples."""
    monkeypatch.setenv("REWARD_SERVICE_URL", live.url)
    monkeypatch.setenv("REWARD_SERVICE_PROFILE", "egrpo")
    monkeypatch.setenv("REWARD_SERVICE_PATIENCE_S", "60")

    def sample(text):
        fields = {"label": json.dumps({"question_id": QUESTION}), "metadata": {}, "remove_sample": False}
        return SimpleNamespace(response=text, status=SimpleNamespace(value="completed"), **fields)

    def pay(groups):
        async def go():
            args = SimpleNamespace(reward_key=None)
            return await asyncio.gather(*[reward(args, [sample(one) for one in texts]) for texts in groups])

        return asyncio.run(go())

    return pay


@pytest.mark.parametrize("how", ["refusing", "silent"])
def test_the_hook_waits_for_a_service_that_fails_for_a_while(live, whole, hook, how):
    groups = groups_of(8, 8, seed=10)

    start = time.perf_counter()
    with live.balancer.failing(how, for_s=1.0):
        paid = hook(groups)
    took_s = time.perf_counter() - start

    assert paid == whole(groups)
    print(f"\nslime hook: {how} for 1 s: 8 of 8 groups as the whole-group call, {took_s:.2f} s")


@pytest.mark.parametrize("how", ["refusing", "silent"])
def test_the_hook_raises_where_the_service_stays_away(live, hook, monkeypatch, how):
    monkeypatch.setenv("REWARD_SERVICE_PATIENCE_S", "1")

    start = time.perf_counter()
    with live.balancer.failing(how), pytest.raises(ClientError):
        hook(groups_of(1, 4))
    print(
        f"\nslime hook: {how} for good: an exception after {time.perf_counter() - start:.2f} s, with patience_s=1"
    )


def test_the_hook_survives_a_killed_replica(live, whole, hook):
    groups = groups_of(32, 8, seed=11)

    start = time.perf_counter()
    with live.killing(after=8):
        paid = hook(groups)
    took_s = time.perf_counter() - start

    assert paid == whole(groups)
    print(
        f"\nslime hook: a replica killed while groups are scored: 32 of 32 as the whole-group call, {took_s:.2f} s"
    )
