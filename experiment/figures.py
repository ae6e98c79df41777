"""The figures of docs/experiment.md: thin lines are seeds, thick ones their mean."""

from collections.abc import Iterable, Sequence
from pathlib import Path

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

from experiment.drawings import FIGURES, Drawing, Shares
from experiment.statistics import Result, mean_curve

mpl.rcParams["svg.hashsalt"] = "experiment"  # the same results give the same file
COLOURS = ("#444444", "#c1440e", "#1f77b4", "#6a3d9a", "#2a7f3f")
BELOW = {"step": "step", "cpu_s": "seconds of processor time"}
BESIDE = {"accuracy": "accuracy at T = 1", "names": "names in thoughts"}


def draw(wanted: Iterable[Drawing | Shares]) -> None:
    """Draw the figures for which there are results; files of others are deleted."""
    FIGURES.mkdir(exist_ok=True)
    for old in FIGURES.glob("*.svg"):
        old.unlink()
    for one in wanted:
        if any(line for lines in one.panels.values() for line in lines.values()):
            _save(one, FIGURES / f"{one.name}.svg")


def _save(one: Drawing | Shares, path: Path) -> None:
    width = 3.3 * len(one.panels)
    figure, axes = plt.subplots(1, len(one.panels), figsize=(width, 2.7), layout="constrained", squeeze=False)
    if isinstance(one, Drawing):
        _curves(one, axes[0])
    else:
        _shares(one, axes[0])
    axes[0][0].legend(fontsize=7, frameon=False)
    figure.savefig(path, metadata={"Date": None})
    plt.close(figure)


def _curves(one: Drawing, axes: Sequence[Axes]) -> None:
    for axis, (title, lines) in zip(axes, one.panels.items(), strict=True):
        for colour, (name, results) in zip(COLOURS, lines.items(), strict=False):
            _line(axis, results, one, colour=colour, name=name)
        _dress(axis, title, BELOW[one.against])
    axes[0].set_ylabel(BESIDE[one.metric])


def _line(axis: Axes, results: Sequence[Result], one: Drawing, *, colour: str, name: str) -> None:
    if not results:
        return
    for result in results:
        rows = result["evaluations"]
        points = [(row[one.against], row[one.metric]) for row in rows]
        axis.plot(*zip(*points, strict=True), color=colour, lw=0.5, alpha=0.5)
    mean = mean_curve(results, one.against), mean_curve(results, one.metric)
    axis.plot(*mean, color=colour, lw=2, label=f"{name} ({len(results)})")


def _shares(one: Shares, axes: Sequence[Axes]) -> None:
    for axis, (title, lines) in zip(axes, one.panels.items(), strict=True):
        for colour, (name, (steps, shares)) in zip(COLOURS, lines.items(), strict=False):
            axis.plot(steps, shares, color=colour, lw=2, label=name)
        _dress(axis, title, "step")
        axis.set_ylim(0, 1)
        axis.legend(fontsize=7, frameon=False)
    axes[0].set_ylabel("share")


def _dress(axis: Axes, title: str, below: str) -> None:
    axis.set_title(title, fontsize=9)
    axis.set_xlabel(below, fontsize=8)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)
