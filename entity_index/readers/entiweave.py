"""EntiWeave: questions with their entities as objects and the predicates that link them.

    {"question", "answer", "entities": [{"id": "E1", "name", "description"}, ...], "predicates": ["<E1> was founded by <E2>", ...]}

Columns may hold JSON as a string, and entities may be an object of them by id, each an object or its name. A predicate names entities by their ids: in its text as placeholders (`<E1>`, `{E1}`, `[E1]`
or the bare id), or in fields of its own. Two entities of one predicate are linked; an entity's distance is its number of
links to an entity that is an answer. Without such an entity, or without a way to it, there is no distance.
"""

import re
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import permutations

from entity_index.readers import fields
from entity_index.spelling import folded
from entity_index.types import Entity, Question

WORD = re.compile(r"\w+")


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    text = fields.text(row, "question")
    answers = fields.texts(row, "answers", "answer")
    entities = [_entity(value) for value in _entities(row)]
    linked = [set(_named(value, entities)) for value in _predicates(row)]
    return Question(
        text=text,
        answers=answers,
        entities=tuple(_with_distances(entities, linked, {folded(answer) for answer in answers})),
        question_id=fields.identifier(row, "question_id", "id") or fields.named_after(text),
        language=fields.optional_text(row, "language"),
    )


def _entities(row: Mapping[str, object]) -> Iterable[object]:
    by_id = fields.opened(fields.first(row, "entities"))
    if not isinstance(by_id, dict):
        return fields.array(row, "entities")
    return [
        {"id": at, **one} if isinstance(one, dict) else {"id": at, "name": one} for at, one in by_id.items()
    ]


def _predicates(row: Mapping[str, object]) -> Iterable[object]:
    held = fields.opened(fields.first(row, "predicates"))
    return held.splitlines() if isinstance(held, str) else fields.array(row, "predicates")


def _entity(value: object) -> Entity:
    if isinstance(value, str):
        return Entity(value)
    row = fields.record(value, "an entity")
    return Entity(
        name=fields.text(row, "name", "label", "title", "entity"),
        aliases=fields.texts(row, "aliases"),
        entity_id=fields.identifier(row, "id"),
        type=fields.optional_text(row, "type"),
    )


def _named(predicate: object, entities: Sequence[Entity]) -> Iterator[str]:
    """Yield the ids of the entities that a predicate is about."""
    known = {entity.entity_id for entity in entities}
    for said in _strings(fields.opened(predicate)):
        yield from (word for word in WORD.findall(said) if word in known)


def _strings(value: object) -> Iterator[str]:
    held = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    if isinstance(value, str | int):
        yield str(value)
    for item in held:
        yield from _strings(item)


def _with_distances(
    entities: Sequence[Entity], linked: Iterable[set[str]], answers: set[str]
) -> Iterator[Entity]:
    beside: dict[str, set[str]] = defaultdict(set)
    for ids in linked:
        for one, other in permutations(ids, 2):
            beside[one].add(other)
    starts = [one.entity_id for one in entities if one.entity_id and folded(one.name) in answers]
    far = _steps(starts, beside)
    return (replace(entity, distance=far.get(entity.entity_id or "")) for entity in entities)


def _steps(starts: Iterable[str], beside: Mapping[str, set[str]]) -> dict[str, int]:
    """Return how many links each reachable entity is away, breadth first."""
    far = dict.fromkeys(starts, 0)
    edge = list(far)
    while edge:
        reached = [near for one in edge for near in beside.get(one, ()) if near not in far]
        far |= dict.fromkeys(reached, far[edge[0]] + 1)
        edge = list(dict.fromkeys(reached))
    return far
