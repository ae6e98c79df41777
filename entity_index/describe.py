"""What a version holds, found by reading all of it: a version that can be described has no damaged record."""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

from entity_index.errors import CorruptIndex
from entity_index.stores.protocols import EntityStore
from entity_index.types import Question

BATCH = 1000


@dataclass(frozen=True, slots=True)
class Contents:
    """Counts over the questions of a version."""

    questions: int
    entities: int
    aliases: int
    without_entities: int
    """Questions that have no entity."""


def describe(store: EntityStore) -> Contents:
    """Count what a version holds.

    Raises:
        CorruptIndex: a record is damaged or missing.
    """
    questions = entities = aliases = without_entities = 0
    for question in all_questions(store):
        questions += 1
        entities += len(question.entities)
        aliases += sum(len(entity.aliases) for entity in question.entities)
        without_entities += not question.entities
    if questions != store.info.count:
        raise CorruptIndex(
            f"version {store.info.version!r} contains only {questions} of its {store.info.count} questions"
        )
    return Contents(
        questions=questions, entities=entities, aliases=aliases, without_entities=without_entities
    )


def all_questions(store: EntityStore) -> Iterator[Question]:
    """Iterate over the questions of a version in ascending order of their ids."""
    ids = store.question_ids()
    while batch := list(islice(ids, BATCH)):
        yield from (question for question in store.get_many(batch) if question is not None)
