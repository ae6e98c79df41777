"""What a store is: three small protocols, and one contract suite that every implementation passes.

A catalogue knows data sets and their versions, a store reads one version, a draft is a version being written.
Below the codec they move bytes: a record goes in under its id and comes out as it was, or as an error.
"""

from collections.abc import Iterator, Sequence
from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Protocol

from entity_index.codec import CODEC_VERSION
from entity_index.errors import CorruptIndex
from entity_index.folding import FOLD_VERSION
from entity_index.types import Question

VERSION_DIGITS = 12


@dataclass(frozen=True, slots=True)
class VersionInfo:
    """What is known of a version without reading its records."""

    dataset: str
    version: str
    digest: str
    """`sha256:` over the records in order of their ids: equal content, equal digest, whatever the order of the input."""
    count: int
    """Number of questions."""
    codec: int = CODEC_VERSION
    fold: int = FOLD_VERSION
    """The folding that judged its names."""


class EntityStore(Protocol):
    """One open version; may be used from several threads."""

    @property
    def info(self) -> VersionInfo:
        """What this store holds."""
        ...

    def get_many(self, question_ids: Sequence[str]) -> list[Question | None]:
        """Return one question per id, in order; None where the version has no such question.

        Raises:
            CorruptIndex: something that was asked for cannot be trusted.
        """
        ...

    def question_ids(self) -> Iterator[str]:
        """Iterate over all ids in ascending order."""
        ...

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over all ids with their records as they were put in, in ascending order of the ids."""
        ...

    def close(self) -> None:
        """Let go of what the store holds open."""
        ...


class Catalogue(Protocol):
    """The data sets of an index, their versions, and which one is active."""

    def datasets(self) -> list[str]:
        """Return the names of all data sets, sorted."""
        ...

    def versions(self, dataset: str) -> list[str]:
        """Return the names of a data set's versions, sorted."""
        ...

    def active(self, dataset: str) -> str | None:
        """Return the active version; None where none has been activated.

        Raises:
            CorruptIndex: what is active cannot be read, or is not there.
        """
        ...

    def activate(self, dataset: str, version: str) -> None:
        """Make a version the one that is opened by default; activating the one before rolls back."""
        ...

    def open(self, dataset: str, version: str | None = None) -> EntityStore:
        """Open a version, the active one by default."""
        ...

    def drop(self, dataset: str, version: str) -> None:
        """Remove a version that is not active; a store that is open on it keeps working or raises, it never answers None."""
        ...

    def close(self) -> None:
        """Let go of what the catalogue holds open."""
        ...


class Draft(Protocol):
    """A version being written; it is invisible until it is published."""

    def add(self, question_id: str, record: bytes) -> bytes | None:
        """Put a record under a free id and return None, or return the record already stored under it."""
        ...

    def publish(self, version: str | None = None) -> VersionInfo:
        """Make the draft a version, named after its digest by default; the same content again changes nothing.

        Raises:
            VersionExists: the name is taken by other content.
        """
        ...


class WritableCatalogue(Catalogue, Protocol):
    """A catalogue that takes new versions."""

    def draft(self, dataset: str) -> AbstractContextManager[Draft]:
        """Open an empty draft; leaving it unpublished discards it."""
        ...


def default_version(digest: str) -> str:
    """Return the version name of content that was given none."""
    return digest.removeprefix("sha256:")[:VERSION_DIGITS]


def check_active(dataset: str, version: str, versions: Sequence[str]) -> str:
    """Return the version that a data set names as active.

    Raises:
        CorruptIndex: the data set does not have it.
    """
    if version not in versions:
        raise CorruptIndex(
            f"the active version {version!r} of data set {dataset!r} is not there: activate one that is"
        )
    return version
