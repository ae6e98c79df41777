"""The containers of rows: lines, a JSON array or object, a table, a folder of such files, or one that `datasets` has saved.

Each is recognised by its name or by its first bytes, and streamed where possible. A file may be compressed (`.gz`, `.zst`). A row
that cannot be read is a value with its place, so that it can be counted; a container that cannot be read is an error.
"""

import csv
import gzip
import json
import sys
import zlib
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from importlib import import_module
from io import BytesIO, TextIOWrapper
from itertools import chain
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeAlias, cast
from zipfile import BadZipFile, ZipFile

from entity_index.errors import InvalidRecord, UnreadableInput
from entity_index.readers.rows import MAX_LINE_BYTES, Refusal, Row, bounded_lines, json_of, rows_of
from entity_index.types import Question

Shape: TypeAlias = "Callable[[Mapping[str, object]], Question]"
Opener: TypeAlias = "Callable[[Path], IO[bytes]]"

SAVED = ("dataset_dict.json", "dataset_info.json")
FILES = (".json", ".jsonl", ".ndjson", ".parquet", ".eval")  # tables beside them are mostly metrics
COMPRESSED = (".gz", ".zst")
PARQUET_ROWS = 1000
MAX_CELL_CHARS = 256 * 1024 * 1024
DECODER = json.JSONDecoder()
BLANK = b"\xef\xbb\xbf \t\r\n"  # a byte order mark too
STANDARD_INPUT = Path("-")
FOREIGN = {
    b"\x1f\x8b": "gzip; give it a name that ends with .gz, or unpack it",
    b"\x28\xb5\x2f\xfd": "zstd; give it a name that ends with .zst, or unpack it",
    b"PAR1": "parquet; give it a name that ends with .parquet",
    b"PK\x03\x04": "a zip archive or a spreadsheet; unpack or export it",
    b"SQLite format 3\x00": "a SQLite database; export it as JSON lines",
    b"\xff\xfe": "UTF-16; save it as UTF-8",
    b"\xfe\xff": "UTF-16; save it as UTF-8",
}
"""How files begin that are not read under their name, and what to do with them."""


class Value(NamedTuple):
    """One value of a file, and where it is."""

    path: Path
    line: int
    """Line of its file, or its place in an array; counted from 1."""
    value: object
    """An InvalidRecord where it could not be read."""


def named(path: Path) -> str:
    """Return a file as people know it."""
    return "standard input" if path == STANDARD_INPUT else str(path)


def read_path(path: Path, to_question: Shape, *, opened: "Opener | None" = None) -> Iterator[Row | Refusal]:
    """Read the rows of a file or folder; in a folder of files the number counts through all of them.

    Args:
        path: what to read.
        to_question: the shape of its rows.
        opened: opens a file; a place for a progress bar.

    Raises:
        UnreadableInput: the container is broken, or needs a package that is not installed.
    """
    values = values_of(path, opened=opened)
    if path.is_dir():
        return rows_of(((n, one.value) for n, one in enumerate(values, start=1)), to_question)
    return rows_of(((one.line, one.value) for one in values), to_question)


def values_of(
    path: Path, *, opened: "Opener | None" = None, limit: int = MAX_LINE_BYTES, nested: bool = False
) -> Iterator[Value]:
    """Yield the values of a file, a folder, or standard input (`-`).

    Args:
        path: what to read.
        opened: opens a file; a place for a progress bar.
        limit: most bytes of a line.
        nested: also look into the folders of a folder.

    Raises:
        UnreadableInput: the container is broken, or needs a package that is not installed.
    """
    opens = opened or _open
    if not path.is_dir():
        yield from _file(path, opens, limit)
        return
    if any((path / name).exists() for name in SAVED):
        yield from (Value(path, n, row) for n, row in enumerate(_saved(path), start=1))
        return
    files = [
        one for one in sorted(path.rglob("*") if nested else path.glob("*")) if is_read(one) and one.is_file()
    ]
    if not files:
        raise UnreadableInput(f"{path} holds neither JSON files nor a saved data set")
    for one in files:
        yield from _file(one, opens, limit)


