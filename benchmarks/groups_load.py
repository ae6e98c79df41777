"""Groups whose rollouts come one by one, on two replicas that share a Redis, all on this machine.

    python -m benchmarks.groups_load [--quick]

1,024 groups of 16 are open at once, every rollout a long poll over its own connection; then the last members come. The
overhead of a group is the time from sending its last member to the last of its 16 replies. It includes the client, which
shares the cores with everything else. The same is measured while nothing else is open, for one group of 512, and with
rollouts that do not wait. At last the same groups are scored every other way, and every byte is compared.
"""

import argparse
import asyncio
import contextlib
import gc
import json
import os
import random
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

from redis import Redis

from benchmarks.report import Report

PACKAGES = ("redis", "hiredis", "uvicorn", "uvloop", "fastapi")
QUESTION_NAMES = [f"Quillock {n} of Zanderheim" for n in range(8)]
FILLER = "The archive lists the voyage, the ship and the year, and none of it settles the question yet. "
TEXT_CHARS = 8_000
SENDING_AT_ONCE = 32
LAST_MEMBERS_A_SECOND = 20
PATIENCE_S = 60.0
WAITING = "reward_service_waiting_polls "
SETTINGS = {
    "max_wait_s": "600",
    "request_timeout_s": "600",
    "state_timeout_s": "10",
    "max_requests": "512",
    "max_requests_per_run": "512",
    "log_level": "warning",
}


