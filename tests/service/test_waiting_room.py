"""Bursts over HTTP: what does not fit now waits with its body unread, and nobody has to try again."""

import asyncio
import json
import socket
from contextlib import ExitStack, contextmanager

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.conftest import serving
from tests.http_client import call
from tests.redis_server import PATIENCE_S, until
from tests.service.test_limits import head, number, problem_of, rest

NARROW = Settings(
    max_requests=2,
    max_requests_per_run=1,
    max_queue=600,
    header_timeout_s=600,
    body_timeout_s=600,
    canary_interval_s=3600,
)
OPENRLHF = {
    "query": ["Who?<think>Zanderheim</think><answer>x</answer>"],
    "prompts": ["Who?"],
    "labels": [
        json.dumps(
            {"question": {"answers": ["x"], "entities": [{"name": "Zanderheim"}]}, "split": "validation"}
        )
    ],
}
BURST = {
    "whole groups": ("POST", "/v1/groups/score", EXAMPLE),
    "compat": ("POST", "/compat/openrlhf/get_reward?run=r&group_size=1&format=tagged", OPENRLHF),
}


@pytest.fixture(scope="module")
def base():
    with serving(create_app(NARROW)) as url:
        yield url


@pytest.fixture
def narrow():
    """The same for one test: what others left waiting cannot disturb it."""
    with serving(create_app(NARROW)) as url:
        yield url


def port_of(base):
    return int(base.rpartition(":")[2])


@contextmanager
def halves(base, count, **more):
    """Requests whose bodies do not come; they hold their places until the end."""
    with ExitStack() as stack:
        made = []
        for _ in range(count):
            half = stack.enter_context(socket.create_connection(("127.0.0.1", port_of(base)), PATIENCE_S))
            half.sendall(head(Content_Length=10, **more))
            made.append(half)
        yield made


@pytest.mark.parametrize(("method", "path", "body"), BURST.values(), ids=BURST)
async def test_a_burst_is_answered_whole(base, method, path, body):
    answers = await asyncio.gather(*(call(port_of(base), method, path, body) for _ in range(256)))

    assert [status for status, _ in answers] == [200] * 256
    assert number(base, "queued_requests") == 0


async def test_a_burst_of_single_rollouts_is_answered_whole(base):
    run = {"profile": "egrpo-paper", "group_size": 128, "deadline_s": 600}
    await call(port_of(base), "PUT", "/v1/runs/burst", run)
    member = {"question": EXAMPLE["groups"][0]["question"], "text": "<think>Zanderheim</think>"}

    answers = await asyncio.gather(
        *(
            call(port_of(base), "PUT", f"/v1/runs/burst/groups/g{n % 2}/rollouts/{n // 2}", member, wait_s=60)
            for n in range(256)
        )
    )

    assert {status for status, _ in answers} <= {200, 202}


def test_what_waits_is_shown_and_health_and_metrics_do_not_wait(narrow):
    with halves(narrow, 5):
        until(lambda: number(narrow, "queued_requests") == 3, "three wait")

        assert number(narrow, "in_flight_requests") == 2
        assert number(narrow, "queued_bytes") == 30
        assert httpx.get(f"{narrow}/livez").status_code == 200
        assert httpx.get(f"{narrow}/readyz").status_code == 200
    until(lambda: number(narrow, "queued_requests") == 0, "nobody waits")


def test_the_body_of_a_call_that_waits_is_not_read(narrow):
    with halves(narrow, 2), socket.create_connection(("127.0.0.1", port_of(narrow)), PATIENCE_S) as waiting:
        until(lambda: number(narrow, "in_flight_requests") == 2, "the places are taken")
        waiting.sendall(head(Content_Length=2_000_000) + b" " * 1_999_998)
        until(lambda: number(narrow, "queued_bytes") == 2_000_000, "it waits")

        assert number(narrow, "in_flight_bytes") == 20


def test_a_run_over_its_share_waits_and_others_are_served(narrow):
    with halves(narrow, 2, X_Run_Id="flood"):
        until(lambda: number(narrow, "queued_requests") == 1, "the second waits")

        served = httpx.post(f"{narrow}/v1/groups/score", json=EXAMPLE, headers={"X-Run-Id": "calm"})

    assert served.status_code == 200


@pytest.mark.parametrize("path", ["/v1/groups/score", "/compat/openrlhf/get_reward?run=r&group_size=1"])
@pytest.mark.parametrize("timeout_ms", ["0", "50"])
def test_a_deadline_that_passes_in_the_room_is_504_with_the_stage(narrow, path, timeout_ms):
    with halves(narrow, 2):
        until(lambda: number(narrow, "in_flight_requests") == 2, "the places are taken")
        late = httpx.post(f"{narrow}{path}", json=EXAMPLE, headers={"X-Request-Timeout-Ms": timeout_ms})

        assert (late.status_code, late.json()["stage"]) == (504, "queue")
        assert number(narrow, "queued_requests") == 0


def test_patience_of_the_service_is_a_refusal_with_a_time_to_come_again():
    impatient = NARROW.model_copy(update={"max_queue_s": 0.05, "max_compat_queue_s": 600})
    with serving(create_app(impatient)) as base, halves(base, 2):
        until(lambda: number(base, "in_flight_requests") == 2, "the places are taken")
        reply = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE)

    assert (reply.status_code, reply.json()["type"]) == (503, "urn:reward-service:over-capacity")
    assert int(reply.headers["Retry-After"]) >= 1


def test_a_full_room_refuses_at_once():
    with serving(create_app(NARROW.model_copy(update={"max_queue": 1}))) as base, halves(base, 3):
        until(lambda: number(base, "queued_requests") == 1, "the room is full")
        reply = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE)

    assert (reply.status_code, reply.json()["type"]) == (503, "urn:reward-service:over-capacity")


def test_chunked_bodies_wait_by_what_they_may_have():
    settings = NARROW.model_copy(update={"max_queue_bytes": 100, "max_body_bytes": 2000})
    with serving(create_app(settings)) as base, halves(base, 2):
        until(lambda: number(base, "in_flight_requests") == 2, "the places are taken")
        with socket.create_connection(("127.0.0.1", port_of(base)), PATIENCE_S) as chunked:
            chunked.sendall(head(Transfer_Encoding="chunked", Connection="close"))
            status, slug, _ = problem_of(rest(chunked))

    assert (status, slug) == (503, "over-capacity")


def test_a_caller_who_leaves_the_room_frees_it(narrow):
    with halves(narrow, 2):
        until(lambda: number(narrow, "in_flight_requests") == 2, "the places are taken")
        with halves(narrow, 3):
            until(lambda: number(narrow, "queued_requests") == 3, "three wait")
        until(lambda: number(narrow, "queued_requests") == 0, "they have left the room")
        assert number(narrow, "in_flight_requests") == 2
