"""One question, one answer, one verdict."""

from entity_index.types import Question
from reward_service.core.checkers import CHECKERS


def check(name, answer, *golds, text="", kind=None):
    """Return what a checker says of an answer."""
    return CHECKERS[name](answer, Question(text, golds, checker=kind), 0.8)
