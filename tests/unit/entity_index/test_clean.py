"""One record made fit to be ground truth."""

import pytest

from entity_index.clean import clean, count_in_text
from entity_index.errors import InvalidRecord
from entity_index.types import Entity, Question


def cleaned(*entities: Entity, text: str = "Which one?", answers: tuple[str, ...] = ("x",)):
    return clean(Question(text, answers=answers, entities=entities, question_id="q"))


@pytest.mark.parametrize("question_id", [None, ""])
def test_a_question_without_an_id_is_refused(question_id):
    with pytest.raises(InvalidRecord, match="no question id"):
        clean(Question("Why?", question_id=question_id))


@pytest.mark.parametrize("text", ["", " \n"])
def test_a_question_without_a_text_is_refused(text):
    with pytest.raises(InvalidRecord, match="no question text"):
        clean(Question(text, question_id="q"))


def test_what_is_fit_stays_as_it_is():
    entity = Entity("Marie Curie", aliases=("Maria Skłodowska",), entity_id="Q7186", type="person")
    result = cleaned(entity)

    assert result.question == Question("Which one?", answers=("x",), entities=(entity,), question_id="q")
    assert (result.dropped, result.merged, result.in_question) == ((), 0, 0)


def test_an_unusable_alias_is_dropped_alone():
    result = cleaned(Entity("It (novel)", aliases=("It", "King's It", "!!")))

    assert result.question.entities == (Entity("It (novel)", aliases=("King's It",)),)
    assert result.dropped == ("alias is a function word", "alias folds to nothing")


def test_an_unusable_name_drops_the_entity():
    result = cleaned(Entity("It", aliases=("King's It",)), Entity("Carrie"))

    assert result.question.entities == (Entity("Carrie"),)
    assert result.dropped == ("entity name is a function word",)


def test_an_empty_answer_is_dropped():
    result = cleaned(answers=("", "yes", " "))

    assert result.question.answers == ("yes",)
    assert result.dropped == ("answer is empty", "answer is empty")


def test_entities_whose_names_fold_alike_are_one():
    result = cleaned(
        Entity("São Paulo", aliases=("Sampa",), entity_id="Q174"),
        Entity("Rio"),
        Entity("SAO PAULO", aliases=("Sampa", "Terra da Garoa", "São Paulo"), entity_id="other", type="city"),
    )

    assert result.question.entities == (
        Entity("São Paulo", aliases=("Sampa", "SAO PAULO", "Terra da Garoa"), entity_id="Q174"),
        Entity("Rio"),
    )
    assert result.merged == 1


def test_names_that_only_their_raw_spelling_tells_apart_stay_apart():
    result = cleaned(Entity("C++"), Entity("C#"), Entity("C++ "))

    assert [entity.name for entity in result.question.entities] == ["C++", "C#"]
    assert result.merged == 1


def test_a_repeated_alias_is_kept_once():
    result = cleaned(Entity("Nato", aliases=("NATO", "OTAN", "OTAN", "Nato")))

    assert result.question.entities == (Entity("Nato", aliases=("NATO", "OTAN")),)
    assert result.merged == 0


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Ed Wood", "Were Scott Derrickson and ED WOOD's films alike?"),
        ("Kiss and Tell (1945 film)", "Who played in the film Kiss and Tell?"),
        ("Władysław", "Who was wladyslaw?"),
        ("(Untitled)", "Who filmed Untitled?"),
        ("C++", "Who designed C++?"),
    ],
)
def test_a_name_stands_in_the_question(name, text):
    assert count_in_text(text, [Entity(name)]) == 1


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("Wood", "Who is Woody?"),
        ("UN", "Who can run?"),
        ("C++", "Who designed C?"),
        ("Kiss and Tell (1945 film)", "Who can kiss?"),
    ],
)
def test_a_name_does_not_stand_in_the_question(name, text):
    assert count_in_text(text, [Entity(name)]) == 0


def test_a_gold_answer_that_is_a_list_in_disguise_becomes_the_list():
    assert cleaned(answers=('["Paris", "Lutetia"]', "Paname")).question.answers == (
        "Paris",
        "Lutetia",
        "Paname",
    )


def test_united_entities_keep_the_shortest_distance():
    entities = (Entity("Curie", distance=3), Entity("CURIE", distance=1), Entity("curie"))

    [one] = clean(Question("Who?", entities=entities, question_id="q")).question.entities
    assert one.distance == 1
