"""Charts, marked text, and the files of others that pages carry."""

import base64
import hashlib
import re
from pathlib import Path

import pytest

from reward_service import pages
from reward_service.core.summary import NUMBERS
from reward_service.pages.charts import Chart, Point, Series
from reward_service.pages.curves import CHARTS, drawn
from reward_service.pages.marked import TextMark, pieces

STATIC = Path(pages.__file__).parent / "static"
DOCS = Path(__file__).parents[3] / "docs"


def mark(start, end, kind="credited", entity="e"):
    return TextMark(start, end, kind, entity, "")


def test_text_is_cut_at_its_marks_and_nothing_is_lost():
    cut = pieces("ab😀cd", [mark(2, 3), mark(0, 1)])

    assert [piece.text for piece in cut] == ["a", "b", "😀", "cd"]
    assert [piece.mark is not None for piece in cut] == [True, False, True, False]


def test_of_marks_that_overlap_the_stronger_is_kept_then_the_longer():
    cut = pieces(
        "abcdef", [mark(0, 4, "read"), mark(2, 3, "credited"), mark(4, 5, "read"), mark(4, 6, "read")]
    )

    assert [piece.text for piece in cut if piece.mark] == ["c", "ef"]


def test_a_part_between_backticks_is_code_and_everything_is_escaped():
    assert pages.coded("as `a<b` & c") == "as <code>a&lt;b</code> &amp; c"


def test_an_empty_text_has_no_pieces():
    assert pieces("", []) == []


def test_a_chart_has_a_point_per_step_a_band_and_a_table():
    points = [
        Point("1", 0.2, 0.1, 0.3, 8, href="/groups?step=1"),
        Point("2", 0.4, None, None, 8, note="it rose"),
    ]
    chart = Chart("Correct", [Series("correct", points)], high=1.0)

    drawn = chart.svg()

    assert (drawn.count("<circle"), drawn.count("<polygon")) == (2, 1)
    assert 'href="/groups?step=1"' in drawn
    assert (chart.steps, chart.notes) == (["1", "2"], ["it rose"])
    assert chart.rows() == [("1", [points[0]]), ("2", [points[1]])]


def test_names_in_a_chart_are_text():
    chart = Chart("<b>", [Series("<i>", [Point("<script>", 1.0), Point("2", 1.0)])])

    assert not re.search("<b>|<i>|<script>", chart.svg())


def test_a_line_may_miss_a_step():
    chart = Chart("c", [Series("a", [Point("1", 0.5)]), Series("b", [Point("1", 0.5), Point("2", 0.1)])])

    assert chart.rows()[1] == ("2", [None, Point("2", 0.1)])
    assert "polyline" in chart.svg()


@pytest.mark.parametrize("one", pages.vendored(), ids=lambda one: one["file"])
def test_vendored_files_are_as_released(one):
    content = (STATIC / one["file"]).read_bytes()

    assert hashlib.sha256(content).hexdigest() == one["sha256"]
    assert (STATIC / one["licence_file"]).exists()
    assert one["version"] in content.decode()
    assert base64.b64decode(one["integrity"].removeprefix("sha512-"))


def test_nothing_of_our_own_pages_is_fetched_from_elsewhere():
    own = [
        path
        for path in STATIC.parent.rglob("*.*")
        if path.suffix in {".html", ".css", ".js"} and path.name != "htmx.min.js"
    ]

    assert len(own) > 10
    assert [
        path.name for path in own if re.search(r"https?://(?!www\.w3\.org)", path.read_text(encoding="utf-8"))
    ] == []


def test_the_page_of_the_docs_has_every_number_with_its_meaning():
    page = (DOCS / "seeing.md").read_text(encoding="utf-8")

    assert [name for name, one in NUMBERS.items() if f"| `{name}` | {one.about} |" not in page] == []


@pytest.mark.parametrize(
    ("value", "shown"), [(None, "–"), (0.2, "0.2"), (1.0, "1"), (-0.0001, "0"), (0.12345, "0.123")]
)
def test_numbers_have_no_trailing_zeros(value, shown):
    assert pages.number(value) == shown


def points(**values):
    """Return points of numbers by step."""
    named = {name.replace("__", "/"): line for name, line in values.items()}
    return lambda number: [Point(str(n), value) for n, value in enumerate(named.get(number, ()))]


def test_a_chart_or_a_line_without_a_point_is_left_out():
    drawn_ones = drawn(points(accuracy=[0.5, 0.6], match_rate__wrong=[0.1, 0.2]))

    assert [(one.title, [line.name for line in one.series]) for one in drawn_ones] == [
        ("Correct", ["correct"]),
        ("Match rate", ["wrong"]),
    ]


@pytest.mark.parametrize(
    ("judge", "shown"),
    [
        ({"judge__asks": [0.0, 0.0], "unscored__judge_failed": [0.0, 0.0]}, []),
        ({"judge__asks": [0.0, 0.5], "judge__accepted": [0.0]}, ["Judge", "Answers of judges per rollout"]),
        (
            {"judge__asks": [0.0, 0.0], "unscored__judge_failed": [0.0, 1.0]},
            ["Judge", "Answers of judges per rollout"],
        ),
    ],
)
def test_charts_of_judges_are_there_where_a_judge_is(judge, shown):
    assert [one.title for one in drawn(points(**judge))] == shown


def test_every_line_of_a_chart_is_a_number():
    assert {
        number for spec in CHARTS for number in (*spec.series.values(), *spec.only_with)
    } <= NUMBERS.keys()
    assert all(len(spec.series) <= 4 for spec in CHARTS), "the style sheet has four colours"
