"""The figure at the end of a run: how accuracy, match rate, searches and signal went."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.axes import Axes

PANELS = (
    ("accuracy", "accuracy at T = 1", "eval"),
    ("match_rate", "match rate", "eval"),
    ("searches", "searches a rollout", "eval"),
    ("groups_with_signal", "share of groups with a signal", "train"),
)


def draw(rows: Sequence[dict[str, Any]], path: Path, title: str) -> None:
    """Draw the metrics of one run."""
    figure, axes = plt.subplots(1, len(PANELS), figsize=(3.2 * len(PANELS), 2.8), layout="constrained")
    for axis, (name, label, kind) in zip(axes, PANELS, strict=True):
        chosen = [row for row in rows if row["kind"] == kind]
        axis.plot([row["step"] for row in chosen], [_value(row, name) for row in chosen], color="black")
        _dress(axis, label)
    figure.suptitle(title, fontsize=9)
    figure.savefig(path)
    plt.close(figure)


def _value(row: dict[str, Any], name: str) -> float:
    value = float(row[name])
    return value / max(row["groups_sampled"], 1) if name == "groups_with_signal" else value


def _dress(axis: Axes, label: str) -> None:
    axis.set_title(label, fontsize=9)
    axis.set_xlabel("step", fontsize=8)
    axis.set_ylim(bottom=0)
    axis.tick_params(labelsize=7)
    axis.spines[["top", "right"]].set_visible(False)
