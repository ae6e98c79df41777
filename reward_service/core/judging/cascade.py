"""What decides whether an answer is right: strings where they are sure, a judge for the rest.

A string checker that accepts too much invents winners in groups that have none, so `accept` should be strict; what it
does not accept may still be right.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import NamedTuple

from entity_index.types import Question
from reward_service.core.checkers import CHECKERS
from reward_service.core.checkers.golds import compile_golds
from reward_service.core.checkers.reading import read, tokens
from reward_service.core.checkers.tokens import key
from reward_service.core.judging.presented import is_blank, presented, speaks_to_grader
from reward_service.core.types import Asker, Cascade

CASCADE = "cascade"
"""The name under `measure.checker` of a profile that has a cascade."""
BLANK, TOO_LONG, TO_GRADER = "blank_answer", "answer_too_long", "speaks_to_grader"
FLAGS = (BLANK, TOO_LONG, TO_GRADER)
SHORT_TOKENS = 5
"""Longer answers may say the right thing in other words."""


class ByStrings(NamedTuple):
    """What strings say of an answer."""

    is_correct: bool | None
    """None leaves it to the judge."""
    flag: str | None = None
    """Why an answer is wrong without being compared."""


def _shares_no_word(answer: str, question: Question) -> bool:
    """Return whether a short answer has no word of any gold answer."""
    said = {key([token]) for token in tokens(read(answer))}
    golds = compile_golds(question.answers, question.text).read
    return len(said) <= SHORT_TOKENS and said.isdisjoint(key([token]) for gold in golds for token in gold)


REJECTS: Mapping[str, Callable[[str, Question], bool]] = MappingProxyType(
    {"blank": lambda _answer, _question: False, "lexical": _shares_no_word}
)
"""What a cascade calls wrong beyond what is never asked about: an answer that says nothing, is too long or speaks to the grader."""


def decide(answer: str, question: Question, cascade: Cascade, *, threshold: float, asker: Asker) -> ByStrings:
    """Decide about an answer by strings, as far as they can.

    Args:
        answer: the rollout's answer.
        question: with its gold answers.
        cascade: of the profile.
        threshold: of the profile, for the checker `f1`.
        asker: the judge for the rest.
    """
    if CHECKERS[cascade.accept](answer, question, threshold):
        return ByStrings(is_correct=True)
    if flag := unfit(presented(answer), asker):
        return ByStrings(is_correct=False, flag=flag)
    return ByStrings(is_correct=False if REJECTS[cascade.reject](answer, question) else None)


def unfit(said: str, asker: Asker) -> str | None:
    """Return why a presented answer is not shown to a judge; None if it is."""
    if len(said) > asker.answer_chars:  # first, because the others look at every character
        return TOO_LONG
    if is_blank(said):
        return BLANK
    return TO_GRADER if speaks_to_grader(said) else None
