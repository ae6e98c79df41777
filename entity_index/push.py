"""From one index into a Redis: a whole version, a thousand records at a time.

A push that was interrupted is simply done again: what already stands is found and left alone, so it goes on where it ended,
and pushing a whole version again mends what Redis has lost. No reader sees the version before its last record is written.
A draft for a Redis is built in a file beside it, so that it is known to be whole before the first record is sent.
"""

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import partial
from itertools import islice
from pathlib import Path
from tempfile import TemporaryDirectory

from entity_index.codec import Digest
from entity_index.errors import CorruptIndex
from entity_index.stores.protocols import Draft, EntityStore, VersionInfo
from entity_index.stores.redis import PAGE, RedisCatalogue, has_page, write_contents, write_page
from entity_index.stores.sqlite import SqliteCatalogue


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
        raise CorruptIndex(f"the content of {info.dataset}@{info.version} does not match its digest")
    write_contents(connection, place, first_ids)
    target.finish(info)
    return PushReport(info, written=written, present=count - written)


class RedisDraft:
    """A version being written in a temporary folder."""

    def __init__(self, draft: Draft, aside: SqliteCatalogue, target: RedisCatalogue) -> None:
        self._draft = draft
        self._aside = aside
        self._target = target

    def add(self, question_id: str, record: bytes) -> bytes | None:
        """Put a record under a free id and return None, or return the record already stored under it."""
        return self._draft.add(question_id, record)

    def publish(self, version: str | None = None) -> VersionInfo:
        """Make the draft a version, named after its digest by default."""
        info = self._draft.publish(version)
        with closing(self._aside.open(info.dataset, info.version)) as store:
            return push(store, self._target, progress=partial(self._target.on_pushed, info)).info


@contextmanager
def drafting(dataset: str, target: RedisCatalogue) -> Iterator[RedisDraft]:
    """Open an empty draft that is pushed when it is published."""
    with TemporaryDirectory(prefix="entity-index-") as folder:
        aside = SqliteCatalogue(Path(folder))
        with aside.draft(dataset) as draft:
            yield RedisDraft(draft, aside, target)


def _pages(source: EntityStore) -> Iterator[dict[str, bytes]]:
    records = source.records()
    while page := dict(islice(records, PAGE)):
        yield page
