"""What callers send is nowhere but where it has to be: a service with a real Redis, and a canary in everything.

Every command that Redis is sent is watched, and every key is read at the end; so are the log at its most talkative, the
metrics page, the ledger and every answer.
"""

import itertools
import json
import re
from contextlib import closing
from dataclasses import dataclass

import httpx
import pytest

from entity_index.codec import encode
from entity_index.push import push
from entity_index.stores.connection import connect
from entity_index.stores.memory import MemoryCatalogue
from entity_index.stores.redis import RedisCatalogue
from entity_index.types import Entity, Question
from reward_service.api.keys import generate
from tests.faults.conftest import Replica
from tests.redis_server import PATIENCE_S, RedisServer, needed, until

THOUGHT, TOOL, TEXT, ANSWER, ENTITY, ALIAS, MASKED, SIGNAL, WRONG, WRONG_KEY, FIELD = CANARIES = [
    f"canary-{name}"
    for name in "thought tool text answer entity alias masked signal wrong wrongkey field".split()  # noqa: SIM905
]
INDEXED = "canary-indexed"
QUESTION = {
    "text": f"Who is {TEXT} of {MASKED}?",
    "answers": [ANSWER],
    "entities": [{"name": ENTITY, "aliases": [ALIAS]}, {"name": MASKED}, {"name": "Quillock"}],
}
IN_INDEX = Question(f"{INDEXED} text", (INDEXED,), (Entity(f"{INDEXED} name", (f"{INDEXED} alias",)),), "q0")


def rollout(rollout_id, *, outcome="wrong"):
    steps = [
        {"type": "thought", "text": f"{THOUGHT} {ENTITY} {MASKED} {INDEXED} name"},
        {"type": "tool_response", "text": TOOL},
    ]
    return {
        "rollout_id": rollout_id,
        "outcome": outcome,
        "steps": steps,
        "signals": {SIGNAL: 1.0},
    }


@dataclass
class Place:
    """A service, and everything that can be seen of it."""

    http: httpx.Client
    redis: RedisServer
    key: str
    log: object
    ledger: object

    def state(self):
        """All that Redis keeps, by key."""
        with self.redis.client() as client:
            return {key: _read(client, key) for key in client.scan_iter(count=1000)}


def _read(client, key):
    reads = {
        b"string": client.get,
        b"hash": client.hgetall,
        b"zset": lambda at: client.zrange(at, 0, -1, withscores=True),
        b"set": client.smembers,
        b"list": lambda at: client.lrange(at, 0, -1),
    }
    return reads[client.type(key)](key)


def _fill(url):
    aside = MemoryCatalogue()
    with aside.draft("mine") as draft:
        draft.add("q0", encode(IN_INDEX))
        draft.publish("v1")
    with closing(RedisCatalogue(connect(url, timeout_s=60))) as catalogue:
        push(aside.open("mine", "v1"), catalogue)
        catalogue.activate("mine", "v1")


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    needed()
    folder = tmp_path_factory.mktemp("private")
    key, lines = generate("trainer", ["score", "explain"])
    (folder / "keys.yaml").write_text(lines)
    log, ledger = folder / "log", folder / "ledger.jsonl"
    with RedisServer(folder) as redis:
        _fill(redis.url)
        settings = {
            "index_url": redis.url,
            "index_timeout_s": 60,
            "state_timeout_s": 60,
            "keys": folder / "keys.yaml",
            "ledger": ledger,
            "log_level": "debug",
        }
        replica = Replica(redis.url, log, **settings).start()
        try:
            replica.ready()
            with httpx.Client(
                base_url=f"http://127.0.0.1:{replica.port}",
                timeout=PATIENCE_S,
                headers={"Authorization": f"Bearer {key}"},
            ) as http:
                yield Place(http, redis, key, log, ledger)
        finally:
            replica.stop()


def good_calls():
    """Everything that is answered well: inline and indexed questions, training and evaluation, groups and singles."""
    declared = {"profile": "egrpo", "group_size": 2, "deadline_s": 600, "dataset": "mine"}
    yield "PUT", "/v1/runs/r", declared
    for group_id, question in (("inline", {"question": QUESTION}), ("indexed", {"question_id": "q0"})):
        path = f"/v1/runs/r/groups/{group_id}"
        for rollout_id, query in (
            ("0", "wait_s=0.05"),
            ("0", ""),
            ("1", "explain=true"),
            ("2", "purpose=eval"),
        ):
            yield "PUT", f"{path}/rollouts/{rollout_id}?{query}", rollout(rollout_id) | question
        yield "GET", path, None
        group = {"group_id": group_id, "rollouts": [rollout("0"), rollout("1")]}
        source = question if "question" in question else {"dataset": "mine", **question}
        for explain in (False, True):
            call = {"profile": "egrpo", "explain": explain, "groups": [group | source]}
            yield "POST", "/v1/groups/score", call
            yield "POST", "/v1/match", call
        yield "POST", "/v1/rollouts/explain", {"rollout": rollout("0"), **source}
    yield "PUT", "/v1/runs/r/groups/open/rollouts/0", rollout("0") | {"question": QUESTION}
    yield "GET", "/v1/runs/r/groups", None


