"""Which names may be searched for."""

import pytest

from entity_index.folding import fold
from entity_index.usable import FUNCTION_WORDS, why_unusable


@pytest.mark.parametrize("name", ["", "   ", "\t\n"])
def test_an_empty_name_is_unusable(name):
    assert why_unusable(name) == "is empty"


@pytest.mark.parametrize("name", ["!!!", "—", "\u200b", "😀", "\ud800"])
def test_a_name_of_nothing_but_signs_folds_to_nothing(name):
    assert why_unusable(name) == "folds to nothing"


@pytest.mark.parametrize("name", ["It", "the", "The", "  once ", "it’s", "Us", "“Her”"])
def test_a_function_word_is_unusable(name):
    assert why_unusable(name) == "is a function word"


@pytest.mark.parametrize("name", ["US", "IT", "WHO", "THEM", "The Who", "It Happened One Night", "Sub"])
def test_capitals_and_longer_names_are_no_function_words(name):
    assert why_unusable(name) is None


@pytest.mark.parametrize("name", ["X", "7", "é", "E\u0301", "Z\u200b", " q ", "金"])
def test_a_single_character_is_unusable(name):
    assert why_unusable(name) == "folds to a single character"


@pytest.mark.parametrize("name", ["C++", "C#", "A*", "R!", "X²"])
def test_a_telling_raw_spelling_is_usable(name):
    assert why_unusable(name) is None


@pytest.mark.parametrize("name", ["Москва", "北京", "القاهرة", "नई दिल्ली", "김정은", "U2", "99"])
def test_names_in_any_script_are_usable(name):
    assert why_unusable(name) is None


def test_the_function_words_are_spelled_as_folding_spells_them():
    assert {fold(word).text for word in FUNCTION_WORDS} == FUNCTION_WORDS
