"""What changes if another judge takes over: the same rollouts under two profiles, compared one by one.

Models retire in the middle of trainings. A run keeps the profile that it declared, so a successor is another profile with
another digest, and a new run; this says beforehand what that does to verdicts, rewards and the direction of learning.
"""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reward_service.adapters.records.results import RecordOut

WORTH_SAYING = 1e-9


@dataclass(frozen=True, slots=True)
class Shift:
    """What differs between two profiles, over some rollouts."""

    rollouts: int = 0
    """With a reward under both."""
    unscored: int = 0
    """With a reward under one of them or neither."""
    to_wrong: int = 0
    to_correct: int = 0
    rewards: int = 0
    signs: int = 0
    """Advantages that point the other way, or to nothing."""

    @property
    def agreement(self) -> float | None:
        """Share of equal outcomes; None if nothing can be compared."""
        return 1 - (self.to_wrong + self.to_correct) / self.rollouts if self.rollouts else None


def compare(before: Sequence[RecordOut], after: Sequence[RecordOut]) -> dict[str, Shift]:
    """Return what changes, by step in the order of the file; `all` is the whole."""
    pairs = list(zip(before, after, strict=True))
    by_step: dict[str, list[tuple[RecordOut, RecordOut]]] = defaultdict(list)
    for pair in pairs:
        if pair[0]["step"] is not None:
            by_step[str(pair[0]["step"])].append(pair)
    return {**{step: _change(them) for step, them in by_step.items()}, "all": _change(pairs)}


def _change(pairs: Sequence[tuple[RecordOut, RecordOut]]) -> Shift:
    scored = [(a, b) for a, b in pairs if a["reward"] is not None and b["reward"] is not None]
    return Shift(
        rollouts=len(scored),
        unscored=len(pairs) - len(scored),
        to_wrong=sum(a["outcome"] == "correct" != b["outcome"] for a, b in scored),
        to_correct=sum(a["outcome"] != "correct" == b["outcome"] for a, b in scored),
        rewards=sum(abs(a["reward"] - b["reward"]) > WORTH_SAYING for a, b in scored),
        signs=sum(_sign(a["advantage"]) != _sign(b["advantage"]) for a, b in scored),
    )


def _sign(advantage: float | None) -> int:
    return (advantage > WORTH_SAYING) - (advantage < -WORTH_SAYING) if advantage is not None else 0


def lines(found: Mapping[str, Shift], names: tuple[str, str]) -> list[str]:
    """Return the comparison as people read it."""
    said = [
        f"from {names[0]} to {names[1]}",
        "step        rollouts  agreement  right->wrong  wrong->right  rewards changed  signs changed  without reward",
    ]
    return said + [_line(step, change) for step, change in found.items()]


def _line(step: str, change: Shift) -> str:
    share = "-" if change.agreement is None else f"{change.agreement:.3f}"
    numbers: tuple[Any, ...] = (
        change.to_wrong,
        change.to_correct,
        change.rewards,
        change.signs,
        change.unscored,
    )
    widths = (12, 12, 15, 13, 14)
    cells = "  ".join(f"{number:>{width}}" for number, width in zip(numbers, widths, strict=True))
    return f"{step:<10}  {change.rollouts:>8}  {share:>9}  {cells}"
