"""Laws of comparing answers."""

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from entity_index.types import Question
from reward_service.core.checkers import CHECKERS
from reward_service.core.checkers.reading import key_of, plain, read
from tests.property.texts import texts

READING = ("equal", "cover", "cover_either")
NAMES = (
    "Kyoto",
    "Marie Curie",
    "Władysław Szpilman",
    "Lake Baikal",
    "C++",
    "Henry VIII",
    "Apollo 11",
    "AC/DC",
    "the Beatles",
    "O'Brien",
    "Москва",
    "京都",
    "서울",
)
DENIALS = (
    "not {}",
    "Not {}.",
    "It is not {}.",
    "It isn't {}.",
    "It was never {}.",
    "{} is not it.",
    "I could not find anything about {}.",
    "Neither source names {}.",
    "no {}",
    "anything but not {}",
    "It is definitely not {}, I think.",
)
WRAPPINGS = (
    " {} ",
    "{}.",
    "**{}**",
    "`{}`",
    "“{}”",
    "Answer: {}",
    "The answer is {}.",
    r"\boxed{{{}}}",
    r"$\boxed{{\text{{{}}}}}$.",
    "{}<|im_end|>",
    "{}</s>\n",
    "{}\u200b",
    "<b>{}</b>",
    "{} [1]",
    "- {}",
)
UNITS = ("", "%", " km", " miles", " kg", " hours", " °C", "$")
names = st.sampled_from(NAMES)
numbers = st.integers(-(10**6), 10**6) | st.decimals(-1000, 1000, places=2, allow_nan=False).map(
    lambda value: value.normalize()
)


def check(name, answer, *golds):
    return CHECKERS[name](answer, Question("", golds), 0.8)


@given(texts)
def test_every_gold_answer_is_right(gold):
    assume(key_of(read(gold)))

    assert check("equal", gold, gold)


@given(texts, st.lists(texts, max_size=3))
def test_what_is_equal_is_covered_and_what_is_covered_is_covered_either_way(answer, golds):
    said = [check(name, answer, *golds) for name in READING]

    assert said == sorted(said)


@given(texts)
def test_reading_is_idempotent(text):
    assert plain(plain(text)) == plain(text) or key_of(plain(plain(text))) == key_of(plain(text))


@given(names, st.sampled_from(WRAPPINGS), st.sampled_from([str, str.upper, str.lower, str.title]))
def test_harmless_decorations_change_nothing(gold, wrapping, cased):
    assert check("equal", wrapping.format(cased(gold)), gold)


@pytest.mark.parametrize("name", READING)
@given(gold=names, denial=st.sampled_from(DENIALS))
def test_no_checker_takes_a_denial_for_an_answer(name, gold, denial):
    assert not check(name, denial.format(gold), gold)


@pytest.mark.parametrize("name", READING)
@given(own=numbers, wanted=numbers, unit=st.sampled_from(UNITS))
def test_no_checker_takes_one_number_for_another(name, own, wanted, unit):
    assume(own != wanted)

    assert not check(
        name, f"{own:f}{unit}" if unit else f"{own}", f"{wanted:f}{unit}" if unit else f"{wanted}"
    )


@given(numbers, st.sampled_from(UNITS), st.sampled_from(UNITS))
def test_a_unit_is_part_of_a_number(number, own, wanted):
    assume(own != wanted and number)

    assert not check("equal", f"{number}{own}", f"{number}{wanted}")


@pytest.mark.parametrize("name", READING)
@given(gold=names, rival=names, joint=st.sampled_from(["{} or {}", "either {} or {}", "{}, or maybe {}"]))
def test_no_checker_takes_a_choice_for_an_answer(name, gold, rival, joint):
    assume(key_of(gold) not in key_of(rival) and key_of(rival) not in key_of(gold))

    assert not check(name, joint.format(gold, rival), gold)


@pytest.mark.parametrize("name", READING)
@given(
    gold=names,
    words=st.lists(st.sampled_from(["lorem", "ipsum", "Dolor", "sit", "Amet"]), min_size=200, max_size=400),
)
def test_no_checker_takes_a_dump_for_an_answer(name, gold, words):
    middle = len(words) // 2

    assert not check(name, " ".join([*words[:middle], gold, *words[middle:]]), gold)


@pytest.mark.parametrize("name", READING)
@given(texts, st.lists(texts, max_size=2))
def test_nothing_breaks_a_checker(name, answer, golds):
    assert check(name, answer, *golds) in (True, False)
