"""2WikiMultihopQA: questions with the triples they were made from.

    {"_id", "question", "answer", "evidences": [["Free Guy", "director", "Shawn Levy"], ...]}

Subjects and objects are the entities, dates and other literals too: a thought that names the date has found it. Most of the
subjects of comparisons appear in the question.
"""

from collections.abc import Iterable, Iterator, Mapping

from entity_index.errors import InvalidRecord
from entity_index.readers import fields
from entity_index.types import Entity, Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    triples = fields.array(row, "evidences")
    return Question(
        text=fields.text(row, "question"),
        answers=fields.texts(row, "answers", "answer"),
        entities=tuple(Entity(name) for name in dict.fromkeys(_ends(triples))),
        question_id=fields.identifier(row, "_id", "id"),
    )


def _ends(triples: Iterable[object]) -> Iterator[str]:
    for triple in triples:
        match triple:
            case [str(subject), _, str(object_)]:
                yield subject
                yield object_
            case _:
                raise InvalidRecord("evidences is not an array of triples")
