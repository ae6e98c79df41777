"""The ledger: one line for every group whose rewards were published, kept so that each can be computed again.

A line holds what `reward` read (integers, outcomes, statuses, signals, the estimator, the policy), which profile and engine read
it, and what came out, floats as Python writes them, which is exact. It holds no text. Each line ends in the digest of itself and of the line
before, so a line that is changed, lost or moved shows (`ledger_chain`).

The file has a cap: at half of it, it becomes `<name>.1`, in place of the one before, and a new file begins whose first
line goes on from the last digest. One process writes a file; a second one is refused.
"""

import errno
import fcntl
import os
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple, Self
from uuid import uuid4

from reward_service import __version__
from reward_service.core.advantages import BATCH_ESTIMATORS
from reward_service.core.fields import plain
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST, VERSIONS
from reward_service.core.types import Estimator, GroupResult, PartialPolicy, RolloutFacts
from reward_service.serve.errors import BadLedger, InvalidRequest, LedgerUnavailable
from reward_service.serve.ledger_chain import (
    GENESIS,
    Ends,
    Seal,
    ends_path,
    last_digest,
    read_ends,
)

VERSION = 2
"""2 added the judgements of rollouts; lines of version 1 are read as they are."""
FORMULAS = VERSIONS["formulas"]
"""The one version of the engine that recomputing depends on: `reward` reads numbers, whichever parser and matcher counted them."""
PLAIN = Seal()
# Of facts: what `reward` does not read of a rollout, and what it has in common with its group.
NOT_READ = frozenset({"entities", "flags", "detail", "evidence"})
ALWAYS, BY_TURN = ("reward", "advantage", "weight"), ("turn_rewards", "turn_advantages")
MAX_LINE_BYTES = 64 * 1024 * 1024  # the last line is read at start; 512 rollouts take 100 kB
PROBE_BYTES = 4096  # a block of most file systems: where there is room for it, there is room for a group


class Published(NamedTuple):
    """One group whose rewards go out."""

    run_id: str
    group_id: str
    question_id: str | None
    index_digest: str | None
    """Of the index version that held the ground truth; None where it was sent inline."""
    facts: Sequence[RolloutFacts]
    result: GroupResult
    missing: int = 0
    """Members that never came; the policy treats them like unscored ones."""


class RecordedBatch(NamedTuple):
    """The groups of a call whose estimator compares them with each other."""

    id: str
    groups: int
    """How many of them are recorded, a line each."""


class Terms(NamedTuple):
    """What a call's groups have in common."""

    request_id: str
    """Empty for a group that was assembled: it has many requests."""
    profile: Profile
    estimator: Estimator
    policy: PartialPolicy
    progress: float | None = None
    """Share of the training that is done; None where no weight depends on it."""
    batch: RecordedBatch | None = None
    """None if the estimator compares the rollouts of one group alone."""

    def over(self, groups: int) -> Self:
        """Return terms that name so many groups as a batch, if the estimator compares them."""
        if self.estimator.type not in BATCH_ESTIMATORS:
            return self
        return self._replace(batch=RecordedBatch(uuid4().hex, groups))


def published_numbers(result: GroupResult) -> dict[str, Any]:
    """Return what was published of a group's numbers; those of turns only where there are any."""
    columns = {name: [getattr(one, name) for one in result.rollouts] for name in (*ALWAYS, *BY_TURN)}
    kept = {name: column for name, column in columns.items() if name in ALWAYS or any(column)}
    return {"group_max": result.group_max, **kept}


def _receipt(profile: Profile) -> dict[str, Any]:
    """Return which profile paid, with the packages that gave it signals, if any."""
    named = {"name": profile.name, "digest": profile.digest}
    return {**named, "plugins": [asdict(pin) for pin in profile.plugins]} if profile.plugins else named


def _line(one: Published, terms: Terms, at: str) -> dict[str, Any]:
    return {
        "v": VERSION,
        "at": at,
        "service": __version__,
        "request_id": terms.request_id,
        "run_id": one.run_id,
        "group_id": one.group_id,
        "question_id": one.question_id,
        "index": one.index_digest,
        "profile": _receipt(terms.profile),
        "engine": ENGINE_DIGEST,
        "formulas": FORMULAS,
        "estimator": asdict(terms.estimator),
        "policy": asdict(terms.policy),
        "progress": terms.progress,
        **({"batch": terms.batch._asdict()} if terms.batch else {}),
        "entities": one.result.entities,
        "missing": one.missing,
        "status": one.result.status,
        "rollouts": [plain(fact, without=NOT_READ) for fact in one.facts],
        "published": published_numbers(one.result),
    }


