"""The parts of docs/experiment.md that report the second experiment beside the choices: results, causes, verdicts."""

from collections.abc import Sequence

from experiment.causes import causes_figure, causes_table
from experiment.drawings import Drawing, Shares, image
from experiment.second import (
    CHECKERS,
    COMPARING,
    CORE,
    DYNAMIC,
    FADING,
    FLOOR,
    GRPO,
    METHODS,
    PAPER,
    RESCUE,
    SIZES,
)
from experiment.settings import MIDDLE, STOP_EARLY, Run
from experiment.tables import (
    Found,
    accuracy,
    difference_row,
    differences,
    lines_of,
    methods_table,
    table,
)


def variants(found: Found) -> str:
    """Return what else was tried at the middle p0, against GRPO and against the floor."""
    others = [method for method in METHODS if method not in CORE]
    compared = [(method, base) for method in others for base in (GRPO, FLOOR)]
    return differences(found, "reward", compared, STOP_EARLY)


def noise(found: Found) -> str:
    """Return what each checker's errors cost."""
    rows = []
    for checker, (rejects, accepts) in CHECKERS.items():
        for method in (GRPO, FLOOR):
            erring = found.get(("noise", checker, method), [])
            for row in difference_row("", "", erring, found.get(("reward", MIDDLE, method), [])):
                rates = f"{100 * rejects:.1f} %, {100 * accepts:.2f} %"
                rows.append([checker, rates, method, accuracy(erring), *row[2:]])
    head = [
        *("checker", "right called wrong, wrong called right", "method", "accuracy after 50 steps, %"),
        *("seeds ahead of the same without errors", "difference in points", "reading"),
    ]
    return table(head, rows)


def smaller_parts(found: Found) -> str:
    """Return the tables of fading, weight and group size that have results."""
    parts = {
        "Partial credit that fades, at p0 about 10 %": lines_of(found, "fading", "10 %", FADING),
        "Other weights, with the floor": {
            f"α = {alpha}": found[("weight", alpha, FLOOR)]
            for alpha in ("0.1", "0.5")
            if ("weight", alpha, FLOOR) in found
        },
        "Other group sizes, 128 rollouts per step": {
            f"G = {size}, {method}": results
            for size in SIZES
            for method, results in lines_of(found, "size", size, CORE).items()
        },
    }
    return "\n\n".join(f"### {title}\n{methods_table(lines)}" for title, lines in parts.items() if lines)


def second_world(found: Found) -> str:
    """Return the results of the main methods in the second world, and how they differ."""
    shown = methods_table(lines_of(found, "world", COMPARING, CORE))
    compared = ((FLOOR, PAPER), (FLOOR, GRPO), (PAPER, GRPO))
    return f"{shown}\n\n{differences(found, 'world', compared, [COMPARING])}"


def cut(missing: Sequence[Run]) -> str:
    """Say which planned runs have no result, by part, setting and method."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for run in missing:
        groups.setdefault((run.part, run.setting, run.method), []).append(run.seed)
    rows = [[*key, ", ".join(map(str, seeds))] for key, seeds in groups.items()]
    return (
        table(["part", "setting", "method", "seeds without a result"], rows)
        if rows
        else "Nothing is missing."
    )


def drawings(found: Found) -> list[Drawing | Shares]:
    """Return the figures of this part."""
    shown = (*CORE, DYNAMIC, RESCUE)
    panels = {f"p0 about {p0}": lines_of(found, "reward", p0, shown) for p0 in STOP_EARLY}
    there = {title: lines for title, lines in panels.items() if lines}
    core = lines_of(found, "reward", MIDDLE, CORE)
    return [
        *(Drawing(name, there, "accuracy", against) for name, against in _AGAINST if there),
        *([causes_figure(core, PAPER)] if core else []),
    ]


_AGAINST = (("steps", "step"), ("seconds", "cpu_s"))


def causes(found: Found) -> str:
    """Return the table and the figure of where the gradient came from."""
    shown = causes_table(lines_of(found, "reward", MIDDLE, CORE))
    return f"{shown}\n\n{image('causes', 'Weight of narrow groups, who is pushed up there, and signs')}"


def results(found: Found) -> list[str]:
    """Return the tables of the comparison of rewards, one for each p0 that has results."""
    shown = [
        f"### p0 about {p0}\n{methods_table(lines)}"
        for p0 in STOP_EARLY
        if (lines := lines_of(found, "reward", p0, METHODS))
    ]
    return [*shown, image("steps", "Accuracy against steps") + image("seconds", "Accuracy against seconds")]
