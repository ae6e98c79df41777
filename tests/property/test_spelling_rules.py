"""What a rule of spelling says it needs, it needs: without it, the rule makes nothing of a spelling."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.core.matching import lexicon
from reward_service.core.matching.numerals import BY_WRITING
from reward_service.core.matching.spellings import MAX_FORMS, RULES, rules_of, spellings

TABLES = (
    lexicon.ABBREVIATIONS, lexicon.ABBREVIATIONS.values(), lexicon.ABBREVIATIONS_AT_END, lexicon.ABBREVIATIONS_AT_END.values(),
    lexicon.BRITISH, lexicon.BRITISH.values(), lexicon.COUNTRIES, *lexicon.COUNTRIES.values(), lexicon.LEGAL_FORMS, lexicon.MONTHS,
    lexicon.PLACES, lexicon.SCALES, lexicon.SHORT_MONTHS, lexicon.STATES, lexicon.STATES.values(), lexicon.TITLES, BY_WRITING,
)  # fmt: skip
OTHERS = (
    "A", "The", "AD", "B.C.", "44", "1914", "1914-18", "1999–00", "12,000", "2016", "$3.5", "50%", "$fifty", "km/h", "4th", "Earl", "Baronet",
    "Lord", "Sir", "Alfred,", "Duke", "of", "the", "Eighth", "VIII", "War", "World", "University", "Oxford", '"Bill"', "(“Bob”)", "(film)",
    "Иванович,", "Толстой", "Müller", "X-Men", "e-mail", "YouTube", "F-16", "U2", "J.", "J.P.", "JP", "F.B.I.", "US-led", "vs.", "v.", "R&B",
    "rock-and-roll", "&amp;", "Torpedo", "boats", "Ribosome", "Ｗｉｄｅ", "上海", "St.Louis", "Mt-Blanc", "Inc.,", "F.C.", "O'Brien", "ﬁne", "İ",
)  # fmt: skip
WORDS = sorted({*(word for table in TABLES for name in table for word in name.split()), *OTHERS})
written = st.sampled_from(WORDS).flatmap(
    lambda word: st.sampled_from(
        (word, word.capitalize(), word.upper(), word.lower(), f"{word},", f"{word}.")
    )
)
words = written | st.text(st.sampled_from("aAbIVX1290.,-–/&'’()\"“éüÜ$%京й"), min_size=1, max_size=6)
names = st.lists(words, min_size=1, max_size=5).map(" ".join)


@given(names)
def test_a_rule_that_is_not_called_for_makes_nothing(name):
    called = rules_of(name)
    silent = [rule for at, rule in enumerate(RULES) if not called >> at & 1]

    assert {new for rule in silent for new in rule.rewrite(name)} <= {name}


@pytest.mark.parametrize("space", ["  ", "\t", "\u00a0", "\u3000"])
def test_other_white_space_calls_for_every_rule(space):
    assert rules_of(f"Marie{space}Curie") == -1


def test_a_plain_name_calls_for_few():
    assert [rule.rewrite.__name__ for at, rule in enumerate(RULES) if rules_of("Marie Curie") >> at & 1] == [
        "plural"
    ]


def test_a_table_of_numbers_has_as_many_spellings_as_a_name_may_have():
    table = " ".join(f"St {number} Ave" for number in range(2, 99))

    assert len(spellings(table, language="en", is_usable=bool)) == MAX_FORMS
