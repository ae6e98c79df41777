"""The numbers of scored groups in SQLite, so that a page of many groups is answered at once. It is a cache, without rollout text.

A store belongs to files, options and profiles. It is rebuilt when the files change, and a group whose rollouts are the same
keeps its result.
"""

import hashlib
import json
import os
import sqlite3
from collections.abc import Iterable, Mapping, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward_service.cli.seeing.groups import SORTS, SeenGroup, as_plain, from_plain, marks_of, words_of

PAGE = 200
VERSION = 2
_TABLES = f"""
PRAGMA user_version = {VERSION};
CREATE TABLE documents (name TEXT PRIMARY KEY, document TEXT NOT NULL);
CREATE TABLE groups (
  n INTEGER PRIMARY KEY, digest TEXT NOT NULL, step TEXT, marks TEXT NOT NULL, words TEXT NOT NULL,
  {", ".join(f"{name} REAL NOT NULL" for name in SORTS)}, document TEXT NOT NULL
);
CREATE INDEX by_digest ON groups (digest);
CREATE INDEX by_step ON groups (step);
"""


@dataclass(frozen=True, slots=True)
class GroupQuery:
    """A choice of groups, as a URL says it."""

    filter: str = ""
    """A name in `FILTERS`; empty takes all."""
    sort: str = ""
    """A name in `SORTS`; empty keeps the order of the file."""
    text: str = ""
    step: str = ""
    page: int = 1


class Store:
    """One cache file."""

    def __init__(self, path: Path) -> None:
        """Open it; an unreadable one, or one of another version, is made again."""
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        self.path = path
        self._connection = self._opened()

    def _opened(self) -> sqlite3.Connection:
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        try:
            if connection.execute("PRAGMA user_version").fetchone() == (VERSION,):
                return connection
        except sqlite3.DatabaseError:
            pass
        connection.close()
        self.path.unlink(missing_ok=True)
        connection = sqlite3.connect(self.path, check_same_thread=False, isolation_level=None)
        connection.executescript(_TABLES)
        return connection

    def close(self) -> None:
        """Close the file."""
        self._connection.close()

    def rebuild(
        self, groups: Iterable[tuple[str, SeenGroup]], documents: Mapping[str, Mapping[str, Any]]
    ) -> None:
        """Replace everything, at once for readers.

        Args:
            groups: with their digests, in the order of the file.
            documents: what pages show of all groups together, by name.
        """
        with closing(self._connection.cursor()) as cursor:
            cursor.execute("BEGIN IMMEDIATE")
            cursor.execute("DELETE FROM groups")
            cursor.execute("DELETE FROM documents")
            cursor.executemany(
                f"INSERT INTO groups VALUES ({', '.join('?' * (6 + len(SORTS)))})",  # noqa: S608  # only question marks
                (_row(n, digest, group) for n, (digest, group) in enumerate(groups)),
            )
            rows = [(name, json.dumps(document)) for name, document in documents.items()]
            cursor.executemany("INSERT INTO documents VALUES (?, ?)", rows)
            cursor.execute("COMMIT")

    def document(self, name: str) -> dict[str, Any]:
        """Return a document; an empty one if there is none."""
        found = self._connection.execute("SELECT document FROM documents WHERE name = ?", (name,)).fetchone()
        return json.loads(found[0]) if found else {}

    def known(self, digest: str) -> SeenGroup | None:
        """Return the group with a digest; None if there is none."""
        query = "SELECT document FROM groups WHERE digest = ? LIMIT 1"
        found = self._connection.execute(query, (digest,)).fetchone()
        return from_plain(json.loads(found[0])) if found else None

    def group(self, n: int) -> SeenGroup | None:
        """Return the group at a place in the order of the file; None if there is none."""
        found = self._connection.execute("SELECT document FROM groups WHERE n = ?", (n,)).fetchone()
        return from_plain(json.loads(found[0])) if found else None

    def page(self, query: GroupQuery, size: int = PAGE) -> tuple[int, list[tuple[int, SeenGroup]]]:
        """Return how many groups a query chooses, and one page of them with their places."""
        where, values = _where(query)
        order = f"{query.sort}, n" if query.sort in SORTS else "n"
        count = f"SELECT COUNT(*) FROM groups WHERE {where}"  # noqa: S608  # names of tables in code
        rows = f"SELECT n, document FROM groups WHERE {where} ORDER BY {order} LIMIT ? OFFSET ?"  # noqa: S608  # the same
        [total] = self._connection.execute(count, values).fetchone()
        found = self._connection.execute(rows, (*values, size, size * (query.page - 1)))
        return total, [(n, from_plain(json.loads(document))) for n, document in found]

    def counts(self, names: Sequence[str]) -> dict[str, int]:
        """Return how many groups pass each of these filters."""
        sums = ", ".join("SUM(instr(marks, ?) > 0)" for _ in names)
        found = self._connection.execute(f"SELECT {sums} FROM groups", [_mark(name) for name in names])  # noqa: S608  # the same
        return {name: count or 0 for name, count in zip(names, found.fetchone(), strict=True)}


def _mark(name: str) -> str:
    return f" {name} "


def _row(n: int, digest: str, group: SeenGroup) -> tuple[Any, ...]:
    marks = "".join(_mark(name) for name in marks_of(group))
    keys = [key(group) for key in SORTS.values()]
    return n, digest, group.step, marks, words_of(group), *keys, json.dumps(as_plain(group))


def _where(query: GroupQuery) -> tuple[str, list[str]]:
    parts = {
        "instr(marks, ?) > 0": _mark(query.filter) if query.filter else "",
        "instr(words, ?) > 0": query.text.casefold().strip(),
        "step = ?": query.step,
    }
    said = {condition: value for condition, value in parts.items() if value}
    return " AND ".join(said) or "TRUE", list(said.values())


def fingerprint(paths: Sequence[Path]) -> list[tuple[str, int, int]]:
    """Return what tells whether files have changed: names, sizes and times, of folders those of their files."""
    files = [
        file
        for path in paths
        for file in (sorted(path.rglob("*")) if path.is_dir() else [path])
        if file.is_file()
    ]
    stats = [(file, file.stat()) for file in files]
    return [(str(file), stat.st_size, stat.st_mtime_ns) for file, stat in stats]


def cache_folder() -> Path:
    """Return the user's folder for caches."""
    base = os.environ.get("XDG_CACHE_HOME")
    return (Path(base) if base else Path.home() / ".cache") / "reward-service"


def store_name(*said: object) -> str:
    """Return the name of the store that belongs to files, options and profiles."""
    return hashlib.sha256(repr(said).encode()).hexdigest()[:24] + ".sqlite"
