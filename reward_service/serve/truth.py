"""Ground truth for calls: the available data sets, and the entries of the index for the questions that a call names.

If the index cannot be read, the call fails (`IndexUnavailable`); if it does not contain a question, only the group that
asks for it fails.
"""

import asyncio
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import NamedTuple

from entity_index.content import check_content
from entity_index.errors import (
    CorruptIndex,
    EntityIndexError,
    IndexUnreachable,
    InvalidName,
    UnknownDataset,
    UnknownVersion,
)
from entity_index.stores.protocols import EntityStore, WritableCatalogue
from entity_index.types import Question
from reward_service.core.matching import CompiledQuestion, MentionNames
from reward_service.core.types import IndexVersion
from reward_service.serve import errors
from reward_service.serve.config import Settings
from reward_service.serve.lookup import Lookup
from reward_service.serve.turns import Turns

CHECKING = "its content is being checked"
CHECK_PATIENCE_S = (
    2.0  # a hundred thousand questions; of a larger data set, health checks say meanwhile what is going on
)
NAMES_BATCH = 1000  # questions read at once when the names of a data set are gathered


@dataclass(frozen=True, slots=True)
class QuestionRef:
    """A question by its place in the index."""

    dataset: str
    """`name` for the active version, or `name@version`."""
    question_id: str


@dataclass(frozen=True, slots=True)
class Truth:
    """A group's ground truth, and where it came from."""

    question: Question
    index: IndexVersion | None = None
    """None: the question was sent inline."""
    masked: tuple[str, ...] = ()
    """Names of the entities that the profile excludes from E_q: the question names them, or they equal an answer."""
    unmatchable: tuple[str, ...] = ()
    """Names of the entities that are not in E_q because there is no form to search for."""

    def under(self, compiled: CompiledQuestion) -> "Truth":
        """Return the same truth with the names of the entities that are not in E_q, given its question under a profile."""
        masked, unmatchable = (
            tuple(self.question.entities[n].name for n in positions)
            for positions in (compiled.masked, compiled.unmatchable)
        )
        return replace(self, masked=masked, unmatchable=unmatchable)


class DatasetVersions(NamedTuple):
    """What the index holds of one data set."""

    name: str
    active: str | None
    versions: tuple[str, ...]


