"""Answers without the notation that a profile takes off."""

import pytest

from reward_service.core.answers import ANSWER_KINDS, found, unwrap


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("\\boxed{Rome}", "Rome"),
        ("so \\[ \\boxed{\\text{Rome}} \\]", "Rome"),
        ("\\boxed{a} then \\boxed{b{c}}", "bc"),
        ("\\boxed{Rome", "\\boxed{Rome"),
        ("Answer: Rome", "Rome"),
        ("**Final Answer:** Rome\nBecause.", "Rome"),
        ("Answer:\nRome\n# More", "Rome"),
        ("Answer:", "Answer:"),
        (" Rome <|im_end|></s>", "Rome"),
        ("", ""),
    ],
)
def test_notation_is_taken_off(text, answer):
    assert unwrap(text, ANSWER_KINDS) == unwrap(text) == answer


def test_only_what_a_profile_reads_is_taken_off():
    assert unwrap(" \\boxed{a}</s> ", ("answer",)) == "\\boxed{a}</s>"
    assert unwrap("Answer: a", ("answer", "boxed")) == "Answer: a"
    assert found("a", ANSWER_KINDS) is None
