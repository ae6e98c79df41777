"""What an answer says once its wrapping is off."""

import pytest

from reward_service.core.answers import boxed, stated, unwrap, without_end_tokens


@pytest.mark.parametrize(
    ("text", "bare"),
    [
        ("Kyoto", "Kyoto"),
        (" Kyoto \n", "Kyoto"),
        ("Kyoto<|im_end|>\n<|endoftext|>", "Kyoto"),
        ("Kyoto</s>", "Kyoto"),
        ("Kyoto<eos><pad>", "Kyoto"),
        ("Kyoto [EOS]", "Kyoto"),
        ("Kyoto<｜end▁of▁sentence｜>", "Kyoto"),
        ("Kyoto<end_of_turn>", "Kyoto"),
        ("a <|im_end|> b", "a <|im_end|> b"),
        ("a < b", "a < b"),
        ("</s>", ""),
    ],
)
def test_end_tokens_go_at_the_end_only(text, bare):
    assert without_end_tokens(text) == bare


@pytest.mark.parametrize(
    ("text", "held"),
    [
        (r"\boxed{Kyoto}", "Kyoto"),
        (r"\boxed{Nara}, or rather \boxed{Kyoto}", "Kyoto"),
        (r"\boxed{\boxed{Kyoto}}", "Kyoto"),
        (r"\boxed{\text{Kyoto {old}}}", "Kyoto old"),
        (r"\fbox{$\dfrac{1}{2}$}", "1/2"),
        (r"\boxed{20\%\,\text{or so}}", "20% or so"),
        (r"\boxed{Kyoto", None),
        ("Kyoto", None),
    ],
)
def test_a_box_holds_the_answer(text, held):
    assert boxed(text) == held


@pytest.mark.parametrize(
    ("text", "answer"),
    [
        ("Answer: Kyoto", "Kyoto"),
        ("**Final Answer:** Kyoto\nBecause it was.", "Kyoto"),
        ("I read it. So the answer is Kyoto.", "Kyoto."),
        ("The answer is Nara. No, the answer is Kyoto.", "Kyoto."),
        ("The answer to the question is: Kyoto", "Kyoto"),
        ("Exact Answer: Kyoto\nConfidence: 90%", "Kyoto"),
        ("Answer:\nKyoto", "Kyoto"),
        ("## Answer\nIt is Kyoto.\n\n## References\n1", "It is Kyoto."),
        ("## Why\nIt was.\n\n## Exact Answer  \n**Kyoto**  \n\n## References\n1", "**Kyoto**"),
        ("### **Final Answer:**\nKyoto", "Kyoto"),
        ("Die Antwort lautet: Kyoto", "Kyoto"),
        ("La réponse est Kyoto", "Kyoto"),
        ("La respuesta es Kyoto", "Kyoto"),
        ("Ответ: Киото", "Киото"),
        ("最终答案：京都", "京都"),
        ("答えは京都", "京都"),
        ("정답은 교토", "교토"),
        ('{"answer": "Kyoto"}', "Kyoto"),
        ('I know it: {"reason": "It was.", "answer": "Kyoto"}', "Kyoto"),
        ('```json\n{"final_answer": 5}\n```', "5"),
        ('{"answer": null}', None),
        ('{"city": "Kyoto"}', None),
        ('{"answer": "Kyoto}', None),
        ("{Kyoto}", None),
        ("Answer:", None),
        ("There is no answer in it.", None),
        ("Kyoto", None),
    ],
)
def test_a_phrase_states_the_answer(text, answer):
    assert stated(text) == answer


def test_a_box_decides_before_a_phrase():
    assert unwrap(r"Answer: see \boxed{Kyoto}.</s>") == "Kyoto"
    assert unwrap("Answer: Kyoto<|im_end|>") == "Kyoto"
    assert unwrap("Kyoto") == "Kyoto"


def test_special_tokens_around_an_answer_are_no_part_of_it():
    assert unwrap("<|begin_of_box|>Kyoto<|end_of_box|><|user|>") == "Kyoto"
    assert unwrap("<|im_sep|>Kyoto", ("answer",)) == "<|im_sep|>Kyoto"
    assert unwrap("a <|x|> b") == "a <|x|> b"
