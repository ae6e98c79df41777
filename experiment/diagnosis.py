"""Where a run's gradient came from: read from the ledger that its reward service kept, step by step.

A rollout's weight is |A| times its tokens, which is how much it counts in the token-level loss; one that was cut off is not
in the loss and has none. It is what the estimator decides. How far the gradients of rollouts point in the same direction
is not in it.

    # G: rollouts of a group
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from math import copysign, sqrt
from pathlib import Path
from statistics import stdev
from typing import Any, NamedTuple

from reward_service.core.advantages import advantages
from reward_service.core.types import Estimator

KINDS = ("correct", "wrong", "error", "cut")
"""Right answer; wrong answer; broken format or no answer; cut off at a limit."""
TOLERANCE = 1e-9
Line = Mapping[str, Any]


class Judged(NamedTuple):
    """One rollout of a group."""

    kind: str
    tokens: int
    reward: float
    advantage: float

    @property
    def weight(self) -> float:
        """How much it counts in the loss."""
        return 0.0 if self.kind == "cut" else abs(self.advantage) * self.tokens


def training_groups(ledger: Path) -> dict[int, list[list[Judged]]]:
    """Return the scored groups of training by step, from 1; of a group that was scored twice, the last."""
    lines = (json.loads(line) for line in ledger.read_text(encoding="utf-8").splitlines())
    last = {one["group_id"]: one for one in lines if _of_training(one)}
    found: dict[int, list[list[Judged]]] = {}
    for group_id, one in last.items():
        found.setdefault(int(group_id.partition("-")[0]) + 1, []).append(_group(one))
    return dict(sorted(found.items()))


def _of_training(line: Line) -> bool:
    run_id: str = line["run_id"]
    return run_id.startswith("train-") and not run_id.endswith("-checked") and line["status"] == "complete"


def _group(line: Line) -> list[Judged]:
    published = line["published"]
    numbers = zip(line["rollouts"], published["reward"], published["advantage"], strict=True)
    return [
        Judged("cut" if fact.get("overlength") else fact["outcome"], fact["length"], reward, advantage)
        for fact, reward, advantage in numbers
    ]


def by_step(groups: Mapping[int, Sequence[Sequence[Judged]]], steps: int) -> dict[str, list[float]]:
    """Return each sum as a list over steps, from the first."""
    rows = [_sums(groups.get(step, ())) for step in range(1, steps + 1)]
    return {name: [round(row[name], 3) for row in rows] for name in rows[0]}


def _sums(groups: Sequence[Sequence[Judged]]) -> dict[str, float]:
    narrow = [group for group in groups if is_narrow(group)]
    wide = [group for group in groups if not is_narrow(group)]
    unsolved = [group for group in groups if not _has(group, "correct")]
    return {
        "groups": len(groups),
        "narrow_groups": len(narrow),
        "weight": _weight(groups),
        "narrow_weight": _weight(narrow),
        "unsolved_weight": _weight(unsolved),
        **{f"narrow_up_{kind}": _pushed_up(narrow, kind) for kind in KINDS},
        **{f"wide_up_{kind}": _pushed_up(wide, kind) for kind in KINDS},
        **dict(zip(("compared", "agreeing"), _agreement(groups), strict=True)),
    }


def is_narrow(group: Sequence[Judged]) -> bool:
    """Return whether rewards differ, but by less than in a group with one success: std < 1/sqrt(G)."""
    spread = stdev(one.reward for one in group) if len(group) > 1 else 0.0
    return TOLERANCE < spread < 1 / sqrt(len(group)) - TOLERANCE


def _has(group: Sequence[Judged], kind: str) -> bool:
    return any(one.kind == kind for one in group)


def _weight(groups: Iterable[Sequence[Judged]]) -> float:
    return sum(one.weight for group in groups for one in group)


def _pushed_up(groups: Iterable[Sequence[Judged]], kind: str) -> float:
    """Return the sum of A times tokens where A > 0; of cut rollouts too, although it does not count in the loss."""
    return sum(
        one.advantage * one.tokens
        for group in groups
        for one in group
        if one.kind == kind and one.advantage > 0
    )


def _agreement(groups: Iterable[Sequence[Judged]]) -> tuple[int, int]:
    """Return how many rollouts in the loss are in groups with right and other rollouts, and how many have GRPO's sign."""
    compared = agreeing = 0
    for group in groups:
        if 0 < sum(one.kind == "correct" for one in group) < len(group):
            plain = advantages([float(one.kind == "correct") for one in group], Estimator())
            pairs = [(one.advantage, a) for one, a in zip(group, plain, strict=True) if one.kind != "cut"]
            compared += len(pairs)
            agreeing += sum(own != 0 and copysign(1, own) == copysign(1, a or 0.0) for own, a in pairs)
    return compared, agreeing
