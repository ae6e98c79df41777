"""Floods, over raw sockets and with a client: every one has an answer, and health answers meanwhile."""

import gzip
import json
import re
import socket
from contextlib import ExitStack, contextmanager, suppress

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.api.encodings import zstd
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.conftest import serving
from tests.redis_server import PATIENCE_S, until

JSON = {"Content-Type": "application/json"}
LIMITS = Settings(
    max_body_bytes=1_000_000,
    max_decoded_bytes=2_000_000,
    max_inflight_bytes=3_000_000,
    max_inflight_bytes_per_run=1_500_000,
    max_requests=4,
    max_requests_per_run=1,
    max_queue=0,
    max_json_depth=20,
    header_timeout_s=600,
    body_timeout_s=600,
    canary_interval_s=3600,
)


LIMITED_HEADERS_S = 3


@pytest.fixture(scope="module")
def base():
    with serving(create_app(LIMITS)) as url:
        yield url


@pytest.fixture(scope="module")
def flooded():
    """The same limits, for tests that count what is in flight."""
    with serving(create_app(LIMITS)) as url:
        yield url


@pytest.fixture(scope="module")
def hasty_with_headers():
    """Waits for headers only as long as a test needs to send the next piece."""
    with serving(create_app(LIMITS.model_copy(update={"header_timeout_s": LIMITED_HEADERS_S}))) as url:
        yield url


@pytest.fixture(scope="module")
def hasty_with_bodies():
    """Hardly waits for a body, for tests in which none comes."""
    with serving(create_app(LIMITS.model_copy(update={"body_timeout_s": 0.2}))) as url:
        yield url


@contextmanager
def connected(base):
    host, port = base.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        yield connection


def rest(connection):
    """Everything the server still says, until it closes."""
    said = b""
    while piece := connection.recv(65536):
        said += piece
    return said


def said_after(connection, data):
    """Everything the server still says after some bytes."""
    connection.sendall(data)
    return rest(connection)


def head(**more):
    lines = ["POST /v1/groups/score HTTP/1.1", "Host: localhost", "Content-Type: application/json"]
    lines += [f"{name.replace('_', '-')}: {value}" for name, value in more.items()]
    return ("\r\n".join(lines) + "\r\n\r\n").encode()


def problem_of(answer):
    header, _, body = answer.partition(b"\r\n\r\n")
    return (
        int(header.split()[1]),
        json.loads(body)["type"].removeprefix("urn:reward-service:"),
        header.lower(),
    )


def number(base, name):
    page = httpx.get(f"{base}/metrics").text
    return int(float(page.split(f"\nreward_service_{name} ")[1].split("\n")[0]))


def in_flight(base):
    return number(base, "in_flight_requests")


def test_headers_that_do_not_come_close_the_connection(hasty_with_headers):
    with connected(hasty_with_headers) as slow, connected(hasty_with_headers) as idle:
        slow.sendall(b"POST /v1/groups/score HTTP/1.1\r\nHost: localhost\r\n")
        assert rest(idle).startswith(b"HTTP/1.1 408")
        assert rest(slow).startswith(b"HTTP/1.1 408")


def test_a_kept_alive_connection_is_held_to_the_clock_again(hasty_with_headers):
    with connected(hasty_with_headers) as connection:
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost: localhost\r\n\r\n")
        assert b"ok" in connection.recv(65536)
        connection.sendall(b"GET /livez HTTP/1.1\r\nHost:")
        assert rest(connection).startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("framing", [{"Content_Length": 1000}, {"Transfer_Encoding": "chunked"}])
def test_a_body_that_does_not_come_is_408(hasty_with_bodies, framing):
    with connected(hasty_with_bodies) as connection:
        connection.sendall(head(**framing) + (b"" if "Content_Length" in framing else b"5\r\n{    \r\n"))
        status, slug, header = problem_of(rest(connection))

    assert (status, slug) == (408, "slow-body")
    assert b"connection: close" in header


