import pytest

from entity_index.types import Entity, Question
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure
from reward_service.core.types import Outcome, Rollout, Text
from reward_service.trainer.dialogue import answer_turn, query_of, response_of, search_turn, thoughts


def test_a_search_turn_is_read_as_it_was_written():
    assert query_of(search_turn("where?", 'the "Old" Port')) == 'the "Old" Port'


@pytest.mark.parametrize(
    "turn",
    [
        answer_turn("there", "x"),
        "<think>nothing more",
        "<tool_call>not json</tool_call>",
        "<tool_call>[1]</tool_call>",
        '<tool_call>{"name": "open", "arguments": {"query": "x"}}</tool_call>',
        '<tool_call>{"name": "search", "arguments": "x"}</tool_call>',
        '<tool_call>{"name": "search", "arguments": {"query": "  "}}</tool_call>',
        '<tool_call>{"name": "search", "arguments": {"query": 7}}</tool_call>',
        '<tool_call>{"name": "search", "arguments": {"query": "x"}}</tool_call> and then',
    ],
)
def test_what_is_no_sound_search_ends_the_rollout(turn):
    assert query_of(turn) is None


def test_thoughts_are_the_closed_ones():
    text = search_turn("one", "x") + response_of(["<b>"]) + answer_turn("two", "x") + "<think>three"
    assert thoughts(text) == ["one", "two"]


def test_a_search_without_results_says_so():
    assert response_of([]) == "<tool_response>\nnothing found\n</tool_response>"


@pytest.mark.parametrize("name", ["egrpo-paper", "egrpo", "egrpo-guarded"])
def test_the_service_reads_a_rollout_as_it_was_meant(name):
    text = search_turn("I look", "Bala") + response_of(["Bala Corvent is here"])
    text += answer_turn("It is Bala Corvent", "Lumo Ravis")
    question = Question("Where?", answers=("Lumo Ravis",), entities=(Entity("Bala Corvent"),))

    facts = measure(Rollout("0", Text(text)), question, shipped()[name])

    assert (facts.outcome, facts.matched) == (Outcome.CORRECT, 1)
