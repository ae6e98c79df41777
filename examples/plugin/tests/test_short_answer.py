"""What the signal says of answers of different lengths."""

import pytest
from example_signals import short_answer

from reward_service import RolloutView


def view(answer, answers=("Marie Curie",)):
    return RolloutView((), answer, "Who discovered polonium?", answers, ())


@pytest.mark.parametrize(
    ("words", "value"), [(0, 1.0), (2, 1.0), (12, 1.0), (17, 0.5), (22, 0.0), (200, 0.0)]
)
def test_the_longer_the_less(words, value):
    assert short_answer(view("word " * words)) == value


def test_no_answer_is_not_long():
    assert short_answer(view(None)) == 1.0


def test_without_gold_answers_there_is_no_number():
    with pytest.raises(ValueError, match="no gold answers"):
        short_answer(view("x", answers=()))
