"""Data sets as they are published, one module a shape, all with the same `to_question(object)`.

rows        what all readers share: lines to JSON objects to rows or refusals
containers  where rows are: lines, arrays, tables, folders, parquet, saved data sets
fields      values of the expected type, or a reason
jsonl       the index's own shape, leniently
mapped      any shape: the caller says where each field is
kilt        KILT: entities are {title, wikipedia_id}
frames      FRAMES: entities are Wikipedia titles
webshaper   WebShaper: entities are the constants of a formal graph
wiki2       2WikiMultihopQA: entities are the ends of the evidence triples
musique     MuSiQue: entities are the answers of the hops and the supporting titles
asearcher   ASearcher: entities are the pages its agent selected
infoseek    InfoSeek: entities are the nodes of the research tree
entiweave   EntiWeave: entities are named objects, linked by predicates
graph       SailorFog and others: entities are the nodes of a sub-graph
verl        verl's training rows: answers, and entities where they were added
"""

from collections.abc import Mapping
from functools import partial
from types import MappingProxyType

from entity_index.readers import (
    asearcher,
    entiweave,
    frames,
    graph,
    infoseek,
    jsonl,
    kilt,
    musique,
    verl,
    webshaper,
    wiki2,
)
from entity_index.readers.containers import Shape
from entity_index.readers.rows import Reader, read_rows

_MODULES = {
    "jsonl": jsonl,
    "kilt": kilt,
    "frames": frames,
    "webshaper": webshaper,
    "2wiki": wiki2,
    "musique": musique,
    "asearcher": asearcher,
    "infoseek": infoseek,
    "entiweave": entiweave,
    "graph": graph,
    "verl": verl,
}
SHAPES: Mapping[str, Shape] = MappingProxyType(
    {name: module.to_question for name, module in _MODULES.items()}
)
READERS: Mapping[str, Reader] = MappingProxyType(
    {name: partial(read_rows, to_question=shape) for name, shape in SHAPES.items()}
)
"""What reads lines of JSON, by the name of their shape."""
