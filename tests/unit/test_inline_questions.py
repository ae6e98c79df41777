"""Questions sent inline, as trainers' tables spell them."""

import json

import numpy as np
import pytest
from pydantic import ValidationError

from entity_index.types import CHECKER_KINDS, Entity, Question
from reward_service.adapters.native import QuestionIn
from reward_service.client.wire import encode


def test_null_is_the_default():
    sent = {
        "text": None,
        "answers": None,
        "entities": [{"name": "Curie", "aliases": None, "id": None, "type": None}],
        "checker": None,
    }

    assert QuestionIn.model_validate(sent).to_domain() == Question("", (), (Entity("Curie"),))
    assert QuestionIn.model_validate({"entities": None}).to_domain() == Question("")


def test_packed_gold_answers_are_read_as_lists():
    sent = {"answers": ['["Kyoto", "Heian-kyo"]', "a<|answer_split|>b"]}

    assert QuestionIn.model_validate(sent).to_domain().answers == ("Kyoto", "Heian-kyo", "a", "b")


@pytest.mark.parametrize("kind", CHECKER_KINDS)
def test_a_question_names_its_checker(kind):
    assert QuestionIn.model_validate({"checker": kind}).to_domain().checker == kind


@pytest.mark.parametrize(
    "sent", [{"checker": "vibes"}, {"answers": [None]}, {"answers": "Kyoto"}, {"text": 5}]
)
def test_anything_else_is_refused(sent):
    with pytest.raises(ValidationError):
        QuestionIn.model_validate(sent)


def test_the_client_sends_values_of_numpy_as_what_they_hold():
    sent = {
        "question": {
            "answers": np.array(["Kyoto"], dtype=object),
            "entities": np.array([{"name": "Nara", "aliases": np.array(["Heijo"])}], dtype=object),
        },
        "attempt": np.int64(2),
    }

    assert json.loads(encode(sent)) == {
        "question": {"answers": ["Kyoto"], "entities": [{"name": "Nara", "aliases": ["Heijo"]}]},
        "attempt": 2,
    }


def test_the_client_refuses_what_json_has_no_place_for():
    with pytest.raises(TypeError, match="set cannot be sent as JSON"):
        encode({"question": {"answers": {"Kyoto"}}})
