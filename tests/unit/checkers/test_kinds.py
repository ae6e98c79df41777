"""What a question asks for itself."""

import pytest

from entity_index.types import CHECKER_KINDS, Question
from reward_service.core.checkers import CHECKERS
from reward_service.core.checkers.kinds import KINDS
from tests.unit.checkers.checking import check


@pytest.mark.parametrize(
    ("kind", "answer", "golds", "correct"),
    [
        ("number", "They had about 190,000 people.", ("190,000 employees",), True),
        ("number", "It is 5 km long.", ("5000 m",), True),
        ("number", "It is 5 miles long.", ("5 km",), False),
        ("number", "5", ("5 km",), False),
        ("number", "15", ("1.5",), False),
        ("number", "It is not 5.", ("5",), False),
        ("number", "5 or 6", ("5",), False),
        ("number", "5, then 6", ("5",), False),
        ("number", "many", ("5",), False),
        ("date", "He was born on 8 January 1891.", ("January 8, 1891",), True),
        ("date", "On 8 January 1891.", ("1891",), True),
        ("date", "On 8 January 1891.", ("January 1891",), True),
        ("date", "In 1891.", ("1891",), True),
        ("date", "1891", ("8 January 1891",), False),
        ("date", "8 January 1892", ("1891",), False),
        ("date", "perhaps 1891", ("1891",), False),
        ("date", "unknown", ("1891",), False),
        ("date", "1891", ("unknown",), False),
        ("list", "Peru, Chile", ("Chile", "Peru"), True),
        ("list", "- Peru\n- Chile", ("Chile", "Peru"), True),
        ("list", "Peru", ("Chile", "Peru"), False),
        ("list", "Peru, Chile and Brazil", ("Chile", "Peru"), False),
        ("list", "Peru and Peru", ("Chile", "Peru"), False),
        ("boolean", "Yes, they are.", ("yes",), True),
        ("boolean", "True", ("Yes",), True),
        ("boolean", "No.", ("yes",), False),
        ("boolean", "Kyoto", ("Kyoto",), False),
        ("name", "Bendict of Nursia.", ("Benedict of Nursia",), True),
        ("name", "Edward II", ("King Edward II",), True),
        ("name", "not Bendict of Nursia", ("Benedict of Nursia",), False),
        ("name", "Benedict of Nursia or Norcia", ("Benedict of Nursia",), False),
        ("text", "king edward II", ("King Edward II",), True),
        ("text", "Edward II", ("King Edward II",), False),
        ("text", "", ("",), False),
    ],
)
@pytest.mark.parametrize("checker", ["equal", "cover", "cover_either"])
def test_a_question_names_its_checker(checker, kind, answer, golds, correct):
    assert check(checker, answer, *golds, kind=kind) is correct


@pytest.mark.parametrize("checker", ["exact_match", "f1"])
def test_squad_stays_squad_whatever_a_question_asks_for(checker):
    assert check(checker, "15", "1.5", kind="number")


def test_every_kind_a_question_may_name_has_a_checker():
    assert tuple(KINDS) == CHECKER_KINDS


def test_a_question_cannot_name_another():
    with pytest.raises(ValueError, match=r"checker must be one of number, date, .*, got .vibes."):
        Question("", checker="vibes")


def test_the_checkers_have_names():
    assert list(CHECKERS) == ["exact_match", "f1", "equal", "cover", "cover_either"]
