"""`equal`: the answer says a gold answer and nothing else.

It is one when its reading equals a form of a gold answer, or spells out its initials; when it is the same list in another order; when it begins with the
gold "yes" or "no"; or when it repeats the question around a gold answer ("The capital of Peru is Lima." for "What is the
capital of Peru?"): all other words are the question's own or carry nothing, and none of them denies or hedges.
"""

from collections.abc import Sequence

from entity_index.spelling import folded
from reward_service.core.checkers.golds import INTRODUCING, LIGHT, Golds, echo, items
from reward_service.core.checkers.reading import key_of, lex, read, tokens
from reward_service.core.checkers.tables import AFTER_NO, CHANGING, HEDGES, NEGATIONS, NO, UNSURE, YES
from reward_service.core.checkers.tokens import Token, key

MAX_REPEATED = 60
"""Tokens of an answer that repeats its question."""
MAX_WIDER = 4
"""Words of the question that a gold answer may begin or end with."""


def equal(answer: str, golds: Golds) -> bool:
    """Return whether an answer says a gold answer and nothing else."""
    text = read(answer)
    said_ = tokens(text)
    own = key(said_) or key_of(text)
    return bool(own) and (
        own in golds.keys
        or (golds.boolean is not None and said(text) is golds.boolean)
        or same_list(text, golds)
        or repeats_question(said_, golds)
        or any(pattern.fullmatch(folded(text)) for pattern in golds.initialled)
    )


def said(text: str) -> bool | None:
    """Return whether an answer begins with yes or no; None where it does not, or takes it back."""
    first, *rest = [token for token in lex(text) if token.text or token.written in ",.;!?:"] or [Token("")]
    words = {token.text for token in rest}
    if first.text in YES:
        return None if words & (NO | UNSURE) else True
    answers = not rest or not rest[0].text or rest[0].text in AFTER_NO
    return False if first.text in NO and answers and not words & (YES | UNSURE) else None


def same_list(text: str, golds: Golds) -> bool:
    """Return whether the answer lists what a gold answer lists, in any order, and nothing else."""
    if not golds.lists:
        return False
    own = [key_of(item) for item in items(text)]
    return any(is_list(own, wanted) for wanted in golds.lists)


def is_list(own: Sequence[str], wanted: Sequence[frozenset[str]]) -> bool:
    """Return whether items are those wanted, each once, in any order."""
    left = list(wanted)
    for item in own:
        at = next((at for at, keys in enumerate(left) if item in keys), None)
        if at is None:
            return False
        del left[at]
    return not left


def repeats_question(said_: Sequence[Token], golds: Golds) -> bool:
    """Return whether the answer is a gold answer among words of the question.

    Where the question is not known, "it is" and the like are all that may stand around it. The gold answer has to take in every word that the question has not, so a question that offers its answers is no help.
    """
    if len(said_) > MAX_REPEATED:
        return False
    light = LIGHT if golds.asked else INTRODUCING
    words = [key([token]) for token in said_]
    news = [at for at, word in enumerate(words) if word not in light and echo(word).isdisjoint(golds.asked)]
    if not news:
        return False
    for begin in range(news[0], max(-1, news[0] - MAX_WIDER), -1):
        for end in range(news[-1] + 1, min(len(words), news[-1] + MAX_WIDER) + 1):
            if "".join(words[begin:end]) in golds.keys:
                before = golds.own(words[: begin + 1], CHANGING)
                return begin - 1 not in before and all(
                    begin <= at < end for at in golds.own(words, NEGATIONS | HEDGES)
                )
    return False