def is_read(path: Path) -> bool:
    """Return whether a file of this name is read where a folder holds it."""
    return _kind(path) in FILES


def _kind(path: Path) -> str:
    """Return the ending that says what a file holds, whether or not it is compressed."""
    return Path(path.stem).suffix if path.suffix in COMPRESSED else path.suffix


def _open(path: Path) -> IO[bytes]:
    return sys.stdin.buffer if path == STANDARD_INPUT else path.open("rb")


def _file(path: Path, opened: Opener, limit: int) -> Iterator[Value]:
    with opened(path) as source, _readable(path, *_damage(path)):
        if _kind(path) in ROWS:
            values: Iterable[tuple[int, object]] = enumerate(
                ROWS[_kind(path)](path, _seekable(path, source)), start=1
            )
        else:
            values = _json(path, _unpacked(path, source), limit)
        yield from (Value(path, line, value) for line, value in values)


def _unpacked(path: Path, source: IO[bytes]) -> IO[bytes]:
    """Return what a file holds once it is unpacked."""
    if path.suffix not in COMPRESSED:
        return source
    return cast("IO[bytes]", gzip.open(source) if path.suffix == ".gz" else _zstd().open(source))


def _seekable(path: Path, source: IO[bytes]) -> IO[bytes]:
    """Return what a file holds once it is unpacked; parquet and archives are read from their end."""
    return source if path.suffix not in COMPRESSED else BytesIO(_unpacked(path, source).read())


def _zstd() -> Any:
    """Return the module that unpacks zstd: the standard library has it from Python 3.14 on."""
    name = "compression.zstd" if sys.version_info >= (3, 14) else "backports.zstd"
    try:
        return import_module(name)
    except ModuleNotFoundError as error:
        raise UnreadableInput(".zst needs backports.zstd: pip install 'reward-service[server]'") from error


def _damage(path: Path) -> tuple[type[Exception], ...]:
    """Return what a damaged file raises while it is unpacked."""
    return (
        {".gz": (EOFError, zlib.error, gzip.BadGzipFile), ".zst": (EOFError, _zstd().ZstdError)}.get(
            path.suffix, ()
        )
        if path.suffix in COMPRESSED
        else ()
    )


def _json(path: Path, file: IO[bytes], limit: int) -> Iterator[tuple[int, object]]:
    """Yield the lines of a file, or the items of the array or the one object that it is."""
    head = _up_to_text(file, limit)
    for mark, what in FOREIGN.items():
        if head.startswith(mark):
            raise UnreadableInput(f"{named(path)} cannot be read: it holds {what}")
    if _begins(head, b"[") or (_begins(head, b"{") and isinstance(json_of(head), InvalidRecord)):
        whole = head + file.read()
        document = _document(path, whole)
        if document is not None:
            return enumerate(document if isinstance(document, list) else [document], start=1)
        return _lines(BytesIO(whole), limit)
    return _lines(file, limit, head)


def _up_to_text(file: IO[bytes], limit: int) -> bytes:
    """Return the blank lines that a file begins with and the first that is not, or the start of that."""
    head = bytearray()
    while line := file.readline(limit):
        head += line
        if line.strip(BLANK):
            break
    return bytes(head)


def _begins(head: bytes, mark: bytes) -> bool:
    return head.lstrip(BLANK).startswith(mark)


def _document(path: Path, whole: bytes) -> object:
    """Return the one JSON value that a file is, or all of several; None where it holds lines, or nothing that is JSON."""
    value = json_of(whole)
    if not isinstance(value, InvalidRecord):
        return value
    if _kind(path) == ".json" and _begins(whole, b"["):
        raise UnreadableInput(f"{path} cannot be read: it begins as a JSON array and is {value}")
    return _in_a_row(whole)


