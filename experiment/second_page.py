"""The parts of docs/experiment.md that report the second experiment beside the choices: results, causes, verdicts."""

from collections.abc import Sequence
from itertools import product

from experiment.causes import causes_figure, causes_table
from experiment.drawings import Drawing, Shares, image
from experiment.second import (
    ALPHAS,
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
from experiment.statistics import Result
from experiment.tables import (
    Found,
    accuracy,
    difference_row,
    differences,
    differences_table,
    lines_of,
    methods_table,
    table,
)

COMPARED = ((FLOOR, PAPER), (FLOOR, GRPO), (PAPER, GRPO))


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
    """Return fading, weight and group size, each with how it differs, where there are results."""
    parts = {
        "Partial credit that fades, at p0 about 10 %": (
            lines_of(found, "fading", "10 %", FADING),
            fading(found),
        ),
        "Other weights, with the floor": (weights_of(found), weights(found)),
        "Other group sizes, 128 rollouts per step": (sizes_of(found), sizes(found)),
    }
    return "\n\n".join(
        f"### {title}\n{methods_table(lines)}\n\n{differences_table(rows)}"
        for title, (lines, rows) in parts.items()
        if lines
    )


def fading(found: Found) -> list[list[str]]:
    """Return how partial credit that fades with the steps differs from none and from one that stays."""
    return [
        row
        for method, base in product(FADING, (GRPO, FLOOR))
        for row in difference_row(
            f"{method} − {base}",
            "10 %",
            found.get(("fading", "10 %", method), []),
            found.get(("reward", "10 %", base), []),
        )
    ]


def weights_of(found: Found) -> dict[str, list[Result]]:
    """Return the results with other weights of partial credit, by weight."""
    return {
        f"α = {alpha}": found[("weight", alpha, FLOOR)]
        for alpha in ALPHAS
        if ("weight", alpha, FLOOR) in found
    }


def weights(found: Found) -> list[list[str]]:
    """Return how other weights differ from the usual one, with the same floor."""
    usual = found.get(("reward", MIDDLE, FLOOR), [])
    return [
        row
        for name, results in weights_of(found).items()
        for row in difference_row(f"{name} − α = 0.3", MIDDLE, results, usual)
    ]


def sizes_of(found: Found) -> dict[str, list[Result]]:
    """Return the results of the main methods with groups of other sizes, by size and method."""
    return {
        f"G = {size}, {method}": results
        for size in SIZES
        for method, results in lines_of(found, "size", size, CORE).items()
    }


def sizes(found: Found) -> list[list[str]]:
    """Return how the main methods differ from each other, by group size; 8 is the one used everywhere else."""
    places = {"4": ("size", "4"), "8": ("reward", MIDDLE), "16": ("size", "16")}
    return [
        row
        for (one, other), (size, place) in product(COMPARED, places.items())
        for row in difference_row(
            f"{one} − {other}", f"G = {size}", found.get((*place, one), []), found.get((*place, other), [])
        )
    ]


def second_world(found: Found) -> str:
    """Return the results of the main methods in the second world, and how they differ."""
    shown = methods_table(lines_of(found, "world", COMPARING, CORE))
    return f"{shown}\n\n{differences(found, 'world', COMPARED, [COMPARING])}"


def cut(missing: Sequence[Run]) -> str:
    """Say which runs of the plan have no result, by part, setting and method."""
    groups: dict[tuple[str, str, str], list[int]] = {}
    for run in missing:
        groups.setdefault((run.part, run.setting, run.method), []).append(run.seed)
    rows = [[*key, ", ".join(map(str, seeds))] for key, seeds in groups.items()]
    if not rows:
        return "Every run of the plan has a result."
    return f"These runs of the plan have none:\n\n{table(['part', 'setting', 'method', 'seeds without a result'], rows)}"


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
