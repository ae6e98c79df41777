"""What happens past saturation: refusals, health checks, goodput, memory, and a caller that floods beside one that does not.

    python -m benchmarks.overload [--quick] [--before CHECKOUT]

One service with eight requests in flight at most, a process that floods it (a connection per call, at a fixed rate, open loop) and
one that probes it, and an idle service that is probed at the same moments: all share the cores with whatever else runs, so
a latency is compared with the idle service's at the same time. Each row is the turn in which the two are closest, with the median
of what all turns answered. The rate of saturation is measured first, closed loop with as many callers as are admitted, and the best
turn counts; 1x, 2x and 5x of it follow. With `--before` the service of another checkout takes turns with this one, each at multiples
of its own saturation, because the speed of a shared machine changes from minute to minute.
"""

import argparse
import asyncio
import contextlib
import re
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.request
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import NamedTuple

from benchmarks.groups import call
from benchmarks.report import Report
from benchmarks.service import cpu_s, serving
from reward_service.api.keys import generate

IN_FLIGHT = 8
PATIENCE_MS = 1000  # what a caller waits; who would wait for longer is refused at once
LATE = (503, 504)  # refused at the door, or when the caller's time was over
PATH = "/v1/groups/score"


@dataclass
class Seen:
    """What one kind of call met: milliseconds by status."""

    ms: dict[int, list[float]] = field(default_factory=dict)

    def add(self, status: int, ms: float) -> None:
        """Note an answer."""
        self.ms.setdefault(status, []).append(ms)

    def count(self, *statuses: int) -> int:
        """Return how many answers had one of these statuses."""
        return sum(len(self.ms.get(status, ())) for status in statuses)

    def p(self, share: float, *statuses: int) -> float:
        """Return a percentile of the milliseconds."""
        values = sorted(ms for status in statuses for ms in self.ms.get(status, ()))
        return values[min(len(values) - 1, int(share * len(values)))] if values else float("nan")


async def ask(port: int, request: bytes) -> tuple[int, float]:
    """Send one request on a connection of its own; returns status (0: none came) and milliseconds to the first byte."""
    start = time.perf_counter()
    writer = None
    try:
        async with asyncio.timeout(30):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            status = int((await reader.readline()).split()[1])
            return status, (time.perf_counter() - start) * 1000
    except (OSError, IndexError, TimeoutError):
        return 0, (time.perf_counter() - start) * 1000
    finally:
        if writer is not None:
            writer.transport.abort()


def post(body: bytes, key: str | None = None, *, patience_ms: int = PATIENCE_MS) -> bytes:
    """Return a POST."""
    auth = f"Authorization: Bearer {key}\r\n" if key else ""
    fields = f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\nX-Request-Timeout-Ms: {patience_ms}"
    return f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\n{auth}{fields}\r\n\r\n".encode() + body


HEALTH = b"GET /livez HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n\r\n"


async def at_rate(port: int, request: bytes, *, rate: float, seconds: float, seen: Seen) -> None:
    """Send at a fixed rate, whatever becomes of the calls before."""
    tasks, start = set(), time.perf_counter()
    for number in range(int(rate * seconds)):
        await asyncio.sleep(max(0.0, start + number / rate - time.perf_counter()))
        task = asyncio.create_task(_noted(port, request, seen))
        tasks.add(task)
        task.add_done_callback(tasks.discard)
    await asyncio.gather(*tasks)


async def _noted(port: int, request: bytes, seen: Seen) -> None:
    seen.add(*await ask(port, request))


async def saturation(port: int, request: bytes, seconds: float) -> float:
    """Return the calls a second that the service answers when its places are always taken."""
    done, until = 0, time.perf_counter() + seconds

    async def caller() -> None:
        nonlocal done
        while time.perf_counter() < until:
            status, _ = await ask(port, request)
            done += status == 200

    await asyncio.gather(*(caller() for _ in range(IN_FLIGHT)))
    return done / seconds


def rss_mb(pid: int) -> float:
    """Return the resident memory of a process."""
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("VmRSS")).split()[1]) / 1024


