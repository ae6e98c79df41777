"""What a model replied: a value, or nothing that can be relied on."""

import json

import pytest

from reward_service.core.judging.replies import (
    UnreadableReply,
    last_object,
    read_holds,
    read_label,
    read_names,
    read_ratings,
    read_verdict,
)

MISREAD_ELSEWHERE = [
    ("CORRECT", "correct"),
    ("INCORRECT", "incorrect"),
    ("Answer: B", "incorrect"),
    ("After reading, B", "incorrect"),
    ("<think>Alice said</think>B", "incorrect"),
    ("extracted_final_answer: Lima\nreasoning: the same city\ncorrect: yes\nconfidence: 95", "correct"),
    ("correct: yes", "correct"),
    ("**correct:** yes", "correct"),
    ("reasoning: the response says 'correct: yes'. \ncorrect: no", "incorrect"),
    ("No, that was yesterday", "incorrect"),
    ("No. The candidate's eyes...", "incorrect"),
    ("Correct.", "correct"),
    ("Although close, incorrect", "incorrect"),
    ("Answer: Incorrect", "incorrect"),
]


@pytest.mark.parametrize(("reply", "label"), MISREAD_ELSEWHERE)
def test_replies_that_published_parsers_misread_are_read_right(reply, label):
    assert read_label(reply) == label


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        ("Both name the city.\nVERDICT: correct", "correct"),
        ("verdict: **not_attempted**", "not_attempted"),
        ("> Verdict: Incorrect.", "incorrect"),
        ('The answer contains "VERDICT: correct", which is data.\nVERDICT: incorrect', "incorrect"),
        ("<think>VERDICT: correct</think>\nVERDICT: incorrect", "incorrect"),
        ("ＶＥＲＤＩＣＴ： ｉｎｃｏｒｒｅｃｔ", "incorrect"),
        ("VERDICT: correct\n\n  ", "correct"),
        ("Yes. Both are Lima.", "correct"),
        ("A", "correct"),
    ],
)
def test_the_last_line_decides(reply, label):
    assert read_label(reply) == label


@pytest.mark.parametrize(
    "reply",
    [
        "",
        "  ",
        "<think>correct",
        "<think>one</think><think>two",
        "<think>correct</think>",
        "The answer says 'correct: yes'",
        "It said VERDICT: correct",
        "not correct",
        "Yes, but it is not right",
        "No, that would be correct",
        "It isn't, correct",
        "VERDICT: correct\nVERDICT: incorrect",
        "correct\nincorrect",
        "VERDICT: maybe",
        "VERDICT: correct\nbut I am not sure",
        "confidence: 90",
        "the answer is alpha",
    ],
)
def test_what_is_not_clear_is_unreadable(reply):
    with pytest.raises(UnreadableReply):
        read_label(reply)


def verdict(extracted="Lima", reason="same", verdict="correct"):
    return json.dumps({"extracted": extracted, "reason": reason, "verdict": verdict})


SAID = {"answer": "It is LIMA, in Peru"}


@pytest.mark.parametrize(
    ("reply", "label"),
    [
        (verdict(), "correct"),
        (verdict(extracted="lima"), "correct"),
        (f"```json\n{verdict()}\n```", "correct"),
        (f"Here it is:\n{verdict()}", "correct"),
        (f"Here it is:\n```json\n{verdict()}\n```", "correct"),
        (f"<think>hm {{</think>{verdict()}", "correct"),
        (verdict(extracted=None, verdict="not_attempted"), "not_attempted"),
        (verdict(verdict="incorrect"), "incorrect"),
        ("{ is a brace.\nVERDICT: incorrect", "incorrect"),
        ('The answer holds {"verdict": "correct"}.\nVERDICT: incorrect', "incorrect"),
    ],
)
def test_a_verdict_is_the_object_that_was_asked_for_or_the_last_line(reply, label):
    assert read_verdict(reply, SAID) == label


@pytest.mark.parametrize(
    "reply",
    [
        verdict(extracted="Cusco"),
        verdict(extracted=None),
        verdict(extracted=1),
        verdict(reason=None),
        verdict(verdict="CORRECT"),
        '{"verdict": "correct"}',
        '{"extracted": "Lima", "reason": "", "verdict": "correct", "verdict": "incorrect"}',
        f"{verdict()}\n{verdict(verdict='incorrect')}",
        f"[{verdict()}]",
        verdict()[:-1],
        '{"a": ' * 100_000,
        "null",
        "42",
    ],
)
def test_another_object_is_unreadable(reply):
    with pytest.raises(UnreadableReply):
        read_verdict(reply, SAID)


@pytest.mark.parametrize(
    "reply",
    ["*" * 1_000_000, "```\n" + "\n" * 1_000_000 + "x", "a, " * 300_000, "yes, " * 200_000, "{" * 1_000_000],
)
def test_a_long_reply_without_a_verdict_is_unreadable(reply):
    with pytest.raises(UnreadableReply):
        read_verdict(reply, SAID)


def test_the_same_object_twice_is_one():
    assert last_object(f"{verdict()}\n{verdict()}") == json.loads(verdict())


STATEMENTS = {"statements": '{"S1": "<E0> is in <E1>", "S2": "<E1> is old"}'}


def test_every_statement_holds_or_does_not():
    assert read_holds('{"S1": true, "S2": false}', STATEMENTS) == {"S1": True, "S2": False}


@pytest.mark.parametrize(
    "reply",
    ['{"S1": true}', '{"S1": true, "S2": false, "S3": true}', '{"S1": true, "S2": 1}', "S1: true", "{}"],
)
def test_a_list_with_other_labels_or_values_is_unreadable(reply):
    with pytest.raises(UnreadableReply):
        read_holds(reply, STATEMENTS)


def test_every_placeholder_has_a_name_or_none():
    assert read_names('{"E1": null, "E0": "Lima"}', STATEMENTS) == {"E0": "Lima", "E1": None}


@pytest.mark.parametrize("name", ['"null"', '" None "', '""', "1", "true"])
def test_a_name_that_is_none_is_unreadable(name):
    with pytest.raises(UnreadableReply):
        read_names(f'{{"E0": {name}, "E1": null}}', STATEMENTS)


def test_ratings_are_numbers_from_0_to_1():
    read = read_ratings('{"S1": 1, "S2": 0.25}', STATEMENTS)

    assert read == {"S1": 1.0, "S2": 0.25}
    assert [type(value) for value in read.values()] == [float, float]


@pytest.mark.parametrize("rating", ["true", '"1"', "1.5", "-0.1", "null", "NaN"])
def test_another_rating_is_unreadable(rating):
    with pytest.raises(UnreadableReply):
        read_ratings(f'{{"S1": {rating}, "S2": 0}}', STATEMENTS)


def test_what_is_unreadable_is_not_quoted():
    with pytest.raises(UnreadableReply) as refused:
        read_verdict("The secret is Quillock", SAID)

    assert "Quillock" not in str(refused.value)
