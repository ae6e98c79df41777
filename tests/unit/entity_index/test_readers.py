"""Data sets as they are published."""

import json
from io import BytesIO

import numpy as np
import pytest

from entity_index.readers import READERS, jsonl
from entity_index.readers.rows import Refusal, Row, bounded_lines
from entity_index.types import Criterion, Entity, Question


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


def test_the_language_is_read_where_the_data_set_says_it():
    assert read_one("jsonl", {"question": "Кто?", "language": "ru"}) == Question("Кто?", language="ru")
    assert read_one("jsonl", {"question": "Who?", "language": None}) == Question("Who?")


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
        ({"text": "Who?", "answer": [4]}, "answers contains values that are not strings"),
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


def test_2wiki_entities_are_the_ends_of_the_triples():
    triples = [["Free Guy", "director", "Shawn Levy"], ["Shawn Levy", "date of birth", "July 23, 1968"]]
    value = {"_id": "8813", "question": "Who?", "answer": "x", "evidences": triples, "type": "comparison"}

    assert read_one("2wiki", value) == Question(
        "Who?",
        answers=("x",),
        entities=(Entity("Free Guy"), Entity("Shawn Levy"), Entity("July 23, 1968")),
        question_id="8813",
    )


@pytest.mark.parametrize("triple", ["Free Guy", ["Free Guy", "director"], ["Free Guy", "director", 7]])
def test_2wiki_triples_have_three_ends(triple):
    value = {"question": "Who?", "evidences": [triple]}

    assert read_one("2wiki", value) == "evidences is not an array of triples"


MUSIQUE = {
    "id": "2hop__1_2",
    "question": "Who leads the land of Lionel Messi?",
    "answer": "Javier Milei",
    "answer_aliases": ["Milei"],
    "answerable": True,
    "question_decomposition": [
        {"id": 1, "question": "Lionel Messi >> country", "answer": "Argentina", "paragraph_support_idx": 3},
        {"id": 2, "question": "who leads #1", "answer": "Javier Milei", "paragraph_support_idx": 7},
    ],
    "paragraphs": [
        {"idx": 0, "title": "Bolivia", "is_supporting": False},
        {"idx": 3, "title": "Lionel Messi", "is_supporting": True},
        {"idx": 7, "title": "Argentina", "is_supporting": True},
    ],
}


def test_musique_entities_are_hops_and_supporting_titles():
    assert read_one("musique", MUSIQUE) == Question(
        "Who leads the land of Lionel Messi?",
        answers=("Javier Milei", "Milei"),
        entities=(Entity("Argentina"), Entity("Javier Milei"), Entity("Lionel Messi")),
        question_id="2hop__1_2",
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"answerable": False}, "the question is marked as unanswerable"),
        ({"question_decomposition": ["x"]}, "a hop is not an object"),
        ({"paragraphs": [{"is_supporting": True}]}, "title is missing"),
    ],
)
def test_musique_rows_that_cannot_be_used_are_refused(change, reason):
    assert read_one("musique", MUSIQUE | change) == reason


def test_asearcher_entities_are_the_relevant_pages():
    relevant = [
        {"name": "Michael Hordern", "url": "w/1"},
        {"name": "Royal Navy"},
        {"name": "Michael Hordern"},
    ]
    value = {"qa": {"question": "Who?", "answer": "x"}, "relevant": relevant, "statements": ["..."]}

    found = read_one("asearcher", value)

    assert found == Question(
        "Who?",
        answers=("x",),
        entities=(Entity("Michael Hordern"), Entity("Royal Navy")),
        question_id="d991a24e8e04231c",
    )
    assert read_one("asearcher", value | {"id": "a1"}).question_id == "a1"


def test_asearcher_dumps_need_a_question():
    assert read_one("asearcher", {"relevant": []}) == "qa is not an object"
    assert (
        read_one("asearcher", {"qa": {"question": "Who?"}, "relevant": ["x"]})
        == "a relevant page is not an object"
    )