def test_a_deadline_that_passes_while_the_body_arrives_is_504_with_the_stage(base):
    with connected(base) as connection:
        connection.sendall(head(Content_Length=1000, X_Request_Timeout_Ms=50))
        answer = rest(connection)

    assert problem_of(answer)[:2] == (504, "deadline-exceeded")
    assert b'"stage":"receive"' in answer


def test_a_deadline_that_has_passed_stops_the_work(base):
    reply = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE, headers={"X-Request-Timeout-Ms": "0"})

    assert (reply.status_code, reply.json()["stage"]) == (504, "receive")


@pytest.mark.parametrize("sent", ["soon", "-1", "1.5", "", "9" * 40, "١"])
def test_a_timeout_that_is_no_number_is_400(base, sent):
    headers = {"X-Request-Timeout-Ms": sent.encode()}
    reply = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE, headers=headers)

    assert (reply.status_code, reply.json()["type"]) == (400, "urn:reward-service:malformed-header")


def test_a_body_over_the_limit_is_refused_unread(base):
    with connected(base) as connection:
        connection.sendall(head(Content_Length=10**9))
        status, slug, header = problem_of(rest(connection))

    assert (status, slug) == (413, "body-too-large")
    assert b"connection: close" in header


def test_a_body_that_grows_over_the_limit_is_refused(base):
    def pieces():
        for _ in range(50):
            yield b" " * 50_000

    reply = httpx.post(f"{base}/v1/groups/score", content=pieces(), headers=JSON)

    assert (reply.status_code, reply.json()["type"]) == (413, "urn:reward-service:body-too-large")


@pytest.mark.parametrize(("encoding", "pack"), [("gzip", gzip.compress), ("zstd", zstd.compress)])
def test_compressed_bodies(base, encoding, pack):
    headers = JSON | {"Content-Encoding": encoding}
    plain = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE)

    reply = httpx.post(f"{base}/v1/groups/score", content=pack(json.dumps(EXAMPLE).encode()), headers=headers)
    bomb = httpx.post(f"{base}/v1/groups/score", content=pack(b" " * 100_000_000), headers=headers)
    damaged = httpx.post(f"{base}/v1/groups/score", content=pack(b"{}")[:-1], headers=headers)

    assert reply.json() == plain.json()
    assert (bomb.status_code, bomb.json()["type"]) == (413, "urn:reward-service:body-too-large")
    assert (damaged.status_code, damaged.json()["type"]) == (400, "urn:reward-service:malformed-encoding")


def test_another_encoding_is_415_and_says_what_is_known(base):
    reply = httpx.post(f"{base}/v1/groups/score", content=b"", headers=JSON | {"Content-Encoding": "br"})

    assert (reply.status_code, reply.headers["Accept-Encoding"]) == (415, "gzip, zstd")


@pytest.mark.parametrize("deep", [b"[" * 30 + b"]" * 30, b'{"a":' * 30 + b"1" + b"}" * 30, b"[" * 500_000])
def test_depth_is_400(base, deep):
    reply = httpx.post(f"{base}/v1/groups/score", content=deep, headers=JSON)

    assert (reply.status_code, reply.json()["type"]) == (400, "urn:reward-service:malformed-json")


def test_depth_inside_a_message_is_400_too(base):
    call = {"group_id": "g", "question": {}, "rollouts": [{"rollout_id": "0", "messages": [1]}]}
    body = json.dumps({"groups": [call]}).replace("[1]", "[" * 20 + "]" * 20)

    reply = httpx.post(f"{base}/v1/groups/score", content=body, headers=JSON)

    assert (reply.status_code, reply.json()["type"]) == (400, "urn:reward-service:malformed-json")


def test_many_headers_are_431(base):
    headers = {f"x-{n}": "1" for n in range(200)}
    reply = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE, headers=headers)

    assert (reply.status_code, reply.json()["type"]) == (431, "urn:reward-service:too-many-headers")