def bad_calls():
    """Everything that is refused, with the canary wherever it can stand; the group they meet is there and open."""
    path, member = "/v1/runs/r/groups/open/rollouts/0", rollout("0") | {"question": QUESTION}
    yield "PUT", path, rollout("0", outcome="correct") | {"question": QUESTION}
    yield "PUT", "/v1/runs/r/groups/open/rollouts/1", rollout("1") | {"question": QUESTION | {"text": WRONG}}
    yield "PUT", "/v1/runs/r/groups/inline/rollouts/9", member | {"rollout_id": "9"}
    yield "PUT", "/v1/runs/nowhere/groups/g/rollouts/0", member
    yield "PUT", f"{path}?attempt={WRONG}", member
    yield "PUT", f"{path}?{FIELD}=1", member
    yield "PUT", path, member | {FIELD: WRONG}
    yield "PUT", path, member | {"outcome": WRONG}
    yield "PUT", path, member | {"signals": {FIELD: WRONG}}
    yield "PUT", path, member | {"question": QUESTION | {"entities": [{"name": "?", "aliases": [WRONG]}]}}
    yield "PUT", path, rollout("0") | {"question_id": WRONG, "question": QUESTION}
    yield "PUT", path, json.dumps(member).encode()[:-1]
    yield "PUT", path, f'{{"{FIELD}": 1, "{FIELD}": 2}}'.encode()
    yield "PUT", "/v1/runs/other", {"profile": WRONG, "group_size": 2, "deadline_s": 600}
    yield "PUT", "/v1/runs/other", {"profile": "egrpo", "group_size": 2, "deadline_s": 600, "dataset": WRONG}
    yield "PUT", "/v1/runs/r", {"profile": "egrpo", "group_size": 3, "deadline_s": 600}
    yield "GET", f"/v1/runs/r/groups?limit={WRONG}", None
    yield "POST", "/v1/groups/score", {"profile": WRONG, "groups": []}
    yield "POST", "/v1/groups/score", {"groups": WRONG}
    yield "POST", "/v1/match", WRONG.encode()
    yield (
        "POST",
        "/v1/rollouts/explain",
        {"rollout": rollout("0"), "dataset": "mine", "question_id": "?", FIELD: WRONG},
    )


def send(place, method, path, body, **headers):
    content = body if isinstance(body, bytes) else None if body is None else json.dumps(body).encode()
    return place.http.request(
        method, path, content=content, headers={"Content-Type": "application/json"} | headers
    )


@pytest.fixture(scope="module")
def told(place):
    """Everything has been called; what Redis was sent meanwhile, and the refusals."""
    commands, refusals = [], []
    with place.redis.client() as client, client.monitor() as monitor:
        for call in good_calls():
            reply = send(place, *call)
            assert reply.status_code in (200, 201, 202), (call, reply.text)
        for call in bad_calls():
            reply = send(place, *call)
            assert reply.status_code >= 400, call
            refusals.append(reply)
        for secret in (f"Bearer {WRONG_KEY}", f"Bearer {place.key}{WRONG_KEY}", f"Basic {WRONG_KEY}"):
            refusals.append(send(place, "GET", "/v1/runs/r", None, Authorization=secret))
            assert refusals[-1].status_code == 401
        with place.redis.client() as other:
            other.echo("the end")
        for command in iter(monitor.next_command, None):
            if command["command"].endswith("the end"):
                break
            commands.append(command["command"])
    until(lambda: place.log.read_text().count('"status": 401') == 3, "all of it is logged")
    return commands, refusals


def test_redis_is_sent_facts_and_no_text(place, told):
    commands, _ = told
    sent = "\n".join(commands)

    assert sum("redis.call('SET'" in command for command in commands) >= 5
    assert {canary for canary in CANARIES if canary in sent} == {MASKED, SIGNAL}
    assert INDEXED not in sent  # it is read by id, and never sent back
    assert place.key not in sent


def test_redis_keeps_no_text_beside_the_index(place, told):
    state = place.state()
    owners = {key.partition(b":")[0] for key in state}
    state = {key: value for key, value in state.items() if not key.startswith(b"entity-index:")}
    kept = {
        canary: {
            re.sub(rb"[0-9a-f]{32}", b"*", key)
            for key, value in state.items()
            if canary in repr((key, value))
        }
        for canary in [*CANARIES, INDEXED, place.key]
    }

    assert owners == {b"entity-index", b"reward-service"}
    assert kept.pop(MASKED) == kept.pop(SIGNAL) == {b"reward-service:{*}:group:*"}
    assert set(itertools.chain(*kept.values())) == set()


def test_a_group_keeps_only_the_names_of_entities_that_earn_nothing_and_of_signals(place, told):
    blobs = [value for key, value in place.state().items() if b":group:" in key]
    assert len(blobs) == 3
    for state in map(json.loads, blobs):
        masked, unmatchable = state.pop("masked"), state.pop("unmatchable")
        at = state["columns"].index("signals")
        signals = [row.pop(at) for row in state["rows"]]
        assert masked in ([], [MASKED])
        assert unmatchable == []
        assert signals == [{SIGNAL: 1.0}] * len(signals)
        assert "canary" not in json.dumps(state)


@pytest.mark.parametrize("name", ["log", "ledger", "metrics"])
def test_nothing_is_logged_recorded_or_counted(place, told, name):
    page = place.http.get("/metrics").text if name == "metrics" else getattr(place, name).read_text()

    assert len(page) > 1000
    names = SIGNAL if name == "ledger" else "nothing"
    assert "canary-" not in page.replace(names, "")
    assert place.key not in page
    assert place.key.split("_", 2)[2] not in page


def test_a_refusal_repeats_nothing_but_names_of_fields(place, told):
    _, refusals = told
    assert sum(FIELD in reply.text for reply in refusals) == 4
    for reply in refusals:
        assert "canary-" not in reply.text.replace(FIELD, "") + str(reply.headers)
        assert place.key not in reply.text
