"""API keys: `rk_<id>_<secret>`, kept as the hash of the secret, with scopes and, if wanted, an end.

The file is a YAML list. Several keys are valid at once; it is read again when it changes, and a file that cannot be read
leaves the keys before it valid. Secrets are compared as bytes in constant time, and an unknown id costs as much as a
wrong secret.
"""

import hashlib
import hmac
import logging
import os
import re
import secrets
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from pathlib import Path
from typing import Any

import yaml

from entity_index.errors import sentence

log = logging.getLogger("reward_service.keys")

PREFIX = "rk"
SCOPES = ("score", "explain", "ingest", "admin")
ID = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")
HASH = re.compile(r"[0-9a-f]{64}")
FIELDS = frozenset({"id", "owner", "sha256", "scopes", "not_after"})
LOOK_AGAIN_S = 1.0


class BadKeyFile(ValueError):  # names what it is about
    """The key file cannot be used."""


@dataclass(frozen=True, slots=True)
class Key:
    """One key, without its secret."""

    id: str
    sha256: bytes
    scopes: frozenset[str]
    owner: str
    """Runs belong to the owner of the key that declared them. Several keys may share one, so that keys rotate."""
    not_after: datetime | None = None
    """None: valid until it is removed."""

    def allows(self, scope: str | None) -> bool:
        """Say whether the key may be used for a scope; `admin` allows everything, None is allowed to every key."""
        return scope is None or scope in self.scopes or "admin" in self.scopes

    def has_ended(self, now: datetime) -> bool:
        """Say whether the key is no longer valid."""
        return self.not_after is not None and now > self.not_after


NOBODY = Key("", bytes(32), frozenset(), "")
# Of a call to a service without keys, which is reachable from its own machine alone.
ANYONE = Key("", bytes(32), frozenset(SCOPES), "")


def generate(key_id: str, scopes: Iterable[str]) -> tuple[str, str]:
    """Return a new key, and the lines for the key file.

    Raises:
        BadKeyFile: the id or a scope cannot be used.
    """
    secret = secrets.token_urlsafe(32)
    record = {"id": key_id, "sha256": _hash(secret.encode()).hex(), "scopes": list(scopes)}
    _key(record, "the key")
    return f"{PREFIX}_{key_id}_{secret}", yaml.safe_dump([record], sort_keys=False)


def parse_keys(text: str) -> dict[str, Key]:
    """Read a key file.

    Raises:
        BadKeyFile: it is not a list of keys; the message quotes no hash.
    """
    try:
        document = yaml.safe_load(text)
    except (yaml.YAMLError, ValueError, RecursionError):  # ValueError: a date without a meaning, 2026-99-99
        raise BadKeyFile("the key file is not valid YAML") from None
    if not isinstance(document, list) or not document:
        raise BadKeyFile("the key file must be a list of at least one key")
    keys = [_key(record, f"key {n}") for n, record in enumerate(document, start=1)]
    if len({key.id for key in keys}) < len(keys):
        raise BadKeyFile("two keys have the same id")
    return {key.id: key for key in keys}


def _key(record: Any, where: str) -> Key:
    if not isinstance(record, Mapping) or set(record) - FIELDS:
        raise BadKeyFile(
            f"{where} must have the fields id, scopes and sha256, and may have not_after and owner"
        )
    key_id, digest, scopes = _text(record.get("id")), _text(record.get("sha256")), record.get("scopes")
    owner = _text(record.get("owner", key_id))
    for name, value in (("id", key_id), ("owner", owner)):
        if not ID.fullmatch(value):
            raise BadKeyFile(f"{where}: the {name} must consist of lower-case letters, digits and hyphens")
    if not HASH.fullmatch(digest):
        raise BadKeyFile(f"{where}: sha256 must be 64 hexadecimal digits")
    if not isinstance(scopes, list) or not scopes or not all(scope in SCOPES for scope in scopes):
        raise BadKeyFile(f"{where}: scopes must be one or more of {', '.join(SCOPES)}")
    return Key(key_id, bytes.fromhex(digest), frozenset(scopes), owner, _end(record.get("not_after"), where))


def _text(value: Any) -> str:
    """Return a name, also one of digits alone, which YAML reads as a number; empty if it is anything else."""
    return str(value) if isinstance(value, str | int) else ""


def _end(value: Any, where: str) -> datetime | None:
    """Return the last moment of a key; a date without a time is valid to its end, UTC."""
    if isinstance(value, datetime):
        return value if value.tzinfo else value.replace(tzinfo=UTC)
    if isinstance(value, date):
        return datetime.combine(value, time.max, UTC)
    if value is None:
        return None
    raise BadKeyFile(f"{where}: not_after must be a date")


def _hash(secret: bytes) -> bytes:
    return hashlib.sha256(secret).digest()


def find(keys: Mapping[str, Key], token: bytes) -> Key | None:
    """Return the key a token is, also one that has ended; None where it is none."""
    prefix, _, rest = token.partition(b"_")
    key_id, _, secret = rest.partition(b"_")
    known = keys.get(key_id.decode("latin-1"), NOBODY)
    equal = hmac.compare_digest(_hash(secret), known.sha256)
    return known if prefix == PREFIX.encode() and equal and known is not NOBODY else None


def _read(path: Path) -> dict[str, Key]:
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        raise BadKeyFile("the key file is not UTF-8") from None
    return parse_keys(text)


class KeyRing:
    """The keys of a file, read again when it changes."""

    def __init__(self, path: Path, *, clock: Callable[[], float], failed: Callable[[], None]) -> None:
        """Read the file.

        Args:
            path: the key file.
            clock: seconds, to look at the file at most once a second.
            failed: called when a changed file cannot be used.

        Raises:
            BadKeyFile, OSError: it cannot be used now.
        """
        self.path = path
        self._clock = clock
        self._failed = failed
        self._mark = self._stat()
        self._keys = _read(path)
        self._looked = clock()
        self._problem: str | None = None

    def _stat(self) -> tuple[int, int, int]:
        stat = os.stat(self.path)  # noqa: PTH116  # a symlink that is swapped, as Kubernetes does, shows as another inode
        return stat.st_ino, stat.st_mtime_ns, stat.st_size

    def keys(self) -> Mapping[str, Key]:
        """Return the keys that are valid now."""
        if self._clock() - self._looked >= LOOK_AGAIN_S:
            self._looked = self._clock()
            self._refresh()
        return self._keys

    def _refresh(self) -> None:
        try:
            mark = self._stat()
            if mark != self._mark:
                self._keys = _read(self.path)
                self._mark = mark
            self._problem = None
        except (OSError, BadKeyFile) as error:
            self._failed()
            self._tell(sentence(error))

    def _tell(self, problem: str) -> None:
        """Log what is wrong with the file, once while it stays that way: the file is looked at every second."""
        if problem != self._problem:
            log.warning("the key file cannot be used, and the keys before it stay valid: %s", problem)
        self._problem = problem
