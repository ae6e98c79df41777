"""MuSiQue: questions with their decomposition into single hops and the paragraphs that support them.

    {"id", "question", "answer", "answer_aliases", "answerable",
     "question_decomposition": [{"question", "answer", "paragraph_support_idx"}, ...],
     "paragraphs": [{"idx", "title", "is_supporting"}, ...]}

The entities are the answers of the hops and the titles of the supporting paragraphs. The last hop's answer is the answer
itself; the profile decides whether it counts. What was made unanswerable on purpose is refused.
"""

from collections.abc import Iterator, Mapping

from entity_index.errors import InvalidRecord
from entity_index.readers import fields
from entity_index.types import Entity, Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    if row.get("answerable") is False:
        raise InvalidRecord("the question is marked as unanswerable")
    return Question(
        text=fields.text(row, "question"),
        answers=(*fields.texts(row, "answer"), *fields.texts(row, "answer_aliases")),
        entities=tuple(Entity(name) for name in dict.fromkeys(_names(row))),
        question_id=fields.identifier(row, "id"),
    )


def _names(row: Mapping[str, object]) -> Iterator[str]:
    for value in fields.array(row, "question_decomposition"):
        yield fields.text(fields.record(value, "a hop"), "answer")
    for value in fields.array(row, "paragraphs"):
        paragraph = fields.record(value, "a paragraph")
        if paragraph.get("is_supporting") is True:
            yield fields.text(paragraph, "title")
