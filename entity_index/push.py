"""From one index into a Redis: a whole version, a thousand records at a time.

A push that was interrupted is simply done again: what already stands is found and left alone, so it goes on where it ended,
and pushing a whole version again mends what Redis has lost. Nobody sees the version before its last record stands.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice

from entity_index.codec import Digest
from entity_index.errors import CorruptIndex
from entity_index.stores.protocols import EntityStore, VersionInfo
from entity_index.stores.redis import PAGE, RedisCatalogue, has_page, write_contents, write_page


@dataclass(frozen=True, slots=True)
class PushReport:
    """What a push did."""

    info: VersionInfo
    written: int
    """Records sent."""
    present: int
    """Records that already stood there."""


def push(
    source: EntityStore,
    target: RedisCatalogue,
    *,
    rewrite: bool = False,
    progress: Callable[[int], None] = lambda _: None,
) -> PushReport:
    """Write a version into a Redis, under its name; it is not activated.

    Args:
        source: the version.
        target: where it goes.
        rewrite: whether records that stand are written again; this mends damaged ones.
        progress: is told how many records have been dealt with since it was told last.

    Raises:
        VersionExists: the name is taken by other content.
        CorruptIndex: the source does not hold what its digest covers.
    """
    info, connection = source.info, target.connection
    place = target.place(info)
    target.begin(info)
    digest = Digest()
    first_ids = []
    written = count = 0
    for number, page in enumerate(_pages(source)):
        first_ids.append(next(iter(page)))
        digest.update(page.values())
        count += len(page)
        if rewrite or not has_page(connection, place, number, page):
            write_page(connection, place, number, page)
            written += len(page)
        progress(len(page))
    if (digest.text(), count) != (info.digest, info.count):
        raise CorruptIndex(f"{info.dataset}@{info.version} does not hold what its digest covers")
    write_contents(connection, place, first_ids)
    target.finish(info)
    return PushReport(info, written=written, present=count - written)


def _pages(source: EntityStore) -> Iterator[dict[str, bytes]]:
    records = source.records()
    while page := dict(islice(records, PAGE)):
        yield page
