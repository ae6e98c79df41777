"""From rows to a version, with an account of every line."""

import json

import pytest

from entity_index.build import CONFLICT, LINES_SHOWN, SAME_AGAIN, RefusedLines, build
from entity_index.errors import InvalidName, InvalidRecord, NothingKept, UnknownVersion, VersionExists
from entity_index.readers import READERS
from entity_index.readers.rows import Refusal
from entity_index.reporting import facts, to_json, warning
from entity_index.stores.memory import MemoryCatalogue
from entity_index.types import Entity, Question


@pytest.fixture
def catalogue():
    return MemoryCatalogue()


def build_from(catalogue, *values, **options):
    lines = (value if isinstance(value, bytes) else json.dumps(value).encode() for value in values)
    return build(READERS["jsonl"](lines), catalogue, dataset="mine", **options)


def record(question_id, *entities, text="Which one?"):
    return {"id": question_id, "question": text, "answer": "x", "entities": list(entities)}


def test_what_is_kept_can_be_read(catalogue):
    build_from(catalogue, record("q1", "Curie"), record("q2"))

    assert catalogue.open("mine").get_many(["q2", "q1"]) == [
        Question("Which one?", answers=("x",), question_id="q2"),
        Question("Which one?", answers=("x",), entities=(Entity("Curie"),), question_id="q1"),
    ]


def test_every_line_is_accounted_for(catalogue):
    report = build_from(
        catalogue,
        record("q1"),
        b"{",
        record("q1"),
        record("q1", text="Another?"),
        record(None),
        record("q2", text=" "),
        record("q3", text="\ud800"),
        b"{",
    )

    assert (report.read, report.kept) == (8, 1)
    assert report.refused == {
        "not JSON": RefusedLines(2, (2, 8)),
        SAME_AGAIN: RefusedLines(1, (3,)),
        CONFLICT: RefusedLines(1, (4,)),
        "no question id": RefusedLines(1, (5,)),
        "no question text": RefusedLines(1, (6,)),
        "the text contains a lone surrogate, which UTF-8 cannot encode": RefusedLines(1, (7,)),
    }
    assert next(iter(report.refused)) == "not JSON"


def test_the_first_lines_of_a_reason_are_shown(catalogue):
    report = build_from(catalogue, record("q1"), *[b"{"] * 9)

    assert report.refused == {"not JSON": RefusedLines(9, (2, 3, 4, 5, 6))}
    assert LINES_SHOWN == 5


def test_the_first_record_of_an_id_stays(catalogue):
    build_from(catalogue, record("q1", text="First?"), record("q1", text="Second?"))

    [question] = catalogue.open("mine").get_many(["q1"])
    assert question is not None
    assert question.text == "First?"


def test_ground_truth_is_counted(catalogue):
    curie = {"name": "Marie Curie", "aliases": ["Maria", "it", "!"]}
    report = build_from(
        catalogue,
        record("q1", curie, "MARIE CURIE", "Radium", "The", text="Who found radium?"),
        record("q2", "Radium", text="What is radium?"),
        record("q3"),
    )

    assert (report.entities, report.aliases, report.merged) == (3, 2, 1)
    assert (report.in_question, report.without_entities, report.only_in_question) == (2, 1, 1)
    assert report.share_in_question == pytest.approx(2 / 3)
    assert report.dropped == {
        "alias is a function word": 1,
        "alias folds to nothing": 1,
        "entity name is a function word": 1,
    }


def test_a_refused_record_leaves_no_trace_in_the_counts(catalogue):
    report = build_from(catalogue, record("q1", "Curie"), record("q1", "Curie", "The", "Bohr"))

    assert (report.entities, report.dropped) == (1, {})


def test_a_build_activates_its_version(catalogue):
    first = build_from(catalogue, record("q1"))
    second = build_from(catalogue, record("q2"), version="v2")

    assert first.info.version == first.info.digest[7:19]
    assert (second.info.version, catalogue.active("mine")) == ("v2", "v2")


def test_a_build_may_leave_the_active_version(catalogue):
    build_from(catalogue, record("q1"), activate=False)

    with pytest.raises(UnknownVersion, match="no active version"):
        catalogue.open("mine")


def test_the_same_content_in_another_order_is_the_same_version(catalogue):
    first = build_from(catalogue, record("q1"), record("q2"))
    second = build_from(catalogue, record("q2"), record("q1"), record("q2"))

    assert second.info == first.info


@pytest.mark.parametrize("names", [{"dataset": "no name"}, {"dataset": "mine", "version": ""}])
def test_a_bad_name_is_told_before_a_line_is_read(catalogue, names):
    rows = iter([Refusal(1, "not JSON")])

    with pytest.raises(InvalidName):
        build(rows, catalogue, **names)
    assert next(rows) == Refusal(1, "not JSON")


def test_other_content_does_not_take_a_version(catalogue):
    build_from(catalogue, record("q1"), version="v1")

    with pytest.raises(VersionExists):
        build_from(catalogue, record("q2"), version="v1")


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b"{", "line 2: not JSON"),
        (record(None), "line 2: no question id"),
        (record("q1"), f"line 2: {SAME_AGAIN}"),
    ],
)
def test_a_strict_build_stops_at_the_first_refusal(catalogue, line, reason):
    with pytest.raises(InvalidRecord, match=reason):
        build_from(catalogue, record("q1"), line, record("q2"), strict=True)
    assert catalogue.datasets() == []


@pytest.mark.parametrize(
    ("lines", "reason"), [([], "the input is empty"), ([b"{", record(None), b"{"], "not JSON")]
)
def test_a_version_without_questions_is_not_published(catalogue, lines, reason):
    with pytest.raises(NothingKept, match=reason):
        build_from(catalogue, *lines)
    assert catalogue.datasets() == []


def test_a_share_above_thirty_percent_is_said_loudly(catalogue):
    values = [record(f"q{n}", "Radium", f"Entity {n}", text="What is radium?") for n in range(4)]
    report = build_from(catalogue, *values, record("q9", "Radium", text="What is radium?"))

    assert warning(report) == (
        "56% of the entities occur in their question (more than 30%): a policy is rewarded for copying it. "
        "Masking them leaves 1 of 5 questions without entities."
    )
    assert to_json(report)["warning"] == warning(report)


def test_a_low_share_is_no_reason_to_worry(catalogue):
    report = build_from(catalogue, record("q1", "Curie", "Bohr"), record("q2"))

    assert warning(report) is None
    assert build_from(catalogue, record("q3")).share_in_question == 0


def test_the_report_reads_like_a_table(catalogue):
    report = build_from(
        catalogue,
        record("q1", "Marie Curie", "marie curie", "The", text="Who was Marie Curie?"),
        record("q2"),
        *[b"{"] * 6,
        version="v1",
    )

    assert list(facts(report)) == [
        ("version", "mine@v1", ""),
        ("lines read", 8, ""),
        ("questions kept", 2, ""),
        ("refused: not JSON", 6, "line 3, 4, 5, 6, 7, ..."),
        ("entities", 1, "0.5 per question"),
        ("aliases", 1, ""),
        ("entities merged", 1, "their names fold to the same text"),
        ("dropped: entity name is a function word", 1, ""),
        ("entities in the question", 1, "100.0%"),
        ("questions without entities", 1, "50.0%"),
    ]


def test_the_report_is_json(catalogue):
    report = to_json(build_from(catalogue, record("q1", "Curie"), b"{", version="v1"))

    assert json.loads(json.dumps(report)) == report | {
        "refused": {"not JSON": {"count": 1, "lines": [2]}},
    }
    assert report["info"]["version"] == "v1"
