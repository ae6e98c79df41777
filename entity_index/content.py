"""Checks that an open version holds the content that its digest covers.

Each record carries a checksum of its own, which finds damage; a record of another build has a right one too, so only the
digest over all of them tells whether this is the version that it says it is.
"""

from entity_index.codec import Digest
from entity_index.errors import CorruptIndex
from entity_index.stores.protocols import EntityStore


def check_content(store: EntityStore) -> None:
    """Read every record of a version.

    Raises:
        CorruptIndex: it holds other content than its digest and count say, or cannot be read.
        IndexUnreachable: the index does not answer.
    """
    info, digest, count = store.info, Digest(), 0
    for _, record in store.records():
        digest.update([record])
        count += 1
    if (digest.text(), count) != (info.digest, info.count):
        raise CorruptIndex(f"{info.dataset}@{info.version} does not hold what its digest covers")
