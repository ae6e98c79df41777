"""A real redis-server for tests: on a socket in a temporary folder, never on a port but where asked."""

import os
import shutil
import socket
import subprocess
import time
from pathlib import Path

import pytest
from redis import Redis
from redis.exceptions import ConnectionError as Unreachable

PATIENCE_S = 120.0
SAFE = ("--maxmemory-policy", "noeviction")


def needed(program="redis-server"):
    """Skip where a program is missing, saying so; in CI, where it should be there, fail."""
    if shutil.which(program) is None:
        why = f"{program} is not installed: run scripts/install-redis"
        pytest.fail(why) if os.environ.get("CI") == "true" else pytest.skip(why)


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class RedisServer:
    """One process; `kill` and `start` it as often as needed."""

    def __init__(self, folder: Path, *options, port=0, **environment):
        self.folder, self.port, self.process = folder, port, None
        self.environment = os.environ | environment
        self.socket = folder / "redis.sock"
        self.command = ["redis-server", "--port", str(port), "--bind", "127.0.0.1", "--save", "", *SAFE]
        self.command += [
            "--unixsocket",
            str(self.socket),
            "--dir",
            str(folder),
            "--appendonly",
            "no",
            *options,
        ]

    def __enter__(self):
        return self.start()

    def __exit__(self, *_):
        self.kill()

    @property
    def url(self):
        return f"redis://127.0.0.1:{self.port}/0" if self.port else f"unix://{self.socket}"

    def start(self):
        log = (self.folder / "log").open("ab")
        self.process = subprocess.Popen(self.command, env=self.environment, stdout=log, stderr=log)
        log.close()
        try:
            until(self.answers, "redis-server answers")
        except BaseException:
            self.kill()
            raise
        return self

    def answers(self):
        try:
            with self.client() as client:
                return client.ping()
        except (Unreachable, OSError):
            return False

    def client(self):
        return Redis(unix_socket_path=str(self.socket), socket_timeout=60)

    def signal(self, number):
        self.process.send_signal(number)

    def kill(self):
        self.process.kill()
        self.process.wait()


def until(condition, what, patience_s=PATIENCE_S):
    """Wait for a condition and return its value; after a limit that no test should come near, say what did not come true."""
    deadline = time.monotonic() + patience_s
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)
    return found
