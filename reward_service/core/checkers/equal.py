"""`equal`: the answer says a gold answer and nothing else.

It is one when its reading equals a form of a gold answer, or spells out its initials; when it is the same list in another
order; when it begins with the gold "yes" or "no"; when it repeats the question around a gold answer (`repeats`); or when it is
one of these and an addition that takes nothing back (`trimmed`).
"""

from collections.abc import Sequence

from entity_index.spelling import folded
from reward_service.core.checkers.forms import acronym
from reward_service.core.checkers.golds import ITEMS, Golds, items
from reward_service.core.checkers.numbers import GROUPED
from reward_service.core.checkers.reading import key_of, lex, read, tokens
from reward_service.core.checkers.repeats import repeats_question
from reward_service.core.checkers.tables import AFTER_NO, NO, UNSURE, YES
from reward_service.core.checkers.tokens import Token, key
from reward_service.core.checkers.trimmed import trimmed, without_place, without_year

MORE_WORDS = 3
"""What a form of a gold answer may have more than the longest one has tokens."""


def equal(answer: str, golds: Golds) -> bool:
    """Return whether an answer says a gold answer and nothing else, or beside it only what takes nothing back."""
    text = read(answer)
    if not text:
        return False
    return (
        _says(text, golds)
        or (golds.boolean is not None and said(text) is golds.boolean)
        or any(_says(bare, golds) for bare in trimmed(text))
        or _says_with_year(text, golds)
        or any(_says(bare, golds.naming(golds.unplaced)) for bare in without_place(text.rstrip(".")))
        or (bool(golds.capitals) and not golds.capitals.isdisjoint(map(str.casefold, acronym(text))))
    )


def _says(text: str, golds: Golds) -> bool:
    said_ = tokens(text)
    own = key(said_) or key_of(text)
    return bool(own) and (
        own in golds.keys
        or same_list(text, golds)
        or repeats_question(text, said_, golds)
        or any(pattern.fullmatch(folded(text)) for pattern in golds.initialled)
    )


def _says_with_year(text: str, golds: Golds) -> bool:
    """Return whether an answer says a gold answer that has no parentheses of its own, and a year in parentheses behind it."""
    bare = without_year(text)
    return bare != text and _says(bare, golds.naming(golds.undated))


def said(text: str) -> bool | None:
    """Return whether an answer begins with yes or no; None where it does not, or takes it back."""
    first, *rest = [token for token in lex(text) if token.text or token.written in ",.;!?:"] or [Token("")]
    words = {token.text for token in rest}
    if (first.text in YES and rest and rest[0].text == "not") or text.lower().rstrip(".!") == "not at all":
        return False  # "certainly not"
    if first.text in YES:
        return None if words & (NO | UNSURE) else True
    answers = not rest or not rest[0].text or rest[0].text in AFTER_NO
    return False if first.text in NO and answers and not words & (YES | UNSURE) else None


def same_list(text: str, golds: Golds) -> bool:
    """Return whether the answer lists what a gold answer lists, in any order, or several gold answers, and nothing else."""
    if not golds.lists and (len(golds.each) < 2 or not ITEMS.search(text)):
        return False
    parts = text.split(",") if GROUPED.fullmatch(text) else items(text)
    lists = [wanted for wanted in golds.lists if len(wanted) == len(parts)]
    own = list(map(key_of, parts)) if lists else []
    if any(is_list(own, wanted) for wanted in lists):
        return True
    return 1 < len(parts) <= len(golds.each) and all(_is_gold(item, golds) for item in parts)


def _is_gold(item: str, golds: Golds) -> bool:
    """Return whether an item is a gold answer; a far longer one is not even read."""
    return len(item.split()) <= golds.longest + MORE_WORDS and key_of(item) in golds.keys


def is_list(own: Sequence[str], wanted: Sequence[frozenset[str]]) -> bool:
    """Return whether items are those wanted, each once, in any order."""
    left = list(wanted)
    for item in own:
        at = next((at for at, keys in enumerate(left) if item in keys), None)
        if at is None:
            return False
        del left[at]
    return not left
