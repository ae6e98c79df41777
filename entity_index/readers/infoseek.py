"""InfoSeek: questions synthesised over a tree of entities whose root is the answer.

    {"question", "answer", "root": {"entity", "claims": [...], "children": [{"entity", "claims", "children"}, ...]}}

Every node is an entity; how deep it is, is its distance to the answer. A node's entity is a name, or an object with a `name`,
`label` or `title`; a tree may come as a JSON string, its children as an object of nodes. Question and answer may be those of
the root.
"""

from collections.abc import Iterator, Mapping

from entity_index.errors import InvalidRecord
from entity_index.readers import fields
from entity_index.types import Entity, Question

Node = tuple[int, Mapping[str, object]]
"""How deep a node is, and the node."""


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    root = fields.record(fields.first(row, "root", "tree"), "root")
    text = fields.text(row if fields.first(row, "question") is not None else root, "question")
    entities = tuple(_entity(node, depth) for depth, node in nodes(root))
    return Question(
        text=text,
        answers=fields.texts(row, "answers", "answer") or (entities[0].name,),
        entities=entities,
        question_id=fields.identifier(row, "question_id", "id") or fields.named_after(text),
        language=fields.optional_text(row, "language"),
    )


def nodes(root: Mapping[str, object]) -> Iterator[Node]:
    """Yield the nodes of a tree with their depth, the root first, each before what is under it."""
    waiting: list[Node] = [(0, root)]
    while waiting:
        depth, node = waiting.pop()
        yield depth, node
        waiting += [(depth + 1, child) for child in reversed(_children(node))]


def _children(node: Mapping[str, object]) -> list[Mapping[str, object]]:
    children = fields.opened(fields.first(node, "children"))
    held = (
        children.values() if isinstance(children, dict) else fields.array({"children": children}, "children")
    )
    return [fields.record(child, "a child") for child in held]


def _entity(node: Mapping[str, object], depth: int) -> Entity:
    named = fields.opened(fields.first(node, "entity", "name"))
    if isinstance(named, str):
        return Entity(named, fields.texts(node, "aliases"), _id(node), distance=depth)
    if named is None:
        raise InvalidRecord("a node has no entity")
    entity = fields.record(named, "an entity")
    return Entity(
        name=fields.text(entity, "name", "label", "title"),
        aliases=fields.texts(entity, "aliases"),
        entity_id=_id(entity),
        type=fields.optional_text(entity, "type"),
        distance=depth,
    )


def _id(row: Mapping[str, object]) -> str | None:
    return fields.identifier(row, "wikidata_id", "qid", "id")