class GroundTruth:
    """The index of a service; without a catalogue it holds nothing."""

    def __init__(self, catalogue: WritableCatalogue | None, settings: Settings, turns: Turns) -> None:
        self.catalogue = catalogue
        self.lookup = None if catalogue is None else _lookup(catalogue, settings)
        self.changed = asyncio.Event()
        """Set when an index version is opened for the first time; the task that waits for it clears it."""
        self._turns = turns
        self._max_names = settings.max_mention_names
        self._names: dict[IndexVersion, asyncio.Task[MentionNames | None]] = {}
        self._content: dict[IndexVersion, str] = {}
        """What is wrong with the content of each version that was opened: '' for nothing, or `CHECKING`."""
        self._checking: set[asyncio.Task[None]] = set()

    def close(self) -> None:
        """Let go of the index."""
        if self.lookup is not None:
            self.lookup.close()
        if self.catalogue is not None:
            self.catalogue.close()

    def datasets(self) -> list[DatasetVersions]:
        """Return what the index holds.

        Raises:
            IndexUnavailable: it cannot be read.
        """
        if self.catalogue is None:
            return []
        try:
            return [
                DatasetVersions(name, self.catalogue.active(name), tuple(self.catalogue.versions(name)))
                for name in self.catalogue.datasets()
            ]
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error

    async def probe(self, questions: int) -> list[IndexVersion]:
        """Read a few questions of every active version, and return which those are.

        Raises:
            IndexUnavailable: one cannot be read.
        """
        found = []
        for dataset in await self._turns.in_thread(self.datasets):
            store = await self.open(dataset.name)
            if store is not None:
                await self._turns.in_thread(partial(_read_some, store, questions))
                found.append(version_of(store))
        return found

    async def open(self, dataset: str) -> EntityStore | None:
        """Open `name` or `name@version`; None where the index does not hold it.

        Raises:
            IndexUnavailable: it cannot be read.
        """
        if self.lookup is None:
            return None
        try:
            store = await self.lookup.open(dataset)
        except (InvalidName, UnknownDataset, UnknownVersion):
            return None
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error
        if store is not None:
            self._check_content(store)
        return store

    def _check_content(self, store: EntityStore) -> None:
        """Begin to check the content of a version against its digest, when it is first opened.

        Raises:
            IndexUnavailable: it holds other content.
        """
        version = version_of(store)
        if version not in self._content:
            self._content[version] = CHECKING
            task = asyncio.create_task(self._first_check(store))
            self._checking.add(task)
            task.add_done_callback(self._checking.discard)
            self.changed.set()
        elif why := self._wrong(version):
            raise errors.IndexUnavailable(why)

    async def _first_check(self, store: EntityStore) -> None:
        await self._check(store)
        self.changed.set()

    async def _check(self, store: EntityStore) -> None:
        """Check the content of a version; if the index does not answer, the next call begins again."""
        try:
            self._content[version_of(store)] = await asyncio.to_thread(_content_problem, store)
        except IndexUnreachable:
            del self._content[version_of(store)]

    def _wrong(self, version: IndexVersion) -> str:
        why = self._content[version]
        return "" if why == CHECKING else why

    async def content_problems(self) -> list[str]:
        """Return which versions are not known to hold what their digests cover; a check that is short is waited for."""
        if self._checking:
            await asyncio.wait(self._checking, timeout=CHECK_PATIENCE_S)
        return [f"{at.dataset}@{at.version}: {why}" for at, why in self._content.items() if why]

    async def check_again(self) -> None:
        """Open the versions with wrong content again, and check them: they may have been repaired."""
        for version in [version for version in self._content if self._wrong(version)]:
            if self.lookup is not None and (store := await self.lookup.reopen(*version[:2])):
                await self._check(store)

    async def pin(self, dataset: str | None) -> IndexVersion | None:
        """Return the version that a data set's name currently means; None for None.

        Raises:
            UnknownDataset: the index does not hold it.
            IndexUnavailable: the index cannot be read.
        """
        if dataset is None:
            return None
        store = await self.open(dataset)
        if store is None:
            raise errors.UnknownDataset("the index has no such data set or version", path="/dataset")
        return version_of(store)

    async def look_up(self, questions: Sequence[Question | QuestionRef]) -> list[Truth | errors.GroupError]:
        """Find the ground truth of every group of a call, in order: one read per data set, however many groups name it.

        Raises:
            IndexUnavailable: the index cannot be read.
        """
        wanted: dict[str, list[str]] = {}
        for ref in questions:
            if isinstance(ref, QuestionRef):
                wanted.setdefault(ref.dataset, []).append(ref.question_id)
        found = {dataset: await self._fetch(dataset, ids) for dataset, ids in wanted.items()}
        return [
            _truth(question, found[question.dataset], f"/groups/{n}")
            if isinstance(question, QuestionRef)
            else Truth(question)
            for n, question in enumerate(questions)
        ]

    async def mention_names(self, index: IndexVersion) -> MentionNames | None:
        """Return the names of a data set, which are read once; None where it has more than `max_mention_names`.

        Raises:
            IndexUnavailable: they cannot be read; the next call reads them again.
        """
        if index not in self._names:
            self._names[index] = asyncio.create_task(self._read_names(index))
        try:
            return await asyncio.shield(self._names[index])
        except errors.IndexUnavailable:
            self._names.pop(index, None)
            raise

    async def _read_names(self, index: IndexVersion) -> MentionNames | None:
        store = await self.open(f"{index.dataset}@{index.version}")
        if store is None:
            raise errors.IndexUnavailable(f"{index.dataset}@{index.version} is no longer in the index")
        try:
            names = await asyncio.to_thread(_names, store, self._max_names)
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error
        return None if len(names) > self._max_names else MentionNames(names)

    async def _fetch(self, dataset: str, question_ids: Sequence[str]) -> dict[str, Truth] | None:
        """Return the questions a data set has; None where there is no such data set."""
        store = await self.open(dataset)
        if store is None or self.lookup is None:
            return None
        index = version_of(store)
        try:
            questions = await self.lookup.get_many(store, question_ids)
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error
        return {
            question_id: Truth(question, index)
            for question_id, question in zip(question_ids, questions, strict=True)
            if question is not None
        }


def version_of(store: EntityStore) -> IndexVersion:
    """Return which version a store holds."""
    return IndexVersion(store.info.dataset, store.info.version, store.info.digest)


def _lookup(catalogue: WritableCatalogue, settings: Settings) -> Lookup:
    return Lookup(
        catalogue,
        cached=settings.index_cached_questions,
        follow_s=settings.index_follow_s,
        threads=settings.index_threads,
    )


def _truth(ref: QuestionRef, found: Mapping[str, Truth] | None, path: str) -> Truth | errors.GroupError:
    if found is None:
        return errors.UnknownGroupDataset("the index has no such data set or version", path=f"{path}/dataset")
    if ref.question_id not in found:
        return errors.UnknownGroupQuestion("the data set has no such question", path=f"{path}/question_id")
    return found[ref.question_id]


def _content_problem(store: EntityStore) -> str:
    """Return why a version cannot be trusted; '' if it holds what its digest covers.

    Raises:
        IndexUnreachable: the index does not answer.
    """
    try:
        check_content(store)
    except CorruptIndex as error:
        return str(error)
    return ""


def _read_some(store: EntityStore, questions: int) -> None:
    """Read the first few questions of a version.

    Raises:
        IndexUnavailable: they cannot be read.
    """
    try:
        store.get_many(list(islice(store.question_ids(), questions)))
    except EntityIndexError as error:
        raise errors.IndexUnavailable(str(error)) from error


def _names(store: EntityStore, limit: int) -> set[str]:
    """Return the names of a data set; if there are more than `limit`, only enough to exceed it."""
    names: set[str] = set()
    for question_ids in _batched(store.question_ids(), NAMES_BATCH):
        questions = store.get_many(question_ids)
        names |= {entity.name for question in questions if question for entity in question.entities}
        if len(names) > limit:
            break
    return names


def _batched(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield the items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch
