"""A rolling upgrade to an engine that computes other rewards, in the middle of training."""

import asyncio
import json
import signal

from tests.faults.conftest import Replica
from tests.faults.test_faults import GROUPS, SIZE, oracle, say
from tests.faults.trainer import Group, Trainer, make_rollouts
from tests.http_client import call
from tests.redis_server import RedisServer, needed

SENT = SIZE // 2


async def begin(trainer, names):
    """Send half of each group."""
    groups = [Group(name, make_rollouts(number)) for number, name in enumerate(names)]
    for group in groups:
        for rollout in group.rollouts[:SENT]:
            assert (await trainer.put(group, rollout))[0] == 202
    return groups


async def finish(trainer, groups):
    """Send all of each group, and ask until it is paid."""
    for group in groups:
        await asyncio.gather(*(trainer.collect(group, rollout) for rollout in group.rollouts))


async def read(replica, group):
    status, reply = await call(replica.port, "GET", f"/v1/runs/training/groups/{group.group_id}")
    return status, json.dumps(reply)


async def differing(replicas, groups):
    """Return how many groups two replicas answer differently."""
    return sum([await read(replicas[0], one) != await read(replicas[1], one) for one in groups])


def upgrade(replica):
    replica.stop(signal.SIGTERM)
    replica.module = "tests.faults.next_engine"
    replica.start().ready()


def kind(group, expected):
    """Return how the rewards of a group compare with those of this engine."""
    paid = [group.results[name]["rollout"]["reward"] for name in sorted(expected)]
    whole = [expected[name]["reward"] for name in sorted(expected)]
    return {tuple(one / 2 for one in whole): "next", tuple(whole): "this"}[tuple(paid)]  # all 0: either


async def test_replicas_of_two_engines_agree_on_every_group(tmp_path):
    needed()
    number = max(GROUPS // 3, 4)
    with RedisServer(tmp_path) as redis:
        replicas = [Replica(redis.url, tmp_path / f"replica{n}.log").start() for n in range(2)]
        try:
            for replica in replicas:
                replica.ready()
            trainer = Trainer([replica.port for replica in replicas], 1)
            await trainer.declare()
            closed, open_ = [await begin(trainer, [f"{kind}{n}" for n in range(number)]) for kind in "co"]
            await finish(trainer, closed)
            before = [await read(replicas[0], group) for group in closed]

            await asyncio.to_thread(upgrade, replicas[1])
            await finish(trainer, open_)  # the new replica refuses them, so the old one is asked
            begun = await begin(trainer, [f"n{n}" for n in range(number)])
            await finish(trainer, begun)
            everything = [*closed, *open_, *begun]
            differ = await differing(replicas, everything)

            await asyncio.to_thread(upgrade, replicas[0])
            after = [await read(replica, group) for replica in replicas for group in closed]
            readable = sum([(await read(replicas[0], group))[0] == 200 for group in everything])
            differ_after = await differing(replicas, everything)
        finally:
            for replica in replicas:
                replica.stop()

    expected = await oracle(everything)
    kinds = [{kind(group, expected[group.group_id]) for group in some} for some in (closed, open_, begun)]
    say(
        f"rewards that differ between replicas: {differ + differ_after} of {2 * len(everything)}; "
        f"finished groups readable after the old replicas are gone: {readable} of {len(everything)}; "
        f"the trainer met {dict(trainer.counts)}"
    )
    assert (differ, differ_after, readable) == (0, 0, len(everything))
    assert after == before * 2
    assert trainer.counts["503 engine-mismatch"] > 0
    assert kinds[:2] == [{"this"}, {"this"}]
