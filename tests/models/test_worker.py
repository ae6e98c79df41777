"""A worker in a process of its own, a model in the service's process, and what a killed worker does to rewards."""

import json
import os
import signal
import subprocess
import sys
import threading
from contextlib import ExitStack

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.redis_server import free_port, until
from tests.service.test_judges import QUESTION, answering

PATIENCE_S = 120


class Process:
    """A worker, always on the same port."""

    def __init__(self, file, log):
        self.port, self.log, self.process = free_port(), log, None
        self._command = [sys.executable, "-m", "reward_service", "worker", "own", "--backends", str(file)]

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def start(self):
        with self.log.open("ab") as log:
            command = [*self._command, "--port", str(self.port), "--device", "cpu"]
            self.process = subprocess.Popen(command, stdout=log, stderr=log, env=os.environ)
        until(self.is_ready, "the worker is ready", patience_s=PATIENCE_S)
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"{self.url}/health").status_code == 200
        except httpx.TransportError:
            return False

    def stop(self, number=signal.SIGTERM):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def entry(tiny):
    folder, digest = tiny
    spec = {"folder": str(folder), "digest": digest, "buckets": [32, 64, 128], "device": "cpu"}
    return {"name": "own", "serves": {"equivalence": "tiny"}, "torch": spec}


@pytest.fixture(scope="module")
def process(entry, tmp_path_factory):
    folder = tmp_path_factory.mktemp("worker")
    (folder / "own.yaml").write_text(json.dumps([entry]))
    one = Process(folder / "own.yaml", folder / "log").start()
    yield one
    if one.process.poll() is None:
        one.stop(signal.SIGKILL)


@pytest.fixture
def services(tmp_path):
    """Start a service with one backend; return a client of it."""
    with ExitStack() as stack:

        def start(backend):
            file = tmp_path / f"{len(list(tmp_path.iterdir()))}.yaml"
            file.write_text(json.dumps([backend]))
            base = stack.enter_context(serving(create_app(Settings(backends=file, canary_interval_s=3600))))
            http = stack.enter_context(httpx.Client(base_url=base, timeout=120))
            until(lambda: http.get("/readyz").status_code == 200, "it is ready", patience_s=PATIENCE_S)
            return http

        yield start


def remote(url):
    return {"name": "remote", "serves": {"equivalence": "tiny"}, "url": url, "flavour": "tei", "timeout_s": 5}


def score(http, *answers):
    rollouts = [answering(str(n), answer) for n, answer in enumerate(answers)]
    group = {"group_id": "g", "question": QUESTION, "rollouts": rollouts}
    body = {"profile": "egrpo-equivalence", "groups": [group], "partial": {"policy": "survivors"}}
    return http.post("/v1/groups/score", json=body)


def rollouts(reply):
    assert reply.status_code == 200, reply.text
    return reply.json()["groups"][0]["rollouts"]


def values(rollout):
    return [one["value"] for one in rollout["judgements"]]


ANSWERS = [f"w{n} w{n + 1}" for n in range(24)]


def test_a_worker_and_a_model_in_the_process_give_the_same_bits(process, services, entry):
    own = rollouts(score(services(entry), *ANSWERS))
    theirs = rollouts(score(services(remote(process.url)), *ANSWERS))

    assert [values(one) for one in own] == [values(one) for one in theirs]
    assert [one["reward"] for one in own] == [one["reward"] for one in theirs]
    assert all(one["status"] == "scored" for one in own)


def test_a_service_says_which_model_it_has_and_what_it_computes(services, entry):
    http = services(entry)
    rollouts(score(http, *ANSWERS))
    page = http.get("/metrics").text

    assert http.get("/v1/info").json()["backends"][0]["flavour"] == "torch"
    assert f'reward_service_model_items_total{{backend="own",result="ok"}} {len(ANSWERS)}.0' in page


def test_a_killed_worker_invents_nothing_and_is_used_again_when_it_is_back(process, services, entry):
    truth = {
        answer: (values(one), one["reward"])
        for answer, one in zip(ANSWERS, rollouts(score(services(entry), *ANSWERS)), strict=True)
    }
    http = services(remote(process.url))
    seen, killed = [], threading.Event()

    def load(answers):
        for answer in answers:
            seen.append((answer, score(http, answer)))
            if len(seen) > 4:
                killed.set()

    threads = [threading.Thread(target=load, args=(ANSWERS[n::3],)) for n in range(3)]
    for thread in threads:
        thread.start()
    killed.wait(PATIENCE_S)
    process.stop(signal.SIGKILL)
    for thread in threads:
        thread.join()

    ends = [end(truth, answer, reply) for answer, reply in seen]
    print(f"\nworker killed under load: { ({one: ends.count(one) for one in set(ends)}) }")
    assert set(ends) <= {"right", "backend_failed", "backend-unavailable"}
    assert len(ends) == len(ANSWERS)
    assert ends.count("right") < len(ANSWERS)

    process.start()
    until(lambda: score(http, *ANSWERS).status_code == 200, "it is asked again", patience_s=60)
    again = rollouts(score(http, *ANSWERS))
    assert [(values(one), one["reward"]) for one in again] == list(truth.values())


def end(truth, answer, reply):
    if reply.status_code == 503:
        return reply.json()["type"].rpartition(":")[2]
    [one] = rollouts(reply)
    if one["status"] == "scored":
        assert (values(one), one["reward"]) == truth[answer]
        return "right"
    assert (one["reward"], one["outcome"]) == (None, None)
    return one["status"]


def test_a_worker_without_its_model_ends_with_a_sentence(entry, tmp_path):
    spec = entry["torch"] | {"digest": f"sha256:{'0' * 64}"}
    (tmp_path / "own.yaml").write_text(json.dumps([entry | {"torch": spec}]))
    command = [
        sys.executable,
        "-m",
        "reward_service",
        "worker",
        "own",
        "--backends",
        str(tmp_path / "own.yaml"),
    ]
    done = subprocess.run(
        [*command, "--port", "0"], capture_output=True, text=True, check=False, timeout=PATIENCE_S
    )

    assert done.returncode == 1
    assert "has the digest" in done.stdout + done.stderr