NODES = ["Radium", {"id": "Q7186", "label": "Marie Curie", "aliases": ["Maria Skłodowska"], "type": "person"}]
CURIE = Entity("Marie Curie", aliases=("Maria Skłodowska",), entity_id="Q7186", type="person")


@pytest.mark.parametrize(
    "place", [{"graph": {"nodes": NODES}}, {"subgraph": {"nodes": NODES}}, {"nodes": NODES}]
)
def test_graph_entities_are_the_nodes(place):
    value = {"id": "s1", "question": "Who?", "answer": "x", **place}

    assert read_one("graph", value) == Question(
        "Who?", answers=("x",), entities=(Entity("Radium"), CURIE), question_id="s1"
    )


@pytest.mark.parametrize(
    "edges",
    [
        [["Curie", "found", "Radium"], ["Radium", "Ra"]],
        [{"source": "Curie", "target": "Radium"}, ["Radium", "Ra"]],
    ],
)
def test_a_graph_without_nodes_has_the_ends_of_its_edges(edges):
    value = {"id": "s1", "question": "Who?", "graph": {"edges": edges}}

    assert read_one("graph", value).entities == (Entity("Curie"), Entity("Radium"), Entity("Ra"))


def test_graph_rows_as_published_have_no_entities():
    assert read_one("graph", {"question": "Who?", "answer": "x"}) == Question(
        "Who?", answers=("x",), question_id="d991a24e8e04231c"
    )
    assert read_one("graph", {"question": "Who?", "edges": [7]}) == "an edge does not have two ends"


VERL = {
    "data_source": "tq",
    "prompt": [{"role": "system", "content": "Search."}, {"role": "user", "content": "Who?"}],
    "ability": "search",
    "reward_model": {"ground_truth": "Turkey<|answer_split|>Türkiye", "style": "rule"},
    "extra_info": {"index": "tq_1", "split": "dev"},
}


def test_verl_rows_are_questions_without_entities():
    assert read_one("verl", VERL) == Question("Who?", answers=("Turkey", "Türkiye"), question_id="tq_1")


@pytest.mark.parametrize("truth", [["Turkey", "Türkiye"], {"target": ["Turkey", "Türkiye"]}])
def test_verl_ground_truths_have_several_shapes(truth):
    assert read_one("verl", VERL | {"reward_model": {"ground_truth": truth}}).answers == ("Turkey", "Türkiye")


@pytest.mark.parametrize(
    "truth",
    [
        '["Turkey", "Türkiye"]',
        '{"target": "Turkey<|answer_split|>Türkiye"}',
        "{'target': ['Turkey', 'Türkiye']}",
    ],
)
def test_verl_ground_truths_may_be_json_in_a_string(truth):
    assert read_one("verl", VERL | {"reward_model": {"ground_truth": truth}}).answers == ("Turkey", "Türkiye")


@pytest.mark.parametrize(
    ("column", "answers"),
    [
        ('["Turkey", "Türkiye"]', ("Turkey", "Türkiye")),
        ("[1, 2]", ("[1, 2]",)),
        ("[sic]", ("[sic]",)),
        ("[]", ()),
    ],
)
def test_answers_may_be_a_json_array_of_texts_in_a_string(column, answers):
    for reader in ("jsonl", "entiweave", "frames"):
        assert read_one(reader, {"question": "Who?", "answers": column}).answers == answers


def test_verl_extra_info_goes_first():
    extra = {"index": 7, "question_id": "q7", "question": "What?", "entities": ["Radium", {"name": "Curie"}]}

    assert read_one("verl", VERL | {"extra_info": extra}) == Question(
        "What?", answers=("Turkey", "Türkiye"), entities=(Entity("Radium"), Entity("Curie")), question_id="q7"
    )


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"prompt": []}, "prompt has no user message"),
        ({"prompt": "Who?"}, "prompt is not an array"),
        ({"reward_model": None}, "reward_model is not an object"),
        ({"reward_model": {"ground_truth": 7}}, "ground_truth is not an array"),
    ],
)
def test_verl_rows_that_cannot_be_used_are_refused(change, reason):
    assert read_one("verl", VERL | change) == reason


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("jsonl", {"id": "q", "question": "How many?", "answer": "3", "checker": "number"}),
        ("verl", {"reward_model": {"ground_truth": "3"}, "extra_info": {"question": "How many?", "index": "q", "checker": "number"}}),
    ],
)  # fmt: skip
def test_a_question_may_name_its_checker(reader, value):
    assert read_one(reader, value) == Question("How many?", ("3",), question_id="q", checker="number")


