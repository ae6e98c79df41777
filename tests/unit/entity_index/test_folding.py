"""Folding, case by case."""

import pytest

from entity_index.folding import MAX_MARK_RUN, fold


@pytest.mark.parametrize(
    ("text", "folded"),
    [
        ("", ""),
        ("  Marie   Curie ", "marie curie"),
        ("2007 Copa América Final", "2007 copa america final"),
        ("Władysław", "wladyslaw"),
        ("Straße", "strasse"),
        ("ŒUVRE Þór", "oeuvre thor"),
        ("O’Neill", "oneill"),
        ("Schindler's List", "schindler list"),
        ("the Joneses' house", "the joneses house"),
        ("it's-s", "it s"),
        ("St.-Jean", "st jean"),
        ("ﬁne", "fine"),
        ("½", "1 2"),
        ("zero\u200bwidth \u2800blank", "zerowidth blank"),
        ("नई दिल्ली", "नई दिल्ली"),
        ("!!!", ""),
        ("a\ud800b", "a b"),
    ],
)
def test_text_folds_to(text, folded):
    assert fold(text).text == folded


def test_runs_of_marks_are_cut():
    mark = "\u093e"  # an Indic vowel: a mark that folding keeps

    assert fold("क" + mark * 100).text == "क" + mark * MAX_MARK_RUN


def test_a_span_points_into_the_original():
    folded = fold("In  Małgorzata’s “Œuvre”")
    start = folded.text.index("oeuvre")

    assert folded.text == "in malgorzata oeuvre"
    assert folded.span(start, start + len("oeuvre")) == (18, 23)
