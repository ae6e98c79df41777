"""Replicas as processes, and a Redis that can be hurt."""

import os
import signal
import subprocess
import sys

import httpx
import pytest

from tests.redis_server import RedisServer, free_port, needed, until

WAYS = {"processes": 2, "state_timeout_s": 0.5, "drain_delay_s": 0.2, "log_level": "warning"}


class Replica:
    """One service in a process of its own, always on the same port."""

    def __init__(self, state_url, log, **settings):
        self.port, self.log, self.process = free_port(), log, None
        self.module = "reward_service"
        self.environment = os.environ | {
            f"REWARD_SERVICE_{name.upper()}": str(value)
            for name, value in {**WAYS, "state_url": state_url, "port": self.port, **settings}.items()
        }

    def start(self):
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [sys.executable, "-m", self.module, "serve"],
                env=self.environment,
                stdout=log,
                stderr=log,
            )
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        try:
            return httpx.get(f"http://127.0.0.1:{self.port}/livez").status_code == 200
        except httpx.TransportError:
            return False

    def ready(self):
        until(self.is_ready, "a replica answers")
        return self

    def stop(self, number=signal.SIGKILL):
        self.process.send_signal(number)
        return self.process.wait(timeout=60)


@pytest.fixture(scope="module")
def machinery(tmp_path_factory):
    """A Redis that writes everything down before it answers, and two services that share it."""
    needed()
    folder = tmp_path_factory.mktemp("faults")
    with RedisServer(folder, "--appendonly", "yes", "--appendfsync", "always") as server:
        both = [Replica(server.url, folder / f"replica{n}.log") for n in range(2)]
        for replica in both:
            replica.start()
        try:
            yield server, both
        finally:
            for replica in both:
                replica.stop()


@pytest.fixture
def redis(machinery):
    """An empty Redis."""
    server, _ = machinery
    if not server.answers():
        server.start()
    with server.client() as client:
        client.flushall()
    return server


@pytest.fixture
def replicas(machinery, redis):
    """Two services that share it, both well."""
    _, both = machinery
    for replica in both:
        if replica.process.poll() is not None:
            replica.start()
    return [replica.ready() for replica in both]
