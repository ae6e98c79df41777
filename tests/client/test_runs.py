"""Rollouts that come one by one, through both clients, against the real service."""

import asyncio
import contextlib
import uuid
from concurrent.futures import ThreadPoolExecutor

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
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.client.stumbling import Stumbling, broken, later
from tests.conftest import serving

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
    run = Run("slow", "egrpo-paper", group_size=4, deadline_s=1.0)
    with serving(create_app(Settings(max_wait_s=0.1))) as base:
        paid = put_all(base, run, members())

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


def test_a_call_gives_up_at_its_deadline(ask, server, run):
    patience = Patience(deadline_s=1.0)

    with pytest.raises(Unreachable, match="the group is still open: 2 rollouts have not arrived"):
        ask(server, "put_rollout", run, members()[0], client={"patience": patience})

    masked = ask(server, "put_rollout", run, members()[0], client={"patience": patience, "on_error": "mask"})
    assert (masked.rollout_id, masked.status, masked.reward) == ("0", "backend_failed", None)


def test_a_group_can_be_looked_at_and_closed(ask, server, run):
    with contextlib.suppress(Unreachable):
        ask(server, "put_rollout", run, members()[0], client={"patience": Patience(deadline_s=1.0)})

    seen = ask(server, "read_group", run.run_id, "g1")
    assert (seen.status, seen.missing, seen.rewards) == ("open", ("1", "2"), [None])
    assert ask(server, "close_group", run.run_id, "g1").status == "expired"


def test_evaluation_waits_for_nobody(ask, server, run):
    correct, wrong, _ = (ask(server, "evaluate", run, member) for member in members())

    assert [(one.status, one.reward) for one in (correct, wrong)] == [("scored", 1.0), ("scored", 0.0)]
    with pytest.raises(Refused):
        ask(server, "evaluate", run, Member("g", "nobody", rollouts()[0]))
    masked = ask(server, "evaluate", run, Member("g", "nobody", rollouts()[0]), client={"on_error": "mask"})
    assert masked.reward is None
