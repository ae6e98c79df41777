"""Values as plain data, field by field."""

import json
from dataclasses import dataclass, fields, replace

import pytest

from entity_index.types import Question
from reward_service.adapters.native import FactsGroupIn
from reward_service.adapters.replies import facts_out, rollout_out
from reward_service.adapters.shapes import field_docs
from reward_service.client import RolloutReward
from reward_service.core.fields import built, plain
from reward_service.core.types import Outcome, RolloutFacts, RolloutResult, RolloutStatus

FACTS = RolloutFacts(
    "0",
    RolloutStatus.SCORED,
    outcome=Outcome.WRONG,
    matched=2,
    entities=4,
    uncredited={"pasted": 1},
    signals={"brevity": 0.5},
    flags=("observations_absent",),
)


def test_plain_data_goes_through_json_and_comes_back_the_same():
    written = json.loads(json.dumps(plain(FACTS)))

    assert built(RolloutFacts, written) == FACTS


def test_what_is_left_out_has_its_default():
    written = plain(FACTS, without=frozenset({"uncredited", "evidence", "flags"}))

    assert "uncredited" not in written
    assert built(RolloutFacts, written) == replace(FACTS, uncredited={}, flags=())


def test_an_unknown_field_and_an_unknown_name_are_refused():
    with pytest.raises(TypeError, match="luck"):
        built(RolloutFacts, {"rollout_id": "0", "luck": 1})
    with pytest.raises(ValueError, match="won"):
        built(RolloutFacts, {"rollout_id": "0", "outcome": "won"})


def test_facts_that_were_written_are_read_back():
    written = json.dumps(facts_out(FACTS, Question("Who?")))
    group = FactsGroupIn.model_validate_json(f'{{"group_id": "g", "entities": 4, "rollouts": [{written}]}}')

    assert group.facts() == [FACTS]


@pytest.mark.parametrize(
    ("written", "cls", "elsewhere"),
    [
        (facts_out(FACTS, Question("Who?")), RolloutFacts, {"entities"}),
        (rollout_out(RolloutResult("0", RolloutStatus.SCORED)), RolloutResult, set()),
    ],
)
def test_every_field_reaches_the_wire(written, cls, elsewhere):
    evidence = {"matches", "uncredited_matches", "near_misses"}

    assert set(written) == {field.name for field in fields(cls)} - {"evidence"} - elsewhere | evidence


def test_the_client_reads_what_the_service_writes():
    assert {field.name for field in fields(RolloutReward)} <= {field.name for field in fields(RolloutResult)}


@dataclass
class Documented:
    """A class with documented fields."""

    first: int
    """The first,
    on two lines."""
    second: int = 2
    third: int = 3
    """The third."""


def test_the_strings_under_fields_are_their_documentation():
    assert field_docs(Documented) == {"first": "The first,\non two lines.", "third": "The third."}