class Call(asyncio.Protocol):
    """One request on one connection, and when its answer was there."""

    def __init__(self, request: bytes) -> None:
        self._request, self._answer = request, bytearray()
        self.done: asyncio.Future[tuple[int, dict[str, Any], float]] = (
            asyncio.get_running_loop().create_future()
        )

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Send the request and let it go."""
        assert isinstance(transport, asyncio.WriteTransport)
        transport.write(self._request)
        self._request = b""

    def data_received(self, data: bytes) -> None:
        """Collect the answer."""
        self._answer += data

    def connection_lost(self, exc: Exception | None) -> None:
        """Read the answer: the server closes the connection after it."""
        at = time.perf_counter()
        head, _, body = bytes(self._answer).partition(b"\r\n\r\n")
        if exc is not None or not body:
            self.done.set_exception(exc or ConnectionError("no answer"))
        else:
            self.done.set_result((int(head.split(b" ", 2)[1]), json.loads(body), at))


async def send(port: int, method: str, path: str, body: object = None) -> Call:
    """Send one request; its answer is awaited apart."""
    content = b"" if body is None else json.dumps(body).encode()
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    loop = asyncio.get_running_loop()
    _, call = await loop.create_connection(lambda: Call(head.encode() + content), "127.0.0.1", port)
    return call


async def ask(port: int, method: str, path: str, body: object = None) -> tuple[int, Any]:
    """Send one request and return status and decoded answer."""
    status, reply, _ = await (await send(port, method, path, body)).done
    return status, reply


@dataclass
class Service:
    """One replica."""

    port: int
    pid: int

    @property
    def waiting(self) -> int:
        """How many calls to it wait for a group."""
        with urllib.request.urlopen(f"http://127.0.0.1:{self.port}/metrics", timeout=60) as page:
            (line,) = (x for x in page.read().decode().splitlines() if x.startswith(WAITING))
        return int(float(line.split()[1]))

    @property
    def resident_mib(self) -> float:
        """Memory of its process."""
        line = next(
            x for x in Path(f"/proc/{self.pid}/status").read_text().splitlines() if x.startswith("VmRSS")
        )
        return int(line.split()[1]) / 1024


@dataclass
class Machinery:
    """Two replicas and their Redis."""

    services: list[Service]
    redis: Redis
    draw: random.Random = field(default_factory=lambda: random.Random(1))

    @property
    def port(self) -> int:
        """Any replica."""
        return self.draw.choice(self.services).port

    @property
    def waiting(self) -> int:
        """How many calls wait for a group."""
        return sum(one.waiting for one in self.services)

    @property
    def memory_mib(self) -> tuple[float, float]:
        """Resident memory of both replicas, and what Redis uses."""
        return sum(one.resident_mib for one in self.services), self.redis.info("memory")[
            "used_memory"
        ] / 2**20

    @property
    def round_trips(self) -> int:
        """How often Redis has been asked by a script: every read and every change of a group is one."""
        told = self.redis.info("commandstats")
        return sum(int(told[name]["calls"]) for name in ("cmdstat_eval",) if name in told)


@contextlib.contextmanager
def machinery() -> Iterator[Machinery]:
    """Start everything in a temporary folder, and end it."""
    with contextlib.ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory())
        socket = f"{folder}/redis.sock"
        redis = ["redis-server", "--port", "0", "--unixsocket", socket, "--save", "", "--dir", folder]
        _start(stack, [*redis, "--maxmemory-policy", "noeviction"], {})
        client = Redis(unix_socket_path=socket)
        _until(client.ping)
        services = []
        for port in (18_901, 18_902):
            settings = {**SETTINGS, "state_url": f"unix://{socket}", "processes": "2", "port": str(port)}
            process = _start(stack, [sys.executable, "-m", "reward_service", "serve"], settings)
            services.append(Service(port, process.pid))
        for service in services:
            _until(partial(urllib.request.urlopen, f"http://127.0.0.1:{service.port}/readyz", timeout=5))
        yield Machinery(services, client)


def _start(
    stack: contextlib.ExitStack, command: Sequence[str], settings: dict[str, str]
) -> subprocess.Popen[bytes]:
    environment = os.environ | {f"REWARD_SERVICE_{name.upper()}": value for name, value in settings.items()}
    quiet = subprocess.DEVNULL
    process = stack.enter_context(subprocess.Popen(command, env=environment, stdout=quiet, stderr=quiet))
    stack.callback(process.kill)
    return process


def _until(condition: Callable[[], object]) -> None:
    deadline = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline:
        with contextlib.suppress(Exception):
            if condition():
                return
        time.sleep(0.05)
    raise TimeoutError("a process does not answer")


def question() -> dict[str, Any]:
    """Ground truth sent inline."""
    return {"text": "?", "answers": ["x"], "entities": [{"name": name} for name in QUESTION_NAMES]}


def rollouts(seed: int, size: int, chars: int = TEXT_CHARS) -> list[dict[str, Any]]:
    """Make the rollouts of a group: eight thoughts each, some naming entities."""
    draw = random.Random(seed)
    filler = FILLER * (chars // 8 // len(FILLER) + 1)
    return [
        {
            "rollout_id": str(n),
            "outcome": draw.choice(["correct", "wrong", "wrong", "wrong"]),
            "steps": [
                {"type": "thought", "text": filler[: chars // 8] + draw.choice(["", *QUESTION_NAMES])}
                for _ in range(8)
            ],
        }
        for n in range(size)
    ]


async def declare(at: Machinery, run_id: str, size: int) -> None:
    """Declare a run."""
    body = {"profile": "egrpo", "group_size": size, "deadline_s": 3600}
    status, reply = await ask(at.port, "PUT", f"/v1/runs/{run_id}", body)
    assert status == 201, reply


async def put(at: Machinery, run_id: str, group: int, rollout: dict[str, Any], *, wait_s: float) -> Call:
    """Send one rollout to any replica."""
    path = f"/v1/runs/{run_id}/groups/g{group}/rollouts/{rollout['rollout_id']}?wait_s={wait_s}"
    return await send(at.port, "PUT", path, rollout | {"question": question()})


async def store(at: Machinery, run_id: str, made: Sequence[tuple[int, dict[str, Any]]]) -> float:
    """Send rollouts that do not wait, a few at once; returns rollouts a second."""
    room = asyncio.Semaphore(SENDING_AT_ONCE)

    async def one(group: int, rollout: dict[str, Any]) -> None:
        async with room:
            status, reply, _ = await (await put(at, run_id, group, rollout, wait_s=0)).done
            assert status == 202, reply

    started = time.perf_counter()
    await asyncio.gather(*(one(*each) for each in made))
    return len(made) / (time.perf_counter() - started)


async def wait_for(at: Machinery, run_id: str, made: Sequence[tuple[int, dict[str, Any]]]) -> list[Call]:
    """Send rollouts that wait, a few at once: the next when these wait."""
    calls: list[Call] = []
    for begin in range(0, len(made), SENDING_AT_ONCE):
        calls += [await put(at, run_id, *each, wait_s=600) for each in made[begin : begin + SENDING_AT_ONCE]]
        while await asyncio.to_thread(lambda: at.waiting) < len(calls):
            assert not any(call.done.done() for call in calls[begin:]), "a rollout was refused"
            await asyncio.sleep(0.01)
    for group, wanted in Counter(group for group, _ in made).items():
        while True:
            status, reply = await ask(at.port, "GET", f"/v1/runs/{run_id}/groups/g{group}")
            if status == 200 and len(reply["rollouts"]) == wanted:
                break
            await asyncio.sleep(0.05)
    return calls


@dataclass
class Closed:
    """How the groups of a run closed."""

    overheads_s: list[float] = field(default_factory=list)
    """Of each group: sending the last member to the last reply."""
    replies_s: list[float] = field(default_factory=list)
    """Of each reply."""
    results: dict[tuple[int, str], Any] = field(default_factory=dict)


async def close(
    at: Machinery,
    run_id: str,
    last: Sequence[tuple[int, dict[str, Any]]],
    waiting: dict[int, list[Call]],
    *,
    rate: float,
) -> Closed:
    """Send the last member of each group, at a steady rate, and gather all replies."""
    closed = Closed()

    async def one(n: int, group: int, rollout: dict[str, Any]) -> None:
        await asyncio.sleep(max(started + n / rate - time.perf_counter(), 0))
        sent = time.perf_counter()
        calls = [*waiting.get(group, []), await put(at, run_id, group, rollout, wait_s=600)]
        answers = await asyncio.gather(*(call.done for call in calls))
        for status, reply, came in answers:
            assert (status, reply["group_status"]) == (200, "complete"), reply
            closed.replies_s.append(came - sent)
            closed.results[group, reply["rollout"]["rollout_id"]] = reply["rollout"]
        closed.overheads_s.append(max(came for _, _, came in answers) - sent)

    started = time.perf_counter()
    await asyncio.gather(*(one(n, *each) for n, each in enumerate(last)))
    return closed


def split(groups: dict[int, list[dict[str, Any]]], seed: int) -> tuple[list[Any], list[Any]]:
    """Shuffle; returns all but the last member of each group, and the last ones."""
    draw = random.Random(seed)
    orders = {group: draw.sample(members, len(members)) for group, members in groups.items()}
    first = [(group, one) for group, members in orders.items() for one in members[:-1]]
    last = [(group, members[-1]) for group, members in orders.items()]
    return draw.sample(first, len(first)), draw.sample(last, len(last))


async def whole(
    port: int, groups: dict[int, list[dict[str, Any]]], order: Sequence[int]
) -> dict[tuple[int, str], Any]:
    """Score whole groups in one call; returns results by group and rollout."""
    body = {
        "profile": "egrpo",
        "groups": [{"group_id": f"g{n}", "question": question(), "rollouts": groups[n]} for n in order],
    }
    status, reply = await ask(port, "POST", "/v1/groups/score", body)
    assert status == 200, reply
    return {
        (n, one["rollout_id"]): one
        for n, group in zip(order, reply["groups"], strict=True)
        for one in group["rollouts"]
    }


def as_bytes(results: dict[tuple[int, str], Any]) -> dict[tuple[int, str], bytes]:
    """Return results as they were on the wire: JSON writes a float with the digits that bring back the same one."""
    return {key: json.dumps(one).encode() for key, one in results.items()}


def ms(values: Sequence[float]) -> list[str]:
    """Return p50, p99 and the largest, in milliseconds."""
    ordered = sorted(values)
    return [f"{ordered[min(int(len(ordered) * q), len(ordered) - 1)] * 1000:.1f}" for q in (0.5, 0.99, 1.0)]


async def idle(at: Machinery, count: int, size: int, run_id: str) -> Closed:
    """Close groups one after the other, with nothing else open."""
    await declare(at, run_id, size)
    every = Closed()
    for n in range(count):
        group = {n: rollouts(n, size)}
        first, last = split(group, n)
        calls = await wait_for(at, run_id, first)
        one = await close(at, run_id, last, {n: calls}, rate=1e9)
        every.overheads_s += one.overheads_s
        every.replies_s += one.replies_s
    return every


async def loaded(at: Machinery, report: Report, groups: dict[int, list[dict[str, Any]]]) -> Closed:
    """Open all groups, every rollout a long poll, then close them."""
    first, last = split(groups, 5)
    await declare(at, "stored", len(groups[0]))
    before, asked = at.memory_mib, at.round_trips
    rate = await store(at, "stored", first)
    stored, asked = at.memory_mib, at.round_trips - asked
    at.redis.flushall()
    await declare(at, "waiting", len(groups[0]))
    empty = at.memory_mib
    calls = await wait_for(at, "waiting", first)
    full = at.memory_mib
    waiting: dict[int, list[Call]] = {}
    for (group, _), call in zip(first, calls, strict=True):
        waiting.setdefault(group, []).append(call)
    kib = 1024 / len(first)
    report.table(
        f"Memory of {len(first):,} open rollouts of {TEXT_CHARS // 1000} KB text, KiB each",
        ["", "both replicas", "Redis"],
        [
            [
                "stored, without a poll",
                *(f"{(b - a) * kib:.2f}" for a, b in zip(before, stored, strict=True)),
            ],
            ["each a long poll", *(f"{(b - a) * kib:.2f}" for a, b in zip(empty, full, strict=True))],
        ],
    )
    report.say(
        f"Rollouts taken in, {SENDING_AT_ONCE} at once: {rate:.0f} a second, with {asked / len(first):.2f} round trips to Redis each."
    )
    return await close(at, "waiting", last, waiting, rate=LAST_MEMBERS_A_SECOND)


async def compare(
    at: Machinery, report: Report, groups: dict[int, list[dict[str, Any]]], seen: Closed
) -> None:
    """Score the same groups every other way and compare every byte."""
    expected = as_bytes(seen.results)
    draw = random.Random(9)
    turned = {n: draw.sample(members, len(members)) for n, members in groups.items()}
    order = draw.sample(list(groups), len(groups))
    ways = {
        "one call for all groups": await _batched(at, groups, list(groups), size=64),
        "other order of groups and rollouts": await _batched(at, turned, order, size=64),
        "one call a group, the other replica": await _batched(at, turned, order, size=1),
    }
    assert all(as_bytes(way) == expected for way in ways.values())
    report.say(
        f"{len(expected):,} results, assembled one by one in random order over two replicas, are byte for byte those of: "
        f"{'; '.join(ways)}."
    )


async def _batched(
    at: Machinery, groups: dict[int, list[dict[str, Any]]], order: Sequence[int], *, size: int
) -> dict[tuple[int, str], Any]:
    found: dict[tuple[int, str], Any] = {}
    for start in range(0, len(order), size):
        found |= await whole(at.services[start // size % 2].port, groups, order[start : start + size])
    return found


async def measure(report: Report, *, quick: bool) -> None:
    """Run everything."""
    count, size, alone = (64, 16, 20) if quick else (1024, 16, 200)
    began = os.getloadavg()
    with machinery() as at:
        rows = [["nothing else open, groups of 16", *_row(await idle(at, alone, size, "idle"))]]
        rows += [["nothing else open, groups of 512", *_row(await idle(at, 3, 512, "wide"))]]
        groups = {n: rollouts(n, size) for n in range(count)}
        closed = await loaded(at, report, groups)
        assert len(closed.results) == count * size
        rows.insert(
            1,
            [f"{count * size:,} rollouts open, {LAST_MEMBERS_A_SECOND} groups a second close", *_row(closed)],
        )
        head = ["", *(f"{what} {q}" for what in ("group", "reply") for q in ("p50", "p99", "max"))]
        report.table("Overhead: sending the last member to the reply, ms", head, rows)
        report.say(
            f"Nothing lost: {len(closed.results):,} of {count * size:,} rollouts paid, all groups complete."
        )
        await compare(at, report, groups, closed)
        report.say(
            f"Load average of the machine, other jobs included: {began[0]:.1f} when it began, {os.getloadavg()[0]:.1f} when it ended."
        )


def _row(closed: Closed) -> list[str]:
    return [*ms(closed.overheads_s), *ms(closed.replies_s)]


def main() -> None:
    """Measure and write the report."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a small run that writes nothing")
    options = parser.parse_args()
    gc.disable()  # the client's own pauses are not what is measured
    with Report("groups_load", packages=PACKAGES, cores=f"{os.cpu_count()} shared cores") as report:
        asyncio.run(measure(report, quick=options.quick))


if __name__ == "__main__":
    main()
