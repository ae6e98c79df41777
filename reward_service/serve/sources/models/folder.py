"""What a folder of a model may hold, and its digest.

A folder is data. Formats that execute code when they are read (pickles, Python files) are refused, as is a configuration
that asks for code from elsewhere.
"""

import hashlib
import json
from pathlib import Path

REFUSED = (".bin", ".pt", ".pth", ".ckpt", ".pkl", ".pickle", ".joblib", ".npy", ".py", ".pyc", ".so")
WEIGHTS = ".safetensors"
CONFIG = "config.json"
CHUNK_BYTES = 1024 * 1024


class UnsafeFolder(ValueError):
    """A folder that is not used; the message says which file is the reason."""


def folder_digest(folder: Path) -> str:
    """Return the digest of a folder's files: `sha256:` and the hash of the name and the hash of each, sorted by name.

    Raises:
        UnsafeFolder: it holds something that could be executed, or no model.
        OSError: it cannot be read.
    """
    files = sorted(path for path in folder.iterdir() if path.is_file() and not path.name.startswith("."))
    _check(files, folder)
    lines = "".join(f"{path.name} {_hash(path)}\n" for path in files)
    return f"sha256:{hashlib.sha256(lines.encode()).hexdigest()}"


def check_folder(folder: Path, digest: str) -> None:
    """Make sure that a folder holds what it is known to hold.

    Raises:
        UnsafeFolder: it does not, or it must not be used.
        OSError: it cannot be read.
    """
    found = folder_digest(folder)
    if found != digest:
        raise UnsafeFolder(f"{folder} has the digest {found}, not {digest}")


def _check(files: list[Path], folder: Path) -> None:
    for path in files:
        if path.name.lower().endswith(REFUSED):
            raise UnsafeFolder(f"{path} could execute code when it is read: only {WEIGHTS} is used")
    names = {path.name for path in files}
    if CONFIG not in names or not any(name.endswith(WEIGHTS) for name in names):
        raise UnsafeFolder(f"{folder} has no {CONFIG}, or no weights as {WEIGHTS}")
    for path in files:
        if path.suffix == ".json" and "auto_map" in _keys(path):
            raise UnsafeFolder(f"{path} asks for code from elsewhere (auto_map)")


def _keys(path: Path) -> set[str]:
    try:
        document = json.loads(path.read_bytes())
    except ValueError:
        raise UnsafeFolder(f"{path} is no JSON") from None
    return set(document) if isinstance(document, dict) else set()


def _hash(path: Path) -> str:
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while piece := file.read(CHUNK_BYTES):
            digest.update(piece)
    return digest.hexdigest()
