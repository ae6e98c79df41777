"""Data sets over HTTP, into a folder and into a Redis."""

import threading

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.redis_server import RedisServer, needed

NDJSON = {"Content-Type": "application/x-ndjson"}
LINES = (
    '{"id": "q1", "question": "Who found radium?", "answer": "x", "entities": ["Zanderheim", "Quillock"]}\n'
    '{"id": "a/b?", "question": "Why?", "entities": [{"name": "Radium", "id": 1128}]}\n'
    "{\n"
)
PATH = "/v1/datasets/mine/versions/v1"


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    needed()
    with RedisServer(tmp_path_factory.mktemp("redis")) as running:
        yield running


@pytest.fixture(params=["folder", "redis"])
def client(request, tmp_path):
    """A client of a service with an empty index that follows other processes once an hour."""
    where = {"index": tmp_path}
    if request.param == "redis":
        server = request.getfixturevalue("redis")
        with server.client() as redis:
            redis.flushall()
        where = {"index_url": server.url}
    settings = Settings(**where, index_follow_s=3600, max_body_bytes=10_000, max_ingest_bytes=3_000_000)
    with serving(create_app(settings)) as base, httpx.Client(base_url=base) as found:
        yield found


def put(client, lines=LINES, path=PATH, **query):
    return client.put(path, content=lines, headers=NDJSON, params=query)


def problem(reply):
    return reply.status_code, reply.json()["type"].rpartition(":")[2]


def test_a_version_is_taken_in_with_a_report(client):
    report = put(client).json()

    assert (report["read"], report["kept"], report["entities"], report["active"]) == (3, 2, 3, False)
    assert report["refused"] == {"not JSON": {"count": 1, "lines": [3]}}
    assert client.get("/v1/datasets/mine").json() == {
        "name": "mine",
        "active": None,
        "versions": [
            {
                "version": "v1",
                "active": False,
                "questions": 2,
                "digest": report["digest"],
                "codec": 1,
                "fold": 3,
            }
        ],
    }


def test_the_same_again_changes_nothing_and_other_content_is_refused(client):
    first, again = put(client), put(client)
    other = put(client, LINES.splitlines()[0])

    assert first.json() == again.json()
    assert problem(other) == (409, "version-conflict")
    assert "'v1' of data set 'mine' already exists with different content" in other.json()["detail"]


def test_activation_is_seen_at_once_and_rolls_back(client):
    put(client, activate=True)
    put(client, LINES.replace("Quillock", "Radium"), "/v1/datasets/mine/versions/v2")

    def names():
        found = client.get("/v1/datasets/mine/questions/q1").json()
        return found["index"]["version"], [entity["name"] for entity in found["question"]["entities"]]

    seen = [names()]
    for version in ("v2", "v1"):
        reply = client.post(f"/v1/datasets/mine/versions/{version}/activate")
        assert reply.json() == {"name": "mine", "active": version}
        seen.append(names())
    assert seen == [
        ("v1", ["Zanderheim", "Quillock"]),
        ("v2", ["Zanderheim", "Radium"]),
        ("v1", ["Zanderheim", "Quillock"]),
    ]


def test_any_question_can_be_asked_for(client):
    put(client)

    found = client.get("/v1/datasets/mine@v1/questions/a%2Fb%3F").json()

    assert found["question"] == {
        "question_id": "a/b?",
        "question": "Why?",
        "entities": [{"id": "1128", "name": "Radium"}],
    }


def test_what_was_taken_in_is_scored_with(client):
    put(client, activate=True)
    rollout = {
        "rollout_id": "0",
        "outcome": "wrong",
        "steps": [{"type": "thought", "text": "Quillock, I think."}],
    }
    group = {"group_id": "g", "dataset": "mine", "question_id": "q1", "rollouts": [rollout]}

    reply = client.post("/v1/groups/score", json={"profile": "egrpo-paper", "groups": [group]}).json()

    assert reply["groups"][0]["rollouts"][0]["match_rate"] == 0.5


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("/v1/datasets/nope", (404, "unknown-dataset")),
        ("/v1/datasets/nope/questions/q1", (404, "unknown-dataset")),
        ("/v1/datasets/mine/questions/q1", (404, "unknown-dataset")),
        ("/v1/datasets/mine@v9/questions/q1", (404, "unknown-dataset")),
        ("/v1/datasets/mine@v1/questions/q9", (404, "unknown-question")),
    ],
)
def test_what_is_unknown_is_told_apart(client, path, found):
    put(client)

    assert problem(client.get(path)) == found


@pytest.mark.parametrize(
    ("lines", "path", "query", "found"),
    [
        ("", PATH, {}, "no line contained a usable question: the input is empty"),
        ("{\n", PATH, {}, "no line contained a usable question: not JSON"),
        (LINES, PATH, {"strict": True}, "line 3: not JSON"),
        (LINES, PATH, {"reader": "nope"}, "known readers: jsonl, kilt"),
        (LINES, "/v1/datasets/.mine/versions/v1", {}, None),
        (LINES, PATH, {"activate": "perhaps"}, None),
    ],
)
def test_what_cannot_be_taken_in_leaves_nothing(client, lines, path, query, found):
    reply = put(client, lines, path, **query)

    assert problem(reply) == (422, "invalid-request")
    assert found is None or found in reply.json()["detail"]
    assert client.get("/v1/datasets").json() == {"datasets": []}


def test_a_body_over_the_limit_is_refused(client):
    assert problem(put(client, LINES * 20_000)) == (413, "body-too-large")


def test_a_data_set_may_be_larger_than_other_bodies(client):
    lines = "".join(f'{{"id": "q{n}", "question": "Who is {n}?"}}\n' for n in range(2_000))

    assert put(client, lines).json()["kept"] == 2_000
    assert put(client, (line.encode() for line in lines.splitlines(keepends=True))).json()["kept"] == 2_000


@pytest.mark.parametrize("media_type", ["application/json", "text/plain", ""])
def test_the_body_must_be_declared_as_lines(client, media_type):
    reply = client.put(PATH, content=LINES, headers={"Content-Type": media_type})

    assert problem(reply) == (415, "unsupported-media-type")


def test_one_data_set_is_taken_in_at_a_time(client):
    begun, go_on = threading.Event(), threading.Event()
    replies = []

    def slowly():
        yield LINES.encode()
        begun.set()
        assert go_on.wait(10)

    slow = threading.Thread(target=lambda: replies.append(put(client, slowly())))
    slow.start()
    assert begun.wait(10)
    second = _until_busy(client)
    go_on.set()
    slow.join()

    assert (problem(second), second.headers["Retry-After"]) == ((503, "ingest-busy"), "30")
    assert replies[0].status_code == 200
    assert put(client).status_code == 200


def _until_busy(client):
    """Ask until the slow body's first bytes have arrived at the service."""
    for n in range(1000):
        reply = put(client, path=f"/v1/datasets/other/versions/v{n}")
        if reply.status_code != 200:
            return reply
    raise AssertionError("it never became busy")


def test_a_service_without_an_index_has_no_data_sets():
    with serving(create_app(Settings(index=None))) as base, httpx.Client(base_url=base) as client:
        assert problem(put(client)) == (404, "unknown-dataset")
        assert problem(client.get("/v1/datasets/mine")) == (404, "unknown-dataset")
        assert problem(client.get("/v1/datasets/mine/questions/q1")) == (404, "unknown-dataset")
