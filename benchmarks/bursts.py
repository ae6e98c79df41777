"""Calls of one rollout that come all at once, from a trainer that tries each five times: answered, refused, p99, memory.

    python -m benchmarks.bursts [--quick] [--before CHECKOUT]

Each burst meets a fresh service. The trainer is OpenRLHF's client: a connection a try, five tries a second apart, the
evaluation rows of its protocol. With `--before` the same bursts meet the service of another checkout, one after the other.
"""

import argparse
import asyncio
import contextlib
import json
import os
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

from benchmarks.floods import memory_mb
from benchmarks.report import Report
from benchmarks.service import free_port

TRIES = 5
PAUSE_S = 1.0
BURSTS = (256, 512, 1024, 4096)
PATH = "/compat/openrlhf/get_reward?run=r&group_size=1&format=tagged"


def body() -> bytes:
    """Return a call: a rollout of about 8 kB that is scored by its outcome."""
    question = {"answers": ["x"], "entities": [{"name": f"Entity {n}"} for n in range(12)]}
    said = "<think>" + "Then I looked at Entity 7 and found less. " * 190 + "</think><answer>x</answer>"
    label = json.dumps({"question": question, "split": "validation"})
    return json.dumps({"query": ["Who?" + said], "prompts": ["Who?"], "labels": [label]}).encode()


@dataclass
class Seen:
    """What became of a burst."""

    seconds: list[float] = field(default_factory=list)
    refusals: int = 0
    gave_up: int = 0


@contextlib.contextmanager
def serving(checkout: Path) -> Iterator[tuple[int, int]]:
    """Serve a checkout; yields pid and port."""
    port = free_port()
    command = [sys.executable, "-m", "reward_service", "serve", "--port", str(port)]
    with subprocess.Popen(
        command, cwd=checkout, env=os.environ | {"PYTHONPATH": str(checkout)}, stderr=subprocess.DEVNULL
    ) as process:
        try:
            wait_for(port)
            yield process.pid, port
        finally:
            process.terminate()


def wait_for(port: int) -> None:
    """Return when the service is ready."""
    for _ in range(600):
        if asyncio.run(once(port, b"GET /readyz HTTP/1.1\r\nHost: localhost\r\n\r\n")) == 200:
            return
        time.sleep(0.1)
    raise TimeoutError


async def once(port: int, request: bytes) -> int:
    """Return the status of one try; 0 where there was none."""
    writer = None
    try:
        async with asyncio.timeout(180):
            reader, writer = await asyncio.open_connection("127.0.0.1", port)
            writer.write(request)
            return int((await reader.readline()).split()[1])
    except (OSError, IndexError, TimeoutError):
        return 0
    finally:
        if writer is not None:
            writer.transport.abort()


async def call(port: int, request: bytes, seen: Seen) -> None:
    """Try five times."""
    start = time.perf_counter()
    for attempt in range(TRIES):
        if await once(port, request) == 200:
            seen.seconds.append(time.perf_counter() - start)
            return
        seen.refusals += 1
        if attempt < TRIES - 1:
            await asyncio.sleep(PAUSE_S)
    seen.gave_up += 1


async def burst(port: int, number: int) -> Seen:
    """Send so many calls at once."""
    content, seen = body(), Seen()
    head = f"POST {PATH} HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\n"
    request = f"{head}Content-Length: {len(content)}\r\n\r\n".encode() + content
    await asyncio.gather(*(call(port, request, seen) for _ in range(number)))
    return seen


def row(name: str, checkout: Path, number: int) -> tuple[str, ...]:
    """Return what became of one burst."""
    with serving(checkout) as (pid, port):
        before = memory_mb(pid, "VmRSS")
        start = time.perf_counter()
        seen = asyncio.run(burst(port, number))
        seconds = time.perf_counter() - start
        peak = memory_mb(pid, "VmHWM")
    p99 = sorted(seen.seconds)[int(0.99 * len(seen.seconds))] if seen.seconds else float("nan")
    return (
        *(f"{number:,}", name, f"{len(seen.seconds):,}", f"{seen.refusals:,}", f"{seen.gave_up:,}"),
        *(f"{p99:.1f}", f"{seconds:.1f}", f"{before:.0f}", f"{peak:.0f}"),
    )


def main() -> None:
    """Print the table and keep it."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="the two small bursts")
    arguments.add_argument("--before", type=Path, help="another checkout")
    given = arguments.parse_args()
    here = Path(__file__).parents[1]
    checkouts = {"before": given.before.resolve()} if given.before else {}
    checkouts["now"] = here
    head = (
        "calls at once",
        "service",
        "answered",
        "refusals",
        "gave up",
        "p99 s",
        "all s",
        "RSS MB",
        "peak MB",
    )
    with Report("bursts") as report:
        bursts = BURSTS[:2] if given.quick else BURSTS
        rows = [row(name, path, number) for number in bursts for name, path in checkouts.items()]
        report.table(f"Calls of {len(body()) / 1000:.0f} kB, {TRIES} tries {PAUSE_S:.0f} s apart", head, rows)


if __name__ == "__main__":
    main()