def _in_a_row(whole: bytes) -> list[object] | None:
    """Return JSON values that follow each other over any number of lines, as `jq` prints them; None where they do not."""
    found: list[object] = []
    try:
        text, at = whole.decode("utf-8-sig").strip(), 0
        while at < len(text):
            value, at = DECODER.raw_decode(text, at)
            found.append(value)
            while text[at : at + 1].isspace():
                at += 1
    except (ValueError, RecursionError):
        return None
    return found


def _lines(file: IO[bytes], limit: int, head: bytes = b"") -> Iterator[tuple[int, object]]:
    lines = chain(bounded_lines(BytesIO(head), limit=limit), bounded_lines(file, limit=limit))
    return ((n, json_of(line)) for n, line in enumerate(lines, start=1) if not line.isspace())


def _parquet(path: Path, source: IO[bytes]) -> Iterator[object]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        raise UnreadableInput("parquet needs pyarrow: pip install 'reward-service[parquet]'") from error
    with _readable(path, ArrowException):
        for batch in parquet.ParquetFile(source).iter_batches(batch_size=PARQUET_ROWS):
            yield from batch.to_pylist()


def _comma_separated(path: Path, source: IO[bytes]) -> Iterator[object]:
    return _table(path, source, "excel")


def _tab_separated(path: Path, source: IO[bytes]) -> Iterator[object]:
    return _table(path, source, "excel-tab")


def _table(path: Path, source: IO[bytes], dialect: str) -> Iterator[object]:
    """Yield the rows of a table whose first row names its columns; an empty cell is absent."""
    csv.field_size_limit(MAX_CELL_CHARS)  # a transcript is longer than the library's limit
    with _readable(path, csv.Error, UnicodeDecodeError):
        text = TextIOWrapper(source, encoding="utf-8-sig", newline="")
        try:
            rows = csv.reader(text, dialect, strict=True)
            header = next(rows, [])
            for row in filter(None, rows):
                yield _cells(header, row)
        finally:
            text.detach()  # the source is closed where it was opened


def _cells(header: list[str], row: list[str]) -> object:
    if len(row) != len(header):
        return InvalidRecord("the row has another number of cells than the header")
    return {name: cell for name, cell in zip(header, row, strict=True) if cell}


def _saved(folder: Path) -> Iterator[object]:
    try:
        from datasets import DatasetDict, load_from_disk  # noqa: PLC0415  # not even an extra: it is large
    except ModuleNotFoundError as error:
        raise UnreadableInput(
            "a folder saved by `datasets` needs that package: pip install datasets"
        ) from error
    with _readable(folder, ValueError, OSError, KeyError):
        found: Any = load_from_disk(str(folder))
    splits: Iterable[Any] = found.values() if isinstance(found, DatasetDict) else (found,)
    for split in splits:
        yield from split


def _samples(path: Path, source: IO[bytes]) -> Iterator[object]:
    """Yield the samples of an archive of Inspect's."""
    with _readable(path, BadZipFile, NotImplementedError), ZipFile(source) as archive:
        for name in sorted(archive.namelist()):
            if name.startswith("samples/"):
                yield json_of(archive.read(name))


def _tensors(path: Path, source: IO[bytes]) -> Iterator[object]:  # noqa: ARG001  # one signature for all
    raise UnreadableInput(
        f"{path} is a torch file, which is not loaded because it can run code: save torch.load(path, weights_only=True)"
        "['samples'] as JSON lines"
    )


ROWS: Mapping[str, Callable[[Path, IO[bytes]], Iterator[object]]] = {
    ".parquet": _parquet,
    ".csv": _comma_separated,
    ".tsv": _tab_separated,
    ".eval": _samples,
    ".pt": _tensors,
}
"""What reads files that are not JSON, by their ending."""


@contextmanager
def _readable(path: Path, *failures: type[Exception]) -> Iterator[None]:
    try:
        yield
    except failures as error:
        raise UnreadableInput(
            f"{path} cannot be read: {(str(error) or type(error).__name__).splitlines()[0]}"
        ) from error
