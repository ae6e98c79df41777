"""What the figures of docs/experiment.md show, as values; `experiment.figures` draws them."""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiment.runs import ROOT
from experiment.statistics import Result

FIGURES = ROOT / "docs" / "experiment"
Curves = Mapping[str, Sequence[Result]]


class Drawing(NamedTuple):
    """A figure of curves over the evaluations of runs."""

    name: str
    """Of its file, without the ending."""
    panels: Mapping[str, Curves]
    """Title -> name of the line -> its results, one a seed."""
    metric: str
    """A number of an evaluation."""
    against: str
    """`step` or `cpu_s`."""


class Shares(NamedTuple):
    """A figure of shares by step, one line each."""

    name: str
    panels: Mapping[str, Mapping[str, tuple[Sequence[float], Sequence[float]]]]
    """Title -> name of the line -> steps and shares."""


def image(name: str, about: str) -> str:
    """Show a figure, where there is one."""
    return f"![{about}](experiment/{name}.svg)" if (FIGURES / f"{name}.svg").exists() else ""
