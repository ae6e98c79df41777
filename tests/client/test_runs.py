"""Rollouts that come one by one, through both clients, against the real service."""

import asyncio
import contextlib
import uuid
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.client import (
    AsyncClient,
    Client,
    Group,
    Member,
    Outcome,
    Patience,
    Refused,
    Rollout,
    Run,
    Segment,
    SegmentKind,
    Steps,
    Unreachable,
)
from reward_service.client.calls import put_rollout
from reward_service.client.exchange import Pause, Reply, RetryContext
from reward_service.serve.clock import ManualClock
from reward_service.serve.config import Settings
from reward_service.serve.groups.stores.memory import MemoryGroupStore
from tests.builders import EXAMPLE
from tests.client.stumbling import Stumbling, broken, later
from tests.conftest import serving
from tests.redis_server import until

QUESTION = EXAMPLE["groups"][0]["question"]
THOUGHTS = ["I found Zanderheim and Quillock.", "Nothing yet.", "Perhaps Quillock."]


def rollouts():
    outcomes = [Outcome.CORRECT, Outcome.WRONG, Outcome.WRONG]
    return [
        Rollout(str(n), Steps((Segment(SegmentKind.THOUGHT, text),)), outcome)
        for n, (text, outcome) in enumerate(zip(THOUGHTS, outcomes, strict=True))
    ]


def members(group_id="g1"):
    return [Member(group_id, QUESTION, rollout) for rollout in rollouts()]


@pytest.fixture
def run():
    return Run(uuid.uuid4().hex, "egrpo-paper", group_size=3)


def put_with_threads(url, run, members, **options):
    with Client(url, **options) as client, ThreadPoolExecutor(len(members)) as pool:
        return list(pool.map(lambda member: client.put_rollout(run, member), members))


def put_with_a_loop(url, run, members, **options):
    async def go():
        async with AsyncClient(url, **options) as client:
            return await asyncio.gather(*[client.put_rollout(run, member) for member in members])

    return asyncio.run(go())


@pytest.fixture(params=[put_with_threads, put_with_a_loop], ids=["sync", "async"])
def put_all(request):
    return request.param


def test_a_group_that_comes_one_by_one_is_the_group_that_comes_at_once(put_all, ask, server, run):
    paid = put_all(server, run, members())

    [whole] = ask(server, "score_groups", [Group("g1", QUESTION, rollouts())], profile="egrpo-paper")
    assert paid == list(whole.rollouts)
    assert [one.reward for one in paid] == [1.0, 0.0, 0.15]


@pytest.mark.parametrize("stumble", [later(503), later(429), broken()])
def test_faults_on_the_way_change_nothing(put_all, run, stumble):
    door = Stumbling(create_app(Settings()), [stumble] * 4)
    with serving(door) as base:
        assert [
            one.reward for one in put_all(base, run, members(), patience=Patience(first_pause_s=0.01))
        ] == [1.0, 0.0, 0.15]


def test_it_asks_again_until_the_group_is_closed(put_all):
    run, clock = Run("slow", "egrpo-paper", group_size=4, deadline_s=60.0), ManualClock(1_700_000_000.0)
    door = Stumbling(create_app(Settings(max_wait_s=0.1), store=MemoryGroupStore(clock)))
    with serving(door) as base, ThreadPoolExecutor(1) as pool:
        paying = pool.submit(put_all, base, run, members())
        group = f"{base}/v1/runs/slow/groups/g1"
        until(lambda: httpx.get(group).json().get("missing") == ["3"], "three rollouts are in")
        sent = len(door.headers)
        until(lambda: len(door.headers) > sent, "a rollout is sent again")
        clock.advance(60.0)
        paid = paying.result()

    assert [(one.status, one.reward) for one in paid] == [("group_failed", None)] * 3


def test_a_run_that_the_service_has_lost_is_declared_again(ask, server, run):
    ask(server, "declare_run", run)
    ask(server, "declare_run", run)
    ask(server, "delete_run", run.run_id)
    alone = Run(run.run_id, "egrpo-paper", group_size=1)

    paid = ask(server, "put_rollout", alone, members()[2])

    assert (paid.matched, paid.reward) == (1, 0.3)


def test_another_declaration_is_refused(ask, server, run):
    ask(server, "declare_run", run)

    with pytest.raises(Refused, match="409") as caught:
        ask(server, "declare_run", Run(run.run_id, "egrpo", group_size=3))
    assert caught.value.type == "urn:reward-service:run-conflict"


def put_into_a_group_that_stays_open(run, *, on_error):
    """Run the conversation of one call, by a clock that only the waits of the call move."""
    clock = ManualClock(0.0)
    context = RetryContext(Patience(deadline_s=60.0), clock.now, lambda: 0.5)
    conversation, reply = put_rollout(run, members()[0], context, on_error=on_error), None
    while True:
        try:
            step = conversation.send(reply)
        except StopIteration as done:
            return done.value
        is_pause = isinstance(step, Pause)
        clock.advance(step.seconds if is_pause else float(step.query["wait_s"]))
        reply = None if is_pause else Reply(202, b'{"group_status": "open", "missing": ["1", "2"]}')


def test_a_call_gives_up_at_its_deadline(run):
    with pytest.raises(Unreachable, match="the group is still open: 2 rollouts have not arrived"):
        put_into_a_group_that_stays_open(run, on_error="raise")

    masked = put_into_a_group_that_stays_open(run, on_error="mask")
    assert (masked.rollout_id, masked.status, masked.reward) == ("0", "backend_failed", None)


def test_a_group_can_be_read_and_closed(ask, server, run):
    def read():
        with contextlib.suppress(Refused):
            return ask(server, "read_group", run.run_id, "g1")

    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(ask, server, "put_rollout", run, members()[0])
        group = until(read, "its rollout is in")
        closed = ask(server, "close_group", run.run_id, "g1")

    assert (group.status, group.missing, group.rewards) == ("open", ("1", "2"), [None])
    assert closed.status == "expired"
    assert waiting.result().status == "group_failed"


def test_evaluation_waits_for_nobody(ask, server, run):
    correct, wrong, _ = (ask(server, "evaluate", run, member) for member in members())

    assert [(one.status, one.reward) for one in (correct, wrong)] == [("scored", 1.0), ("scored", 0.0)]
    with pytest.raises(Refused):
        ask(server, "evaluate", run, Member("g", "nobody", rollouts()[0]))
    masked = ask(server, "evaluate", run, Member("g", "nobody", rollouts()[0]), client={"on_error": "mask"})
    assert masked.reward is None
