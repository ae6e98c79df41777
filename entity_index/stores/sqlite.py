"""The embedded index: one immutable SQLite file a version.

    {root}/{dataset}/{version}.sqlite       records by id, and one row of info
    {root}/{dataset}/ACTIVE                 the name of the active version

A draft is written aside in the same folder, made durable and given its name, so a version is there entirely or not at all.
Readers open it read-only and immutable: no locks, no journal, any number of processes. The folder may be copied or
mounted anywhere; names come from the path, content and its digest from the file. A draft that its builder could not
remove, because it was killed, goes with the next build a day later.
"""

import os
import sqlite3
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager, suppress
from pathlib import Path
from threading import Lock
from typing import Any
from urllib.parse import quote
from uuid import uuid4

from entity_index.codec import CODEC_VERSION, content_digest, decode, key
from entity_index.errors import (
    CodecMismatch,
    CorruptIndex,
    UnknownDataset,
    UnknownVersion,
    VersionActive,
    VersionExists,
)
from entity_index.stores.names import check_name, is_name
from entity_index.stores.protocols import VersionInfo, check_active, default_version
from entity_index.types import Question

SUFFIX = ".sqlite"
ACTIVE = "ACTIVE"
DRAFT = ".draft"
ABANDONED_S = 24 * 3600.0

SCHEMA = """
CREATE TABLE record (id BLOB NOT NULL UNIQUE, body BLOB NOT NULL);
CREATE TABLE info (digest TEXT NOT NULL, count INTEGER NOT NULL, codec INTEGER NOT NULL, fold INTEGER NOT NULL);
"""
UNREADABLE = (sqlite3.DatabaseError, UnicodeDecodeError)  # SQLite quotes a damaged schema in its message
# A draft that is interrupted is thrown away, so it needs no journal; it is made durable once, before the rename.
DRAFT_PRAGMAS = "PRAGMA journal_mode = OFF; PRAGMA synchronous = OFF; PRAGMA cache_size = -65536;"


class SqliteStore:
    """One version, read from its file through one connection."""

    def __init__(self, path: Path, *, dataset: str, version: str) -> None:
        self._path = path
        self._lock = Lock()
        self._db = _connect(path)
        try:
            self.info = self._read_info(dataset, version)
        except CorruptIndex:
            self._db.close()
            raise

    def get_many(self, question_ids: Sequence[str]) -> list[Question | None]:
        """Return one question per id, in order; None where the version has no such question."""
        rows = [self._rows("SELECT body FROM record WHERE id = ?", key(at)) for at in question_ids]
        pairs = zip(rows, question_ids, strict=True)
        return [decode(row[0][0], question_id=at) if row else None for row, at in pairs]

    def question_ids(self) -> Iterator[str]:
        """Iterate over all ids in ascending order."""
        return (at for (at,) in self._walk("id"))

    def records(self) -> Iterator[tuple[str, bytes]]:
        """Iterate over all ids with their records, in ascending order of the ids."""
        return self._walk("id, body")

    def _walk(self, columns: str) -> Iterator[Any]:
        """Yield rows whose first column is the id, spelled as text; no lock is held between pages."""
        query = f"SELECT {columns} FROM record WHERE id > ? ORDER BY id LIMIT 1000"  # noqa: S608  # ours
        after = b""
        while page := self._rows(query, after):
            for row in page:
                yield self._spell(row[0], after=after), *row[1:]
                after = row[0]

    def close(self) -> None:
        """Close the connection."""
        self._db.close()

    def _read_info(self, dataset: str, version: str) -> VersionInfo:
        rows = self._rows("SELECT digest, count, codec, fold FROM info")
        if len(rows) != 1:
            raise CorruptIndex(f"{self._path} is not a complete version")
        digest, count, codec, fold = rows[0]
        if codec != CODEC_VERSION:
            raise CodecMismatch(f"{self._path} has codec {codec}, expected {CODEC_VERSION}")
        return VersionInfo(
            dataset=dataset, version=version, digest=digest, count=count, codec=codec, fold=fold
        )

    def _spell(self, question_id: object, *, after: bytes) -> str:
        """Return an id as text; ids that do not ascend would be walked through forever."""
        if isinstance(question_id, bytes) and question_id > after:
            with suppress(UnicodeDecodeError):
                return question_id.decode()
        raise CorruptIndex(f"{self._path} contains a damaged question id")

    def _rows(self, query: str, *values: bytes) -> list[Any]:
        try:
            with self._lock:
                return self._db.execute(query, values).fetchall()
        except UNREADABLE as error:
            raise CorruptIndex(f"{self._path} cannot be read: {error}") from error


