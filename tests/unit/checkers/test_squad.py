"""SQuAD's measures, to the letter."""

import pytest

from reward_service.core.checkers.squad import exact_match, f1, normalize_answer, token_f1


@pytest.mark.parametrize(
    ("answer", "golds", "correct"),
    [
        ("The Beatles.", ["beatles"], True),
        ("a  Met   Office", ["Met Office"], True),
        ("Beatles", ["Stones", "BEATLES"], True),
        ("Beatle", ["Beatles"], False),
        ("", ["Beatles"], False),
        ("", [""], False),
        ("The", ["a"], False),
        ("The", ["The"], True),
        ("!", ["?"], False),
    ],
)
def test_exact_match(answer, golds, correct):
    assert exact_match(answer, golds) is correct


def test_articles_go_only_as_words():
    assert normalize_answer("An anthem, the theatre") == "anthem theatre"


def test_f1_counts_shared_words_with_multiplicity():
    assert token_f1("the cat sat", "cat sat down") == pytest.approx(2 * 2 / 5)
    assert token_f1("new york new york", "New York") == pytest.approx(2 * 2 / 6)
    assert token_f1("", "x") == 0.0


def test_f1_asks_for_its_threshold():
    assert f1("Charles Robert Darwin", ["Charles Darwin"], 0.8)
    assert not f1("Charles Robert Darwin", ["Charles Darwin"], 0.81)
