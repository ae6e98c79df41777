"""Nothing is lost, and nothing is silently wrong, whatever breaks.

`make faults` runs all 300 groups; `make test` a part of them. A schedule is a seed: what breaks, when (counted in
acknowledged rollouts, not in seconds), and what every connection suffers.
"""

import asyncio
import itertools
import json
import os
import random
import signal
import sys
from collections import Counter

import pytest

from reward_service.adapters.native import ScoreIn, decode
from reward_service.adapters.replies import scored_out
from reward_service.api.app import create_scorer
from reward_service.serve.config import Settings
from tests.faults.conftest import Replica
from tests.faults.proxy import Proxy, tcp, unix
from tests.faults.trainer import QUESTION, SIZE, Group, Trainer, make_rollouts
from tests.http_client import call
from tests.redis_server import until

GROUPS = int(os.environ.get("FAULT_GROUPS", "24"))
AT_ONCE = 12
STALL_S = 1.2


def say(what):
    """Show what a schedule came to, where pytest is asked to show it (-s)."""
    sys.stdout.write(f"\n{what}\n")


async def oracle(groups):
    """The whole-group call, in this process."""
    body = {
        "profile": "egrpo-paper",
        "groups": [
            {"group_id": group.group_id, "question": QUESTION, "rollouts": group.rollouts} for group in groups
        ],
    }
    scorer = create_scorer(Settings())
    call = decode(json.dumps(body).encode(), ScoreIn)
    scored = await scorer.score([one.to_domain() for one in call.groups], scorer.profiles.named(call.profile))
    return {one["group_id"]: {r["rollout_id"]: r for r in one["rollouts"]} for one in map(scored_out, scored)}


async def assert_paid_like_whole_groups(groups):
    """Compare every bit: JSON writes a float with the digits that bring back the same one."""
    expected = await oracle(groups)
    for group in groups:
        assert len(group.results) == SIZE
        for rollout_id, reply in group.results.items():
            assert json.dumps(reply["rollout"]) == json.dumps(expected[group.group_id][rollout_id])


class Chaos:
    """Breaks one thing after the other, each after some more rollouts were acknowledged."""

    def __init__(self, seed, trainer, replicas, redis, *, loses_store=False):
        self.draw = random.Random(seed)
        self.trainer, self.replicas, self.redis = trainer, replicas, redis
        self.faults = [self.kill, self.terminate, self.stall_redis, self.restart_redis]
        self.draw.shuffle(self.faults)
        if loses_store:
            self.faults.insert(0, self.flush_redis)
        self.done = []

    async def run(self):
        for fault in itertools.cycle(self.faults):
            await self.trainer.acknowledges(self.draw.randint(3, 15))
            self.done.append(fault.__name__)
            await fault()

    async def kill(self):
        await self._replace(signal.SIGKILL)

    async def terminate(self):
        await self._replace(signal.SIGTERM)

    async def _replace(self, number):
        """End a process and start the next one, without waiting until it is ready."""
        replica = self.draw.choice(self.replicas)
        await asyncio.to_thread(replica.stop, number)
        replica.start()

    async def stall_redis(self):
        """Longer than a command may take, so that calls are refused while it lasts."""
        self.redis.signal(signal.SIGSTOP)
        try:
            await asyncio.sleep(STALL_S)
        finally:
            self.redis.signal(signal.SIGCONT)

    async def restart_redis(self):
        self.redis.kill()
        await asyncio.to_thread(self.redis.start)

    async def flush_redis(self):
        with self.redis.client() as client:
            client.flushall()


async def train_all(trainer, groups):
    """Train some groups at once until all are paid; each ends with a conflicting twin."""
    room = asyncio.Semaphore(AT_ONCE)

    async def train(group):
        async with room:
            await trainer.train(group, twins=True)

    await asyncio.gather(*map(train, groups))


async def train_under_faults(seed, replicas, redis, *, groups, loses_store=False):
    made = [Group(f"g{n}", make_rollouts(seed * 1_000_003 + n)) for n in range(groups)]
    async with (
        Proxy(tcp(replicas[0].port), seed, faulty=0.25) as one,
        Proxy(tcp(replicas[1].port), seed + 1, faulty=0.25) as other,
    ):
        trainer = Trainer([one.port, other.port], seed)
        await trainer.declare()
        chaos = Chaos(seed, trainer, replicas, redis, loses_store=loses_store)
        breaking = asyncio.create_task(chaos.run())
        try:
            await train_all(trainer, made)
        finally:
            breaking.cancel()
            await asyncio.gather(breaking, return_exceptions=True)
            redis.signal(signal.SIGCONT)
    happened = {fault: one.happened[fault] + other.happened[fault] for fault in Proxy.FAULTS}
    say(
        f"{groups} groups of {SIZE}, seed {seed}: {len(trainer.acknowledged)} acknowledged; "
        f"broke {dict(Counter(chaos.done))}; connections {happened}; the trainer met {dict(trainer.counts)}; "
        f"attempts above the first {sum(group.attempt > 0 for group in made)}"
    )
    await assert_paid_like_whole_groups(made)
    return trainer, chaos, made


