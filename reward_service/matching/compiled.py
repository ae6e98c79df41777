"""A question made ready for matching: everything that does not depend on a rollout, computed once and cached."""

from dataclasses import dataclass
from functools import lru_cache

from entity_index.types import Question
from reward_service.matching.substring import distinct_names
from reward_service.matching.values import SUBSTRING, MatchSpec

CACHED_QUESTIONS = 1024  # about 70 KiB of automaton each


@dataclass(frozen=True, slots=True)
class CompiledQuestion:
    """A question under one spec."""

    question: Question
    spec: MatchSpec
    entities: int
    """m = |E_q| after masking."""
    masked: tuple[int, ...] = ()
    """Positions of the question's entities that left E_q."""


@lru_cache(maxsize=CACHED_QUESTIONS)
def compile_question(question: Question, spec: MatchSpec) -> CompiledQuestion:
    """Derive forms, mask, and build the automaton of a question. Pure, and cached by value."""
    if spec.kind == SUBSTRING:
        return CompiledQuestion(question, spec, len(distinct_names(question)))
    return CompiledQuestion(question, spec, len(question.entities))
