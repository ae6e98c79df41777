"""WebShaper: questions with the formal graph they were made from.

    {"id", "question", "answer", "formalization": [["V@X", "was designed_by", "C@Ove_Arup & C@Cromarty_Bridge"], ...]}

A constant is written `C@`, a variable `V@`; `&`, `and` or `;` join several; `_` is a space. The constants are the entities.
The ampersand of "C@Taylor & Francis" joins nothing, since no mark follows it. "C@Berlin during C@World_War_II" is a phrase
around another constant, not a name, and is left out, as is a constant described by a variable. Constants are mostly what
the question already says: 89 % appear in it.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from urllib.parse import unquote

from entity_index.errors import InvalidRecord
from entity_index.readers import fields
from entity_index.types import Entity, Question

JOINT = re.compile(r"\s*(?:&|;|\band\b)\s*(?=[CV]@)")
CONSTANT = re.compile(r"C@((?:(?![CV]@).)+)", re.DOTALL)


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    statements = fields.array(row, "formalization")
    return Question(
        text=fields.text(row, "question"),
        answers=fields.texts(row, "answer"),
        entities=tuple(Entity(name) for name in dict.fromkeys(_constants(statements))),
        question_id=fields.identifier(row, "id"),
    )


def _constants(statements: Iterable[object]) -> Iterator[str]:
    for statement in statements:
        for term in _terms(statement):
            constants = (CONSTANT.fullmatch(part) for part in JOINT.split(term))
            yield from (unquote(found[1].replace("_", " ")).strip() for found in constants if found)


def _terms(statement: object) -> list[str]:
    """Return subject, relation and object; some statements have fewer or more terms."""
    if not isinstance(statement, list) or not all(isinstance(term, str) for term in statement):
        raise InvalidRecord("formalization is not an array of arrays of strings")
    return statement