@pytest.mark.parametrize("start", ["X-Long: ", "GET /v1/info?"])
def test_headers_that_do_not_end_are_cut_by_their_bytes(base, start):
    request = "" if start.startswith("GET") else "POST /v1/groups/score HTTP/1.1\r\nHost: x\r\n"
    with connected(base) as connection:
        connection.sendall((request + start).encode())
        with suppress(
            ConnectionError
        ):  # it is closed while bytes are on their way, so the answer may be lost
            for _ in range(100):
                connection.sendall(b"x" * 10_000)
            assert rest(connection).startswith((b"HTTP/1.1 431", b"HTTP/1.1 400"))


@pytest.mark.parametrize("line", [f"X-Long: {'x' * 70_000}", f"X-Run-Id: {'r' * 70_000}"])
def test_long_headers_that_end_are_431_too(base, line):
    with connected(base) as connection:
        connection.sendall(head()[:-2] + line.encode() + b"\r\n\r\n")
        answer = rest(connection)

    assert answer.startswith(b"HTTP/1.1 431")


def test_trailers_are_bounded_like_headers(base):
    with connected(base) as connection:
        connection.sendall(head(Transfer_Encoding="chunked") + b"2\r\n{}\r\n0\r\nX-Long: ")
        with pytest.raises(ConnectionError):
            said_after(connection, b"x" * 1_000_000)


@pytest.fixture(scope="module")
def unread():
    """Waits a second for a caller to read."""
    with serving(create_app(Settings(keep_alive_s=1, canary_interval_s=3600))) as url:
        yield url


@pytest.mark.parametrize("connection_header", ["keep-alive", "close"])
def test_a_reply_that_nobody_reads_is_dropped_and_counted(unread, connection_header):
    before = number(unread, "unread_replies_total")
    explained = {"question": {}, "rollout": {"rollout_id": "0", "text": "<think>" + "x" * 7_000_000}}
    body = json.dumps(explained).encode()
    request = head(Content_Length=len(body), Connection=connection_header)
    request = request.replace(b"/v1/groups/score", b"/v1/rollouts/explain")
    with socket.socket() as connection:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        host, port = unread.removeprefix("http://").split(":")
        connection.connect((host, int(port)))
        connection.sendall(request + body)
        until(lambda: number(unread, "unread_replies_total") == before + 1, "the connection is cut")
        received = rest(connection)

    assert received.startswith(b"HTTP/1.1 200")
    assert len(received) < len(body)


def test_two_framings_are_400(base):
    with connected(base) as connection:
        connection.sendall(head(Content_Length=5, Transfer_Encoding="chunked") + b"0\r\n\r\n")
        answer = connection.recv(65536)

    assert answer.startswith(b"HTTP/1.1 400")


def test_over_capacity_is_503_at_once_and_health_still_answers(flooded):
    held = [
        socket.create_connection(flooded.removeprefix("http://").split(":"), timeout=PATIENCE_S)
        for _ in range(4)
    ]
    try:
        for connection in held:
            connection.sendall(head(Content_Length=10))
        until(lambda: in_flight(flooded) == 4, "4 requests are in flight")

        reply = httpx.post(f"{flooded}/v1/groups/score", json=EXAMPLE)
        health = httpx.get(f"{flooded}/livez")
    finally:
        for connection in held:
            connection.close()

    assert (reply.status_code, reply.json()["type"]) == (503, "urn:reward-service:over-capacity")
    assert int(reply.headers["Retry-After"]) >= 1
    assert health.status_code == 200
    until(lambda: in_flight(flooded) == 0, "0 requests are in flight")


