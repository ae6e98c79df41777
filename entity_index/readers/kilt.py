"""KILT question answering (HotpotQA and others) with its gold pages.

    {"id", "question", "answers", "entities": [{"title", "wikipedia_id"}]}

Titles keep their disambiguators, "Kiss and Tell (1945 film)": which spellings of a name count is the matcher's business.
"""

from collections.abc import Mapping

from entity_index.readers import fields
from entity_index.types import Entity, Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    return Question(
        text=fields.text(row, "question"),
        answers=fields.texts(row, "answers"),
        entities=tuple(_entity(value) for value in fields.array(row, "entities")),
        question_id=fields.identifier(row, "id"),
    )


def _entity(value: object) -> Entity:
    page = fields.record(value, "an entity")
    return Entity(name=fields.text(page, "title"), entity_id=fields.identifier(page, "wikipedia_id"))
