"""ASearcher: what its synthesis agent remembers of one question, one JSON object each.

    {"qa": {"question", "answer"}, "relevant": [{"name", "url", ...}, ...], "statements", "edit_history", "qa_history"}

`relevant` lists the pages that were selected, injected or fuzzed on the way, the root page first: they are the entities.
A dump has no id; without an `id` of its own it is named after the text of its question.
"""

from collections.abc import Mapping

from entity_index.readers import fields
from entity_index.types import Entity, Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    qa = fields.record(row.get("qa"), "qa")
    text = fields.text(qa, "question")
    names = (_name(value) for value in fields.array(row, "relevant"))
    return Question(
        text=text,
        answers=fields.texts(qa, "answer"),
        entities=tuple(Entity(name) for name in dict.fromkeys(names)),
        question_id=fields.identifier(row, "id", "qid") or fields.named_after(text),
    )


def _name(value: object) -> str:
    return fields.text(fields.record(value, "a relevant page"), "name")