def test_a_question_may_bring_criteria():
    value = {
        "id": "q",
        "question": "?",
        "rubrics": ["<E0> is a city", {"statement": "It guesses", "weight": -1}, {"statement": "plain"}],
    }

    assert read_one("jsonl", value).rubrics == (
        Criterion("<E0> is a city"),
        Criterion("It guesses", -1.0),
        Criterion("plain"),
    )


@pytest.mark.parametrize(
    ("criterion", "why"),
    [
        (7, "a criterion is not an object"),
        ({"weight": 1}, "statement is missing"),
        ({"statement": "s", "weight": "heavy"}, "weight is not a finite number"),
        ({"statement": "s", "weight": True}, "weight is not a finite number"),
    ],
)
def test_a_criterion_that_cannot_be_used_is_refused(criterion, why):
    assert read_one("jsonl", {"id": "q", "question": "?", "rubrics": [criterion]}) == why


def test_a_checker_that_there_is_none_of_is_refused():
    value = {"id": "q", "question": "How many?", "answer": "3", "checker": "vibes"}

    assert read_one("jsonl", value) == "checker is not one of number, date, list, boolean, name, text"


def test_values_of_numpy_are_read_as_what_they_hold():
    value = {
        "id": np.int64(7),
        "question": np.str_("Who?"),
        "answers": np.array(["x", "y"], dtype=object),
        "entities": np.array([{"name": "Curie", "aliases": None}], dtype=object),
    }

    assert jsonl.to_question(value) == Question("Who?", ("x", "y"), (Entity("Curie"),), "7")


TREE = {
    "question": "Which lake did the founder of Osterveld Works drain?",
    "answer": "Lake Ymir",
    "root": {
        "entity": "Lake Ymir",
        "claims": ["Lake Ymir was drained by Ada Holm"],
        "children": [
            {
                "entity": {"name": "Ada Holm", "id": "Q17", "aliases": ["A. Holm"]},
                "children": [{"entity": "Osterveld Works", "children": []}],
            },
            {"entity": "Norrland", "claims": []},
        ],
    },
}
LAKE = (
    Entity("Lake Ymir", distance=0),
    Entity("Ada Holm", ("A. Holm",), "Q17", distance=1),
    Entity("Osterveld Works", distance=2),
    Entity("Norrland", distance=1),
)


def test_a_research_tree_gives_its_nodes_with_their_depth():
    question = read_one("infoseek", TREE)

    assert (question.text, question.answers, question.entities) == (
        TREE["question"],
        ("Lake Ymir",),
        LAKE,
    )


def test_a_research_tree_may_be_a_json_string_with_the_question_in_its_root():
    root = {"question": TREE["question"], **TREE["root"]}

    assert read_one("infoseek", {"id": 3, "root": json.dumps(root)}) == Question(
        TREE["question"], ("Lake Ymir",), LAKE, "3"
    )


def test_children_of_a_research_tree_may_be_an_object():
    root = {"entity": "a b", "children": {"x": {"entity": "c d"}, "y": {"entity": "e f"}}}

    assert [
        (e.name, e.distance) for e in read_one("infoseek", {"question": "Who?", "root": root}).entities
    ] == [("a b", 0), ("c d", 1), ("e f", 1)]


@pytest.mark.parametrize(
    ("root", "reason"),
    [
        (None, "root is not an object"),
        ({"claims": []}, "a node has no entity"),
        ({"entity": 7}, "an entity is not an object"),
        ({"entity": "a b", "children": ["c"]}, "a child is not an object"),
        ({"entity": "a b", "children": 3}, "children is not an array"),
    ],
)
def test_research_trees_that_cannot_be_used_are_refused(root, reason):
    assert read_one("infoseek", {"question": "Who?", "root": root}) == reason


