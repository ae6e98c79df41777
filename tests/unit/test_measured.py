"""Signals measured from text: what each number counts, when it is null and when it is left out."""

from dataclasses import replace
from math import inf

import pytest

from entity_index.types import Entity, Question
from reward_service.core.measured import MEASURES
from reward_service.core.profiles import parse_profile, shipped
from reward_service.core.scoring import measure, measure_group, reward
from reward_service.core.signals import MEASURED
from reward_service.core.types import (
    Outcome,
    PartialPolicy,
    Rollout,
    RolloutStatus,
    Segment,
    SegmentKind,
    Steps,
    StopReason,
    Text,
)

CURIE = Question("Who discovered polonium?", ("Marie Curie",), (Entity("Sorbonne"), Entity("Pierre Curie")))
SEARCHED = (
    "<think>I recall the Sorbonne.</think><tool_call>{}</tool_call><tool_response>Pierre Curie and Marie Curie</tool_response>"
    "<think>So Pierre Curie.</think><answer>Madame Marie Curie</answer>"
)


def reading(*names: str):
    """Return a profile that reads these signals."""
    terms = ", ".join(f"{{signal: {name}}}" for name in names)
    return parse_profile(f"name: mine\nreward: {{terms: [{terms}]}}")


ALL = reading(*MEASURED)


def of(text, *, question=CURIE, profile=ALL, **more):
    return measure(Rollout("0", Text(text), **more), question, profile).measured


def steps(*parts):
    return Steps(tuple(Segment(SegmentKind(kind), text) for kind, text in parts))


def test_every_name_has_its_measure():
    assert MEASURES.keys() == MEASURED.keys()


def test_all_numbers_of_one_rollout():
    assert of(SEARCHED) == {
        "f1": 0.8,
        "format_valid": 1,
        "answered": 1,
        "answer_seen": 1,
        "named_before_seen": 1,
        "retrieved": 1,
        "tool_calls": 1,
        "turns": 2,
    }


@pytest.mark.parametrize(
    ("page", "answers", "seen"),
    [
        ("MARIE CURIE won", ("Marie Curie",), 1),
        ("by Curie, Marie", ("Marie Curie",), 1),
        ("Marie Skłodowska Curie", ("Marie Curie",), 1),
        ("Marie Curieux", ("Marie Curie",), 0),
        ("Mary Curry", ("Marie Curie",), 0),
        ("born in São Paulo", ("Sao Paulo",), 1),
        ("родился в Москве", ("Москва",), 1),
        ("in 1867.", ("1867",), 1),
        ("in 18675.", ("1867",), 0),
        ("a blur of colours", ("Blur (band)",), 0),
        ("the second name", ("The first name", "The second name"), 1),
        ("not here", ("yes", "Marie Curie"), 0),
        ("yes", ("yes",), None),
        ("5 of them", ("5",), None),
    ],
)
def test_an_answer_is_seen_as_the_matcher_finds_a_name(page, answers, seen):
    text = f"<think>x</think><tool_response>{page}</tool_response><answer>x</answer>"

    assert of(text, question=Question("?", answers))["answer_seen"] == seen


@pytest.mark.parametrize(("page", "seen"), [("Paris and Lyon", 1), ("Paris alone", 0), ("Lyon Paris", 1)])
def test_of_a_list_every_item_has_to_be_seen(page, seen):
    question = Question("Which two?", ("Paris", "Lyon"), checker="list")

    assert (
        of(f"<tool_response>{page}</tool_response><answer>x</answer>", question=question)["answer_seen"]
        == seen
    )


def test_the_items_of_a_list_may_be_seen_on_two_pages_and_stand_in_it_twice():
    question = Question("Which two?", ("Paris", "Lyon", "paris"), checker="list")
    text = "<tool_response>Lyon</tool_response><think>x</think><tool_response>Paris</tool_response><answer>x</answer>"

    assert of(text, question=question)["answer_seen"] == 1


def test_a_list_with_an_item_that_cannot_be_looked_for_has_no_such_quantity():
    question = Question("Which two?", ("Paris", "no"), checker="list")

    assert (
        of("<tool_response>Paris</tool_response><answer>x</answer>", question=question)["answer_seen"] is None
    )


