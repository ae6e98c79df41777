"""Replicas of two engines share a store, as in every upgrade that changes how rewards are computed."""

import asyncio
import json
from contextlib import contextmanager

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.serve.clock import ManualClock
from reward_service.serve.config import Settings
from reward_service.serve.groups.stores.memory import MemoryGroupStore
from reward_service.serve.runs import reaper, view
from tests.builders import EXAMPLE
from tests.conftest import serving

QUESTION = EXAMPLE["groups"][0]["question"]
ROLLOUTS = EXAMPLE["groups"][0]["rollouts"]
GRACE_S = 500.0
OTHER = "sha256:other"


class Replica:
    """A service that can be made one of the other engine: nothing else tells two replicas of one store apart."""

    def __init__(self, base, app, clock, ledger):
        self.app, self.clock, self.ledger = app, clock, ledger
        self.http = httpx.Client(base_url=f"{base}/v1/runs")

    @contextmanager
    def upgraded(self):
        groups = self.app.state.runs.groups
        groups.engine = OTHER
        try:
            yield
        finally:
            groups.engine = ENGINE_DIGEST

    def declare(self, policy="fail"):
        body = {"profile": "egrpo-paper", "group_size": 3, "deadline_s": 60, "partial": {"policy": policy}}
        assert self.http.put("/r", json=body).status_code == 201

    def put(self, n, group="g", **query):
        body = ROLLOUTS[n] | {"question": QUESTION}
        return self.http.put(f"/r/groups/{group}/rollouts/{n}", json=body, params=query)

    def tick(self):
        """Do the background work once, now."""
        asyncio.run(self.app.state.reaper.tick())

    def open_groups(self):
        return [one["group_id"] for one in self.http.get("/r/groups").json()["groups"]]

    def recorded(self):
        return [json.loads(line) for line in self.ledger.read_text(encoding="utf-8").splitlines()]


@pytest.fixture
def replica(tmp_path):
    clock, ledger = ManualClock(1_700_000_000.0), tmp_path / "ledger.jsonl"
    settings = Settings(ledger=ledger, engine_grace_s=GRACE_S, canary_interval_s=3600)
    app = create_app(settings, store=MemoryGroupStore(clock))
    with serving(app) as base:
        replica = Replica(base, app, clock, ledger)
        app.state.reaper = reaper.Reaper(app.state.runs.groups)
        yield replica
        replica.http.close()


def problem(reply):
    return reply.status_code, reply.json()["type"].rpartition(":")[2]


def test_a_closed_group_is_the_same_bytes_from_every_engine(replica, monkeypatch):
    replica.declare()
    for n in range(3):
        replica.put(n)
    group, member = replica.http.get("/r/groups/g").content, replica.put(2).content

    def other_formulas(*_args, **_more):
        raise AssertionError("the rewards were computed again")

    monkeypatch.setattr(view, "reward", other_formulas)
    with replica.upgraded():
        assert replica.http.get("/r/groups/g").content == group
        assert replica.put(2).content == member
        assert replica.http.post("/r/groups/g/close").content == group
        assert problem(replica.http.put("/r/groups/g/rollouts/9", json=ROLLOUTS[0] | {"rollout_id": "9", "question": QUESTION})) == (503, "engine-mismatch")  # fmt: skip
    assert json.loads(group)["engine"] == ENGINE_DIGEST
    assert len(replica.recorded()) == 1


@pytest.mark.parametrize("late_s", [0, 60])
def test_an_open_group_of_another_engine_is_refused_by_every_way_in(replica, late_s):
    replica.declare("survivors")
    replica.put(0)
    replica.put(1)
    before = replica.http.get("/r/groups/g").json() if not late_s else None
    with replica.upgraded():
        replica.clock.advance(late_s)
        replica.tick()
        for reply in (
            replica.http.get("/r/groups/g"),
            replica.http.get("/r/groups/g", params={"wait_s": 0.01}),
            replica.http.post("/r/groups/g/close"),
            replica.put(2),
            replica.put(0),
        ):
            assert problem(reply) == (503, "engine-mismatch")
            assert int(reply.headers["Retry-After"]) > 0
        assert replica.open_groups() == ["g"]
    assert replica.recorded() == []

    after = replica.http.get("/r/groups/g").json()
    if late_s:
        assert (after["status"], [one["reward"] for one in after["rollouts"]]) == ("partial", [1.0, 0.0])
        assert [line["engine"] for line in replica.recorded()] == [ENGINE_DIGEST]
    else:
        assert after == before
        assert replica.put(2).json()["group_status"] == "complete"


def test_a_higher_attempt_restarts_it_at_once(replica):
    replica.declare()
    replica.put(0)
    with replica.upgraded():
        replies = [replica.put(n, attempt=1) for n in range(3)]

    assert [reply.status_code for reply in replies] == [202, 202, 200]
    assert replies[2].json()["engine"] == OTHER
    assert replica.http.get("/r/groups/g").json()["engine"] == OTHER


def test_after_a_grace_it_expires_without_rewards_and_without_a_record(replica):
    replica.declare("survivors")
    replica.put(0)
    replica.put(1)
    with replica.upgraded():
        replica.clock.advance(60 + GRACE_S - 1)
        replica.tick()
        assert problem(replica.http.get("/r/groups/g")) == (503, "engine-mismatch")
        replica.clock.advance(1)
        replica.tick()
        assert replica.open_groups() == []
        group = replica.http.get("/r/groups/g").json()

    assert (group["status"], group["flags"], group["engine"]) == ("expired", ["engine"], ENGINE_DIGEST)
    assert [(one["status"], one["reward"]) for one in group["rollouts"]] == [("group_failed", None)] * 2
    assert replica.http.get("/r/groups/g").json() == group
    assert replica.recorded() == []


def test_groups_of_another_engine_hide_none_of_this_engine_from_the_reaper(replica, monkeypatch):
    monkeypatch.setattr(reaper, "CHUNK", 2)
    replica.declare("survivors")
    for n in range(5):
        replica.put(0, f"old-{n}")
    with replica.upgraded():
        replica.clock.advance(1)
        replica.put(0, "new")
        replica.clock.advance(60)
        for _ in range(3):
            replica.tick()
        assert sorted(replica.open_groups()) == [f"old-{n}" for n in range(5)]
        assert replica.http.get("/r/groups/new").json()["status"] == "partial"
