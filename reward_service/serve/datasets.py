"""Data sets over HTTP: taking versions in, activating them, looking into them.

A body is kept on disk before it is built, so memory stays bounded and a caller who leaves has changed nothing. Building is
work for a processor that also scores: one data set at a time, and large ones are better pushed from elsewhere.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import closing, contextmanager
from functools import partial
from tempfile import TemporaryFile
from typing import IO, NamedTuple, TypeVar

from entity_index.build import BuildReport, build
from entity_index.errors import (
    EntityIndexError,
    InvalidName,
    InvalidRecord,
    NothingKept,
    UnknownDataset,
    UnknownVersion,
    VersionExists,
)
from entity_index.readers import READERS
from entity_index.readers.rows import bounded_lines
from entity_index.stores.protocols import VersionInfo, WritableCatalogue
from entity_index.types import Question
from reward_service.core.types import IndexVersion
from reward_service.serve import errors
from reward_service.serve.truth import GroundTruth, version_of

T = TypeVar("T")
MEMORY_BYTES = 1024 * 1024  # of a body, before it goes to disk


class DatasetDetails(NamedTuple):
    """A data set with its versions."""

    name: str
    active: str | None
    versions: tuple[VersionInfo, ...]


class Ingest(NamedTuple):
    """What a caller wants done with a body."""

    dataset: str
    version: str
    reader: str
    activate: bool
    strict: bool


class Datasets:
    """The data sets of a service's index."""

    def __init__(self, truth: GroundTruth, *, max_bytes: int) -> None:
        """Look into an index, and change it.

        Args:
            truth: the index.
            max_bytes: most bytes of the body of a data set.
        """
        self._truth = truth
        self._max_bytes = max_bytes
        self._ingesting = False

    async def put(self, body: AsyncIterator[bytes], wanted: Ingest) -> BuildReport:
        """Build a version from the lines of a body.

        Raises:
            IngestBusy: another one is being built.
            BodyTooLarge: it has more bytes than the limit; the rest is not read.
            InvalidRequest: there is no such reader or name, no line is a question, or with `strict` one is not.
            VersionConflict: the version holds other content.
            IndexUnavailable: the index cannot be written.
        """
        if self._ingesting:
            raise errors.IngestBusy("retry when it has finished")
        if wanted.reader not in READERS:
            raise errors.InvalidRequest(f"known readers: {', '.join(READERS)}", path="/reader")
        self._ingesting = True
        try:
            with TemporaryFile() as spool:
                await _spool(body, spool, limit=self._max_bytes)
                report = await self._call(partial(_build, spool, self._catalogue(), wanted))
        finally:
            self._ingesting = False
        self._follow(wanted.dataset)
        return report

    async def activate(self, dataset: str, version: str) -> None:
        """Make a version the one that is served; other processes follow within their `index_follow_s`.

        Raises:
            UnknownDataset: the index does not hold it.
            IndexUnavailable: the index cannot be written.
        """
        await self._call(partial(self._catalogue().activate, dataset, version))
        self._follow(dataset)

    async def details(self, dataset: str) -> DatasetDetails:
        """Return a data set with its versions.

        Raises:
            UnknownDataset: the index does not hold it.
            IndexUnavailable: it cannot be read.
        """
        return await self._call(partial(_details, self._catalogue(), dataset))

    async def question(self, dataset: str, question_id: str) -> tuple[IndexVersion, Question]:
        """Return a question of `name` or `name@version`.

        Raises:
            UnknownDataset, UnknownQuestion: the index does not hold it.
            IndexUnavailable: it cannot be read.
        """
        store, lookup = await self._truth.open(dataset), self._truth.lookup
        if store is None or lookup is None:
            raise errors.UnknownDataset("the index has no such data set or version")
        with _explained():
            [question] = await lookup.get_many(store, [question_id])
        if question is None:
            raise errors.UnknownQuestion("the data set has no such question")
        return version_of(store), question

    def _catalogue(self) -> WritableCatalogue:
        if self._truth.catalogue is None:
            raise errors.UnknownDataset("the service has no index")
        return self._truth.catalogue

    def _follow(self, dataset: str) -> None:
        if self._truth.lookup is not None:
            self._truth.lookup.follow(dataset)

    async def _call(self, work: Callable[[], T]) -> T:
        with _explained():
            return await asyncio.to_thread(work)


async def _spool(body: AsyncIterator[bytes], spool: IO[bytes], *, limit: int) -> None:
    """Write a body to a file, a mebibyte at a time and beside the loop."""
    held: list[bytes] = []
    size = waiting = 0
    async for chunk in body:
        size, waiting = size + len(chunk), waiting + len(chunk)
        if size > limit:
            raise errors.BodyTooLarge(f"a data set may have at most {limit} bytes")
        held.append(chunk)
        if waiting > MEMORY_BYTES:
            await asyncio.to_thread(spool.write, b"".join(held))
            held, waiting = [], 0
    await asyncio.to_thread(spool.write, b"".join(held))
    spool.seek(0)


def _build(spool: IO[bytes], catalogue: WritableCatalogue, wanted: Ingest) -> BuildReport:
    return build(
        READERS[wanted.reader](bounded_lines(spool)),
        catalogue,
        dataset=wanted.dataset,
        version=wanted.version,
        activate=wanted.activate,
        strict=wanted.strict,
    )


def _details(catalogue: WritableCatalogue, dataset: str) -> DatasetDetails:
    versions = []
    for version in catalogue.versions(dataset):
        with closing(catalogue.open(dataset, version)) as store:
            versions.append(store.info)
    return DatasetDetails(dataset, catalogue.active(dataset), tuple(versions))


@contextmanager
def _explained() -> Iterator[None]:
    """Say what the index could not do as what the caller may do about it."""
    try:
        yield
    except (UnknownDataset, UnknownVersion) as error:
        raise errors.UnknownDataset(str(error)) from error
    except VersionExists as error:
        raise errors.VersionConflict(str(error)) from error
    except (InvalidName, InvalidRecord, NothingKept) as error:
        raise errors.InvalidRequest(str(error)) from error
    except EntityIndexError as error:
        raise errors.IndexUnavailable(str(error)) from error
    except OSError as error:  # a full disk, a folder that is mounted read-only
        raise errors.IndexUnavailable(f"the index cannot be written: {error.strerror}") from error
