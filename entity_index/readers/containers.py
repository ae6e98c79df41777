"""What rows come in: lines, a JSON array, a folder of JSON files, parquet, or a folder that `datasets` has saved.

Each is told by its name and streamed; a row that cannot be read is a refusal with its number, a container that cannot be
read is an error. In a folder of files the number is that of the file in the order of their names.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, TypeAlias

from entity_index.errors import InvalidRecord, UnreadableInput
from entity_index.readers.rows import Refusal, Row, bounded_lines, read_rows, rows_of
from entity_index.types import Question

Shape: TypeAlias = "Callable[[Mapping[str, object]], Question]"

SAVED = ("dataset_dict.json", "dataset_info.json")
PARQUET_ROWS = 1000


def read_path(
    path: Path, to_question: Shape, *, opened: Callable[[Path], IO[bytes]] = lambda path: path.open("rb")
) -> Iterator[Row | Refusal]:
    """Read the rows of a file or folder.

    Args:
        path: what to read.
        to_question: the shape of its rows.
        opened: opens a file of lines or of parquet; a place for a progress bar.

    Raises:
        UnreadableInput: the container is broken, or needs a package that is not installed.
    """
    if path.is_dir():
        rows = _saved(path) if any((path / name).exists() for name in SAVED) else _files(path)
        return rows_of(rows, to_question)
    if path.suffix == ".parquet":
        return rows_of(_parquet(path, opened), to_question)
    if path.suffix == ".json" and (array := _array(path)) is not None:
        return rows_of(array, to_question)
    return _lines(path, to_question, opened)


def _lines(path: Path, to_question: Shape, opened: Callable[[Path], IO[bytes]]) -> Iterator[Row | Refusal]:
    with opened(path) as file:
        yield from read_rows(bounded_lines(file), to_question)


def _array(path: Path) -> list[object] | None:
    """Return the items of a file that is one JSON array; None where it is something else, such as lines."""
    with path.open("rb") as file:
        if not file.read(64).lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"["):
            return None
    with _readable(path, ValueError, RecursionError):
        items = json.loads(path.read_text(encoding="utf-8-sig"))
    return items if isinstance(items, list) else None


def _files(folder: Path) -> Iterator[object]:
    paths = sorted(folder.glob("*.json"))
    if not paths:
        raise UnreadableInput(f"{folder} contains neither JSON files nor a saved data set")
    for path in paths:
        try:
            yield json.loads(path.read_text(encoding="utf-8-sig"))
        except UnicodeDecodeError:
            yield InvalidRecord("not UTF-8")
        except (ValueError, RecursionError):
            yield InvalidRecord("not JSON")


def _parquet(path: Path, opened: Callable[[Path], IO[bytes]]) -> Iterator[object]:
    try:
        from pyarrow import ArrowException, parquet  # noqa: PLC0415  # an extra
    except ModuleNotFoundError as error:
        raise UnreadableInput("parquet needs pyarrow: pip install 'reward-service[parquet]'") from error
    with opened(path) as source, _readable(path, ArrowException, OSError):
        for batch in parquet.ParquetFile(source).iter_batches(batch_size=PARQUET_ROWS):
            yield from batch.to_pylist()


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


@contextmanager
def _readable(path: Path, *failures: type[Exception]) -> Iterator[None]:
    try:
        yield
    except failures as error:
        raise UnreadableInput(f"{path} cannot be read: {str(error).splitlines()[0]}") from error
