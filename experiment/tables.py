"""Markdown tables of results. Every row says how many seeds it has."""

from collections.abc import Callable, Iterable, Mapping, Sequence

import numpy as np

from experiment.plan import all_runs
from experiment.runs import result_of
from experiment.settings import Run
from experiment.statistics import (
    Result,
    at_seconds,
    interval,
    outcomes,
    rollouts,
    steps_to,
    verdict,
    with_signal,
)

Found = Mapping[tuple[str, str, str], list[Result]]
"""Results by (part, setting, method), in the order of seeds."""
Lines = Mapping[str, list[Result]]
"""Results by what a row or a curve is called."""
NOTHING = "No run has finished yet."
FEWEST_SEEDS = 3
"""With fewer, an interval says little about other seeds."""


def gather() -> tuple[Found, list[Run]]:
    """Return the results that are there, and the runs that are missing."""
    found: dict[tuple[str, str, str], list[Result]] = {}
    missing = []
    for run in sorted(all_runs(), key=lambda run: run.seed):
        result = result_of(run)
        if result is None:
            missing.append(run)
        else:
            found.setdefault((run.part, run.setting, run.method), []).append(result)
    return found, missing


def lines_of(found: Found, part: str, setting: str, methods: Iterable[str]) -> dict[str, list[Result]]:
    """Return the results of some methods in one setting, by method; without those that have none."""
    lines = {method: found.get((part, setting, method), []) for method in methods}
    return {method: results for method, results in lines.items() if results}


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table, or a sentence where there is nothing to show."""
    if not rows:
        return NOTHING
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def percent(numbers: tuple[float, float, float], *, sign: bool = False) -> str:
    """Write mean and interval in percent."""
    mean, low, high = (100 * number for number in numbers)
    return f"{mean:{'+' if sign else ''}.1f} [{low:.1f}, {high:.1f}]"


def accuracy(results: Sequence[Result], evaluation: int = -1) -> str:
    """Write the accuracy at one evaluation, the last unless told, with its interval."""
    return percent(interval([outcomes(result, evaluation) for result in results]))


def mean_of(results: Sequence[Result], measure: Callable[[Result], float]) -> str:
    """Write the mean of a number over seeds."""
    return f"{np.mean([measure(result) for result in results]):.2f}"


def at_end(name: str) -> Callable[[Result], float]:
    """Return the function that reads a number of the last evaluation."""
    return lambda result: float(result["evaluations"][-1][name])


def reached(results: Sequence[Result]) -> str:
    """Write the first evaluated step with 10 % accuracy, for each seed."""
    steps = [steps_to(result, 0.10) for result in results]
    return ", ".join("never" if step is None else str(step) for step in steps)


def methods_table(lines: Lines) -> str:
    """Return the comparison of methods in one setting."""
    seconds = min((at_end("cpu_s")(one) for results in lines.values() for one in results), default=0.0)
    rows = [
        [
            *(method, str(len(results)), accuracy(results, 0), accuracy(results)),
            f"{100 * np.mean([at_seconds(result, seconds) for result in results]):.1f}",
            reached(results),
            *(mean_of(results, at_end(name)) for name in ("searches", "match_rate", "overlength")),
            mean_of(results, with_signal),
            f"{np.mean([rollouts(result) for result in results]):.0f}",
            f"{np.mean([at_end('cpu_s')(result) for result in results]):.0f}",
        ]
        for method, results in lines.items()
    ]
    head = [
        *("method", "seeds", "accuracy before, %", "accuracy after 50 steps, %", f"after {seconds:.0f} s, %"),
        *("steps to 10 %, by seed", "searches", "match rate", "overlength", "groups with a signal"),
        *("rollouts", "processor seconds"),
    ]
    return table(head, rows)


def names_table(lines: Lines, what: str) -> str:
    """Return a table of final numbers with the names in thoughts, one row per line."""
    rows = [
        [
            *(name, str(len(results)), accuracy(results, 0), accuracy(results), reached(results)),
            mean_of(results, at_end("match_rate")),
            mean_of(results, lambda result: float(result["evaluations"][0]["names"])),
            mean_of(results, at_end("names")),
            mean_of(results, at_end("tokens")),
        ]
        for name, results in lines.items()
        if results
    ]
    head = [
        *(what, "seeds", "accuracy before, %", "accuracy after 50 steps, %", "steps to 10 %, by seed"),
        *("match rate", "names in thoughts before", "after", "tokens per rollout"),
    ]
    return table(head, rows)


def pairs(one: Sequence[Result], other: Sequence[Result]) -> list[tuple[Result, Result]]:
    """Return the results of both for each seed that both have."""
    by_seed = {result["seed"]: result for result in other}
    return [(result, by_seed[result["seed"]]) for result in one if result["seed"] in by_seed]


def difference(
    one: Sequence[Result], other: Sequence[Result]
) -> tuple[int, int, tuple[float, float, float]] | None:
    """Return the number of seeds, in how many of them `one` is ahead, and mean and interval; None without a pair."""
    both = [(outcomes(a), outcomes(b)) for a, b in pairs(one, other)]
    if not both:
        return None
    ahead = sum(a.mean() > b.mean() for a, b in both)
    return len(both), int(ahead), interval([a - b for a, b in both])


def difference_row(name: str, where: str, one: Sequence[Result], other: Sequence[Result]) -> list[list[str]]:
    """Return one row of a table of differences; none without a pair."""
    found = difference(one, other)
    if found is None:
        return []
    seeds, ahead, numbers = found
    reading = verdict(*numbers[1:]) if seeds >= FEWEST_SEEDS else "too few seeds"
    return [[name, where, f"{ahead} of {seeds}", percent(numbers, sign=True), reading]]


def differences(found: Found, part: str, compared: Iterable[tuple[str, str]], settings: Iterable[str]) -> str:
    """Return the paired differences of the accuracy after 50 steps."""
    places = list(settings)
    rows = [
        row
        for one, other in compared
        for place in places
        for row in difference_row(
            f"{one} − {other}",
            place,
            found.get((part, place, one), []),
            found.get((part, place, other), []),
        )
    ]
    return differences_table(rows)


def differences_table(rows: Sequence[Sequence[str]]) -> str:
    """Return a table of rows of `difference_row`."""
    return table(["difference", "p0 or setting", "seeds ahead", "percentage points", "reading"], rows)