@dataclass
class Turn:
    """One flood, and what was seen beside it."""

    answered: float
    calls: Seen = field(default_factory=Seen)
    health: Seen = field(default_factory=Seen)
    idle: Seen = field(default_factory=Seen)

    def over_idle(self, seen: Seen, status: int) -> float:
        """Return a p99 as a multiple of what an idle service's /livez had at the same time."""
        return seen.p(0.99, status) / self.idle.p(0.99, 200)


async def turn(port: int, idle_port: int, *, body: bytes, rate: float, seconds: float) -> Turn:
    """Flood for a while, and look."""
    found = Turn(0.0)
    before = answered(port)
    with flood(port, rate=rate, seconds=seconds, size=len(body)):
        await asyncio.gather(
            at_rate(port, post(body), rate=40, seconds=seconds - 1, seen=found.calls),
            at_rate(port, HEALTH, rate=40, seconds=seconds - 1, seen=found.health),
            at_rate(idle_port, HEALTH, rate=40, seconds=seconds - 1, seen=found.idle),
        )
    found.answered = (answered(port) - before) / seconds
    return found


class Service(NamedTuple):
    """The service of a checkout."""

    name: str
    pid: int
    port: int
    idle_port: int
    """Of one like it that only the probes call."""


LOADED = (
    *("service", "offered", "answered /s", "/ saturation", "probes refused", "idle livez p99 ms"),
    *("refusal p99 ms", "/ idle", "livez p99 ms", "/ idle", "RSS MB"),
)


async def load(
    report: Report, services: Sequence[Service], *, body: bytes, seconds: float, turns: int
) -> None:
    """Saturate, then send more."""
    most = dict.fromkeys(services, 0.0)
    for service in list(services) * 2 * turns:
        most[service] = max(most[service], await saturation(service.port, post(body), seconds / 2))
    rows = []
    for times in (1, 2, 5):
        found: dict[Service, list[Turn]] = {service: [] for service in services}
        for service in list(services) * turns:
            rate = most[service] * times
            found[service].append(
                await turn(service.port, service.idle_port, body=body, rate=rate, seconds=seconds)
            )
        rows += [_loaded(service, times, most[service], found[service]) for service in services]
    at = ", ".join(f"{service.name} {most[service]:.0f}" for service in services)
    report.table(f"Calls of {len(body) / 1000:.0f} kB; saturation at {at} calls a second", LOADED, rows)


def _loaded(service: Service, times: int, most: float, turns: Sequence[Turn]) -> tuple[str, ...]:
    best = min(turns, key=lambda one: one.over_idle(one.health, 200))
    answered_s = statistics.median(one.answered for one in turns)
    return (
        service.name,
        f"{times}x, {most * times:.0f}/s",
        f"{answered_s:.0f}",
        f"{answered_s / most:.2f}",
        f"{best.calls.count(*LATE)} of {best.calls.count(0, 200, *LATE)}",
        f"{best.idle.p(0.99, 200):.1f}",
        f"{best.calls.p(0.99, 503):.1f}",
        f"{best.over_idle(best.calls, 503):.1f}",
        f"{best.health.p(0.99, 200):.1f}",
        f"{best.over_idle(best.health, 200):.1f}",
        f"{rss_mb(service.pid):.0f}",
    )


async def refusals(report: Report, service: str, pid: int, port: int, *, seconds: float) -> None:
    """What a refusal costs, whatever else uses the machine: one place, taken by a body that does not come."""
    body = call(10_000)
    _, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(post(body, patience_ms=120_000)[: -len(body)])
    await asyncio.sleep(0.5)
    costs = {}
    for name, request, status in (("/livez", HEALTH, 200), ("refusal of 15 kB", post(body), 503)):
        seen, before, until = Seen(), cpu_s(pid), time.perf_counter() + seconds
        while time.perf_counter() < until:
            seen.add(*await ask(port, request))
        costs[name] = (cpu_s(pid) - before) * 1000 / seen.count(status)
    writer.transport.abort()
    rows = [(name, f"{ms:.3f}") for name, ms in costs.items()]
    report.table(f"CPU of the server, a connection each, {service}", ("call", "ms"), rows)


def answered(port: int) -> int:
    """Return how many groups the service has rewarded, by its own account."""
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/metrics") as page:
        found = re.search(rb'reward_service_groups_total{status="complete"} (\d+)', page.read())
    return int(found.group(1)) if found else 0


