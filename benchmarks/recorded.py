"""What a profile pays for the recorded rollouts of FireAct; part of `python -m benchmarks.quality`.

It imports nothing of the benchmarks, so that it can measure another checkout: run with that checkout's folder as PYTHONPATH, it prints
its numbers as JSON.
"""

import json
import os
import statistics
from collections import Counter
from pathlib import Path
from typing import Any

from entity_index.types import Entity, Question
from reward_service.core.matching import compile_question, match_group
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

DATA = Path(os.environ.get("REWARD_SERVICE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))
ALPHA = 0.3
REASONS = ("pasted", "listed")


def _segment(step: dict[str, Any]) -> Segment:
    text = step.get("text", step.get("arguments", ""))
    return Segment(SegmentKind(step["type"]), text if isinstance(text, str) else json.dumps(text))


def groups() -> list[list[dict[str, Any]]]:
    """Return the rows of each group."""
    found: dict[str, list[dict[str, Any]]] = {}
    path = DATA / "trajectories_hotpotqa_fireact" / "trajectories.jsonl"
    for line in path.read_text(encoding="utf-8").splitlines():
        row = json.loads(line)
        found.setdefault(row["group_id"], []).append(row)
    return list(found.values())


def measure(profile: str) -> dict[str, float]:
    """Return what a profile's matching and E-GRPO's rewards (arXiv:2510.24694, Eq. 5, alpha = 0.3) say of FireAct."""
    spec = shipped()[profile].measure.matching
    rates: list[float] = []
    verdicts: list[float] = []
    wrong: list[float] = []
    count: Counter[str] = Counter()
    for rows in groups():
        entities = tuple(map(Entity, rows[0]["entities"]))
        question = Question(rows[0]["question"], tuple(rows[0]["answers"]), entities)
        compiled = compile_question(question, spec)
        found = match_group([tuple(map(_segment, row["steps"])) for row in rows], compiled)
        best = max(one.matched for one in found)
        paid = [
            1.0 if row["correct"] else ALPHA * one.matched / best if best else 0.0
            for one, row in zip(found, rows, strict=True)
        ]
        count["signal"] += len(set(paid)) > 1
        wrong += [reward for reward, row in zip(paid, rows, strict=True) if not row["correct"]]
        for one, row in zip(found, rows, strict=True):
            count.update(one.uncredited.keys())
            count["named"] += one.matched
            count["hidden"] += compiled.entities
            if compiled.entities:
                rates.append(one.matched / compiled.entities)
                verdicts.append(float(row["correct"]))
    rollouts = sum(map(len, groups()))
    return {
        "r(rate, correct)": statistics.correlation(rates, verdicts),
        "groups with signal": count["signal"],
        "mean reward of wrong": statistics.fmean(wrong),
        **{f"rollouts that lose to {reason}, %": 100 * count[reason] / rollouts for reason in REASONS},
        "hidden entities named, %": 100 * count["named"] / count["hidden"],
    }


if __name__ == "__main__":
    print(json.dumps(measure("egrpo")))