class SqliteCatalogue:
    """A folder of data sets."""

    def __init__(self, root: Path) -> None:
        self._root = root

    def datasets(self) -> list[str]:
        """Return the names of all data sets, sorted."""
        return sorted(
            {path.parent.name for path in self._root.glob(f"*/*{SUFFIX}") if is_name(path.parent.name)}
        )

    def versions(self, dataset: str) -> list[str]:
        """Return the names of a data set's versions, sorted."""
        names = sorted(path.stem for path in self._folder(dataset).glob(f"*{SUFFIX}") if is_name(path.stem))
        if not names:
            raise UnknownDataset(f"no data set {dataset!r} in {self._root}")
        return names

    def active(self, dataset: str) -> str | None:
        """Return the active version; None where none has been activated."""
        versions, pointer = self.versions(dataset), self._folder(dataset) / ACTIVE
        try:
            version = pointer.read_text(encoding="ascii").strip()
        except FileNotFoundError:
            return None
        except (OSError, UnicodeDecodeError) as error:
            raise CorruptIndex(f"{pointer} cannot be read: activate a version again") from error
        return check_active(dataset, version, versions)

    def activate(self, dataset: str, version: str) -> None:
        """Make a version the one that is opened by default, in one atomic step."""
        self._existing(dataset, version)
        pointer = self._folder(dataset) / ACTIVE
        aside = _aside(pointer.parent)
        aside.write_text(version + "\n", encoding="ascii")
        _publish(aside, pointer)

    def open(self, dataset: str, version: str | None = None) -> SqliteStore:
        """Open a version, the active one by default."""
        wanted = self.active(dataset) if version is None else version
        if wanted is None:
            raise UnknownVersion(f"data set {dataset!r} has no active version")
        return SqliteStore(self._existing(dataset, wanted), dataset=dataset, version=wanted)

    def drop(self, dataset: str, version: str) -> None:
        """Remove a version that is not active."""
        path = self._existing(dataset, version)
        if version == self.active(dataset):
            raise VersionActive(f"version {version!r} of data set {dataset!r} is active")
        path.unlink()

    def close(self) -> None:
        """Do nothing: a folder is not held open."""

    @contextmanager
    def draft(self, dataset: str) -> Iterator["SqliteDraft"]:
        """Open an empty draft beside the versions of a data set; leaving it unpublished removes its file."""
        folder = self._folder(dataset)
        folder.mkdir(parents=True, exist_ok=True)
        _sweep(folder, before=time.time() - ABANDONED_S)
        draft = SqliteDraft(folder)
        try:
            yield draft
        finally:
            draft.discard()

    def _folder(self, dataset: str) -> Path:
        return self._root / check_name(dataset)

    def _existing(self, dataset: str, version: str) -> Path:
        if check_name(version) not in self.versions(dataset):
            raise UnknownVersion(f"data set {dataset!r} has no version {version!r}")
        return self._folder(dataset) / (version + SUFFIX)


class SqliteDraft:
    """A version being written, in a file whose name no reader looks for."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._path = _aside(folder)
        self._db = sqlite3.connect(self._path)
        self._db.executescript(DRAFT_PRAGMAS + SCHEMA)

    def add(self, question_id: str, record: bytes) -> bytes | None:
        """Put a record under a free id and return None, or return the record already stored under it."""
        at = key(question_id)
        if self._db.execute("INSERT OR IGNORE INTO record VALUES (?, ?)", (at, record)).rowcount:
            return None
        present: bytes = self._one("SELECT body FROM record WHERE id = ?", at)
        return present

    def publish(self, version: str | None = None) -> VersionInfo:
        """Make the draft a version, named after its digest by default."""
        info = self._finished(version)
        target = self._folder / (info.version + SUFFIX)
        _fsync(self._path)
        try:
            os.link(
                self._path, target
            )  # fails where the name is taken, so of two builders one learns of the other
        except FileExistsError:
            return _same_content(target, info)
        _fsync(self._folder)
        return info

    def discard(self) -> None:
        """Remove what was not published."""
        self._db.close()
        self._path.unlink(missing_ok=True)

    def _finished(self, version: str | None) -> VersionInfo:
        digest = content_digest(body for (body,) in self._db.execute("SELECT body FROM record ORDER BY id"))
        info = VersionInfo(
            dataset=self._folder.name,
            version=default_version(digest) if version is None else check_name(version),
            digest=digest,
            count=self._one("SELECT count(*) FROM record"),
        )
        self._db.execute(
            "INSERT INTO info VALUES (?, ?, ?, ?)", (info.digest, info.count, info.codec, info.fold)
        )
        self._db.commit()
        self._db.close()
        return info

    def _one(self, query: str, *values: bytes) -> Any:
        return self._db.execute(query, values).fetchone()[0]


def _connect(path: Path) -> sqlite3.Connection:
    """Open a version to read: immutable, so that SQLite looks for no journal and takes no lock."""
    uri = f"file:{quote(str(path.absolute()))}?mode=ro&immutable=1"
    try:
        return sqlite3.connect(uri, uri=True, check_same_thread=False)
    except sqlite3.OperationalError as error:
        raise CorruptIndex(f"{path} cannot be opened: {error}") from error


def _same_content(path: Path, info: VersionInfo) -> VersionInfo:
    with closing(SqliteStore(path, dataset=info.dataset, version=info.version)) as present:
        if present.info.digest != info.digest:
            raise VersionExists(
                f"version {info.version!r} of data set {info.dataset!r} already exists with different content"
            )
        return present.info


def _aside(folder: Path) -> Path:
    """Return a free name that no reader looks for."""
    return folder / f".{uuid4().hex}{DRAFT}"


def _sweep(folder: Path, *, before: float) -> None:
    """Remove drafts that have not been written to since."""
    for path in folder.glob(f".*{DRAFT}"):
        with suppress(FileNotFoundError):  # another builder sweeps too
            if path.stat().st_mtime < before:
                path.unlink()


def _publish(aside: Path, target: Path) -> None:
    """Give a finished file its name: durable before it is visible, and visible in one step."""
    _fsync(aside)
    aside.replace(target)
    _fsync(target.parent)


def _fsync(path: Path) -> None:
    """Make a file's content, or a folder's list of names, survive a power cut."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
