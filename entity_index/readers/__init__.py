"""Data sets as they are published, one module a shape, all with the same `read(lines)`.

rows        what all readers share: lines to JSON objects to rows or refusals
fields      values of the expected type, or a reason
jsonl       the index's own shape, leniently
kilt        KILT: entities are {title, wikipedia_id}
frames      FRAMES: entities are Wikipedia titles
webshaper   WebShaper: entities are the constants of a formal graph
"""

from collections.abc import Mapping
from types import MappingProxyType

from entity_index.readers import frames, jsonl, kilt, webshaper
from entity_index.readers.rows import Reader

READERS: Mapping[str, Reader] = MappingProxyType(
    {"jsonl": jsonl.read, "kilt": kilt.read, "frames": frames.read, "webshaper": webshaper.read}
)
