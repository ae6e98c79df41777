"""Lone surrogates in files of rollouts: half an emoji that a token limit cut off."""

import pytest

from reward_service.adapters.lenient import AmbiguousId, without_surrogates
from reward_service.adapters.records import READERS
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.lines import lines_of, recipe
from reward_service.core.types import Defaults

ROW = {"group_id": "g", "rollout_id": "0", "question": "Who?", "answers": ["x"], "text": "<answer>x</answer>"}
HOW = recipe("native", READERS["native"], Defaults(), {})


def test_a_value_without_one_is_the_same_object():
    row = {"text": "北京 😀", "list": [{"deep": ["Łódź", 1, None]}]}

    assert without_surrogates(row) is row


def test_each_becomes_one_replacement_character_wherever_it_is():
    assert without_surrogates({"a\ud800": ["x\udfffy", {"deep": "\ud800\ud800"}]}) == {
        "a\ufffd": ["x\ufffdy", {"deep": "\ufffd\ufffd"}]
    }


def test_ids_that_could_become_equal_are_refused():
    with pytest.raises(AmbiguousId, match="group_id holds a lone surrogate"):
        without_surrogates({"group_id": "g\ud800"})


def test_a_line_of_a_file_is_read_as_a_call_would_be():
    [line] = lines_of({**ROW, "question": "Who \ud83d?"}, HOW)

    assert line.asked == "Who \ufffd?"
    with pytest.raises(BadLine, match="rollout_id holds a lone surrogate"):
        lines_of({**ROW, "rollout_id": "\ud800"}, HOW)


def test_a_line_that_is_nested_too_deep_is_one_bad_line():
    deep = []
    for _ in range(5000):
        deep = [deep]

    with pytest.raises(BadLine, match="nested too deep"):
        lines_of({**ROW, "meta": deep}, HOW)
