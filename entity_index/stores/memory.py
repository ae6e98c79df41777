"""An index in memory: for tests, notebooks and data sets sent with a program."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

from entity_index.codec import content_digest, decode, key
from entity_index.errors import UnknownDataset, UnknownVersion, VersionActive, VersionExists
from entity_index.stores.names import check_name
from entity_index.stores.protocols import VersionInfo, default_version
from entity_index.types import Question


class MemoryStore:
    """One version, as records in a mapping."""

    def __init__(self, info: VersionInfo, records: Mapping[str, bytes]) -> None:
        self.info = info
        self._records = records

    def get_many(self, question_ids: Sequence[str]) -> list[Question | None]:
        """Return one question per id, in order; None where the version has no such question."""
        found = [(question_id, self._records.get(question_id)) for question_id in question_ids]
        return [None if record is None else decode(record, question_id=at) for at, record in found]

    def question_ids(self) -> Iterator[str]:
        """Iterate over all ids in ascending order."""
        return iter(sorted(self._records, key=key))

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over all ids with their records, in ascending order of the ids."""
        return ((at, self._records[at]) for at in self.question_ids())

    def close(self) -> None:
        """Do nothing: memory is not held open."""


class MemoryCatalogue:
    """All data sets of a process."""

    def __init__(self) -> None:
        self._stores: dict[str, dict[str, MemoryStore]] = {}
        self._active: dict[str, str] = {}

    def datasets(self) -> list[str]:
        """Return the names of all data sets, sorted."""
        return sorted(self._stores)

    def versions(self, dataset: str) -> list[str]:
        """Return the names of a data set's versions, sorted."""
        return sorted(self._versions(dataset))

    def active(self, dataset: str) -> str | None:
        """Return the active version; None where none has been activated."""
        self._versions(dataset)
        return self._active.get(dataset)

    def activate(self, dataset: str, version: str) -> None:
        """Make a version the one that is opened by default."""
        self._active[dataset] = self.open(dataset, version).info.version

    def open(self, dataset: str, version: str | None = None) -> MemoryStore:
        """Open a version, the active one by default."""
        wanted = self.active(dataset) if version is None else version
        if wanted is None:
            raise UnknownVersion(f"data set {dataset!r} has no active version")
        store = self._versions(dataset).get(check_name(wanted))
        if store is None:
            raise UnknownVersion(f"data set {dataset!r} has no version {wanted!r}")
        return store

    def drop(self, dataset: str, version: str) -> None:
        """Remove a version that is not active."""
        self.open(dataset, version)
        if version == self.active(dataset):
            raise VersionActive(f"version {version!r} of data set {dataset!r} is active")
        del self._stores[dataset][version]
        if not self._stores[dataset]:
            del self._stores[dataset]

    def close(self) -> None:
        """Do nothing: memory is not held open."""

    @contextmanager
    def draft(self, dataset: str) -> Iterator["MemoryDraft"]:
        """Open an empty draft."""
        yield MemoryDraft(self, check_name(dataset))

    def put(self, store: MemoryStore) -> VersionInfo:
        """Take in a version, unless its name is taken by other content."""
        info = store.info
        present = self._stores.setdefault(info.dataset, {}).setdefault(info.version, store)
        if present.info.digest != info.digest:
            raise VersionExists(
                f"version {info.version!r} of data set {info.dataset!r} already exists with different content"
            )
        return present.info

    def _versions(self, dataset: str) -> dict[str, MemoryStore]:
        versions = self._stores.get(check_name(dataset))
        if versions is None:
            raise UnknownDataset(f"no data set {dataset!r}")
        return versions


class MemoryDraft:
    """A version being collected."""

    def __init__(self, catalogue: MemoryCatalogue, dataset: str) -> None:
        self._catalogue = catalogue
        self._dataset = dataset
        self._records: dict[str, bytes] = {}

    def add(self, question_id: str, record: bytes) -> bytes | None:
        """Put a record under a free id and return None, or return the record already stored under it."""
        present = self._records.get(question_id)
        if present is None:
            self._records[question_id] = record
        return present

    def publish(self, version: str | None = None) -> VersionInfo:
        """Make the draft a version, named after its digest by default."""
        digest = content_digest(self._records[at] for at in sorted(self._records, key=key))
        name = default_version(digest) if version is None else check_name(version)
        info = VersionInfo(dataset=self._dataset, version=name, digest=digest, count=len(self._records))
        return self._catalogue.put(MemoryStore(info, dict(self._records)))
