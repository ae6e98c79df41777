"""Any shape, by saying where each field stands."""

import re

import pytest

from entity_index.errors import InvalidRecord
from entity_index.readers.mapped import find, parse, shape
from entity_index.types import Entity, Question

VALUE = {
    "uid": 7,
    "prompt": [{"role": "system", "content": "Search."}, {"role": "user", "content": "Who?"}],
    "truth": {"gold": "x", "graph": {"nodes": [{"label": "Radium", "also": "Ra"}, {"label": "Curie"}]}},
}


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ("uid", 7),
        ("prompt[0].role", "system"),
        ("prompt[-1].content", "Who?"),
        ("prompt[].role", ["system", "user"]),
        ("truth.graph.nodes[].also", ["Ra"]),
        ("prompt[7].content", None),
        ("prompt.role", None),
        ("uid[0]", None),
        ("uid[]", []),
        ("truth.nope.graph", None),
        ("truth.**.label", ["Radium", "Curie"]),
        ("**.role", ["system", "user"]),
        ("**.nodes[-1].label", ["Curie"]),
        ("uid.**.x", []),
    ],
)
def test_a_path_finds_what_stands_there(path, found):
    assert find(VALUE, parse(path)) == found


@pytest.mark.parametrize("path", ["", ".", "a.", ".a", "a..b", "a[", "a[x]", "a]", "a[0"])
def test_what_is_no_path_is_named(path):
    with pytest.raises(ValueError, match="is not a path"):
        parse(path)


def test_a_path_to_any_depth_must_say_what_to_take_there():
    with pytest.raises(ValueError, match=re.escape("'root.**' must say what to take after **")):
        parse("root.**")


def test_a_path_to_any_depth_takes_outer_ones_first_and_opens_json_strings():
    tree = {"root": {"entity": "a", "children": ['{"entity": "b", "children": []}', {"entity": "c"}]}}

    assert find(tree, parse("root.**.entity")) == ["a", "b", "c"]


def test_a_mapping_makes_a_question():
    to_question = shape(
        [
            "question_id=uid",
            "question=prompt[-1].content",
            "answers=truth.gold",
            "entities=truth.graph.nodes[]",
            "entities.name=label",
            "entities.aliases=also",
        ]
    )

    assert to_question(VALUE) == Question(
        "Who?", answers=("x",), entities=(Entity("Radium", aliases=("Ra",)), Entity("Curie")), question_id="7"
    )


def test_fields_that_are_not_mapped_are_read_where_the_own_shape_has_them():
    value = {"id": "q1", "title": "Who?", "answer": "x", "entities": [{"name": "Radium", "wd": 1128}]}

    assert shape(["question=title", "entities.id=wd"])(value) == Question(
        "Who?", answers=("x",), entities=(Entity("Radium", entity_id="1128"),), question_id="q1"
    )


def test_entities_may_be_names():
    assert shape(["entities=truth.graph.nodes[].label"])(VALUE | {"text": "Who?"}).entities == (
        Entity("Radium"),
        Entity("Curie"),
    )


def test_what_no_path_finds_is_absent():
    with pytest.raises(InvalidRecord, match="question is missing"):
        shape(["question=nope"])({"id": "q1"})
    with pytest.raises(InvalidRecord, match="entities is not an array"):
        shape(["entities=uid", "entities.name=x"])(VALUE)


@pytest.mark.parametrize("rule", ["question", "nope=a", "entities.nope=a", "=a"])
def test_what_is_no_rule_is_named_with_the_fields(rule):
    with pytest.raises(
        ValueError,
        match=re.escape(f"must be field=path, got {rule!r}; the fields are answers, checker, entities"),
    ):
        shape([rule])


def test_a_path_goes_into_a_column_that_holds_json_as_a_string():
    row = {"extra": '{"graph": {"nodes": ["Quillock", "Brennwick"]}}', "odd": "{not json"}

    assert find(row, parse("extra.graph.nodes[]")) == ["Quillock", "Brennwick"]
    assert find(row, parse("odd.graph")) is None