class Ledger:
    """An open ledger."""

    def __init__(self, path: Path, *, max_bytes: int, seal: Seal = PLAIN) -> None:
        """Open a file for writing, after its last whole line.

        Raises:
            OSError: it cannot be written, or another process writes it.
            BadLedger: its last line is no line of a ledger, or its ends are sealed with another key.
        """
        self.path = path
        self._seal = seal
        self._half = max_bytes // 2
        self._refused_bytes = 0
        """Size of what could not be written last; 0 if the last write went well."""
        self._file = _opened(path)
        try:
            self._size, self._ends = self._resume()
            self._ends_file = os.open(ends_path(path), os.O_RDWR | os.O_CREAT, 0o640)
            self._anchor(self._ends)
        except BaseException:
            os.close(self._file)
            raise

    def _resume(self) -> tuple[int, Ends]:
        """Cut off a line that a crash left unfinished, and return the size and the ends.

        If the last line that was written is missing, the chain goes on from that line, so that the gap shows.
        """
        size, tail = _whole_lines(self._file, self.path)
        if size != os.fstat(self._file).st_size:
            os.ftruncate(self._file, size)
        kept = tail or _tail_of(_older(self.path))
        last = last_digest(kept.splitlines()[-1], self.path) if kept else GENESIS
        ends = read_ends(self.path, self._seal)
        if ends is None:
            return size, Ends(end=last) if last == GENESIS else Ends(None, None, last)
        return size, ends._replace(end=last if ends.end == GENESIS or ends.end.encode() in kept else ends.end)

    def write(self, published: Iterable[Published], terms: Terms) -> int:
        """Record groups before their rewards go out; return how many.

        Raises:
            InvalidRequest: the record of a group would be too long to be read again.
            LedgerUnavailable: they could not be written; none of them counts as recorded.
        """
        at, digest = datetime.now(UTC).isoformat(timespec="milliseconds"), self._ends.end
        lines = []
        for one in published:
            line, digest = self._seal.sealed(_line(one, terms, at), digest)
            if len(line) > MAX_LINE_BYTES:
                raise InvalidRequest(f"the ledger's line of a group may have {MAX_LINE_BYTES} bytes")
            lines.append(line)
        self._append(b"".join(lines), digest)
        return len(lines)

    def check(self) -> None:
        """Make sure that a group could be recorded now.

        Raises:
            LedgerUnavailable: it could not.
        """
        try:
            os.write(self._file, b"")  # refused by a descriptor that is closed or may only be read
            self._make_room(self._refused_bytes)
            _write_and_remove(self.path.with_name(self.path.name + ".probe"))
        except OSError as error:
            raise LedgerUnavailable(f"{error.strerror}") from None
        self._refused_bytes = 0

    def _append(self, data: bytes, digest: str) -> None:
        try:
            self._make_room(len(data))
            self._put(data)
            self._anchor(self._ends._replace(end=digest))
        except OSError as error:
            self._refused_bytes = len(data)
            raise LedgerUnavailable(f"{error.strerror}") from None
        self._size += len(data)
        self._refused_bytes = 0

    def _put(self, data: bytes) -> None:
        """Write after the last whole line, and after nothing else: what an earlier try left is cut off first."""
        if os.fstat(self._file).st_size != self._size:
            os.ftruncate(self._file, self._size)
        if os.write(self._file, data) < len(data):
            raise OSError(errno.ENOSPC, "the file system is full")

    def _anchor(self, ends: Ends) -> None:
        os.pwrite(self._ends_file, ends.encoded(self._seal), 0)
        self._ends = ends

    def _make_room(self, size: int) -> None:
        """Begin a new file if the cap asks for it.

        The new file is open and locked before anything else changes, so this ledger always has a file of its own.
        """
        if not self._size or self._size + size <= self._half:
            return
        aside = self.path.with_name(self.path.name + ".next")
        fresh = _opened(aside)
        try:
            os.replace(self.path, _older(self.path))  # noqa: PTH105  # the two names are one act
            os.replace(aside, self.path)  # noqa: PTH105
        except OSError:
            os.close(fresh)
            raise
        os.close(self._file)
        self._file, self._size = fresh, 0
        self._anchor(Ends(self._ends.rolled, self._ends.end, self._ends.end))

    def close(self) -> None:
        """Bring it to the disk and let go of it."""
        for file in (self._file, self._ends_file):
            os.fsync(file)
            os.close(file)


def _opened(path: Path) -> int:
    """Open a file that no other process writes.

    Raises:
        OSError: it cannot be written, or another process writes it.
    """
    file = os.open(path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        os.close(file)
        raise OSError(errno.EWOULDBLOCK, f"another process writes the ledger {path}") from None
    return file


def _write_and_remove(path: Path) -> None:
    """Make sure that the folder takes files with content.

    Raises:
        OSError: it does not: the disk is full, or read-only.
    """
    try:
        path.write_bytes(bytes(PROBE_BYTES))
    finally:
        path.unlink(missing_ok=True)


def _whole_lines(file: int, path: Path) -> tuple[int, bytes]:
    """Return where the last whole line of a file ends, and the end of the file up to there.

    Raises:
        BadLedger: what comes after the last whole line is longer than any line.
    """
    size = os.fstat(file).st_size
    begin = max(0, size - MAX_LINE_BYTES)
    tail = os.pread(file, size - begin, begin)
    whole = tail.rfind(b"\n") + 1
    if begin and not whole:
        raise BadLedger(
            f"{path}: the last line is no line of a ledger; move the file away, or repair its end"
        )
    return begin + whole, tail[:whole]


def _tail_of(path: Path) -> bytes:
    """Return the end of a file, whole lines only; empty if there is no such file."""
    if not path.exists():
        return b""
    with path.open("rb") as file:
        return _whole_lines(file.fileno(), path)[1]


def _older(path: Path) -> Path:
    return path.with_name(path.name + ".1")


def read(path: Path) -> Iterator[bytes]:
    """Yield the lines of a ledger, oldest first."""
    for file in (_older(path), path):
        if file.exists():
            with file.open("rb") as lines:
                yield from lines
