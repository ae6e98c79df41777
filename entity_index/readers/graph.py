"""SailorFog-style data: a question over a sampled sub-graph whose nodes are the entities.

    {"id", "question", "answer", "graph": {"nodes": ["Radium", {"id": "Q7186", "name": "Marie Curie", "aliases", "type"}],
                                           "edges": [["Marie Curie", "discovered", "Radium"], ...]}}

`subgraph` may stand for `graph`, and `nodes` and `edges` may stand beside the question. A node may be just its name, its name
may be called `label`; a graph without nodes has the ends of its edges, which are triples or {"source", "target"}. Without an
id a question is named after its text. The questions as published carry no graph: they are kept without entities.
"""

from collections.abc import Iterable, Iterator, Mapping

from entity_index.errors import InvalidRecord
from entity_index.readers import fields
from entity_index.types import Entity, Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one object."""
    graph = fields.first(row, "graph", "subgraph")
    parts = row if graph is None else fields.record(graph, "graph")
    text = fields.text(row, "question")
    nodes = tuple(_entity(value) for value in fields.array(parts, "nodes"))
    return Question(
        text=text,
        answers=fields.texts(row, "answers", "answer"),
        entities=nodes or tuple(Entity(name) for name in dict.fromkeys(_ends(fields.array(parts, "edges")))),
        question_id=fields.identifier(row, "id", "question_id") or fields.named_after(text),
    )


def _entity(value: object) -> Entity:
    if isinstance(value, str):
        return Entity(value)
    node = fields.record(value, "a node")
    return Entity(
        name=fields.text(node, "name", "label"),
        aliases=fields.texts(node, "aliases"),
        entity_id=fields.identifier(node, "id"),
        type=fields.optional_text(node, "type"),
    )


def _ends(edges: Iterable[object]) -> Iterator[str]:
    for edge in edges:
        match edge:
            case [str(source), *_, str(target)] | {"source": str(source), "target": str(target)}:
                yield source
                yield target
            case _:
                raise InvalidRecord("an edge does not have two ends")
