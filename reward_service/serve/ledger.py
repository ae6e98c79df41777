"""The ledger: one line for every group whose rewards were published, kept so that each can be computed again.

A line holds what `reward` read (integers, outcomes, statuses, signals, the estimator, the policy), which profile and engine read
it, and what came out, floats as Python writes them, which is exact. It holds no text. Each line ends in the digest of itself and of the line
before, so a line that is changed, lost or moved shows.

The file has a cap: at half of it, it becomes `<name>.1`, in place of the one before, and a new file begins whose first
line goes on from the last digest. One process writes a file; a second one is refused.
"""

import fcntl
import hashlib
import json
import os
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, NamedTuple

from reward_service import __version__
from reward_service.core.fields import built, plain
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST, reward
from reward_service.core.types import Estimator, GroupResult, PartialPolicy, RolloutFacts
from reward_service.serve.errors import LedgerUnavailable

VERSION = 1
GENESIS = "sha256:" + "0" * 64
# Of facts: what `reward` does not read of a rollout, and what it has in common with its group.
NOT_READ = frozenset({"entities", "flags", "detail", "evidence"})
TAIL_BYTES = 64 * 1024 * 1024  # no line is longer: 512 rollouts take 100 kB


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


class Terms(NamedTuple):
    """What a call's groups have in common."""

    request_id: str
    """Empty for a group that was assembled: it has many requests."""
    profile: Profile
    estimator: Estimator
    policy: PartialPolicy
    progress: float | None = None
    """Share of the training that is done; None where no weight depends on it."""


def _published(result: GroupResult) -> dict[str, Any]:
    """Return what was published of a group's numbers."""
    return {
        "group_max": result.group_max,
        "reward": [one.reward for one in result.rollouts],
        "advantage": [one.advantage for one in result.rollouts],
        "weight": [one.weight for one in result.rollouts],
    }


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
        "profile": {"name": terms.profile.name, "digest": terms.profile.digest},
        "engine": ENGINE_DIGEST,
        "estimator": asdict(terms.estimator),
        "policy": asdict(terms.policy),
        "progress": terms.progress,
        "entities": one.result.entities,
        "missing": one.missing,
        "status": one.result.status,
        "rollouts": [plain(fact, without=NOT_READ) for fact in one.facts],
        "published": _published(one.result),
    }


def _sealed(line: Mapping[str, Any], before: str) -> tuple[bytes, str]:
    """Return a line with its digest, and the digest."""
    body = json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    digest = _digest(body, before)
    return f'{body[:-1]},"digest":"{digest}"}}\n'.encode(), digest


def _digest(body: str, before: str) -> str:
    return "sha256:" + hashlib.sha256(f"{before}\n{body}".encode()).hexdigest()


class Ledger:
    """An open ledger."""

    def __init__(self, path: Path, *, max_bytes: int) -> None:
        """Open a file for writing, after its last whole line.

        Raises:
            OSError: it cannot be written, or another process writes it.
        """
        self.path = path
        self._half = max_bytes // 2
        self._file = self._open()
        self._digest = self._resume()

    def _open(self) -> int:
        file = os.open(self.path, os.O_RDWR | os.O_APPEND | os.O_CREAT, 0o640)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            os.close(file)
            raise OSError(f"another process is writing to the ledger {self.path}") from None
        return file

    def _resume(self) -> str:
        """Cut off a line that a crash left unfinished, and return the last digest."""
        size = os.fstat(self._file).st_size
        begin = max(0, size - TAIL_BYTES)
        tail = os.pread(self._file, size - begin, begin)
        whole = tail.rfind(b"\n") + 1
        os.ftruncate(self._file, begin + whole)
        last = tail[:whole].splitlines()[-1:]
        return str(json.loads(last[0])["digest"]) if last else _last_digest(_older(self.path))

    def write(self, published: Iterable[Published], terms: Terms) -> int:
        """Record groups before their rewards go out; return how many.

        Raises:
            LedgerUnavailable: they could not be written; none of them counts as recorded.
        """
        at, digest = datetime.now(UTC).isoformat(timespec="milliseconds"), self._digest
        lines = []
        for one in published:
            line, digest = _sealed(_line(one, terms, at), digest)
            lines.append(line)
        self._append(b"".join(lines))
        self._digest = digest
        return len(lines)

    def _append(self, data: bytes) -> None:
        size = os.fstat(self._file).st_size
        try:
            if size + len(data) > self._half and size:
                self._roll()
                size = 0
            written = os.write(self._file, data)
        except OSError as error:
            raise LedgerUnavailable(f"{error.strerror}") from None
        if written < len(data):
            os.ftruncate(self._file, size)
            raise LedgerUnavailable("the file system is full")

    def _roll(self) -> None:
        os.replace(self.path, _older(self.path))  # noqa: PTH105  # the two names are one act
        os.close(self._file)
        self._file = self._open()

    def close(self) -> None:
        """Bring it to the disk and let go of it."""
        os.fsync(self._file)
        os.close(self._file)


def _older(path: Path) -> Path:
    return path.with_name(path.name + ".1")


def _last_digest(path: Path) -> str:
    if not path.exists():
        return GENESIS
    digest = GENESIS
    with path.open("rb") as lines:
        for line in lines:
            digest = json.loads(line)["digest"]
    return digest


class Finding(NamedTuple):
    """What verifying one line showed."""

    line: int
    group_id: str
    problem: str | None
    """None: the same rewards, bit for bit."""


def verify(lines: Iterable[bytes], profiles: Mapping[str, Profile]) -> Iterator[Finding]:
    """Compute every reward of a ledger again.

    Args:
        lines: of one file or of several, oldest first; the first line's chain is taken as given.
        profiles: known profiles by digest.
    """
    before: str | None = None
    for number, raw in enumerate(lines, start=1):
        body, _, seal = raw.decode("utf-8", "replace").rstrip("\n").rpartition(',"digest":"')
        digest = seal.removesuffix('"}')
        try:
            line = json.loads(body + "}")
            broken = before is not None and digest != _digest(body + "}", before)
            problem = "the chain is broken: lines were changed, lost or moved" if broken else None
            yield Finding(number, str(line.get("group_id")), problem or _difference(line, profiles))
        except (ValueError, KeyError, TypeError, AttributeError):
            yield Finding(number, "?", "not a ledger line")
        before = digest


def _difference(line: Mapping[str, Any], profiles: Mapping[str, Profile]) -> str | None:
    """Return how the rewards of a line differ from what they should be; None where they do not."""
    profile = profiles.get(line["profile"]["digest"])
    if profile is None:
        return f"no known profile has the digest recorded for {line['profile']['name']}"
    if line["engine"] != ENGINE_DIGEST:
        return "computed by another engine version"
    result = reward(
        [built(RolloutFacts, {**fact, "entities": line["entities"]}) for fact in line["rollouts"]],
        profile,
        estimator=Estimator(**line["estimator"]),
        partial=PartialPolicy(**line["policy"]),
        missing=line["missing"],
        progress=line["progress"],
    )
    again = json.dumps(_published(result))  # as text: -0.0 is not 0.0
    return None if again == json.dumps(line["published"]) else "recomputing gives different rewards"


def read(path: Path) -> Iterator[bytes]:
    """Yield the lines of a ledger, oldest first."""
    for file in (_older(path), path):
        if file.exists():
            with file.open("rb") as lines:
                yield from lines
