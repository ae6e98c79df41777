"""Is the answer right? Checkers compare a rollout's answer with the gold answers of its question; any gold answer will do.

    squad       `exact_match` and `f1`: SQuAD's measures, to the letter
    equal       `equal`: the answer says a gold answer and nothing else
    repeats     ... among words of the question
    trimmed     ... with additions that take nothing back
    cover       `cover`: a gold answer is contained in the answer; `cover_either`: or the answer in a gold answer
    kinds       what a question may ask for itself: a number, a date, a list, yes or no, a name, a text
    golds       the gold answers of a question made ready, once
    forms       what else a careful reader would take for a gold answer
    reading     from text to tokens: plain, lex, then
    spoken      ... number words and rulers' names of other languages
    numbers     ... number words and numerals as values
    clock       ... times of day and durations
    quantities  ... with what they count
    dates       ... dates and ranges
    tokens      what a token is, and what two spellings of an answer share
    tables      facts about language

`equal` and its relatives share one reading. What reaches a verdict is here, in the matcher's forms and in folding, all of it
part of the engine: `CHECKERS_VERSION` is bumped when a verdict changes.
"""

from collections.abc import Callable, Mapping
from types import MappingProxyType

from entity_index.types import Question
from reward_service.core.checkers.cover import cover, cover_either
from reward_service.core.checkers.equal import equal
from reward_service.core.checkers.golds import Golds, compile_golds
from reward_service.core.checkers.kinds import KINDS
from reward_service.core.checkers.squad import exact_match, f1

CHECKERS_VERSION = 4

Checker = Callable[[str, Question, float], bool]
"""Answer, question and the profile's threshold -> whether the answer is right."""


def _reading(compare: Callable[[str, Golds], bool]) -> Checker:
    """Return a checker by what it does with gold answers made ready; a question that says what its answer is decides itself."""

    def check(answer: str, question: Question, _threshold: float) -> bool:
        own = KINDS[question.checker] if question.checker else compare
        return own(answer, compile_golds(question.answers, question.text))

    return check


CHECKERS: Mapping[str, Checker] = MappingProxyType(
    {
        "exact_match": lambda answer, question, _: exact_match(answer, question.answers),
        "f1": lambda answer, question, threshold: f1(answer, question.answers, threshold),
        "equal": _reading(equal),
        "cover": _reading(cover),
        "cover_either": _reading(cover_either),
    }
)