def answered(connection):
    """One whole answer, on a connection that may stay open."""
    said = b""
    while not (found := re.search(rb"content-length: (\d+)\r\n", said)) or b"\r\n\r\n" not in said:
        said += connection.recv(65536)
    header, _, body = said.partition(b"\r\n\r\n")
    while len(body) < int(found[1]):
        body += connection.recv(65536)
    return header + b"\r\n\r\n" + body


@contextmanager
def full(base):
    """No place is left while this lasts."""
    with ExitStack() as held:
        for _ in range(LIMITS.max_requests):
            held.enter_context(connected(base)).sendall(head(Content_Length=10))
        until(lambda: in_flight(base) == LIMITS.max_requests, "all places are taken")
        yield
    until(lambda: in_flight(base) == 0, "all places are free")


def test_a_refused_call_of_usual_size_keeps_its_connection(hasty_with_headers):
    body = json.dumps(EXAMPLE).encode()
    with connected(hasty_with_headers) as connection:
        with full(hasty_with_headers):
            connection.sendall(head(Content_Length=len(body)))
            refused = answered(connection)
            connection.sendall(body)
            connection.sendall(head(Content_Length=len(body)) + body)
            again = answered(connection)
        connection.settimeout(LIMITED_HEADERS_S + 1)
        with pytest.raises(TimeoutError):  # whole requests are not taken for headers that do not come
            connection.recv(1)
        connection.settimeout(PATIENCE_S)
        connection.sendall(head(Content_Length=len(body)) + body)
        served = answered(connection)

    assert problem_of(refused)[:2] == problem_of(again)[:2] == (503, "over-capacity")
    assert served.startswith(b"HTTP/1.1 200")


def test_a_refused_body_that_does_not_come_ends_the_connection(hasty_with_headers):
    with connected(hasty_with_headers) as connection:
        with full(hasty_with_headers):
            connection.sendall(head(Content_Length=100))
            refused = answered(connection)
        said = said_after(connection, b"{")

    assert refused.startswith(b"HTTP/1.1 503")
    assert said.startswith(b"HTTP/1.1 408")


@pytest.mark.parametrize("framing", [{"Content_Length": 300_000}, {"Transfer_Encoding": "chunked"}])
def test_the_connection_of_a_refused_call_is_closed_if_its_body_is_long_or_of_unknown_length(
    flooded, framing
):
    with full(flooded), connected(flooded) as connection:
        said = said_after(connection, head(**framing))

    assert problem_of(said)[:2] == (503, "over-capacity")
    assert b"connection: close" in said


def test_a_run_over_its_quota_is_429_and_the_others_are_served(flooded):
    with connected(flooded) as connection:
        connection.sendall(head(Content_Length=10, X_Run_Id="flood"))
        until(lambda: in_flight(flooded) == 1, "1 requests are in flight")

        refused = httpx.post(f"{flooded}/v1/groups/score", json=EXAMPLE, headers={"X-Run-Id": "flood"})
        served = httpx.post(f"{flooded}/v1/groups/score", json=EXAMPLE, headers={"X-Run-Id": "calm"})

    assert (refused.status_code, refused.json()["type"]) == (429, "urn:reward-service:quota-exceeded")
    assert int(refused.headers["Retry-After"]) >= 1
    assert served.status_code == 200


def test_bytes_in_flight_are_bounded(flooded):
    with connected(flooded) as first, connected(flooded) as second, connected(flooded) as third:
        for connection in (first, second, third):
            connection.sendall(head(Content_Length=1_000_000))
        until(lambda: in_flight(flooded) == 3, "3 requests are in flight")

        reply = httpx.post(f"{flooded}/v1/groups/score", json=EXAMPLE)

    assert reply.json()["type"] == "urn:reward-service:over-capacity"


def test_a_caller_who_leaves_gives_everything_back(flooded):
    with connected(flooded) as connection:
        connection.sendall(head(Content_Length=10))
        until(lambda: in_flight(flooded) == 1, "1 requests are in flight")
    until(lambda: in_flight(flooded) == 0, "0 requests are in flight")
