"""Replicas that share a judge's answers: who asks, who pays, and what is left when a process dies."""

import asyncio
import json
import signal
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from reward_service.core.profiles import shipped
from reward_service.serve.ledger import read
from reward_service.serve.ledger_audit import verify
from tests.fault_judge import FaultJudge, judging
from tests.faults.conftest import Replica
from tests.redis_server import RedisServer, needed, until

ANSWER = "She was born in Lima, in a house called Wuthering-Canary"
QUESTION = {"text": "Where was she born?", "answers": ["Lima"], "entities": [{"name": "Zanderheim"}]}
RUN = {"profile": "egrpo-judged", "group_size": 1, "deadline_s": 600}


class Gate(FaultJudge):
    """A judge whose replies wait until they are let through."""

    def __init__(self):
        super().__init__()
        self.open = True

    async def complete(self, request):
        reply = await super().complete(request)
        while not self.open:  # noqa: ASYNC110  # it is opened by another thread
            await asyncio.sleep(0.01)
        return reply


class Place:
    def __init__(self, judge, state, cache, replicas):
        self.judge, self.state, self.cache, self.replicas = judge, state, cache, replicas

    def put(self, replica, run, answer=ANSWER):
        steps = [{"type": "thought", "text": "I found Zanderheim."}, {"type": "answer", "text": answer}]
        url = f"http://127.0.0.1:{replica.port}/v1/runs/{run}"
        with httpx.Client(timeout=60) as http:
            assert http.put(url, json=RUN).status_code in {200, 201}
            return http.put(f"{url}/groups/g/rollouts/0", json={"steps": steps, "question": QUESTION})

    def kept(self):
        with self.cache.client() as client:
            return {key: client.get(key) for key in client.keys("*judgement*") if not key.endswith(b":busy")}


@pytest.fixture(scope="module")
def shared(tmp_path_factory):
    needed()
    judge, folder = Gate(), tmp_path_factory.mktemp("judges")
    (folder / "state").mkdir()
    (folder / "cache").mkdir()
    with (
        judging(judge) as url,
        RedisServer(folder / "state") as state,
        RedisServer(folder / "cache") as cache,
    ):
        backends = folder / "backends.yaml"
        backends.write_text(
            json.dumps([{"name": "local", "serves": {"judge": "judge"}, "url": url, "flavour": "vllm"}])
        )
        settings = {
            "judge_cache_url": cache.url,
            "backends": backends,
            "judge_canary_interval_s": 0,
            "state_timeout_s": 30,
        }
        replicas = [
            Replica(state.url, folder / f"{n}.log", ledger=folder / f"{n}.ledger", **settings).start()
            for n in range(2)
        ]
        try:
            for replica in replicas:
                replica.ready()
            yield Place(judge, state, cache, replicas)
        finally:
            for replica in replicas:
                replica.stop()


@pytest.fixture
def place(shared):
    with shared.cache.client() as client:
        client.flushall()
    shared.judge.fails(None)
    return shared


def test_two_replicas_with_the_same_ask_make_one_request(place):
    answer = f"{ANSWER} 1"
    place.judge.open = False
    with ThreadPoolExecutor(2) as pool:
        replies = [
            pool.submit(place.put, replica, f"same-{n}", answer) for n, replica in enumerate(place.replicas)
        ]
        until(lambda: place.judge.asked == 1, "the judge is asked")
        place.judge.open = True
        found = [reply.result(60).json()["rollout"] for reply in replies]

    assert [one["outcome"] for one in found] == ["correct", "correct"]
    assert found[0]["judgements"] == found[1]["judgements"]
    assert place.judge.asked == 1


def test_a_verdict_that_came_is_not_asked_for_again_after_a_kill(place):
    replica, answer = place.replicas[0], f"{ANSWER} 2"
    place.judge.open = False
    with ThreadPoolExecutor(1) as pool:
        reply = pool.submit(place.put, replica, "killed", answer)
        until(lambda: place.judge.asked == 1, "the judge is asked")
        place.state.signal(signal.SIGSTOP)  # so that the rollout cannot be stored, nor the call answered
        place.judge.open = True
        until(place.kept, "the verdict is kept")
        replica.stop(signal.SIGKILL)
        place.state.signal(signal.SIGCONT)
        with pytest.raises(httpx.TransportError):
            reply.result(60)

    again = place.put(place.replicas[1], "killed", answer)
    replica.start()
    replica.ready()

    assert again.json()["rollout"]["outcome"] == "correct"
    assert place.judge.asked == 1


def test_what_is_kept_has_no_text_of_the_rollout(place):
    place.put(place.replicas[0], "private", ANSWER)

    with place.cache.client() as cache, place.state.client() as state:
        stored = [
            client.get(key)
            for client in (cache, state)
            for key in client.keys("*run*") + client.keys("*judge*")
        ]
    written = [replica.log.read_bytes() for replica in place.replicas]
    written += [path.read_bytes() for path in place.replicas[0].log.parent.glob("*.ledger")]
    assert place.kept()
    assert not any(b"Canary" in one for one in (*filter(None, stored), *written))


def test_the_ledger_is_verified_with_the_judge_gone(place):
    place.put(place.replicas[0], "recorded", f"{ANSWER} 3")

    path = place.replicas[0].log.with_suffix(".ledger")
    lines = [json.loads(line[: line.rindex(b"}") + 1]) for line in read(path)]
    profile = shipped()["egrpo-judged"]
    findings = verify(read(path), {profile.digest: profile})
    assert findings
    assert all(finding.problem is None for finding in findings)
    assert lines[-1]["v"] == 2
    assert lines[-1]["rollouts"][0]["judgements"][0]["value"] == "correct"
