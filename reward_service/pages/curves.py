"""The charts of a run, of recorded rollouts by step and of a server's by the order in which groups closed."""

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from reward_service.core.summary import UNCREDITED
from reward_service.pages.charts import Chart, Point, Series

Points = Callable[[str], Sequence[Point]]
"""The points of a number of `core.summary.NUMBERS`; none where it has no value."""


class ChartSpec(NamedTuple):
    """A chart of a run."""

    title: str
    series: Mapping[str, str]
    """The name of a line, and of its number."""
    high: float | None = 1.0
    only_with: Sequence[str] = ()
    """Numbers of which one has to be other than 0 somewhere; with none, the chart is always there."""


JUDGED = ("judge/asks", "unscored/judge_failed")
CHARTS = (
    ChartSpec("Correct", {"correct": "accuracy"}),
    ChartSpec("Reward", {"reward": "reward"}, None),
    ChartSpec("Match rate", {"correct": "match_rate/correct", "wrong": "match_rate/wrong"}),
    ChartSpec("Groups with a signal", {"with a signal": "groups_with_signal"}),
    ChartSpec("Rollouts with a reward", {"with a reward": "valid", "without a thought": "no_thoughts"}),
    ChartSpec(
        "Answer never on screen",
        {
            "groups": "reach/groups_unseen",
            "correct": "reach/correct_unseen",
            "wrong": "reach/wrong_unseen",
        },
    ),
    ChartSpec(
        "Named, not credited, per rollout", {reason: f"uncredited/{reason}" for reason in UNCREDITED}, None
    ),
    ChartSpec(
        "Judge",
        {
            "calls right": "judge/accepted",
            "of these, without a gold answer": "judge/uncovered",
            "votes agree": "judge/unanimous",
            "failed": "unscored/judge_failed",
        },
        only_with=JUDGED,
    ),
    ChartSpec("Answers of judges per rollout", {"answers": "judge/asks"}, None, JUDGED),
)


def drawn(points: Points) -> list[Chart]:
    """Return the charts of a run; lines and charts without a point are left out."""
    return [
        Chart(spec.title, lines, high=spec.high)
        for spec in CHARTS
        if _is_wanted(spec, points) and (lines := _lines(spec, points))
    ]


def _is_wanted(spec: ChartSpec, points: Points) -> bool:
    return not spec.only_with or any(point.value for number in spec.only_with for point in points(number))


def _lines(spec: ChartSpec, points: Points) -> list[Series]:
    found = {name: points(number) for name, number in spec.series.items()}
    return [Series(name, line) for name, line in found.items() if line]