@pytest.mark.parametrize("seed", range(max(GROUPS // 100, 1)))
async def test_groups_survive_everything_that_breaks(seed, replicas, redis):
    trainer, _, groups = await train_under_faults(seed, replicas, redis, groups=min(GROUPS, 100))

    assert trainer.counts["twins taken"] == trainer.counts["sent again"] == 0
    assert {group.attempt for group in groups} == {0}


@pytest.mark.parametrize("seed", range(max(GROUPS // 100, 1)))
async def test_a_lost_store_is_repaired(seed, replicas, redis):
    """FLUSHALL among the other faults: the trainer declares again and sends again, and the numbers are the same."""
    await train_under_faults(100 + seed, replicas, redis, groups=min(GROUPS, 100), loses_store=True)


async def test_redis_may_delay_reset_and_lose_replies(redis, tmp_path):
    """Between the replicas and their Redis: a command may be executed and its answer lost."""
    async with Proxy(unix(redis.socket), 7, faulty=0.2) as proxy:
        both = [
            Replica(f"redis://127.0.0.1:{proxy.port}/0", tmp_path / f"r{n}.log").start() for n in range(2)
        ]
        try:
            for replica in both:
                await asyncio.to_thread(replica.ready)
            trainer = Trainer([replica.port for replica in both], 7)
            await trainer.declare()
            groups = [Group(f"g{n}", make_rollouts(n)) for n in range(GROUPS // 3)]
            resetting = asyncio.create_task(_reset_now_and_then(proxy, trainer))
            await train_all(trainer, groups)
            resetting.cancel()
        finally:
            for replica in both:
                replica.stop()
        say(f"{len(groups)} groups; connections {proxy.happened}; the trainer met {dict(trainer.counts)}")
    await assert_paid_like_whole_groups(groups)
    assert trainer.counts["twins taken"] == 0


async def _reset_now_and_then(proxy, trainer):
    """Redis connections are kept: cut them, so that new ones meet new faults."""
    while True:
        await trainer.acknowledges(5)
        proxy.reset_all()


async def test_a_rolling_restart_under_load_loses_nothing_acknowledged(replicas, redis):
    trainer = Trainer([replica.port for replica in replicas], 3, group_size=512)
    await trainer.declare()
    sent = {}
    restarts, between = (2, 50) if GROUPS < 100 else (6, 500)

    async def send(lane):
        for n in range(10_000):
            if stop.is_set():
                return
            group = Group(f"g{lane}-{n // 64}", [])
            rollout = make_rollouts(n, 1)[0] | {"rollout_id": str(n % 64)}
            status, _ = await trainer.put(group, rollout)
            assert status == 202
            sent[group.group_id, rollout["rollout_id"]] = rollout

    stop = asyncio.Event()
    lanes = [asyncio.create_task(send(lane)) for lane in range(4)]
    for restart in range(restarts):
        before = len(sent)
        replica = replicas[restart % 2]
        await asyncio.to_thread(replica.stop, signal.SIGTERM)
        replica.start()
        await asyncio.to_thread(replica.ready)
        await asyncio.to_thread(
            until, lambda before=before: len(sent) > before + between, "rollouts are acknowledged"
        )
    stop.set()
    await asyncio.gather(*lanes)

    kept = set()
    for group_id in {group_id for group_id, _ in sent}:
        _, group = await trainer.ask("GET", f"/v1/runs/training/groups/{group_id}")
        kept |= {(group_id, one["rollout_id"]) for one in group["rollouts"]}
    say(f"{restarts} restarts by SIGTERM, {len(sent)} acknowledged, {len(sent.keys() - kept)} lost")
    assert sent.keys() <= kept


async def test_a_long_poll_survives_the_end_of_its_replica(replicas, redis):
    """SIGTERM answers who waits at once; the group goes on elsewhere."""
    trainer = Trainer([replicas[0].port], 5, wait_s=20, group_size=2)
    await trainer.declare()
    group = Group("g", make_rollouts(5, 2))
    waiting = asyncio.create_task(trainer.put(group, group.rollouts[0], wait_s=20))
    there = Trainer([replicas[1].port], 5)
    with redis.client() as client:
        await asyncio.to_thread(until, lambda: client.keys("*:group:*"), "a group is stored")
    await asyncio.to_thread(replicas[0].stop, signal.SIGTERM)

    assert (await waiting)[0] == 202
    assert (await there.put(group, group.rollouts[1]))[0] == 200
    assert (await there.put(group, group.rollouts[0]))[0] == 200


async def test_who_waits_is_told_when_the_store_has_lost_the_rollout(replicas, redis):
    trainer = Trainer([replicas[0].port], 5, group_size=2)
    await trainer.declare()
    group = Group("g", make_rollouts(5, 2))
    path = "/v1/runs/training/groups/g/rollouts/0"
    waiting = asyncio.create_task(
        call(replicas[0].port, "PUT", path, group.rollouts[0] | {"question": QUESTION}, wait_s=20)
    )
    with redis.client() as client:
        client.delete(*await asyncio.to_thread(until, lambda: client.keys("*:group:*"), "a group is stored"))

    status, problem = await waiting
    assert (status, problem["type"]) == (503, "urn:reward-service:state-lost")
    assert (await trainer.put(group, group.rollouts[0]))[0] == 202


async def test_a_redis_that_is_down_is_said_in_time_and_found_again(replicas, redis):
    """Fail closed: no answer is made up; alive all the while, ready only with its store."""
    port = replicas[0].port
    trainer = Trainer([port], 5)
    await trainer.declare()
    redis.kill()
    rollout = make_rollouts(5, 1)[0]
    body = rollout | {"question": QUESTION}
    status, problem = await call(port, "PUT", "/v1/runs/training/groups/g/rollouts/0", body)
    assert (status, problem["type"]) == (503, "urn:reward-service:state-unavailable")
    assert (await call(port, "GET", "/livez"))[0] == 200
    assert (await call(port, "GET", "/readyz"))[0] == 503

    await asyncio.to_thread(redis.start)
    assert (await trainer.put(Group("g", []), rollout))[0] == 202
    async with asyncio.timeout(60):  # readiness is asked for at most once a second
        while (await call(port, "GET", "/readyz"))[0] != 200:
            pass
