"""Answers without the notation around them."""

import pytest

from reward_service.core.answers import ANSWER_KINDS, found, unwrap


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{Rome}", "Rome"),
        ("so \\[ \\boxed{\\text{Rome}} \\]", "Rome"),
        ("\\boxed{a} then \\boxed{\\frac{1}{2}}", "\\frac{1}{2}"),
        ("\\boxed{\\text{a} b}", "\\text{a} b"),
        ("\\fbox{Rome", "Rome"),
        ("Answer: Rome", "Rome"),
        ("**Final Answer:** Rome.\nBecause.", "Rome"),
        ("The answer is Rome.", "Rome"),
        ("Answer:", "Answer:"),
        (" Rome ", "Rome"),
    ],
)
def test_notation_is_taken_off(text, answer):
    assert unwrap(text, ANSWER_KINDS) == answer


def test_only_what_a_profile_reads_is_taken_off():
    assert unwrap("\\boxed{a}", ("answer",)) == "\\boxed{a}"
    assert unwrap("Answer: a", ("answer", "boxed")) == "Answer: a"
    assert found("a", ANSWER_KINDS) is None