@contextlib.contextmanager
def flood(port: int, *, rate: float, seconds: float, size: int) -> Iterator[None]:
    """Send calls from another process, so that its own slowness is not taken for the service's; begins when it does."""
    command = [sys.executable, "-m", "benchmarks.overload", "--flood", *map(str, (port, rate, seconds, size))]
    with subprocess.Popen(command, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        process.stdout.readline()
        yield
        process.wait()


async def tenants(
    report: Report, service: str, port: int, *, keys: Sequence[str], body: bytes, seconds: float
) -> None:
    """A caller within its share, alone and beside one that floods."""
    flood, calm = keys
    most = await saturation(port, post(body, flood), seconds)
    rows = []
    for name, rate in (("alone", 0.0), ("beside a flood of 5x", most * 5)):
        flooding, calming = Seen(), Seen()
        await asyncio.gather(
            at_rate(port, post(body, flood), rate=rate, seconds=seconds, seen=flooding),
            at_rate(port, post(body, calm), rate=most / 10, seconds=seconds, seen=calming),
        )
        rows.append(
            (
                name,
                str(calming.count(200)),
                str(calming.count(429, *LATE, 0)),
                f"{statistics.median(calming.ms.get(200, [float('nan')])):.0f}",
                f"{calming.p(0.99, 200):.0f}",
                dict_of(flooding),
            )
        )
    head = ("the calm caller", "answered", "refused or broken", "median ms", "p99 ms", "the flood, by status")
    report.table(f"A tenant that floods and one that does not, {service}", head, rows)


def dict_of(seen: Seen) -> str:
    """Return the statuses with their counts."""
    counts = Counter({status: len(ms) for status, ms in seen.ms.items()})
    return ", ".join(f"{status}: {count}" for status, count in sorted(counts.items())) or "-"


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="shorter, and nothing is kept")
    arguments.add_argument("--before", type=Path, help="another checkout")
    arguments.add_argument("--flood", nargs=4, type=float, help=argparse.SUPPRESS)
    given = arguments.parse_args()
    if given.flood:
        port, rate, seconds, size = given.flood
        body = post(call(10_000 if size < 50_000 else 100_000))
        print("ready", flush=True)  # to the process that waits for it
        asyncio.run(at_rate(int(port), body, rate=rate, seconds=seconds, seen=Seen()))
        return
    checkouts = {"before": given.before} if given.before else {}
    checkouts["now"] = Path(__file__).parents[1]
    with Report("overload") as report:
        measure(report, {name: one.resolve() for name, one in checkouts.items()}, quick=given.quick)


def measure(report: Report, checkouts: Mapping[str, Path], *, quick: bool) -> None:
    """Measure the services of checkouts, in turn."""
    seconds, turns = (3.0, 1) if quick else (5.0, 4)
    limits = {"REWARD_SERVICE_MAX_REQUESTS": str(IN_FLIGHT), "REWARD_SERVICE_MAX_REQUESTS_PER_KEY": "6"}
    served = {
        name: partial(
            serving, "reward_service", "serve", "--port", PYTHONPATH=str(checkout), PYTHONSAFEPATH="1"
        )
        for name, checkout in checkouts.items()
    }
    for name, one in served.items():
        with one(REWARD_SERVICE_MAX_REQUESTS="1", REWARD_SERVICE_MAX_QUEUE="0") as (pid, port):
            asyncio.run(refusals(report, name, pid, port, seconds=seconds))
    with contextlib.ExitStack() as stack:
        services = [
            Service(name, *stack.enter_context(one(**limits)), stack.enter_context(one())[1])
            for name, one in served.items()
        ]
        for size in (10_000, 100_000):
            asyncio.run(load(report, services, body=call(size), seconds=seconds, turns=turns))
        made = [generate(key_id, ["score"]) for key_id in ("flood", "calm")]
        keys = Path(stack.enter_context(tempfile.TemporaryDirectory())) / "keys.yaml"
        keys.write_text("".join(lines for _, lines in made))
        for name, one in served.items():
            _, port = stack.enter_context(one(**limits, REWARD_SERVICE_KEYS=str(keys)))
            asyncio.run(
                tenants(report, name, port, keys=[key for key, _ in made], body=call(10_000), seconds=seconds)
            )


if __name__ == "__main__":
    main()
