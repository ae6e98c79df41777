"""One record made fit to be ground truth, with an account of what that took.

What cannot be searched for is dropped and counted, not refused: an alias alone, or an entity with all its aliases when
its name is the unusable one. A gold answer that is a list in disguise becomes the list. Entities whose names fold alike are one entity; the names and aliases are united. A record
without an id or a text is refused.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace

from entity_index.errors import InvalidRecord
from entity_index.packed import unpack
from entity_index.spelling import folded
from entity_index.types import Entity, Question
from entity_index.usable import MIN_FOLDED, identity, why_unusable

TRAILING_PARENTHESES = re.compile(r"\s*\([^()]*\)\s*$")


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A question that can be stored, and what was taken from it."""

    question: Question
    dropped: tuple[str, ...]
    """Why each unusable answer, entity or alias was left out: `alias is a function word`."""
    merged: int
    """Entities that were united with an earlier one."""
    in_question: int
    """Entities that appear in the question text: masking takes them away."""


def clean(question: Question) -> Cleaned:
    """Return the question as it may be stored.

    Raises:
        InvalidRecord: it has no id or no text.
    """
    if not question.question_id:
        raise InvalidRecord("no question id")
    if not question.text.strip():
        raise InvalidRecord("no question text")
    dropped: list[str] = []
    answers = _usable_answers(unpack(question.answers), dropped)
    entities = _usable_entities(question.entities, dropped)
    united = _united(entities)
    return Cleaned(
        question=replace(question, answers=answers, entities=united),
        dropped=tuple(dropped),
        merged=len(entities) - len(united),
        in_question=count_in_text(question.text, united),
    )


class Searched:
    """A text in which names are looked for: on token boundaries after folding, which is done once."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._tokens = f" {folded(text)} "

    def has(self, name: str) -> bool:
        """Return whether a name appears. A trailing disambiguator, "Kiss and Tell (1945 film)", is not looked for."""
        spelling = folded(TRAILING_PARENTHESES.sub("", name)) or folded(name)
        return f" {spelling} " in self._tokens if len(spelling) >= MIN_FOLDED else name.strip() in self._text


def count_in_text(text: str, entities: Iterable[Entity]) -> int:
    """Return how many entities' names appear in a text."""
    searched = Searched(text)
    return sum(searched.has(entity.name) for entity in entities)


def _usable_answers(answers: Sequence[str], dropped: list[str]) -> tuple[str, ...]:
    kept = tuple(answer for answer in answers if answer.strip())
    dropped += ["answer is empty"] * (len(answers) - len(kept))
    return kept


def _usable_entities(entities: Iterable[Entity], dropped: list[str]) -> list[Entity]:
    kept = []
    for entity in entities:
        if reason := why_unusable(entity.name):
            dropped.append(f"entity name {reason}")
        else:
            aliases = _usable_aliases(entity, dropped)
            kept.append(entity if aliases == entity.aliases else replace(entity, aliases=aliases))
    return kept


def _usable_aliases(entity: Entity, dropped: list[str]) -> tuple[str, ...]:
    if not entity.aliases:
        return ()
    reasons = {alias: why_unusable(alias) for alias in entity.aliases if alias != entity.name}
    dropped += [f"alias {reason}" for reason in reasons.values() if reason]
    return tuple(alias for alias, reason in reasons.items() if not reason)


def _united(entities: Iterable[Entity]) -> tuple[Entity, ...]:
    by_identity: dict[str, Entity] = {}
    for entity in entities:
        shared = identity(entity.name)
        first = by_identity.get(shared)
        by_identity[shared] = _unite(first, entity) if first else entity
    return tuple(by_identity.values())


def _unite(first: Entity, again: Entity) -> Entity:
    spellings = dict.fromkeys((*first.aliases, again.name, *again.aliases))
    distances = [one.distance for one in (first, again) if one.distance is not None]
    aliases = tuple(spelling for spelling in spellings if spelling != first.name)
    return replace(first, aliases=aliases, distance=min(distances, default=None))