def test_what_the_policy_says_shows_nothing():
    assert of("<think>Marie Curie</think><answer>Marie Curie</answer>")["answer_seen"] == 0


def test_each_rollout_of_a_group_sees_for_itself():
    pages = ("Marie Curie", "nothing", "nothing", "Marie Curie")
    rollouts = [
        Rollout(str(n), steps(("thought", "x"), ("tool_response", page), ("answer", "x")))
        for n, page in enumerate(pages)
    ]

    assert [one.measured["answer_seen"] for one in measure_group(rollouts, CURIE, ALL)] == [1, 0, 0, 1]


def test_a_question_without_gold_answers_has_neither_f1_nor_a_seen_answer():
    facts = measure(
        Rollout("0", Text(SEARCHED), outcome=Outcome.WRONG), Question("?"), reading("f1", "answer_seen")
    )

    assert facts.measured == {}
    assert (facts.status, facts.detail) == (
        RolloutStatus.SIGNAL_MISSING,
        "the profile needs the signal f1, which the rollout does not have",
    )


def test_a_rollout_with_too_many_places_to_tell_has_no_number():
    page = "Marie Curie " * 300_000
    rollout = Rollout("0", steps(("tool_response", page), ("answer", "x")), outcome=Outcome.WRONG)

    assert "answer_seen" not in measure(rollout, CURIE, shipped()["egrpo"]).measured


def test_a_rollout_that_is_too_long_to_search_has_no_number():
    profile = parse_profile("name: mine\nmeasure: {matching: {max_chars: 10}}")

    facts = measure(Rollout("0", Text(SEARCHED)), CURIE, profile)

    assert (facts.status, facts.measured) == (RolloutStatus.TOO_COSTLY, {})


def test_a_rollout_without_an_answer_has_f1_0_and_is_not_answered():
    numbers = of("<think>I do not know.</think>")

    assert (numbers["f1"], numbers["answered"], numbers["format_valid"]) == (0.0, 0, 0)


def test_the_format_is_balanceds_verdict_under_any_grammar():
    text = "<think>So<answer>Marie Curie</answer>"
    profile = parse_profile("name: mine\nmeasure: {grammar: none}\nreward: {terms: [{signal: format_valid}]}")

    facts = measure(Rollout("0", Text(text), outcome=Outcome.CORRECT), CURIE, profile)

    assert (facts.outcome, facts.measured["format_valid"]) == (Outcome.CORRECT, 0)


def test_an_empty_response_retrieves_nothing():
    numbers = of("<tool_call>{}</tool_call><tool_response> </tool_response><answer>x</answer>")

    assert (numbers["retrieved"], numbers["tool_calls"], numbers["turns"]) == (0, 1, 2)


@pytest.mark.parametrize(
    ("kinds", "turns"),
    [
        ("", 1),
        ("a", 1),
        ("tcra", 2),
        ("tccrra", 2),
        ("tcrtcra", 3),
        ("ra", 1),
        ("tcr", 1),
    ],
)
def test_a_turn_begins_after_tool_responses(kinds, turns):
    named = {"t": "thought", "c": "tool_call", "r": "tool_response", "a": "answer"}
    rollout = Rollout("0", steps(*((named[kind], "x") for kind in kinds)), outcome=Outcome.WRONG)

    assert measure(rollout, CURIE, ALL).measured["turns"] == turns


def test_an_entity_is_named_before_it_is_seen_if_its_first_mention_comes_first():
    text = (
        "<think>the Sorbonne</think><tool_response>Sorbonne</tool_response>"
        "<think>the Sorbonne</think><answer>x</answer>"
    )
    seen_first = "<tool_response>Sorbonne</tool_response><think>the Sorbonne</think><answer>x</answer>"

    assert of(text)["named_before_seen"] == 1
    assert of(seen_first)["named_before_seen"] == 0


def test_a_profile_that_reads_none_has_the_seen_answer_alone():
    assert of(SEARCHED, profile=shipped()["egrpo"]) == {"answer_seen": 1}


