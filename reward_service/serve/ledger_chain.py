"""The chain of a ledger: how each line is sealed to the one before, and where the chain begins and ends.

A seal is a digest over a line and the seal before it. Without a key it finds accidents: anyone who can write the file can
also compute the seals again. With a key it is an HMAC, which only those who have the key can compute.

Lines missing in the middle break the chain. Lines missing at either end do not, so both ends are kept in a small file
beside the ledger, `<name>.ends`, and written each time the ledger is.
"""

import hashlib
import hmac
import json
import os
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from reward_service.serve.errors import BadLedger

GENESIS = "sha256:" + "0" * 64
MIN_KEY_BYTES = 32  # of HMAC-SHA256: a shorter key is weaker than the hash (RFC 2104, section 3)
SEAL = ',"digest":"'
ENDS_BYTES = 512  # always the same, so that writing them again needs no space on the disk


class Seal(NamedTuple):
    """How lines are sealed."""

    key: bytes = b""
    """Empty: by a plain digest."""

    @property
    def prefix(self) -> str:
        """What a seal of this kind begins with."""
        return "hmac-sha256:" if self.key else "sha256:"

    def digest(self, body: str, before: str) -> str:
        """Return the seal of a line after the line that is sealed by `before`."""
        said = f"{before}\n{body}".encode()
        made = hmac.new(self.key, said, hashlib.sha256) if self.key else hashlib.sha256(said)
        return self.prefix + made.hexdigest()

    def sealed(self, line: Mapping[str, Any], before: str) -> tuple[bytes, str]:
        """Return a line with its seal, and the seal."""
        body = json.dumps(line, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
        digest = self.digest(body, before)
        return f'{body[:-1]}{SEAL}{digest}"}}\n'.encode(), digest

    def problem(self, body: str, digest: str, before: str | None) -> str | None:
        """Return what is wrong with the seal of a line; None if it is right, or follows a line that is not known."""
        if not digest.startswith(self.prefix):
            return (
                "it is not sealed with the key" if self.key else "it is sealed with a key: name the key file"
            )
        if before is not None and digest != self.digest(body, before):
            return "the chain is broken: lines were changed, lost or moved"
        return None


def seal_of(path: Path | None) -> Seal:
    """Return the seal by the key in a file; the plain one without a file.

    Raises:
        BadLedger: the key is too short.
        OSError: it cannot be read.
    """
    if path is None:
        return Seal()
    key = path.read_bytes().strip()
    if len(key) < MIN_KEY_BYTES:
        raise BadLedger(f"{path}: the key of a ledger must have at least {MIN_KEY_BYTES} bytes")
    return Seal(key)


def parted(raw: bytes) -> tuple[str, str]:
    """Return a line's body, as it was sealed, and its seal; the seal is empty if there is none."""
    body, _, seal = raw.decode("utf-8", "replace").rstrip("\n").rpartition(SEAL)
    return body + "}", seal.removesuffix('"}')


def last_digest(raw: bytes, path: Path) -> str:
    """Return the seal of the last line of a file.

    Raises:
        BadLedger: it is no line of a ledger.
    """
    try:
        digest = json.loads(raw)["digest"]
    except (ValueError, KeyError, TypeError, RecursionError):
        digest = None
    if not isinstance(digest, str):
        raise BadLedger(
            f"{path}: the last line is no line of a ledger; move the file away, or repair its end"
        )
    return digest


class Ends(NamedTuple):
    """Where the chain of a ledger begins and ends."""

    begin: str | None = GENESIS
    """Seal before the first line that is kept; None if it is not known."""
    rolled: str | None = GENESIS
    """Seal before the first line of the newer file."""
    end: str = GENESIS
    """Seal of the last line."""

    def encoded(self, seal: Seal) -> bytes:
        """Return the content of the file `<name>.ends`."""
        line, _ = seal.sealed(self._asdict(), "ends")
        return line.ljust(ENDS_BYTES)


def ends_path(path: Path) -> Path:
    """Return where the ends of a ledger are kept."""
    return path.with_name(path.name + ".ends")


def read_ends(path: Path, seal: Seal) -> Ends | None:
    """Return the ends of a ledger; None if they are not kept beside it.

    Raises:
        BadLedger: the file has other content, or is not sealed with the key.
    """
    if not os.path.lexists(ends_path(path)):
        return None
    raw = ends_path(path).read_bytes().strip()
    body, digest = parted(raw)
    if seal.problem(body, digest, "ends"):
        raise BadLedger(f"{ends_path(path)}: not what a ledger wrote, or sealed with another key")
    return Ends(**json.loads(body))
