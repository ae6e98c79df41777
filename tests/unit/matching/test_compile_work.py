"""Compiling a question is linear in the question: shown by counting calls, so that no machine is too slow for it."""

import sys

import pytest

from entity_index.types import Entity, Question
from reward_service.core.matching.compiled import compile_question
from reward_service.core.matching.spec import MatchSpec

TEXTS = {
    "bare names": lambda n: Entity(f"Entity {n}x"),
    "persons": lambda n: Entity(f"Xavier{chr(97 + n % 26)}{chr(97 + n // 26 % 26)} Baker{chr(97 + n % 26)}"),
    "aliases": lambda n: Entity(f"Thing {n}x", tuple(f"Alias {k} of {n}y" for k in range(4))),
    "one name": lambda _: Entity("Marie Curie"),
}


def calls_to_compile(question):
    """Function calls, of Python and of C, that compiling takes."""
    calls = 0

    def count(_frame, event, _argument):
        nonlocal calls
        calls += event in {"call", "c_call"}

    before = sys.getprofile()
    sys.setprofile(count)
    try:
        compile_question.__wrapped__(question, MatchSpec())
    finally:
        sys.setprofile(before)
    return calls


@pytest.mark.parametrize("entity", TEXTS.values(), ids=TEXTS)
def test_twice_the_entities_are_at_most_twice_the_work(entity):
    once, twice = (Question("Who?", ("x",), tuple(map(entity, range(n)))) for n in (60, 120))
    calls_to_compile(twice)  # what is kept of characters and words is filled the first time

    assert calls_to_compile(twice) < 2.3 * calls_to_compile(once)


def test_a_repeated_name_is_one_entity_wherever_it_stands():
    entities = tuple(map(Entity, ("Marie Curie", "Ada Lovelace", "marie curie", "Marie  Curie")))

    compiled = compile_question(Question("Who?", (), entities), MatchSpec())

    assert (compiled.entities, compiled.unmatchable) == (2, ())