def test_a_very_deep_research_tree_is_read():
    root = {"entity": "leaf x"}
    for n in range(300):
        root = {"entity": f"node {n}", "children": [root]}

    assert read_one("infoseek", {"question": "Who?", "root": root}).entities[-1].distance == 300


WOVEN = {
    "question": "Where was the founder of the maker of the Skylark born?",
    "answer": "Tromby",
    "entities": [
        {"id": "E1", "name": "Skylark", "description": "a glider"},
        {"id": "E2", "name": "Nordvik Aero"},
        {"id": "E3", "name": "Liv Dahl"},
        {"id": "E4", "name": "Tromby"},
        {"id": "E5", "name": "Aside"},
    ],
    "predicates": ["<E1> was made by <E2>", {"head": "E2", "relation": "founded by", "tail": "E3"}, "{E3} was born in {E4}"],
}  # fmt: skip


def test_woven_entities_know_how_far_they_are_from_the_answer():
    entities = read_one("entiweave", WOVEN).entities

    assert [(e.name, e.entity_id, e.distance) for e in entities] == [
        ("Skylark", "E1", 3),
        ("Nordvik Aero", "E2", 2),
        ("Liv Dahl", "E3", 1),
        ("Tromby", "E4", 0),
        ("Aside", "E5", None),
    ]


def test_woven_columns_may_hold_json_as_strings():
    packed = WOVEN | {name: json.dumps(WOVEN[name]) for name in ("entities", "predicates")}

    assert read_one("entiweave", packed) == read_one("entiweave", WOVEN)


def test_woven_entities_may_be_an_object_by_id():
    by_id = {entity["id"]: {"title": entity["name"]} for entity in WOVEN["entities"]} | {"E5": "Aside"}

    assert read_one("entiweave", WOVEN | {"entities": by_id}) == read_one("entiweave", WOVEN)


def test_woven_predicates_may_be_the_lines_of_a_text():
    lines = "<E1> was made by <E2>\nE2 was founded by E3\n{E3} was born in {E4}"

    assert read_one("entiweave", WOVEN | {"predicates": lines}) == read_one("entiweave", WOVEN)


@pytest.mark.parametrize(
    ("change", "distances"),
    [
        ({"answer": "1931"}, {None}),
        ({"predicates": []}, {None, 0}),
        ({"entities": ["Skylark", "Liv Dahl", "Tromby"]}, {None}),
    ],
)
def test_woven_entities_without_a_way_to_the_answer_have_no_distance(change, distances):
    assert {e.distance for e in read_one("entiweave", WOVEN | change).entities} == distances


def test_woven_predicates_that_are_no_array_are_refused():
    assert read_one("entiweave", WOVEN | {"predicates": 3}) == "predicates is not an array"


def test_the_own_shape_takes_a_distance_and_refuses_one_that_is_none():
    value = {"question": "Who?", "entities": [{"name": "Radium", "distance": 2}]}

    assert read_one("jsonl", value).entities == (Entity("Radium", distance=2),)
    value["entities"][0]["distance"] = -1
    assert read_one("jsonl", value) == "distance is not a whole number from 0 on"


@pytest.mark.parametrize(
    ("reader", "value"),
    [
        ("jsonl", {"question": "Who?", "entities": '[{"name": "Radium"}]'}),
        ("kilt", {"question": "Who?", "answers": ["x"], "entities": '[{"title": "Radium"}]'}),
        ("graph", {"question": "Who?", "answer": "x", "graph": '{"nodes": ["Radium"]}'}),
        ("verl", {"reward_model": '{"ground_truth": "x"}', "extra_info": '{"question": "Who?", "entities": ["Radium"]}'}),
    ],
)  # fmt: skip
def test_columns_that_hold_json_as_a_string_are_read_as_json(reader, value):
    assert [e.name for e in read_one(reader, value).entities] == ["Radium"]