def test_under_the_papers_matcher_nothing_is_measured_that_is_not_read():
    assert of(SEARCHED, profile=shipped()["egrpo-paper"]) == {}
    reads = parse_profile(
        "name: mine\nmeasure: {matching: {kind: substring}}\nreward: {terms: [{signal: answer_seen}]}"
    )
    assert of(SEARCHED, profile=reads) == {"answer_seen": 1}


def test_an_aborted_rollout_has_no_numbers():
    assert of(SEARCHED, stop_reason=StopReason.ABORTED) == {}


def test_a_number_that_was_sent_counts_instead_of_the_measured_one():
    profile = reading("f1")
    facts = [
        measure(Rollout("0", Text(SEARCHED)), CURIE, profile),
        measure(Rollout("1", Text(SEARCHED), signals={"f1": 0.25}), CURIE, profile),
    ]

    paid = reward(facts, profile, partial=PartialPolicy("survivors"))

    assert [one.components["f1"] for one in paid.rollouts] == [0.8, 0.25]


def test_a_term_whose_signal_the_question_does_not_have_is_left_out():
    profile = reading("answer_seen")
    facts = measure(Rollout("0", Text(SEARCHED)), Question("?", ("yes",)), profile)

    assert dict(reward([facts], profile).rollouts[0].components) == {"base": 0.0}


def test_search_r1_format_needs_nothing_that_is_sent():
    facts = measure(Rollout("0", Text(SEARCHED), outcome=Outcome.WRONG), CURIE, shipped()["search-r1-format"])

    assert reward([facts], shipped()["search-r1-format"]).rollouts[0].reward == pytest.approx(0.3)


def test_named_before_seen_is_refused_where_tool_responses_are_not_searched():
    with pytest.raises(ValueError, match=r"named_before_seen needs measure\.matching\.kind folded"):
        parse_profile(
            "name: mine\nmeasure: {matching: {kind: substring}}\nreward: {terms: [{signal: named_before_seen}]}"
        )


BY_TURN = parse_profile(
    "name: mine\nreward: {turn_terms: [{signal: answer_seen_turn, weight: 0.1, when: wrong}], turns: {combine: add}}"
)
TWO_PAGES = (
    "<tool_call>{}</tool_call><tool_response>no</tool_response>"
    "<tool_call>{}</tool_call><tool_response>Marie Curie</tool_response>"
    "<tool_call>{}</tool_call><tool_response>Marie Curie</tool_response><answer>Bohr</answer>"
)


def test_the_turn_that_first_shows_the_answer_is_paid():
    facts = measure(Rollout("0", Text(TWO_PAGES)), CURIE, BY_TURN)

    assert facts.turn_signals == {"answer_seen_turn": (0, 1, 0, 0)}
    assert reward([facts], BY_TURN).rollouts[0].turn_rewards == (0.0, 0.1, 0.0, 0.0)


def test_an_answer_that_no_page_can_show_gives_no_turn_a_number():
    facts = measure(Rollout("0", Text(TWO_PAGES)), Question("?", ("yes",)), BY_TURN)

    assert facts.turn_signals == {"answer_seen_turn": (None,) * 4}
    assert facts.status is RolloutStatus.SCORED


def test_numbers_per_turn_that_were_sent_count_instead():
    sent = {"answer_seen_turn": (1.0, 0.0, 0.0, 0.0)}

    assert measure(Rollout("0", Text(TWO_PAGES), turn_signals=sent), CURIE, BY_TURN).turn_signals == sent


def test_without_gold_answers_a_rollout_lacks_the_numbers_per_turn():
    facts = measure(Rollout("0", Text(TWO_PAGES), outcome=Outcome.WRONG), Question("?"), BY_TURN)

    assert (facts.status, facts.turn_signals) == (RolloutStatus.SIGNAL_MISSING, {})


def test_a_measured_number_of_facts_that_is_not_finite_is_refused():
    facts = replace(measure(Rollout("0", Text(SEARCHED)), CURIE, ALL), measured={"f1": inf})

    with pytest.raises(ValueError, match="measured must have finite numbers only"):
        reward([facts], ALL)
