"""Checkers on the gold answers of published data sets."""

import pytest

from benchmarks.data import DATA, gold_answers
from entity_index.types import Question
from reward_service.core.checkers import CHECKERS
from reward_service.core.checkers.reading import key_of, read

pytestmark = pytest.mark.skipif(not DATA.is_dir(), reason=f"no data at {DATA}; set REWARD_SERVICE_TEST_DATA")


EVERY = 8  # of the answer sets one in so many is tried; all of them take minutes


def test_every_gold_answer_of_every_data_set_is_right():
    """Under `equal`; what it accepts, `cover` and `cover_either` accept."""
    refused = [
        (answers, gold)
        for answers in list(dict.fromkeys(gold_answers()))[::EVERY]
        for gold in answers
        if key_of(read(gold)) and not CHECKERS["equal"](gold, Question("", answers), 0.8)
    ]

    assert refused == []
