"""Carries the plan out: two runs side by side, one thread each. A run that has a result is not repeated.

    python -m experiment.runs [--parts reward,noise] [--at-once 2] [--seeds 16,17]

Interrupted runs go on from their last checkpoint. A result is written whole or not at all.
"""

import argparse
import json
import os
import platform
import subprocess
import sys
import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from importlib.metadata import version
from pathlib import Path
from typing import Any

from experiment import diagnosis
from experiment.plan import all_runs
from experiment.settings import FIXED, PROFILES, RESULTS, STEPS, Run
from reward_service.trainer.results import read

ROOT = Path(__file__).parents[1]
PLAN = [f"experiment/{name}.py" for name in ("settings", "first", "second", "plan")]
SCRATCH = ROOT / ".data" / "experiment"
ONE_THREAD = dict.fromkeys(("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS"), "1")
KEPT = ("accuracy", "match_rate", "searches", "names", "errors", "overlength", "tokens")
PER_STEP = (
    "accuracy",
    "match_rate",
    "groups",
    "groups_sampled",
    "groups_with_signal",
    "updated",
    "drawn_tokens",
)
STAGES = ("rollout_s", "reward_s", "update_s", "step_s")


def result_of(run: Run) -> dict[str, Any] | None:
    """Return a run's result; None where there is none for these settings."""
    path = RESULTS / f"{run.name}.json"
    if not path.exists():
        return None
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return found if found["digest"] == run.digest else None


def carry_out(run: Run) -> None:
    """Train, and write the result."""
    folder = SCRATCH / f"{run.name}-{run.digest}"
    where = ["--out", str(folder), "--cache", str(SCRATCH / "warmups")]
    command = [sys.executable, "-m", "reward_service", "train", *FIXED, "--seed", str(run.seed)]
    began = time.time()
    with (SCRATCH / "log").open("ab") as log:
        done = subprocess.run(
            [*command, *run.arguments, *where],
            env={**os.environ, **ONE_THREAD, "REWARD_SERVICE_LEDGER": str(folder / "ledger.jsonl")},
            cwd=ROOT,
            stdout=log,
            stderr=log,
            check=False,
        )
    if done.returncode:
        print(f"{run.name} failed, see {SCRATCH / 'log'}", flush=True)
        return
    rows = read(folder / "metrics.jsonl")
    path = RESULTS / f"{run.name}.json"
    spread = diagnosis.by_step(diagnosis.training_groups(folder / "ledger.jsonl"), STEPS)
    result = {**summary(run, rows), "spread": spread}
    path.with_suffix(".part").write_text(json.dumps(result) + "\n", encoding="utf-8")
    path.with_suffix(".part").replace(path)
    last = [row for row in rows if row["kind"] == "eval"][-1]
    print(f"{run.name}: accuracy {last['accuracy']:.3f}, {time.time() - began:.0f} s", flush=True)


def summary(run: Run, rows: Sequence[dict[str, Any]]) -> dict[str, Any]:
    """Return what is kept of a run: its curve, each test question's outcome, and where time went."""
    steps = [row for row in rows if row["kind"] == "train"]
    return {
        "digest": run.digest,
        "part": run.part,
        "setting": run.setting,
        "method": run.method,
        "seed": run.seed,
        "arguments": [*FIXED, *run.arguments],
        "made": made(),
        "evaluations": [
            {
                "step": row["step"],
                "rollouts": row["rollouts"],
                **{name: round(row[name], 6) for name in KEPT},
                "wall_s": round(row["timing"]["wall_s"], 2),
                "cpu_s": round(row["timing"]["cpu_s"], 2),
                "correct": packed(row["correct"]),
            }
            for row in rows
            if row["kind"] == "eval"
        ],
        "steps": {name: [round(row[name], 6) for row in steps] for name in PER_STEP},
        "seconds": {stage: round(sum(row["timing"].get(stage, 0.0) for row in steps), 2) for stage in STAGES},
        "drift": max(row["drift"] for row in steps),
    }


def packed(correct: str) -> str:
    """Write a string of 0 and 1 as hexadecimal digits."""
    return f"{int(correct, 2):0{len(correct) // 4}x}"


def made() -> dict[str, str]:
    """Say by what and on what a result was made."""
    commit = subprocess.run(
        ["git", "rev-parse", "--short=12", "HEAD"], cwd=ROOT, capture_output=True, text=True, check=False
    )
    dirty = subprocess.run(
        ["git", "status", "--porcelain", "reward_service", *PLAN, PROFILES],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    return {
        "commit": commit.stdout.strip() + ("+" if dirty.stdout.strip() else ""),
        "machine": f"{processor()}, {os.cpu_count()} cores",
        "python": platform.python_version(),
        "torch": version("torch"),
        "transformers": version("transformers"),
    }


def processor() -> str:
    """Return the processor's name, where Linux tells it."""
    info = Path("/proc/cpuinfo")
    lines = info.read_text(encoding="utf-8").splitlines() if info.exists() else []
    return next(
        (line.partition(":")[2].strip() for line in lines if line.startswith("model name")),
        platform.machine(),
    )


def main() -> None:
    """Carry out what is missing, then write the page."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--parts", default="")
    parser.add_argument("--at-once", type=int, default=2)
    parser.add_argument("--seeds", default="")
    given = parser.parse_args()
    seeds = {int(seed) for seed in given.seeds.split(",") if seed}
    parts = set(filter(None, given.parts.split(",")))
    chosen = [
        run for run in all_runs() if (not parts or run.part in parts) and (not seeds or run.seed in seeds)
    ]
    missing = [run for run in chosen if result_of(run) is None]
    print(f"{len(chosen) - len(missing)} of {len(chosen)} runs are there", flush=True)
    SCRATCH.mkdir(parents=True, exist_ok=True)
    with ThreadPoolExecutor(given.at_once) as pool:
        list(pool.map(carry_out, missing))


if __name__ == "__main__":
    main()
