"""What a judge costs: which answers strings decide, which asks are the same, and a whole step through a slow judge.

    python -m benchmarks.judges cascades DATA      answers with people's verdicts (judged.jsonl): strings in front of a judge
    python -m benchmarks.judges asks DATA          agents' trajectories (FireAct's): asks that equal answers save
    python -m benchmarks.judges step               512 rollouts sent one by one, through a judge that takes 50 ms; then, with
                                                   the judge gone, their ledger is verified

The judge of the last is `reward_service.cli.stub_judge` in a process of its own, so times are the service's own.
"""

import asyncio
import contextlib
import json
import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import aiohttp

from entity_index.types import Question
from reward_service.cli.calibrate import read_verdicts
from reward_service.core.checkers import CHECKERS
from reward_service.core.judging.agreement import wilson
from reward_service.core.judging.cascade import REJECTS, unfit
from reward_service.core.judging.presented import presented
from reward_service.core.profiles import shipped
from reward_service.core.scoring import plan
from reward_service.core.types import Rollout, Segment, SegmentKind, Steps

ACCURACIES = (0.10, 0.35, 0.85)
ROWS = (
    ("exact_match", "blank"),
    ("equal", "blank"),
    ("equal", "lexical"),
    ("cover", "blank"),
    ("cover", "lexical"),
)
GROUPS, GROUP_SIZE, DELAY_MS = 64, 8, 50
RUN = {"group_size": GROUP_SIZE, "deadline_s": 600}
QUESTION = {"text": "Where?", "answers": ["Lima"], "entities": [{"name": "Zanderheim"}]}


def cascades(path: Path) -> None:
    judge = shipped()["egrpo-judged"].judge
    assert judge is not None
    answers = read_verdicts(path)
    print(
        f"{len(answers)} answers, {sum(one.is_right for one in answers)} of them right; the judge is taken to be perfect\n"
    )
    print("| accept | reject | decided at accuracy .10 / .35 / .85 | wrong accepted | right rejected |")
    print("|---|---|---|---|---|")
    for accept, reject in ROWS:
        decided = {True: [0, 0], False: [0, 0]}  # by what is true: accepted, rejected
        totals = {True: 0, False: 0}
        for one in answers:
            totals[one.is_right] += 1
            if CHECKERS[accept](one.answer, one.question, 0.8):
                decided[one.is_right][0] += 1
            elif unfit(presented(one.answer), judge) or REJECTS[reject](one.answer, one.question):
                decided[one.is_right][1] += 1
        shares = {side: sum(decided[side]) / totals[side] for side in totals}
        at = " / ".join(f"{a * shares[True] + (1 - a) * shares[False]:.2f}" for a in ACCURACIES)
        wrong, right = wilson(decided[False][0], totals[False]), wilson(decided[True][1], totals[True])
        print(f"| {accept} | {reject} | {at} | {_interval(wrong)} | {_interval(right)} |")


def _interval(share: tuple[float, float, float]) -> str:
    return f"{share[0]:.4f} [{share[1]:.4f}, {share[2]:.4f}]"


def asks(path: Path) -> None:
    """Count the asks of FireAct's recorded agents, with and without the same ask being one."""
    profile = shipped()["egrpo-judged"]
    groups = defaultdict(list)
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        groups[row["group_id"]].append(row)
    rollouts = alone = together = 0
    for rows in groups.values():
        question = Question(rows[0]["question"], tuple(rows[0]["answers"]))
        planned = plan([_recorded(row) for row in rows], question, profile)
        rollouts += len(rows)
        alone += sum(one.case is not None for one in planned.rollouts)
        together += len(planned.pending({}))
    print(
        f"{rollouts} rollouts in {len(groups)} groups: {alone} need a judge, {together} asks after equal ones are one"
    )
    print(f"saved by equal answers: {1 - together / alone:.1%}; by strings: {1 - alone / rollouts:.1%}")


def _recorded(row: dict[str, Any]) -> Rollout:
    segments = [Segment(SegmentKind(one["type"]), str(one.get("text") or "")) for one in row["steps"]]
    return Rollout(row["rollout_id"], Steps(tuple(segments)))


