"""Names in a text, by how they are written."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from entity_index.propose.names import names_in


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("Liv Dahl flew it.", ["Liv Dahl"]),
        ("It was built by the University of Tromby in 1931.", ["University of Tromby"]),
        ("He met Vincent van Gogh there.", ["Vincent van Gogh"]),
        ("The crew of Apollo 11 landed.", ["Apollo 11"]),
        ("Years later J. R. Holm wrote it.", ["J. R. Holm"]),
        ("a film called “Winter Light”", ["Winter Light"]),
        ("他看了《红楼梦》。", ["红楼梦"]),
        ("Nothing here is a name.", []),
        ("", []),
    ],
)
def test_names_are_found_as_they_are_written(text, names):
    assert names_in(text) == names


def test_a_single_word_that_only_opens_sentences_is_no_name():
    assert names_in("Radium glows. Radium decays.") == []
    assert names_in("Radium glows. She found Radium.") == ["Radium"]


def test_an_opening_function_word_is_not_part_of_the_name():
    assert names_in("In Oslo Liv Dahl lived.") == ["Oslo Liv Dahl"]
    assert names_in("Was Liv Dahl there?") == ["Liv Dahl"]


def test_a_longer_name_is_also_given_without_the_first_word_of_its_sentence():
    assert names_in("Perhaps Liv Dahl flew.") == ["Perhaps Liv Dahl", "Liv Dahl"]
    assert names_in("King Olav Holm sat. Then King Olav Holm rose.") == ["King Olav Holm"]


def test_a_run_that_may_be_two_names_gives_both_readings():
    assert names_in("We saw Night and Day there.") == ["Night and Day", "Night", "Day"]


def test_a_name_with_an_article_is_given_with_and_without_it():
    assert names_in("They watched The Babadook again.") == ["The Babadook", "Babadook"]


@given(st.text(alphabet="ABab .,-'\"“”《》12of the", max_size=200))
def test_every_name_stands_in_the_text_once_in_the_list(text):
    names = names_in(text)

    assert all(name in text for name in names)
    assert len(set(names)) == len(names)


def test_long_runs_are_bounded():
    assert max(len(name.split()) for name in names_in("Alpha " * 1000)) <= 8
