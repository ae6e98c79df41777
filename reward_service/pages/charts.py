"""Small charts as SVG, drawn on the server: a number by step with its interval, and the table of the same points.

Colours come from the style sheet through classes, so a chart follows the page's theme and no style is inline.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import floor, isfinite, log10

from markupsafe import Markup, escape

WIDTH, HEIGHT = 360, 150
LEFT, RIGHT, TOP, BOTTOM = 40, 10, 12, 22
TICKS = 2
MOST_LABELS = 6


@dataclass(frozen=True, slots=True)
class Point:
    """One number at one step."""

    step: str
    value: float
    low: float | None = None
    high: float | None = None
    n: int = 0
    href: str = ""
    """Where a click leads."""
    note: str = ""
    """Why the point is marked; empty for none."""


@dataclass(frozen=True, slots=True)
class Series:
    """One line of a chart."""

    name: str
    points: Sequence[Point]


@dataclass(frozen=True, slots=True)
class Chart:
    """Lines over the same steps."""

    title: str
    series: Sequence[Series]
    low: float = 0.0
    high: float | None = None
    """The upper end of the axis; None takes what the data needs."""

    @property
    def steps(self) -> list[str]:
        """All steps, in the order in which the lines name them."""
        return list(dict.fromkeys(point.step for one in self.series for point in one.points))

    @property
    def notes(self) -> list[str]:
        """Why points are marked."""
        return [point.note for one in self.series for point in one.points if point.note]

    def svg(self) -> Markup:
        """Draw it."""
        axis = _Axis.of(self)
        body = Markup("").join([*_grid(axis, self.steps), *_lines(self, axis)])
        head = Markup('<svg class="chart" viewBox="0 0 {} {}" role="group" aria-label="{}">')
        return head.format(WIDTH, HEIGHT, _described(self)) + body + Markup("</svg>")

    def rows(self) -> list[tuple[str, list[Point | None]]]:
        """Return the table: a row a step, a cell a line."""
        found = [{point.step: point for point in one.points} for one in self.series]
        return [(step, [points.get(step) for points in found]) for step in self.steps]


@dataclass(frozen=True, slots=True)
class _Axis:
    """Where steps and values are in the picture."""

    steps: dict[str, int]
    low: float
    high: float

    @classmethod
    def of(cls, chart: Chart) -> "_Axis":
        points = [point for one in chart.series for point in one.points]
        ends = [end for point in points for end in (point.value, point.low, point.high) if end is not None]
        low, high = min([chart.low, *ends]), max([chart.low, *ends])
        top = chart.high if chart.high is not None else nice(high) if high > low else low + 1.0
        return cls({step: n for n, step in enumerate(chart.steps)}, low, max(top, high))

    def x(self, step: str) -> float:
        last = max(len(self.steps) - 1, 1)
        return round(LEFT + (WIDTH - LEFT - RIGHT) * self.steps[step] / last, 1)

    def y(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return round(HEIGHT - BOTTOM - (HEIGHT - TOP - BOTTOM) * share, 1)


def nice(value: float) -> float:
    """Return the least of 1, 2, 2.5 and 5 times a power of ten that is not below a positive number.

    >>> nice(0.31), nice(7.0)
    (0.5, 10.0)
    """
    if not (isfinite(value) and value > 0):
        return 1.0
    power = 10.0 ** floor(log10(value))
    return next(factor * power for factor in (1, 2, 2.5, 5, 10, 20) if factor * power >= value)


def short(value: float) -> str:
    """Return a number with at most three significant digits.

    >>> short(0.25), short(1.0), short(1234.5)
    ('0.25', '1', '1234')
    """
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"


def _described(chart: Chart) -> str:
    """Say in words what a chart shows."""
    ends = [
        f"{one.name} from {short(one.points[0].value)} to {short(one.points[-1].value)}"
        for one in chart.series
        if one.points
    ]
    return f"{chart.title} by step: {'; '.join(ends)}. The table below has every point."


def _grid(axis: _Axis, steps: Sequence[str]) -> Iterator[Markup]:
    for n in range(TICKS + 1):
        value = axis.low + (axis.high - axis.low) * n / TICKS
        y = axis.y(value)
        yield Markup('<line class="grid" x1="{}" y1="{}" x2="{}" y2="{}"/>').format(LEFT, y, WIDTH - RIGHT, y)
        yield Markup('<text class="tick end" x="{}" y="{}">{}</text>').format(LEFT - 6, y + 3, short(value))
    every = -(-len(steps) // MOST_LABELS)
    for step in steps[::every]:
        yield Markup('<text class="tick mid" x="{}" y="{}">{}</text>').format(
            axis.x(step), HEIGHT - 6, step[:12]
        )


def _lines(chart: Chart, axis: _Axis) -> Iterator[Markup]:
    for n, one in enumerate(chart.series):
        band = [
            (point.step, point.low, point.high)
            for point in one.points
            if point.low is not None and point.high is not None
        ]
        if band:
            yield Markup('<polygon class="band s{}" points="{}"/>').format(n, _around(axis, band))
        line = " ".join(f"{axis.x(point.step)},{axis.y(point.value)}" for point in one.points)
        yield Markup('<polyline class="line s{}" points="{}"/>').format(n, line)
        yield from (_dot(axis, one.name, point, n) for point in one.points)


def _around(axis: _Axis, band: Sequence[tuple[str, float, float]]) -> str:
    there = [f"{axis.x(step)},{axis.y(high)}" for step, _, high in band]
    back = [f"{axis.x(step)},{axis.y(low)}" for step, low, _ in reversed(band)]
    return " ".join(there + back)


def _dot(axis: _Axis, name: str, point: Point, n: int) -> Markup:
    between = "" if point.low is None or point.high is None else f" [{short(point.low)}, {short(point.high)}]"
    said = f"step {point.step}: {name} {short(point.value)}{between}, n {point.n}. {point.note}".strip()
    kind = "dot marked" if point.note else "dot"
    x, y = axis.x(point.step), axis.y(point.value)
    dot = Markup('<circle class="{} s{}" cx="{}" cy="{}" r="{}"><title>{}</title></circle>').format(
        kind, n, x, y, 4.5 if point.note else 2.5, said
    )
    return Markup('<a href="{}" tabindex="-1">{}</a>').format(escape(point.href), dot) if point.href else dot
