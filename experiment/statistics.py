"""Means with bootstrap intervals over seeds and questions, and what a run had reached by when.

# S: seeds · Q: test questions of a seed
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

RESAMPLES = 4000
LEVEL = 95
Result = dict[str, Any]


def outcomes(result: Result, evaluation: int = -1) -> NDArray[np.float64]:
    """Return 1 or 0 for each test question at one evaluation, (Q,)."""
    digits = result["evaluations"][evaluation]["correct"]
    return np.array([int(bit) for bit in f"{int(digits, 16):0{4 * len(digits)}b}"], dtype=np.float64)


def interval(rows: Sequence[NDArray[np.float64]]) -> tuple[float, float, float]:
    """Return mean, lower and upper end: seeds are drawn with replacement, then questions within each drawn seed.

    Args:
        rows: one array of numbers a seed, each (Q,); differences for a paired comparison.
    """
    values_SQ: NDArray[np.float64] = np.stack(rows)
    rng = np.random.default_rng(0)
    seeds, questions = values_SQ.shape
    means = []
    for _ in range(RESAMPLES):
        drawn = rng.integers(seeds, size=(seeds, 1))
        within = rng.integers(questions, size=(seeds, questions))
        means.append(values_SQ[drawn, within].mean())
    low, high = np.percentile(means, [(100 - LEVEL) / 2, (100 + LEVEL) / 2])
    return float(values_SQ.mean()), float(low), float(high)


def steps_to(result: Result, accuracy: float) -> int | None:
    """Return the first evaluated step with at least that accuracy; None where there is none."""
    return next((row["step"] for row in result["evaluations"] if row["accuracy"] >= accuracy), None)


def at_seconds(result: Result, seconds: float) -> float:
    """Return the accuracy after that much processor time, on the straight line between evaluations; the last one beyond."""
    times = [row["cpu_s"] for row in result["evaluations"]]
    return float(np.interp(seconds, times, [row["accuracy"] for row in result["evaluations"]]))


def mean_curve(results: Sequence[Result], name: str) -> NDArray[np.float64]:
    """Return the mean over seeds of a number at each evaluation."""
    curve: NDArray[np.float64] = np.mean(
        [[row[name] for row in result["evaluations"]] for result in results], axis=0
    )
    return curve


def with_signal(result: Result) -> float:
    """Return the share of sampled groups that had a signal."""
    return float(sum(result["steps"]["groups_with_signal"]) / max(sum(result["steps"]["groups_sampled"]), 1))


def rollouts(result: Result) -> int:
    """Return how many rollouts a run sampled for training."""
    return int(result["evaluations"][-1]["rollouts"])


def verdict(low: float, high: float) -> str:
    """Say what an interval of a difference allows to say: a tie is called a tie."""
    if low > 0:
        return "higher"
    return "lower" if high < 0 else "tie"