def step() -> None:
    with tempfile.TemporaryDirectory() as folder:
        backends = Path(folder) / "backends.yaml"
        backends.write_text(
            json.dumps(
                [{"name": "stub", "serves": ["judge"], "url": "http://127.0.0.1:9178/v1", "flavour": "vllm"}]
            )
        )
        judge = [
            sys.executable,
            "-m",
            "reward_service.cli.stub_judge",
            "--port",
            "9178",
            "--delay-ms",
            str(DELAY_MS),
        ]
        service = [sys.executable, "-m", "reward_service", "serve", "--port", "9179"]
        ledger = Path(folder) / "ledger.jsonl"
        settings = {
            "REWARD_SERVICE_BACKENDS": str(backends),
            "REWARD_SERVICE_LEDGER": str(ledger),
            "REWARD_SERVICE_JUDGE_CANARY_INTERVAL_S": "0",
            "REWARD_SERVICE_LOG_LEVEL": "warning",
        }
        running = [subprocess.Popen(judge), subprocess.Popen(service, env=os.environ | settings)]
        try:
            asyncio.run(_step(running[1].pid))
        finally:
            for process in running:
                process.terminate()
                process.wait()
        print(f"load of the machine: {os.getloadavg()[0]:.1f}")
        verify = [sys.executable, "-m", "reward_service", "ledger", "verify", str(ledger), "--judgements"]
        subprocess.run(verify, check=True)


async def _step(pid: int) -> None:
    connector = aiohttp.TCPConnector(limit=0)
    async with aiohttp.ClientSession("http://127.0.0.1:9179", connector=connector) as http:
        await _ready(http)
        for profile in ("egrpo", "egrpo-judged"):
            before = _memory(pid)
            await _call(http, "PUT", f"/v1/runs/{profile}", {"profile": profile, **RUN})
            rest = asyncio.create_task(_others(http))
            began, burned = time.perf_counter(), _cpu_s(pid)
            puts = [_put(http, profile, g, r) for g in range(GROUPS) for r in range(GROUP_SIZE)]
            statuses = set(await asyncio.gather(*puts))
            wall = time.perf_counter() - began
            rest.cancel()
            busy = await rest
            cpu = _cpu_s(pid) - burned
            print(f"{profile}: {len(puts)} rollouts in {wall:.2f} s, statuses {sorted(statuses)}")
            print(f"  processor time of the service, with the other calls: {cpu:.2f} s")
            print(f"  other calls (egrpo, 3 rollouts) meanwhile: p50 and p99 {_of(busy)}")
            print(f"  memory: {before} MiB before, {_memory(pid)} after, at most {_peak(pid)}")


async def _call(http: aiohttp.ClientSession, method: str, path: str, body: dict[str, Any]) -> int:
    async with http.request(method, path, json=body) as reply:
        await reply.read()
        return reply.status


async def _put(http: aiohttp.ClientSession, run: str, group: int, rollout: int) -> int:
    thought = f"I think of Zanderheim. {'Some more words that were thought. ' * 100}"
    steps = [
        {"type": "thought", "text": thought},
        {"type": "answer", "text": f"the city number {group}-{rollout}"},
    ]
    url = f"/v1/runs/{run}/groups/g{group}/rollouts/{rollout}"
    return await _call(http, "PUT", url, {"steps": steps, "question": QUESTION})


async def _others(http: aiohttp.ClientSession) -> list[float]:
    """Send calls that need no judge, one after the other, until cancelled; return the milliseconds of each."""
    steps = [{"type": "thought", "text": "Zanderheim"}, {"type": "answer", "text": "Lima"}]
    rollouts = [{"rollout_id": str(n), "steps": steps} for n in range(3)]
    body = {"profile": "egrpo", "groups": [{"group_id": "g", "question": QUESTION, "rollouts": rollouts}]}
    found: list[float] = []
    with contextlib.suppress(asyncio.CancelledError):
        while True:
            began = time.perf_counter()
            await _call(http, "POST", "/v1/groups/score", body)
            found.append((time.perf_counter() - began) * 1000)
            await asyncio.sleep(0.01)
    return found


async def _ready(http: aiohttp.ClientSession) -> None:
    for _ in range(600):
        with contextlib.suppress(aiohttp.ClientError):
            async with http.get("/readyz") as reply:
                if reply.status == 200:
                    return
        await asyncio.sleep(0.1)
    raise SystemExit("the service did not become ready")


def _of(times: list[float]) -> str:
    cuts = statistics.quantiles(times, n=100)
    return f"{cuts[49]:.1f} and {cuts[98]:.1f} ms (of {len(times)})"


def _cpu_s(pid: int) -> float:
    """Return the processor time of a process so far, which hardly depends on the load of the machine."""
    fields = Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _memory(pid: int) -> int:
    pages = int(Path(f"/proc/{pid}/statm").read_text(encoding="utf-8").split()[1])
    return pages * resource.getpagesize() // 2**20


def _peak(pid: int) -> int:
    status = Path(f"/proc/{pid}/status").read_text(encoding="utf-8")
    return int(status.partition("VmHWM:")[2].split()[0]) // 1024


if __name__ == "__main__":
    match sys.argv[1:]:
        case ["cascades", path]:
            cascades(Path(path))
        case ["asks", path]:
            asks(Path(path))
        case ["step"]:
            step()
        case _:
            raise SystemExit(__doc__)
