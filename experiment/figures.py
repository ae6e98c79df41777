"""The figures of docs/experiment.md: thin lines are seeds, thick ones their mean."""

from collections.abc import Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from experiment.statistics import Result, mean_curve

mpl.rcParams["svg.hashsalt"] = "experiment"  # the same results give the same file
COLOURS = ("#444444", "#c1440e", "#1f77b4", "#6a3d9a")
Curves = dict[str, list[Result]]


def curves(panels: dict[str, Curves], path: Path, *, metric: str, against: str) -> None:
    """Draw one metric against steps or processor seconds, one panel a setting.

    Args:
        panels: title -> name of the line -> its results, one a seed.
        path: where the figure goes.
        metric: of an evaluation.
        against: `step` or `cpu_s`.
    """
    width = 3.3 * len(panels)
    figure, axes = plt.subplots(1, len(panels), figsize=(width, 2.7), layout="constrained", squeeze=False)
    for axis, (title, lines) in zip(axes[0], panels.items(), strict=True):
        for colour, (name, results) in zip(COLOURS, lines.items(), strict=False):
            _line(axis, results, metric=metric, against=against, colour=colour, name=name)
        _dress(axis, title, {"step": "step", "cpu_s": "seconds of processor time"}[against])
    axes[0][0].set_ylabel({"accuracy": "accuracy at T = 1", "names": "names in thoughts"}.get(metric, metric))
    if axes[0][0].lines:
        axes[0][0].legend(fontsize=7, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _line(
    axis: Axes, results: Sequence[Result], *, metric: str, against: str, colour: str, name: str
) -> None:
    if not results:
        return
    for result in results:
        rows = result["evaluations"]
        axis.plot(
            [row[against] for row in rows], [row[metric] for row in rows], color=colour, lw=0.5, alpha=0.5
        )
    where = mean_curve(results, against)
    axis.plot(where, mean_curve(results, metric), color=colour, lw=2, label=f"{name} ({len(results)})")


def _dress(axis: Axes, title: str, below: str) -> None:
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(below, fontsize=8)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)
