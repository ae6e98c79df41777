"""Writes docs/experiment.md and its figures from the results that stand there, whole or not.

python -m experiment.page
"""

from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np

from experiment import figures
from experiment.first import METHODS, SEEDS, STUFFING_PROFILES
from experiment.plan import all_runs
from experiment.runs import ROOT, result_of
from experiment.settings import MIDDLE, STOP_EARLY, Run
from experiment.statistics import (
    LEVEL,
    RESAMPLES,
    Result,
    at_seconds,
    interval,
    outcomes,
    rollouts,
    steps_to,
    verdict,
    with_signal,
)

PAGE = ROOT / "docs" / "experiment.md"
FIGURES = ROOT / "docs" / "experiment"
INTRODUCTION = Path(__file__).parent / "introduction.md"
READING = Path(__file__).parent / "reading.md"
NOTES = Path(__file__).parent / "notes.md"
Found = dict[tuple[str, str, str], list[Result]]


def gather() -> tuple[Found, list[Run]]:
    """Return results by (part, setting, method) in the order of seeds, and the runs that are missing."""
    found: Found = {}
    missing = []
    for run in sorted(all_runs(), key=lambda run: run.seed):
        result = result_of(run)
        if result is None:
            missing.append(run)
        else:
            found.setdefault((run.part, run.setting, run.method), []).append(result)
    return found, missing


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return a Markdown table."""
    lines = [" | ".join(head), " | ".join("---" for _ in head), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def percent(numbers: tuple[float, float, float]) -> str:
    """Write mean and interval in percent."""
    mean, low, high = (100 * number for number in numbers)
    return f"{mean:.1f} [{low:.1f}, {high:.1f}]"


def _of(results: Sequence[Result], measure: Callable[[Result], float]) -> str:
    return f"{np.mean([measure(result) for result in results]):.2f}"


def _last(name: str) -> Callable[[Result], float]:
    return lambda result: float(result["evaluations"][-1][name])


def _reached(results: Sequence[Result]) -> str:
    steps = [steps_to(result, 0.10) for result in results]
    return ", ".join("never" if step is None else str(step) for step in steps)


def _seconds(result: Result) -> float:
    return float(result["evaluations"][-1]["cpu_s"])


def main_table(found: Found, p0: str) -> str:
    """Return the comparison of methods at one p0."""
    cells = {method: found.get(("main", p0, method), []) for method in METHODS}
    there = {method: results for method, results in cells.items() if results}
    if not there:
        return "No run has finished yet."
    seconds = min(_seconds(result) for results in there.values() for result in results)
    rows = [
        [
            method,
            str(len(results)),
            percent(interval([outcomes(result, 0) for result in results])),
            percent(interval([outcomes(result) for result in results])),
            f"{100 * np.mean([at_seconds(result, seconds) for result in results]):.1f}",
            _reached(results),
            _of(results, _last("searches")),
            _of(results, _last("match_rate")),
            _of(results, _last("overlength")),
            _of(results, with_signal),
            f"{np.mean([rollouts(result) for result in results]):.0f}",
            f"{np.mean([_seconds(result) for result in results]):.0f}",
        ]
        for method, results in there.items()
    ]
    head = [
        *("method", "seeds", "accuracy before, %", "accuracy after 50 steps, %", f"after {seconds:.0f} s, %"),
        *("steps to 10 %, a seed each", "searches", "match rate", "overlength", "groups with a signal"),
        *("rollouts", "processor seconds"),
    ]
    return table(head, rows)


def differences(found: Found) -> str:
    """Return the paired differences of final accuracy: the primary comparison first."""
    rows = []
    for one, other in (
        ("E-GRPO", "GRPO"),
        ("GRPO, dynamic sampling", "GRPO"),
        ("E-GRPO", "GRPO, dynamic sampling"),
    ):
        for p0 in STOP_EARLY:
            pairs = _paired(found.get(("main", p0, one), []), found.get(("main", p0, other), []))
            if pairs:
                mean, low, high = interval([outcomes(a) - outcomes(b) for a, b in pairs])
                rows.append(
                    [f"{one} − {other}", p0, str(len(pairs)), percent((mean, low, high)), verdict(low, high)]
                )
    return table(["difference", "p0", "seeds", "percentage points", "reading"], rows) if rows else "None yet."


def _paired(one: Sequence[Result], other: Sequence[Result]) -> list[tuple[Result, Result]]:
    by_seed = {result["seed"]: result for result in other}
    return [(result, by_seed[result["seed"]]) for result in one if result["seed"] in by_seed]


def alpha_lines(found: Found) -> dict[str, list[Result]]:
    """Return the results at the middle p0 by alpha."""
    lines = {
        "0": found.get(("main", MIDDLE, "GRPO"), []),
        "0.1": found.get(("alpha", "0.1", "E-GRPO"), []),
        "0.3": found.get(("main", MIDDLE, "E-GRPO"), []),
        "0.5": found.get(("alpha", "0.5", "E-GRPO"), []),
    }
    return {f"α = {alpha}": results for alpha, results in lines.items()}


def stuffing_lines(found: Found) -> dict[str, list[Result]]:
    """Return the results of the part on stuffing by profile."""
    return {name: found.get(("stuffing", name, "E-GRPO"), []) for name in STUFFING_PROFILES}


def simple_table(lines: dict[str, list[Result]], what: str) -> str:
    """Return a table of final numbers, a row a line."""
    rows = [
        [
            name,
            str(len(results)),
            percent(interval([outcomes(result, 0) for result in results])),
            percent(interval([outcomes(result) for result in results])),
            _reached(results),
            _of(results, _last("match_rate")),
            _of(results, lambda result: float(result["evaluations"][0]["names"])),
            _of(results, _last("names")),
            _of(results, _last("tokens")),
        ]
        for name, results in lines.items()
        if results
    ]
    head = [
        *(what, "seeds", "accuracy before, %", "accuracy after 50 steps, %", "steps to 10 %"),
        *("match rate", "names in thoughts before", "after", "tokens a rollout"),
    ]
    return table(head, rows) if rows else "No run has finished yet."


def draw(found: Found) -> None:
    """Draw the figures for which there are results; the others are taken away."""
    panels = {
        f"p0 about {p0}": {method: found.get(("main", p0, method), []) for method in METHODS}
        for p0 in STOP_EARLY
    }
    lines = stuffing_lines(found)
    wanted: list[tuple[str, dict[str, figures.Curves], str, str]] = [
        ("steps", panels, "accuracy", "step"),
        ("seconds", panels, "accuracy", "cpu_s"),
        ("alpha", {f"p0 about {MIDDLE}": alpha_lines(found)}, "accuracy", "step"),
        ("stuffing-accuracy", {"accuracy": lines}, "accuracy", "step"),
        ("stuffing-names", {"names": lines}, "names", "step"),
    ]
    FIGURES.mkdir(exist_ok=True)
    for name, shown, metric, against in wanted:
        path = FIGURES / f"{name}.svg"
        path.unlink(missing_ok=True)
        if any(results for curves in shown.values() for results in curves.values()):
            figures.curves(shown, path, metric=metric, against=against)


def image(name: str, about: str) -> str:
    """Show a figure where it was drawn."""
    return f"![{about}](experiment/{name}.svg)" if (FIGURES / f"{name}.svg").exists() else ""


def made_by(found: Found) -> str:
    """Return the commits, machines and versions of the results, each once."""
    values = {tuple(sorted(result["made"].items())) for results in found.values() for result in results}
    said = "\n".join(f"- {', '.join(f'{key} {value}' for key, value in one)}" for one in sorted(values))
    return said or "No run has finished yet."


def timing(found: Found) -> str:
    """Return where the time of the steps went, and the largest difference between sampling and training."""
    results = [result for many in found.values() for result in many]
    if not results:
        return "No run has finished yet."
    total = {stage: sum(result["seconds"][stage] for result in results) for stage in results[0]["seconds"]}
    share = {stage: total[stage] / total["step_s"] for stage in total}
    drawn = sum(sum(result["steps"]["drawn_tokens"]) for result in results)
    return (
        f"Of the wall time of all steps, {share['rollout_s']:.0%} went into rollouts, {share['update_s']:.0%} into updates "
        f"and {share['reward_s']:.1%} into waiting for rewards; {drawn / total['rollout_s']:.0f} tokens were sampled a "
        f"second of rollouts. The machine was shared, so these are what was seen there and not the best it can do. "
        f"The largest difference between a log-probability kept while sampling and the one computed for the update, over "
        f"every token of every step, was {max(result['drift'] for result in results):.1e}."
    )


def write() -> str:
    """Return the page."""
    found, missing = gather()
    total = len(all_runs())
    draw(found)
    parts = [INTRODUCTION.read_text(encoding="utf-8").strip()]
    parts.append(
        f"## How far it has come\n{total - len(missing)} of {total} runs have finished; the plan has {len(SEEDS)} seeds. "
        "The number of seeds stands in every row.\n`make experiment` carries out what is missing and writes this page anew."
    )
    parts.append(READING.read_text(encoding="utf-8"))
    parts.append(
        f"## Results\nIntervals are {LEVEL} % bootstrap intervals over seeds and, within a seed, questions "
        f"({RESAMPLES} resamples). With few seeds they are too narrow. An interval of a difference that holds 0 is "
        "called a tie."
    )
    parts += [f"### p0 about {p0}\n{main_table(found, p0)}" for p0 in STOP_EARLY]
    parts.append(f"### Differences\n{differences(found)}")
    parts += [image("steps", "Accuracy against steps"), image("seconds", "Accuracy against seconds")]
    parts.append(
        f"### Weight of partial credit\nAt p0 about {MIDDLE}.\n\n{simple_table(alpha_lines(found), 'α')}\n\n"
        + image("alpha", "Accuracy by alpha")
    )
    parts.append(
        f"### Stuffing\n{simple_table(stuffing_lines(found), 'profile')}\n\n"
        + image("stuffing-accuracy", "Accuracy")
        + image("stuffing-names", "Names in thoughts")
    )
    parts.append(f"## Time\n{timing(found)}")
    parts.append(NOTES.read_text(encoding="utf-8").strip())
    parts.append(f"## Made by\n{made_by(found)}")
    return "\n\n".join(part.strip() for part in parts if part.strip()) + "\n"


if __name__ == "__main__":
    PAGE.write_text(write(), encoding="utf-8")
    print(f"wrote {PAGE.relative_to(ROOT)}")
