"""Where the time of calls about runs goes, and that it ends when the caller's does."""

import asyncio
import json
import signal
import threading
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import httpx
import pytest

from reward_service.api import runs as routes
from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.deadlines import late_in
from tests.redis_server import RedisServer, needed, until
from tests.service.test_observability import logged  # noqa: F401  # a fixture
from tests.service.test_runs import LONG_S, QUESTION, ROLLOUTS, RUN, calling

PATH = "/v1/runs/r/groups/g/rollouts/0"
ROLLOUT = ROLLOUTS[0] | {"question": QUESTION}
CALLS = [
    ("PUT", "/v1/runs/r", RUN),
    ("GET", "/v1/runs/r", None),
    ("DELETE", "/v1/runs/r", None),
    ("GET", "/v1/runs/r/groups", None),
    ("PUT", PATH, ROLLOUT),
    ("PUT", f"{PATH}?purpose=eval", ROLLOUT),
    ("GET", "/v1/runs/r/groups/g", None),
    ("POST", "/v1/runs/r/groups/g/close", None),
]


@pytest.fixture
def run():
    with calling() as caller:
        assert caller.declare()[0] == 201
        yield caller


def stages(reply):
    return [part.partition(";")[0] for part in reply.headers["Server-Timing"].split(", ")]


def test_the_timing_header_of_a_rollout_names_its_stages(run):
    first, *_, last = [
        run.http.put(f"/v1/runs/r/groups/g/rollouts/{n}?wait_s=0.01", json=one | {"question": QUESTION})
        for n, one in enumerate(ROLLOUTS)
    ]

    taken = ["receive", "decode", "state", "look_up", "measure", "turn"]
    assert stages(first) == [*taken, "wait", "reward", "encode", "total"]
    assert stages(last) == [*taken, "reward", "publish", "encode", "total"]
    assert stages(run.http.get("/v1/runs/r/groups/g")) == ["state", "reward", "encode", "total"]


def test_a_rollout_is_one_log_line(run, logged):  # noqa: F811
    for rollout in ROLLOUTS:
        run.put(rollout)
    run.get()
    run.put(ROLLOUTS[0] | {"outcome": "wrong"})
    run.get("nobody")

    told = [
        (line.get("rollouts"), line.get("outcomes"), line.get("error"))
        for line in map(json.loads, logged)
        if line.get("run_id") == run.run_id and line.get("event") == "request"
    ]
    assert told[-6:] == [
        (1, {"pending": 1}, None),
        (1, {"pending": 1}, None),
        (1, {"wrong": 1}, None),
        (3, {"correct": 1, "wrong": 2}, None),
        (None, None, "rollout-conflict"),
        (None, None, "unknown-group"),
    ]


def test_a_long_poll_ends_before_the_deadline_of_its_caller(run, monkeypatch):
    monkeypatch.setattr(routes, "WAITING_SHARE", 0.01)
    in_time = {"X-Request-Timeout-Ms": "60000"}
    put = run.http.put(f"{PATH}?wait_s={LONG_S}", json=ROLLOUT, headers=in_time)
    got = run.http.get(f"/v1/runs/r/groups/g?wait_s={LONG_S}", headers=in_time)

    assert (put.status_code, put.json()["missing"]) == (202, ["1", "2"])
    assert (got.status_code, got.json()["status"]) == (200, "open")


def test_the_turn_of_another_rollout_is_waited_for_until_the_deadline(run, monkeypatch):
    inner, go_on = run.store._store, threading.Event()
    swap = inner.swap

    async def slow(*args, **more):
        await asyncio.to_thread(go_on.wait)
        return await swap(*args, **more)

    def has_its_turn():
        return any(one.lock.locked() for one in list(run.app.state.runs.groups._key_locks.values()))

    monkeypatch.setattr(inner, "swap", slow)
    with ThreadPoolExecutor(1) as pool:
        first = pool.submit(run.put, ROLLOUTS[0])
        until(has_its_turn, "the first one has its turn")
        path = "/v1/runs/r/groups/g/rollouts/1"
        with late_in("turn"):
            late = run.http.put(path, json=ROLLOUTS[1] | {"question": QUESTION})
        go_on.set()
        assert first.result()[0] == 202

    assert (late.status_code, late.json()["stage"]) == (504, "turn")
    assert run.put(ROLLOUTS[1])[0] == 202


@contextmanager
def stalled(server):
    server.signal(signal.SIGSTOP)
    try:
        yield
    finally:
        server.signal(signal.SIGCONT)


def test_a_store_that_stalls_is_waited_for_no_longer_than_the_caller_does(tmp_path):
    needed()
    with RedisServer(tmp_path) as server:
        settings = Settings(state_url=server.url, state_timeout_s=3600, canary_interval_s=3600)
        with serving(create_app(settings)) as base, httpx.Client(base_url=base) as http:
            assert http.put("/v1/runs/r", json=RUN).status_code == 201
            with stalled(server), late_in("state"):
                replies = [http.request(*call[:2], json=call[2]) for call in CALLS]

            assert [(reply.status_code, reply.json()["stage"]) for reply in replies] == [(504, "state")] * 8
            again = http.put("/v1/runs/r", json=RUN)
            assert again.status_code in (200, 201)
            assert http.put(PATH, json=ROLLOUT).status_code == 202
            assert http.put(PATH, json=ROLLOUT).json()["replayed"]
