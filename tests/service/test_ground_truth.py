"""Who may read the names of entities of the index."""

import json

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.api.keys import generate
from reward_service.serve.config import Settings
from tests.conftest import serving

SCOPES = {
    "score": ["score"],
    "explain": ["score", "explain"],
    "ingest": ["score", "ingest"],
    "admin": ["admin"],
}
KEYS = {name: generate(name, scopes) for name, scopes in SCOPES.items()}
MAY = ["explain", "ingest", "admin"]
# Zanderheim appears in the question, so it earns nothing and is `masked`.
TRUTH = {
    "question_id": "q",
    "question": "Who follows Zanderheim?",
    "answers": ["nobody"],
    "entities": [{"name": "Zanderheim"}, {"name": "Quillock"}],
}
ROLLOUT = {"rollout_id": "0", "text": "<think>Perhaps Quillock, after Zanderheim.</think><answer>x</answer>"}
INDEXED = {"dataset": "d", "question_id": "q"}
INLINE = {"question": {"text": TRUTH["question"], "answers": TRUTH["answers"], "entities": TRUTH["entities"]}}
GROUP = {"group_id": "g", "rollouts": [ROLLOUT]}
NAMES = ("Zanderheim", "Quillock")


@pytest.fixture(scope="module")
def base(tmp_path_factory):
    folder = tmp_path_factory.mktemp("truth")
    (folder / "keys.yaml").write_text("".join(lines for _, lines in KEYS.values()), encoding="utf-8")
    (folder / "index").mkdir()
    app = create_app(Settings(index=folder / "index", keys=folder / "keys.yaml", canary_interval_s=3600))
    with serving(app) as base:
        reply = httpx.put(
            f"{base}/v1/datasets/d/versions/v1?activate=true",
            content=json.dumps(TRUTH),
            headers=bearer("ingest") | {"Content-Type": "application/x-ndjson"},
        )
        assert reply.status_code == 200
        yield base


def bearer(key):
    return {"Authorization": f"Bearer {KEYS[key][0]}"}


def lines(body):
    return json.dumps(body).encode() + b"\n"


def explained(base, key, question):
    """Every call that shows evidence, asked to show it."""
    run = f"{base}/v1/runs/{key}-{'inline' if 'question' in question else 'indexed'}"
    declared = {"profile": "egrpo", "group_size": 2, "deadline_s": 60, "dataset": "d"}
    member = {name: value for name, value in question.items() if name != "dataset"} | ROLLOUT
    with httpx.Client(headers=bearer(key)) as http:
        http.put(run, json=declared)
        yield http.post(f"{base}/v1/rollouts/explain", json=question | {"rollout": ROLLOUT})
        for path in ("groups/score", "match"):
            yield http.post(f"{base}/v1/{path}", json={"explain": True, "groups": [GROUP | question]})
        yield http.put(f"{run}/groups/g/rollouts/0", params={"explain": True}, json=member)
        yield http.put(f"{run}/groups/g/rollouts/0", params={"explain": True, "purpose": "eval"}, json=member)


def plain(base, key, question):
    """Every call about a question that does not ask for evidence."""
    run = f"{base}/v1/runs/{key}-plain"
    declared = {"profile": "egrpo", "group_size": 2, "deadline_s": 60, "dataset": "d"}
    member = {name: value for name, value in question.items() if name != "dataset"} | ROLLOUT
    with httpx.Client(headers=bearer(key)) as http:
        http.put(run, json=declared)
        for path in ("groups/score", "match"):
            yield http.post(f"{base}/v1/{path}", json={"groups": [GROUP | question]}).json()["groups"][0]
        stream = http.post(
            f"{base}/v1/groups/score/stream",
            content=lines(GROUP | question),
            headers={"Content-Type": "application/x-ndjson"},
        )
        yield json.loads(stream.text)["groups"][0]
        yield http.put(f"{run}/groups/g/rollouts/0", json=member).json()
        yield http.put(f"{run}/groups/g/rollouts/0", params={"purpose": "eval"}, json=member).json()
        yield http.get(f"{run}/groups/g").json()
        yield http.post(f"{run}/groups/g/close").json()


def test_without_the_scope_no_call_explains_a_question_of_the_index(base):
    for reply in explained(base, "score", INDEXED):
        assert (reply.status_code, reply.json()["type"]) == (403, "urn:reward-service:forbidden")
        assert not any(name in reply.text for name in NAMES)


def test_nor_does_a_line_of_a_stream(base):
    reply = httpx.post(
        f"{base}/v1/groups/score/stream",
        params={"explain": True},
        content=lines(GROUP | INDEXED),
        headers=bearer("score") | {"Content-Type": "application/x-ndjson"},
    )

    assert json.loads(reply.text)["type"] == "urn:reward-service:forbidden"
    assert not any(name in reply.text for name in NAMES)


def test_without_the_scope_no_call_names_an_entity_of_the_index(base):
    for reply in plain(base, "score", INDEXED):
        assert (reply["masked"], reply["unmatchable"]) == (None, None)
        assert not any(name in json.dumps(reply) for name in NAMES)


@pytest.mark.parametrize("key", MAY)
def test_with_a_scope_for_it_the_names_are_shown(base, key):
    assert [reply.status_code for reply in explained(base, key, INDEXED)] == [200, 200, 200, 202, 200]
    assert [reply["masked"] for reply in plain(base, key, INDEXED)] == [["Zanderheim"]] * 7


def test_a_question_that_the_caller_sent_is_explained_to_every_key(base):
    assert [reply.status_code for reply in explained(base, "score", INLINE)] == [200, 200, 200, 202, 200]


def test_facts_without_names_are_rewarded_as_they_came(base):
    facts = httpx.post(f"{base}/v1/match", json={"groups": [GROUP | INDEXED]}, headers=bearer("score")).json()

    reply = httpx.post(f"{base}/v1/rewards", json=facts, headers=bearer("score"))

    assert (reply.status_code, reply.json()["groups"][0]["masked"]) == (200, None)
