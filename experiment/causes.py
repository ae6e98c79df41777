"""The table and figures that show where the gradient came from (`experiment.diagnosis`), as shares over stretches of steps."""

from collections.abc import Iterable, Mapping, Sequence

import numpy as np

from experiment.diagnosis import KINDS
from experiment.drawings import Shares
from experiment.settings import STEPS
from experiment.statistics import Result
from experiment.tables import Lines, table

STRETCH = 10
"""Steps that are added up before a share is taken."""
STARTS = range(0, STEPS, STRETCH)


def share(results: Iterable[Result], part: Sequence[str], whole: Sequence[str], start: int) -> float | None:
    """Return the share of some sums in others over one stretch, as the mean over seeds; None where nothing is there.

    Args:
        results: one per seed.
        part: names of `spread` that are added up.
        whole: names that they are a share of.
        start: first step of the stretch, from 0.
    """
    shares = []
    for result in results:
        above, below = (_total(result, names, start) for names in (part, whole))
        if below:
            shares.append(above / below)
    return float(np.mean(shares)) if shares else None


def _total(result: Result, names: Sequence[str], start: int) -> float:
    return float(sum(sum(result["spread"][name][start : start + STRETCH]) for name in names))


NARROW = [f"narrow_up_{kind}" for kind in KINDS]
COLUMNS: Mapping[str, tuple[Sequence[str], Sequence[str]]] = {
    "narrow groups": (["narrow_groups"], ["groups"]),
    "their share of the weight": (["narrow_weight"], ["weight"]),
    **{f"pushed up there: {kind}": ([f"narrow_up_{kind}"], NARROW) for kind in KINDS},
    "same sign as GRPO": (["agreeing"], ["compared"]),
}


def causes_table(lines: Lines) -> str:
    """Return each method's shares by stretch of steps."""
    rows = [
        [
            *(method, str(len(results)), f"{start + 1} to {start + STRETCH}"),
            *(_percent(share(results, part, whole, start)) for part, whole in COLUMNS.values()),
        ]
        for method, results in lines.items()
        for start in STARTS
    ]
    return table(["method", "seeds", "steps", *COLUMNS], rows)


def _percent(value: float | None) -> str:
    return "-" if value is None else f"{value:.0%}"


def causes_figure(lines: Lines, watched: str) -> Shares:
    """Return the figure: the weight of narrow groups by method, and who is pushed up there under one of them."""
    part, whole = COLUMNS["their share of the weight"]
    weight = {method: _line(results, part, whole) for method, results in lines.items()}
    pushed = {
        kind: _line(lines.get(watched, []), [f"narrow_up_{kind}"], NARROW)
        for kind in KINDS
        if watched in lines
    }
    signs = {method: _line(results, ["agreeing"], ["compared"]) for method, results in lines.items()}
    return Shares(
        "causes",
        {
            "weight of groups with std < 1/√G": weight,
            f"pushed up there under {watched}": pushed,
            "advantages with GRPO's sign": signs,
        },
    )


def _line(
    results: Sequence[Result], part: Sequence[str], whole: Sequence[str]
) -> tuple[list[float], list[float]]:
    points = [(start + STRETCH / 2, share(results, part, whole, start)) for start in STARTS]
    known = [(step, value) for step, value in points if value is not None]
    return [step for step, _ in known], [value for _, value in known]
