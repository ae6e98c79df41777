"""Numbers and rulers in other languages than English."""

import pytest

from reward_service.core.checkers.spoken import number
from tests.unit.checkers.checking import check


@pytest.mark.parametrize(
    ("said", "value"),
    [
        ("vierunddreißig", 34),
        ("achtzehnhundertzwölf", 1812),
        ("zweitausendfünf", 2005),
        ("tweeëntwintig", 22),
        ("soixante et onze", 71),
        ("quatre-vingt-dix-huit", 98),
        ("deux cents", 200),
        ("mil ochocientos doce", 1812),
        ("treinta y uno", 31),
        ("duzentos e trinta e três", 233),
        ("trentotto", 38),
        ("trecentoventi", 320),
        ("двести сорок семь", 247),
        ("две тысячи один", 2001),
        ("trzydzieści cztery", 34),
        ("trettiofyra", 34),
        ("otuz dört", 34),
        ("on iki", 12),
    ],
)
def test_a_number_in_words_is_the_number(said, value):
    assert check("equal", said, str(value))
    assert check("equal", str(value), said)


@pytest.mark.parametrize(
    ("said", "amount"),
    [
        ("ocho años", "8 years"),
        ("drei Millionen", "3,000,000"),
        ("eine Million", "1 million"),
        ("zwanzig Prozent", "20%"),
    ],
)
def test_a_number_in_words_is_read_before_what_it_counts(said, amount):
    assert check("equal", said, amount)


@pytest.mark.parametrize(
    ("word", "value"),
    [
        ("once", "11"),
        ("Elf", "11"),
        ("Cent", "100"),
        ("Pont neuf", "Pont 9"),
        ("Tres Marías", "3 Marías"),
        ("house", "8"),
    ],
)
def test_a_word_of_another_meaning_is_no_number(word, value):
    assert not check("equal", word, value)
    assert check("equal", word, word)


def test_a_number_in_words_is_found_in_a_sentence():
    assert check("equal", "It is siete.", "siete")


def test_a_run_of_letters_without_end_is_no_number():
    assert number("zwei" * 40) is None


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ludwig der Vierzehnte", "Louis XIV"),
        ("Ludwig XIV.", "Louis the Fourteenth"),
        ("Louis Quatorze", "Luis XIV"),
        ("Felipe Segundo", "Philip II"),
        ("Екатерина Вторая", "Catherine II"),
        ("Johannes Paul II.", "John Paul the Second"),
    ],
)
def test_a_ruler_has_one_name_in_all_languages(one, other):
    assert check("equal", one, other)
    assert check("equal", other, one)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Ludwig der Fünfzehnte", "Louis XIV"),
        ("Karl Marx", "Charles Marx"),
        ("Quatorze", "14 Juillet"),
        ("Bach Quatorze", "Bach 14"),
    ],
)
def test_without_a_numeral_names_stay_apart(one, other):
    assert not check("equal", one, other)
