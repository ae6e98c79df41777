"""A live service for a trainer in another environment: a redis-server, two replicas, and a balancer before them.

Standard library only: these tests run inside the trainers' own environments. `REWARD_SERVICE_PYTHON` names the Python
that has the service installed.
"""

import asyncio
import contextlib
import itertools
import json
import os
import shutil
import signal
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from pathlib import Path

PATIENCE_S = 60.0
PIECE = 65536


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def until(condition, what):
    """Wait for a condition, or say what did not come true."""
    deadline = time.monotonic() + PATIENCE_S
    while not (found := condition()):
        assert time.monotonic() < deadline, f"waited in vain: {what}"
        time.sleep(0.01)
    return found


class Replica:
    """One service in a process of its own."""

    def __init__(self, state_url, log):
        self.port, self.log = free_port(), log
        self.environment = os.environ | {
            "PYTHONPATH": "",
            "REWARD_SERVICE_STATE_URL": state_url,
            "REWARD_SERVICE_PORT": str(self.port),
            "REWARD_SERVICE_PROCESSES": "2",
        }

    def start(self):
        command = [os.environ["REWARD_SERVICE_PYTHON"], "-m", "reward_service", "serve"]
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(command, env=self.environment, stdout=log, stderr=log)
        return self

    def is_ready(self):
        assert self.process.poll() is None, self.log.read_text()
        with contextlib.suppress(OSError):
            urllib.request.urlopen(f"http://127.0.0.1:{self.port}/readyz", timeout=5).close()
            return True
        return False

    def stop(self, number=signal.SIGTERM):
        if self.process.poll() is None:
            self.process.send_signal(number)
        self.process.wait(timeout=PATIENCE_S)


class Balancer:
    """Gives connections to the replicas in turn, and to the next one where nobody answers. It counts requests."""

    def __init__(self, ports):
        self.turn = itertools.cycle(ports)
        self.ports = ports
        self.refusing = False
        """Answer 503 to everything, as a service does that has no room."""
        self.silent = False
        """Take requests and answer none; those that wait are cut off when it ends."""
        self.connections = 0
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, daemon=True)

    def __enter__(self):
        self._thread.start()
        start = asyncio.start_server(self._serve, "127.0.0.1", 0)
        self._server = asyncio.run_coroutine_threadsafe(start, self._loop).result()
        self.url = f"http://127.0.0.1:{self._server.sockets[0].getsockname()[1]}"
        return self

    def __exit__(self, *_):
        asyncio.run_coroutine_threadsafe(self._shut(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    async def _shut(self):
        self._server.close()
        open_still = asyncio.all_tasks() - {asyncio.current_task()}
        for task in open_still:
            task.cancel()
        await asyncio.gather(*open_still, return_exceptions=True)

    async def _serve(self, reader, writer):
        self.connections += 1
        with contextlib.suppress(OSError, asyncio.CancelledError):
            if self.refusing:
                await reader.read(PIECE)
                writer.write(
                    b"HTTP/1.1 503 Busy\r\nRetry-After: 0\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"
                )
                await writer.drain()
            elif self.silent:
                while self.silent:  # noqa: ASYNC110  # another thread ends it
                    await asyncio.sleep(0.01)
            else:
                await self._forward(reader, writer)
        writer.close()

    @contextlib.contextmanager
    def failing(self, how, *, for_s=None):
        """Be `refusing` or `silent` while the block runs, or only for the first seconds of it."""
        setattr(self, how, True)
        timer = threading.Timer(for_s or PATIENCE_S, setattr, [self, how, False])
        timer.start()
        try:
            yield
        finally:
            timer.cancel()
            setattr(self, how, False)

    async def _forward(self, reader, writer):
        there, back = await self._connect()
        both = [asyncio.create_task(_pump(reader, back)), asyncio.create_task(_pump(there, writer))]
        await asyncio.wait(both, return_when=asyncio.FIRST_COMPLETED)
        for task in both:
            task.cancel()
        back.close()

    async def _connect(self):
        for _ in self.ports:
            with contextlib.suppress(OSError):
                return await asyncio.open_connection("127.0.0.1", next(self.turn))
        raise ConnectionRefusedError


async def _pump(reader, writer):
    with contextlib.suppress(OSError):
        while piece := await reader.read(PIECE):
            writer.write(piece)
            await writer.drain()


class Live:
    """Everything together; `url` is what a trainer is told."""

    def __init__(self, folder: Path):
        self.folder = folder

    def __enter__(self):
        with contextlib.ExitStack() as stack:
            state = f"unix://{self._redis(stack)}"
            self.replicas = [Replica(state, self.folder / f"replica{n}.log").start() for n in range(2)]
            for replica in self.replicas:
                stack.callback(replica.stop)
            for replica in self.replicas:
                until(replica.is_ready, "a replica answers")
            self.balancer = stack.enter_context(Balancer([replica.port for replica in self.replicas]))
            self.url = self.balancer.url
            self._stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        self._stack.close()

    @contextlib.contextmanager
    def killing(self, *, after=1):
        """Kill a replica once the block has opened that many connections; start it again at the end."""
        before, victim = self.balancer.connections, self.replicas[0]

        def kill():
            until(lambda: self.balancer.connections - before >= after, "the trainer asks")
            victim.process.kill()

        thread = threading.Thread(target=kill)
        thread.start()
        try:
            yield victim
        finally:
            thread.join()
            victim.process.wait()
            until(victim.start().is_ready, "the replica is back")

    def _redis(self, stack):
        assert shutil.which("redis-server"), "redis-server is not installed: run scripts/install-redis"
        where = self.folder / "redis.sock"
        command = [
            "redis-server",
            "--port",
            "0",
            "--unixsocket",
            str(where),
            "--save",
            "",
            "--dir",
            str(self.folder),
        ]
        process = subprocess.Popen(
            [*command, "--maxmemory-policy", "noeviction"],
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        stack.callback(process.wait)
        stack.callback(process.kill)
        until(where.exists, "redis-server listens")
        return where

    def whole(self, body):
        """Score whole groups in one call: what every trainer's rewards are compared with."""
        request = urllib.request.Request(
            f"{self.url}/v1/groups/score", json.dumps(body).encode(), {"Content-Type": "application/json"}
        )
        with urllib.request.urlopen(request, timeout=PATIENCE_S) as reply:
            return json.load(reply)["groups"]
