"""FRAMES: multi-hop questions with the titles of their Wikipedia pages.

    {"id", "question", "answers", "entities": ["Harriet Lane", "List of tallest buildings in New York City"]}

"List of ..." is a page, not a thing a thought names; it stays, because a reader does not judge.
"""

from collections.abc import Mapping

from entity_index.readers import fields
from entity_index.types import Entity, Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    return Question(
        text=fields.text(row, "question"),
        answers=fields.texts(row, "answers"),
        entities=tuple(Entity(title) for title in fields.texts(row, "entities")),
        question_id=fields.identifier(row, "id"),
    )
