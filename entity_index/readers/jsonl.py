"""The index's own shape, leniently.

    {"question_id", "question", "language", "answers", "entities": [{"id", "name", "aliases", "type", "distance"}], "checker",
     "rubrics": [{"statement", "weight"}]}

`id` may stand for `question_id`, `text` for `question`, `answer` for `answers`; one answer or alias needs no array; an entity
may be just its name, and a criterion just its statement; ids may be whole numbers. Other fields are ignored.
"""

from collections.abc import Mapping

from entity_index.readers import fields
from entity_index.types import Criterion, Entity, Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    return Question(
        text=fields.text(row, "question", "text"),
        answers=fields.texts(row, "answers", "answer"),
        entities=tuple(to_entity(value) for value in fields.array(row, "entities")),
        question_id=fields.identifier(row, "question_id", "id"),
        checker=fields.checker(row),
        language=fields.optional_text(row, "language"),
        rubrics=tuple(to_criterion(value) for value in fields.array(row, "rubrics")),
    )


def to_entity(value: object) -> Entity:
    """Return an entity, given as an object or as its name."""
    if isinstance(value, str):
        return Entity(name=value)
    row = fields.record(value, "an entity")
    return Entity(
        name=fields.text(row, "name"),
        aliases=fields.texts(row, "aliases"),
        entity_id=fields.identifier(row, "id"),
        type=fields.optional_text(row, "type"),
        distance=fields.count(row, "distance"),
    )


def to_criterion(value: object) -> Criterion:
    """Return a criterion, given as an object or as its statement."""
    if isinstance(value, str):
        return Criterion(value)
    row = fields.record(value, "a criterion")
    return Criterion(fields.text(row, "statement"), fields.number(row, "weight", otherwise=1.0))
