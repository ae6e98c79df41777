"""Data sets as they are published."""

import json
from io import BytesIO

import pytest

from entity_index.readers import READERS
from entity_index.readers.rows import Refusal, Row, bounded_lines
from entity_index.types import Entity, Question


def read(name, *values):
    return list(READERS[name](json.dumps(value).encode() + b"\n" for value in values))


def read_one(name, value):
    [row] = read(name, value)
    return row.question if isinstance(row, Row) else row.reason


def test_the_own_shape_is_read_in_full():
    entity = {"id": "Q7186", "name": "Marie Curie", "aliases": ["Maria Skłodowska"], "type": "person"}
    value = {"question_id": "q1", "question": "Who?", "answers": ["x", "y"], "entities": [entity]}

    assert read_one("jsonl", value) == Question(
        "Who?",
        answers=("x", "y"),
        entities=(Entity("Marie Curie", aliases=("Maria Skłodowska",), entity_id="Q7186", type="person"),),
        question_id="q1",
    )


def test_the_own_shape_is_read_leniently():
    entities = ["Curie", {"name": "Radium", "aliases": "Ra-226", "id": 1128, "type": None}]
    value = {"id": 7, "text": "Who?", "answer": "x", "entities": entities, "difficulty": "hard"}

    assert read_one("jsonl", value) == Question(
        "Who?",
        answers=("x",),
        entities=(Entity("Curie"), Entity("Radium", aliases=("Ra-226",), entity_id="1128")),
        question_id="7",
    )


def test_what_is_absent_is_empty():
    assert read_one("jsonl", {"question": "Who?"}) == Question("Who?")


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        ([], "not a JSON object"),
        ({"id": "q"}, "question is missing"),
        ({"text": ["Who?"]}, "question is not a string"),
        ({"id": 1.5, "text": "Who?"}, "question_id is not a string"),
        ({"id": True, "text": "Who?"}, "question_id is not a string"),
        ({"text": "Who?", "answers": {"a": 1}}, "answers is not an array"),
        ({"text": "Who?", "answer": [4]}, "answers holds something other than strings"),
        ({"text": "Who?", "entities": "Curie"}, "entities is not an array"),
        ({"text": "Who?", "entities": [4]}, "an entity is not an object"),
        ({"text": "Who?", "entities": [{"title": "x"}]}, "name is missing"),
    ],
)
def test_a_wrong_type_is_refused_with_its_reason(value, reason):
    assert read_one("jsonl", value) == reason


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (b'{"text": "Who?"', "not JSON"),
        (b"[" * 200_000, "not JSON"),
        (b"1" * 5_000, "not JSON"),
        (b'{"text": "Wh\xff"}', "not UTF-8"),
        (b"null", "not a JSON object"),
    ],
)
@pytest.mark.parametrize("reader", READERS)
def test_a_broken_line_is_a_value_with_its_number(reader, line, reason):
    assert list(READERS[reader]([b"\n", b"  \r\n", line])) == [Refusal(3, reason)]


def test_reading_goes_on_after_a_broken_line():
    rows = list(READERS["jsonl"]([b"{\n", b'\xef\xbb\xbf{"text": "Who?", "id": "q"}\r\n']))

    assert rows == [Refusal(1, "not JSON"), Row(2, Question("Who?", question_id="q"))]


@pytest.mark.parametrize("end", [b"", b"\n"])
def test_a_line_without_end_takes_no_memory(end):
    file = BytesIO(b"one\n" + b"x" * 25 + b"\ntwo" + end)

    assert list(bounded_lines(file, limit=8)) == [b"one\n", b"x" * 8, b"two" + end]


def test_kilt_entities_are_pages():
    page = {"title": "Kiss and Tell (1945 film)", "wikipedia_id": "33022480"}
    value = {
        "id": "5a8c",
        "question": "Who?",
        "answers": ["x"],
        "entities": [page],
        "question_entities_ner": None,
    }

    assert read_one("kilt", value) == Question(
        "Who?",
        answers=("x",),
        entities=(Entity("Kiss and Tell (1945 film)", entity_id="33022480"),),
        question_id="5a8c",
    )


def test_kilt_entities_need_titles():
    assert read_one("kilt", {"question": "Who?", "entities": [{"name": "x"}]}) == "title is missing"
    assert read_one("kilt", {"question": "Who?", "entities": ["x"]}) == "an entity is not an object"


def test_frames_entities_are_titles():
    value = {
        "id": "frames-0",
        "question": "Who?",
        "answers": ["x"],
        "entities": ["Jane Eyre", "List of kings"],
    }

    assert read_one("frames", value) == Question(
        "Who?",
        answers=("x",),
        entities=(Entity("Jane Eyre"), Entity("List of kings")),
        question_id="frames-0",
    )


@pytest.mark.parametrize(
    ("term", "names"),
    [
        ("C@Berlin", ["Berlin"]),
        ("C@2005_Tour_de_France & C@Robbie_McEwen", ["2005 Tour de France", "Robbie McEwen"]),
        ("C@Lance_Armstrong and C@Alberto_Contador", ["Lance Armstrong", "Alberto Contador"]),
        ("C@IK Start;C@Skála ÍF", ["IK Start", "Skála ÍF"]),
        ("C@Participations & V@Nat & V@P", ["Participations"]),
        ("C@Taylor & Francis", ["Taylor & Francis"]),
        ("C@one_of_Scotland%27s_bridges", ["one of Scotland's bridges"]),
        ("C@Berlin during C@World_War_II", []),
        ("C@antitrust_case_against_V@Z", []),
        ("V@X", []),
        ("?", []),
        ("", []),
        ("C@", []),
    ],
)
def test_webshaper_entities_are_constants(term, names):
    value = {"id": "w", "question": "Who?", "answer": "x", "formalization": [["V@X", "is", term]]}

    assert read_one("webshaper", value) == Question(
        "Who?", answers=("x",), entities=tuple(map(Entity, names)), question_id="w"
    )


def test_webshaper_statements_have_any_length_and_name_a_constant_once():
    statements = [["C@A1"], ["C@A1", "has winner", "C@B2", "and", "is C@C3"], ["V@Y", "is", "C@B2"]]
    value = {"question": "Who?", "formalization": statements}

    assert read_one("webshaper", value) == Question("Who?", entities=(Entity("A1"), Entity("B2")))


@pytest.mark.parametrize("statements", [["C@A1"], [["C@A1", 1]]])
def test_a_graph_of_another_shape_is_refused(statements):
    reason = "formalization is not an array of arrays of strings"

    assert read_one("webshaper", {"question": "Who?", "formalization": statements}) == reason
