"""The clock of Redis is set forward and back while groups are open: deadlines move with it, and no reward changes or is paid twice."""

import json
import struct
import subprocess
from collections import Counter
from pathlib import Path

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.conftest import serving
from tests.redis_server import RedisServer, needed, until

QUESTION, ROLLOUTS = (EXAMPLE["groups"][0][name] for name in ("question", "rollouts"))
RUN = {"profile": "egrpo-paper", "group_size": 3, "deadline_s": 60, "partial": {"policy": "survivors"}}
HOUR = 3600
DAYS = 8 * 24 * HOUR  # beyond `run_ttl_s`


class Clock:
    """The wall clock of a redis-server."""

    def __init__(self, file):
        self.file = file
        self.jump(0)

    def jump(self, seconds):
        """Let it be off by so many seconds."""
        with self.file.open("r+b" if self.file.exists() else "wb") as shared:
            shared.write(struct.pack("l", seconds))


@pytest.fixture(scope="module")
def shim(tmp_path_factory):
    needed("cc")
    built = tmp_path_factory.mktemp("shim") / "shifted_clock.so"
    source = Path(__file__).with_name("shifted_clock.c")
    subprocess.run(["cc", "-shared", "-fPIC", "-o", built, source], check=True)
    return built


@pytest.fixture
def clock(tmp_path):
    return Clock(tmp_path / "clock")


class Service:
    """A service whose store is a Redis with another clock, and the ledger of what it has paid."""

    def __init__(self, http, ledger):
        self.http, self.ledger = http, ledger

    def declare(self):
        return self.http.put("/v1/runs/r", json=RUN).status_code

    def put(self, group, n):
        body = ROLLOUTS[n] | {"question": QUESTION}
        return self.http.put(f"/v1/runs/r/groups/{group}/rollouts/{n}", json=body)

    def complete(self, group):
        return [self.put(group, n) for n in range(3)][-1]

    def read(self, group):
        reply = self.http.get(f"/v1/runs/r/groups/{group}")
        return reply.status_code, reply.content

    def tick(self):
        """Wait until the background work has been done once more."""
        last = self._ticks() + 1  # the one under way may have begun before
        until(lambda: self._ticks() > last, "the background work is done")

    def _ticks(self):
        listed = 'group_store_operation_seconds_count{end="done",operation="open_groups"} '
        return float(self.http.get("/metrics").text.partition(listed)[2].partition("\n")[0] or 0)

    def paid(self):
        """Return how often the ledger has each group."""
        lines = self.ledger.read_text(encoding="utf-8").splitlines()
        return Counter(json.loads(line)["group_id"] for line in lines)


@pytest.fixture
def service(tmp_path, shim, clock):
    needed()
    preloaded = {"LD_PRELOAD": str(shim), "SHIFTED_CLOCK": str(clock.file)}
    with RedisServer(tmp_path, **preloaded) as server:
        ledger = tmp_path / "ledger"
        app = create_app(Settings(state_url=server.url, ledger=ledger, canary_interval_s=3600))
        with serving(app) as base, httpx.Client(base_url=base) as http:
            service = Service(http, ledger)
            assert service.declare() == 201
            yield service


@pytest.mark.parametrize("jump", [HOUR, -HOUR])
def test_a_closed_group_stays_as_it_is(service, clock, jump):
    service.complete("g")
    before = service.read("g")

    for seconds in (jump, 0):
        clock.jump(seconds)
        service.tick()
        assert service.read("g") == before
        assert service.complete("g").json()["replayed"] is True

    assert service.paid() == {"g": 1}


def test_forward_an_open_group_is_due_and_later_rollouts_are_told(service, clock):
    service.put("g", 0)
    service.put("g", 1)

    clock.jump(HOUR)
    service.tick()
    status, closed = service.read("g")

    assert (status, json.loads(closed)["status"]) == (200, "partial")
    assert service.put("g", 2).status_code == 409
    clock.jump(0)
    service.tick()
    assert service.read("g") == (status, closed)
    assert service.paid() == {"g": 1}


def test_back_an_open_group_waits_for_its_rollouts(service, clock):
    service.put("g", 0)

    clock.jump(-HOUR)
    service.tick()
    replies = [service.put("g", n) for n in (1, 2)]

    assert [reply.status_code for reply in replies] == [202, 200]
    assert service.put("g", 0).json()["replayed"] is True
    assert service.paid() == {"g": 1}


def test_back_and_forward_again_a_deadline_is_kept(service, clock):
    clock.jump(-HOUR)
    service.put("g", 0)
    service.tick()
    assert json.loads(service.read("g")[1])["status"] == "open"

    clock.jump(0)
    service.tick()

    assert json.loads(service.read("g")[1])["status"] == "partial"


def test_past_the_life_of_a_run_it_is_gone_and_sent_again_it_has_the_same_rewards(service, clock):
    before = service.complete("g").json()

    clock.jump(DAYS)
    gone = service.put("g", 0)

    assert (gone.status_code, gone.json()["type"]) == (404, "urn:reward-service:unknown-run")
    assert service.declare() == 201
    assert service.complete("g").json() == before
