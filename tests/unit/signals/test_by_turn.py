"""Signals with one number per turn."""

from math import log, tanh

import pytest

from reward_service.core.signals.by_turn import entity_new, entity_utility, trace_value
from reward_service.core.types import Outcome, RolloutFacts


def facts(*named, outcome=Outcome.WRONG, entities=4, **more) -> RolloutFacts:
    return RolloutFacts("0", outcome=outcome, entities=entities, entity_named=named, **more)


def test_only_the_first_turn_that_names_an_entity_counts_it():
    assert entity_new(facts((0, 2), (), (0, 1))) == (2, 0, 1)


def test_without_entities_there_is_nothing_new():
    assert entity_new(facts((), (), entities=0)) is None


def test_the_value_of_an_entity_is_how_often_it_comes_with_a_correct_answer():
    group = [facts((0,), (0, 1), outcome=Outcome.CORRECT), facts((0,), ())]

    assert entity_utility(group) == [
        (tanh(1.5 / 3 - 0.5), tanh(1.5 / 2 - 0.5 + 1.5 / 3 - 0.5)),
        (tanh(0.0), tanh(0.0)),
    ]


def test_without_entities_there_is_no_utility():
    assert entity_utility([facts((), entities=0)]) == [None]


def test_trace_measures_how_much_of_the_gap_is_closed():
    states = {"gold_logprob": (-2.0, None, -1.0)}

    assert trace_value(facts(turn_signals=states)) == (0.0, None, pytest.approx(log(2.1 / 1.1)))


@pytest.mark.parametrize("states", [(None, -1.0), (0.5, -1.0)])
def test_trace_has_no_value_without_a_first_log_probability(states):
    assert trace_value(facts(turn_signals={"gold_logprob": states})) == (None, None)


def test_what_is_above_every_log_probability_is_missing():
    assert trace_value(facts(turn_signals={"gold_logprob": (-1.0, 0.1)})) == (0.0, None)
