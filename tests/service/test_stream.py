"""POST /v1/groups/score/stream: lines in, lines out."""

import gzip
import json
import socket

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from reward_service.serve.ledger import read
from tests.builders import EXAMPLE, thinking
from tests.conftest import serving
from tests.redis_server import PATIENCE_S, until
from tests.service.test_limits import in_flight, problem_of, rest

PATH = "/v1/groups/score/stream"
LINES = {"Content-Type": "application/x-ndjson"}
GROUP = EXAMPLE["groups"][0]


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return tmp_path_factory.mktemp("stream") / "ledger.jsonl"


@pytest.fixture(scope="module")
def base(ledger):
    settings = Settings(
        max_body_bytes=100_000, max_inflight_bytes=3_000_000, body_timeout_s=600, ledger=ledger
    )
    with serving(create_app(settings)) as url:
        yield url


@pytest.fixture(scope="module")
def hasty():
    """Hardly waits for the next piece of a body, nor for a caller to read."""
    with serving(create_app(Settings(body_timeout_s=0.5))) as url:
        yield url


def lines_of(*groups):
    return b"".join((one if isinstance(one, bytes) else json.dumps(one).encode()) + b"\n" for one in groups)


def stream(base, body, query="", **headers):
    reply = httpx.post(f"{base}{PATH}{query}", content=body, headers=LINES | headers)
    assert reply.headers["Content-Type"] == "application/x-ndjson"
    return [json.loads(line) for line in reply.text.splitlines()]


def test_each_line_is_what_a_call_with_that_group_alone_gets(base):
    others = [GROUP | {"group_id": str(n)} for n in range(5)]
    wanted = [httpx.post(f"{base}/v1/groups/score", json={"groups": [one]}).json() for one in others]

    assert stream(base, lines_of(*others)) == wanted


def test_a_bad_line_is_a_problem_and_the_stream_goes_on(base):
    replies = stream(base, lines_of(GROUP, b"{", b"", GROUP | {"colour": 1}, {"group_id": "e"}, GROUP))

    types = [one.get("type", "").rpartition(":")[2] for one in replies]
    assert types == ["", "malformed-json", "invalid-request", "invalid-request", ""]
    assert replies[0] == replies[-1]


def test_the_query_holds_for_every_line(base):
    aborted = GROUP | {"rollouts": [*GROUP["rollouts"], thinking("3", "x", stop_reason="aborted")]}

    (reply,) = stream(base, lines_of(aborted), "?profile=grpo&estimator=rloo&policy=survivors&explain=true")

    assert (reply["profile"]["name"], reply["estimator"]["type"]) == ("grpo", "rloo")
    assert reply["groups"][0]["status"] == "partial"
    assert reply["groups"][0]["rollouts"][0]["matches"]


@pytest.mark.parametrize(
    ("query", "status", "slug"),
    [
        ("?profile=best", 404, "unknown-profile"),
        ("?colour=red", 422, "invalid-request"),
        ("?min_scored=0", 422, "invalid-request"),
        ("?explain=canary-4711", 422, "invalid-request"),
    ],
)
def test_a_query_that_does_not_fit_is_a_problem(base, query, status, slug):
    reply = httpx.post(f"{base}{PATH}{query}", content=b"", headers=LINES)

    assert (reply.status_code, reply.json()["type"]) == (status, f"urn:reward-service:{slug}")
    assert "canary" not in reply.text


@pytest.mark.parametrize("media_type", ["text/plain", "application/octet-stream"])
def test_another_media_type_is_415(base, media_type):
    reply = httpx.post(f"{base}{PATH}", content=b"", headers={"Content-Type": media_type})

    assert reply.status_code == 415


def test_the_items_of_an_array_are_answered_as_lines_are(base):
    groups = [GROUP | {"group_id": str(n)} for n in range(3)]
    array = json.dumps([*groups[:2], {"group_id": "e"}, groups[2]], indent=1).encode()
    json_array = {"Content-Type": "application/json"}

    replies = stream(base, array, **json_array)

    assert [*replies[:2], replies[3]] == stream(base, lines_of(*groups))
    assert replies[2]["detail"] == "Field required at /rollouts"
    assert len(stream(base, gzip.compress(array), **json_array, **{"Content-Encoding": "gzip"})) == 4


def test_an_object_is_no_array_of_groups(base):
    (reply,) = stream(base, json.dumps(GROUP).encode(), **{"Content-Type": "application/json"})

    assert (reply["type"], reply["detail"]) == (
        "urn:reward-service:malformed-json",
        "the body must be a JSON array of groups",
    )


def test_a_last_line_without_an_end_and_compression(base):
    body = lines_of(GROUP, GROUP)[:-1]

    assert len(stream(base, body)) == 2
    assert stream(base, gzip.compress(body), **{"Content-Encoding": "gzip"}) == stream(base, body)


def test_the_whole_may_be_larger_than_any_limit(base):
    text = thinking("0", "x" * 50_000, outcome="wrong")
    line = lines_of({"group_id": "g", "question": {"entities": [{"name": "Quillock"}]}, "rollouts": [text]})

    def body():
        for _ in range(100):
            yield line

    with httpx.stream("POST", f"{base}{PATH}", content=body(), headers=LINES) as reply:
        assert sum(1 for _ in reply.iter_lines()) == 100
    until(lambda: in_flight(base) == 0, "nothing is in flight")


def test_a_line_over_the_limit_ends_the_stream_with_a_problem(base):
    replies = stream(base, lines_of(GROUP, b"x" * 200_000, GROUP))

    assert [one.get("status") for one in replies] == [None, 413]


def test_a_stream_that_stops_coming_ends_with_a_problem(hasty):
    host, port = hasty.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        line = lines_of(GROUP)
        connection.sendall(
            f"{head}Transfer-Encoding: chunked\r\n\r\n{len(line):x}\r\n".encode() + line + b"\r\n"
        )
        first = connection.recv(65536)
        said = first + rest(connection)

    assert said.startswith(b"HTTP/1.1 200")
    assert b'"engine"' in said
    assert b"urn:reward-service:slow-body" in said
    until(lambda: in_flight(hasty) == 0, "nothing is in flight")


def send_for_ever(connection, line):
    while True:
        connection.sendall(line)


def test_a_caller_that_does_not_read_is_cut_off(hasty):
    host, port = hasty.removeprefix("http://").split(":")
    many = {"group_id": "g", "question": {}, "rollouts": [thinking(str(n), "x") for n in range(400)]}
    line = lines_of(many)
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/x-ndjson\r\n"
        connection.sendall(f"{head}Content-Length: {10**9}\r\n\r\n".encode())
        with pytest.raises(OSError, match=r"reset|pipe"):
            send_for_ever(connection, line)
    until(lambda: in_flight(hasty) == 0, "nothing is in flight")


def test_streamed_groups_are_in_the_ledger(base, ledger):
    before = sum(1 for _ in read(ledger))

    stream(base, lines_of(GROUP, b"{", GROUP))

    assert sum(1 for _ in read(ledger)) == before + 2


def test_the_door_is_the_same(base):
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(
            f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nX-Request-Timeout-Ms: x\r\n\r\n".encode()
        )
        answer = connection.recv(65536)

    assert problem_of(answer)[:2] == (400, "malformed-header")
