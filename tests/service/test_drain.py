"""SIGTERM, in a process of its own: readiness first, what is in flight finishes, exit 0."""

import json
import os
import signal
import socket
import subprocess
import sys
from contextlib import ExitStack, contextmanager

import httpx

from tests.builders import EXAMPLE
from tests.redis_server import PATIENCE_S, free_port, until
from tests.service.test_limits import connected, number

POLLS = int(os.environ.get("FAULT_POLLS", "2000"))
POLL = b"GET /v1/runs/r/groups/g%d?wait_s=500 HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n"
BODY = json.dumps(EXAMPLE).encode()
HEAD = b"POST /v1/groups/score HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n"


@contextmanager
def running(**environment):
    port = free_port()
    base = f"http://127.0.0.1:{port}"
    command = [sys.executable, "-m", "reward_service", "serve", "--port", str(port)]
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.PIPE) as process:
        try:
            until(lambda: answers(base), "the service is ready")
            yield process, base
        finally:
            if process.poll() is None:
                process.kill()


def answers(base):
    try:
        return httpx.get(f"{base}/readyz").status_code == 200
    except httpx.TransportError:
        return False


def test_sigterm_finishes_what_is_in_flight_and_exits_0():
    with running(REWARD_SERVICE_DRAIN_DELAY_S="1000") as (process, base):
        with socket.create_connection(base.removeprefix("http://").split(":"), timeout=PATIENCE_S) as half:
            half.sendall(HEAD % len(BODY) + BODY[:50])
            process.send_signal(signal.SIGTERM)
            until(lambda: httpx.get(f"{base}/readyz").status_code == 503, "it drains")
            late = httpx.post(f"{base}/v1/groups/score", json=EXAMPLE)
            process.send_signal(signal.SIGTERM)  # skips the rest of the delay
            until(lambda: not listens(base), "it takes no new connections")
            half.sendall(BODY[50:])
            answer = half.recv(65536)

        said = process.communicate(timeout=PATIENCE_S)[1]

    assert (late.status_code, late.headers["Connection"]) == (200, "close")
    assert answer.startswith(b"HTTP/1.1 200")
    assert process.returncode == 0
    lines = [json.loads(line) for line in said.splitlines()]
    assert sum(line["event"] == "request" and line["status"] == 200 for line in lines) == 2


def listens(base):
    try:
        httpx.get(f"{base}/livez")
    except httpx.TransportError:
        return False
    return True


def test_a_second_sigterm_skips_the_delay():
    with running(REWARD_SERVICE_DRAIN_DELAY_S="1000") as (process, base):
        process.send_signal(signal.SIGTERM)
        until(lambda: httpx.get(f"{base}/readyz").status_code == 503, "it drains")
        process.send_signal(signal.SIGTERM)

        assert process.wait(timeout=PATIENCE_S) == 0


def test_sigterm_answers_thousands_who_wait_for_their_group():
    run = {"profile": "egrpo-paper", "group_size": 2, "deadline_s": 600}
    quiet = {"REWARD_SERVICE_LOG_LEVEL": "error"}  # nobody reads thousands of lines from the pipe meanwhile
    waiting = {"REWARD_SERVICE_MAX_WAIT_S": "600", "REWARD_SERVICE_DRAIN_DELAY_S": "0"}
    with running(**quiet, **waiting) as (process, base):
        httpx.put(f"{base}/v1/runs/r", json=run)
        with ExitStack() as stack:
            polls = [stack.enter_context(connected(base)) for _ in range(POLLS)]
            for n, poll in enumerate(polls):
                poll.sendall(POLL % n)
            until(lambda: number(base, "waiting_polls") == POLLS, "all wait")
            process.send_signal(signal.SIGTERM)
            answers = [poll.recv(12) for poll in polls]

        process.communicate(timeout=PATIENCE_S)

    assert set(answers) == {b"HTTP/1.1 404"}  # nobody has put a rollout into these groups
    assert process.returncode == 0
