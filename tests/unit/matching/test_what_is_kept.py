"""What is kept of questions is bounded by its size, so that no caller's questions fill the memory."""

import gc
import tracemalloc

import pytest

from entity_index.spelling import LONGEST_KEPT, folded
from entity_index.types import Entity, Question
from reward_service.core.checkers.golds import KEPT_CHARS, compile_golds
from reward_service.core.matching import MatchSpec, compile_question
from reward_service.core.matching.compiled import KEPT_BYTES

PLAIN = MatchSpec(mask_question=False)


def naming(names: int) -> Question:
    entities = tuple(Entity(f"Orchard {n}", (f"The garden {n} of Kyoto",)) for n in range(names))
    return Question("Which orchard?", ("Orchard",), entities)


def long(number: int, chars: int) -> Question:
    return Question(f"{number} " + "w" * chars, ("x",))


@pytest.mark.parametrize(
    "question",
    [naming(300), naming(10), Question("who " * 50_000, ("x" * 50_000,))],
    ids=["names", "few names", "text"],
)
def test_a_compiled_question_weighs_at_least_what_it_takes(question: Question) -> None:
    compile_question.__wrapped__(question, MatchSpec())  # what is kept of words is filled the first time
    gc.collect()
    tracemalloc.start()
    compiled = compile_question.__wrapped__(question, MatchSpec())
    taken, _ = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert taken <= compiled.weight


def test_questions_are_forgotten_when_all_that_are_kept_weigh_too_much() -> None:
    weights = [compile_question(long(number, KEPT_BYTES // 32), PLAIN).weight for number in range(10)]

    assert sum(weights) > KEPT_BYTES
    assert compile_question.cache_info().currsize > KEPT_BYTES // 2
    assert compile_question.cache_info().currsize <= KEPT_BYTES


def test_a_question_that_is_too_large_to_keep_is_compiled_all_the_same() -> None:
    compiled = compile_question(long(0, KEPT_BYTES // 4), PLAIN)

    assert compiled.weight > KEPT_BYTES
    assert compile_question.cache_info().currsize <= KEPT_BYTES


def test_gold_answers_are_forgotten_when_all_that_are_kept_are_too_long() -> None:
    for number in range(4):
        golds = compile_golds((f"{number} miles",), "how far " * (KEPT_CHARS // 16))
        assert golds.chars > KEPT_CHARS // 2
    assert compile_golds.cache_info().currsize <= KEPT_CHARS


def test_a_long_text_folds_like_a_short_one() -> None:
    word = "Łódź's X-ray "
    assert folded(word * LONGEST_KEPT) == " ".join([folded(word)] * LONGEST_KEPT)
