"""A fleet that loses its primary while groups are open: every answer afterwards is right, or says what to send again."""

import asyncio
from collections import Counter
from contextlib import contextmanager

import httpx

from tests.faults.conftest import Replica
from tests.faults.test_faults import assert_paid_like_whole_groups, say
from tests.faults.trainer import QUESTION, SIZE, Group, Trainer, make_rollouts
from tests.http_client import call
from tests.redis_fleets import clustered, watched
from tests.redis_server import needed, until

GROUPS = 6
SENT = 5


@contextmanager
def served(url, folder):
    """Two services over a fleet."""
    both = [Replica(url, folder / f"replica{n}.log") for n in range(2)]
    try:
        for replica in both:
            replica.start()
        yield [replica.ready() for replica in both]
    finally:
        for replica in both:
            replica.stop()


def settle(server):
    """Wait until the replica has acknowledged everything."""
    with server.client() as client:
        until(lambda: client.wait(1, 1000) == 1, "the replica has everything")


def cut_off(primary, replica):
    """Let nothing more reach the replica."""
    with primary.client() as client, replica.client() as behind:
        client.execute_command("ACL", "SETUSER", "default", "-psync", "-sync")
        client.execute_command("CLIENT", "KILL", "TYPE", "replica")
        until(lambda: behind.info("replication")["master_link_status"] == "down", "it is cut off")


def holds_groups(node):
    with node.client() as client:
        return client.keys("*:group:*") if client.info("replication")["role"] == "master" else []


async def begin(trainer):
    """Send the first rollouts of some groups."""
    groups = [Group(f"g{n}", make_rollouts(n)) for n in range(GROUPS)]
    for group in groups:
        for rollout in group.rollouts[:SENT]:
            assert (await trainer.put(group, rollout))[0] == 202
    return groups


async def wait_for(port, group, rollout):
    """Wait for a group, once."""
    path = f"/v1/runs/training/groups/{group.group_id}/rollouts/{rollout['rollout_id']}"
    return await call(port, "PUT", path, rollout | {"question": QUESTION}, wait_s=20)


async def finish(trainer, groups):
    """Send the last rollouts, and then ask for all of them."""
    for group in groups:
        await asyncio.gather(*(trainer.collect(group, rollout) for rollout in group.rollouts))
    await assert_paid_like_whole_groups(groups)


async def all_wait(watch_at):
    """Wait until a call for each group waits at a service."""

    def waiting():
        page = httpx.get(f"http://127.0.0.1:{watch_at}/metrics").text.splitlines()
        return f"reward_service_waiting_polls {GROUPS:.1f}" in page

    await asyncio.to_thread(until, waiting, "a call for each group waits")


async def test_what_sentinels_replaced_goes_on_where_it_was(tmp_path):
    """Everything had been replicated: who waited is answered, and nothing has to be sent again."""
    needed()
    with watched(tmp_path) as fleet, served(fleet.url, tmp_path) as replicas:
        trainer = Trainer([replica.port for replica in replicas], 1)
        await trainer.declare()
        groups = await begin(trainer)
        waiting = [
            asyncio.create_task(wait_for(trainer.ports[0], group, group.rollouts[0])) for group in groups
        ]
        await all_wait(trainer.ports[0])
        await asyncio.to_thread(settle, fleet.primary)
        fleet.primary.kill()

        await finish(trainer, groups)
        answers = [await one for one in waiting]

    say(f"Sentinel, all replicated: the trainer met {dict(trainer.counts)}, who waited {_statuses(answers)}")
    assert trainer.counts["sent again"] == trainer.counts["503 state-lost"] == 0
    assert {status for status, _ in answers} == {200}
    for group, (_, reply) in zip(groups, answers, strict=True):
        assert reply["rollout"] == group.results["0"]["rollout"]


async def test_what_a_failover_lost_is_said_and_repaired(tmp_path):
    """The replica had not got the last rollouts: who waits is told, `missing` names them, and sending them again heals."""
    needed()
    with watched(tmp_path) as fleet, served(fleet.url, tmp_path) as replicas:
        trainer = Trainer([replica.port for replica in replicas], 2)
        await trainer.declare()
        groups = await begin(trainer)
        await asyncio.to_thread(settle, fleet.primary)
        await asyncio.to_thread(cut_off, fleet.primary, fleet.replica)
        lost = [
            asyncio.create_task(wait_for(trainer.ports[0], group, group.rollouts[SENT])) for group in groups
        ]
        kept = [asyncio.create_task(wait_for(trainer.ports[1], group, group.rollouts[0])) for group in groups]
        await all_wait(trainer.ports[0])
        await all_wait(trainer.ports[1])
        fleet.primary.kill()

        told = [await one for one in lost]
        _, seen = await trainer.ask("GET", "/v1/runs/training/groups/g0")
        await finish(trainer, groups)
        answers = [await one for one in kept]

    say(
        f"Sentinel, {GROUPS} rollouts not replicated: who waited for them {_statuses(told)}, for others {_statuses(answers)}"
    )
    assert {(status, problem["type"]) for status, problem in told} == {(503, "urn:reward-service:state-lost")}
    assert seen["missing"] == [str(n) for n in range(SENT, SIZE)]
    assert {status for status, _ in answers} == {200}


async def test_what_a_cluster_replaced_goes_on_where_it_was(tmp_path):
    needed()
    with clustered(tmp_path) as fleet, served(fleet.url, tmp_path) as replicas:
        trainer = Trainer([replica.port for replica in replicas], 3)
        await trainer.declare()
        groups = await begin(trainer)
        (victim,) = filter(holds_groups, fleet.nodes)
        await asyncio.to_thread(settle, victim)
        victim.kill()

        await finish(trainer, groups)

    say(f"Cluster, all replicated: the trainer met {dict(trainer.counts)}")
    assert trainer.counts["sent again"] == trainer.counts["503 state-lost"] == 0


def _statuses(answers):
    return dict(
        Counter(f"{status} {reply.get('type', '').rpartition(':')[2]}".strip() for status, reply in answers)
    )
