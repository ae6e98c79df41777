"""What a call costs the server, against a route that only reads the body and against a naive service.

    python -m benchmarks.service [--quick]

CPU time of the server process (of all its threads, by the scheduler's account) per call, over keep-alive, servers taking short turns in one
run; the best turn of each, as others use the machine too. Bodies are groups of 16 rollouts made of WebDancer transcripts, about 16 % of the bytes thoughts,
scored with the profile `egrpo`.
"""

import argparse
import asyncio
import contextlib
import http.client
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from benchmarks.groups import call
from benchmarks.report import Report
from reward_service.adapters.document import check_depth
from reward_service.adapters.native import ScoreIn, decode
from reward_service.adapters.replies import encode, score_out, scored_out
from reward_service.api.server import keep_memory
from reward_service.core.matching import compile_question, match_group
from reward_service.core.scoring import measure_group, reward
from reward_service.core.trajectory import parse
from reward_service.core.types import PartialPolicy, Unreadable
from reward_service.serve.config import Settings
from reward_service.serve.ledger import Terms
from reward_service.serve.scorer import Scorer

PATH = "/v1/groups/score"
HEADERS = {"Content-Type": "application/json"}
SERVERS = {
    "no-op": ("benchmarks.apps", "noop"),
    "service": ("reward_service", "serve", "--port"),
    "naive": ("benchmarks.apps", "naive"),
}


def free_port() -> int:
    """Return a port that nothing listens on."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


@contextlib.contextmanager
def serving(module: str, *arguments: str, **environment: str) -> Iterator[tuple[int, int]]:
    """Serve a module in a process of its own; yields its pid and port."""
    port = free_port()
    command = [sys.executable, "-m", module, *arguments, str(port)]
    with subprocess.Popen(command, env=os.environ | environment, stderr=subprocess.DEVNULL) as process:
        try:
            for _ in range(6000):
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), timeout=1):
                    break
                time.sleep(0.02)
            yield process.pid, port
        finally:
            process.terminate()


def cpu_s(pid: int) -> float:
    """Return the CPU time that the threads of a process have used; to the nanosecond, where `stat` counts hundredths of a second."""
    return sum(int(one.read_text().split()[0]) for one in Path(f"/proc/{pid}/task").glob("*/schedstat")) / 1e9


def cost_ms(pid: int, port: int, body: bytes, *, seconds: float) -> float:
    """Return the server's CPU time per call, in milliseconds."""
    connection = http.client.HTTPConnection("127.0.0.1", port)
    calls, before, until = 0, cpu_s(pid), time.monotonic() + seconds
    while time.monotonic() < until:
        connection.request("POST", PATH, body, HEADERS)
        reply = connection.getresponse()
        reply.read()
        assert reply.status == 200, reply.status
        calls += 1
    connection.close()
    return (cpu_s(pid) - before) * 1000 / calls


def costs(bodies: Sequence[bytes], *, turns: int, seconds: float) -> list[dict[str, float]]:
    """Return for each body the cost at each server."""
    with contextlib.ExitStack() as stack:
        running = {name: stack.enter_context(serving(*command)) for name, command in SERVERS.items()}
        found = []
        for body in bodies:
            measured: dict[str, list[float]] = {name: [] for name in running}
            for _ in range(turns):
                for name, (pid, port) in running.items():
                    measured[name].append(cost_ms(pid, port, body, seconds=seconds))
            found.append({name: min(values) for name, values in measured.items()})
        return found


def best_cpu_ms(run: Callable[[], object], *, seconds: float) -> float:
    """Return the least CPU time of a call, in milliseconds: what others do on the machine counts less than with a clock."""
    best, until = float("inf"), time.monotonic() + seconds
    while time.monotonic() < until:
        start = time.thread_time()
        run()
        best = min(best, time.thread_time() - start)
    return best * 1000


def stages(body: bytes) -> list[tuple[str, float]]:
    """Return the stages of a call and the least CPU time of each, in milliseconds."""
    keep_memory()  # as the server does
    scorer = Scorer(Settings())
    group = decode(body, ScoreIn).groups[0]
    wanted = group.to_domain()
    profile = scorer.profiles.named("egrpo")
    compiled = compile_question(wanted.question, profile.measure.matching)
    sources = [one.source for one in wanted.rollouts if not isinstance(one.source, Unreadable)]
    segments = [parse(one, profile.measure.grammar).segments for one in sources]
    facts = measure_group(wanted.rollouts, compiled.question, profile)
    scored = asyncio.run(scorer.score([wanted], profile))
    terms = Terms("", profile, profile.estimator, PartialPolicy(), None)
    document = decode(body, ScoreIn).model_dump()
    return [
        ("decode: bytes to models", best_cpu_ms(lambda: decode(body, ScoreIn), seconds=1)),
        ("of that, depth", best_cpu_ms(lambda: check_depth(document, 64), seconds=0.5)),
        ("models to domain", best_cpu_ms(group.to_domain, seconds=0.5)),
        ("parse rollouts", best_cpu_ms(lambda: [parse(one, "balanced") for one in sources], seconds=1)),
        ("match", best_cpu_ms(lambda: match_group(segments, compiled), seconds=3)),
        ("reward", best_cpu_ms(lambda: reward(facts, profile), seconds=0.5)),
        ("encode", best_cpu_ms(lambda: encode(score_out([scored_out(one) for one in scored], terms)), seconds=0.5)),
    ]  # fmt: skip


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="fewer turns, and nothing is kept")
    turns, seconds = (5, 0.3) if arguments.parse_args().quick else (30, 0.3)
    bodies = {
        "1 MB, as recorded": call(1_000_000),
        "1 MB, ASCII": call(1_000_000, ascii_only=True),
        "10 KB": call(10_000),
    }
    with Report("service") as report:
        rows = []
        for name, cost in zip(bodies, costs([*bodies.values()], turns=turns, seconds=seconds), strict=True):
            noop, ours, naive = cost["no-op"], cost["service"], cost["naive"]
            rows.append(
                (
                    name,
                    f"{noop:.3f}",
                    f"{ours:.2f}",
                    f"{naive:.1f}",
                    f"{noop / ours:.3f}",
                    f"{naive / ours:.1f}",
                )
            )
        report.table(
            "CPU of the server per call",
            ("body", "no-op ms", "service ms", "naive ms", "no-op / service", "naive / service"),
            rows,
        )
        for name, body in bodies.items():
            report.table(f"Stages, {name}", ("stage", "ms"), [(s, f"{ms:.3f}") for s, ms in stages(body)])


if __name__ == "__main__":
    main()
