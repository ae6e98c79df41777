"""From lines of bytes to questions or refusals, each with its line number.

A broken line is a value, never an exception: a data set of a million lines has some. Blank lines are skipped.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import IO

from entity_index.errors import InvalidRecord
from entity_index.types import Question

MAX_LINE_BYTES = 16 * 1024 * 1024  # a question is about one kilobyte


@dataclass(frozen=True, slots=True)
class Row:
    """A question as its line spells it, not yet judged."""

    line: int
    """Counted from 1."""
    question: Question


@dataclass(frozen=True, slots=True)
class Refusal:
    """A line that is no question."""

    line: int
    """Counted from 1."""
    reason: str
    """Carries no value of the line, so that refusals can be counted by reason."""


Reader = Callable[[Iterable[bytes]], Iterator[Row | Refusal]]


def bounded_lines(file: IO[bytes], *, limit: int = MAX_LINE_BYTES) -> Iterator[bytes]:
    """Yield the lines of a file; of one that is longer than `limit` only the start, which is no JSON then."""
    while line := file.readline(limit):
        yield line
        while len(line) == limit and not line.endswith(b"\n"):
            line = file.readline(limit)


def read_rows(
    lines: Iterable[bytes], to_question: Callable[[Mapping[str, object]], Question]
) -> Iterator[Row | Refusal]:
    """Read one JSON object a line.

    Args:
        lines: of a file opened in binary mode.
        to_question: makes a question of an object, or raises InvalidRecord.
    """
    for number, line in enumerate(lines, start=1):
        if not line.isspace():
            yield _row(number, json_of(line), to_question)


def rows_of(
    values: Iterable[tuple[int, object]], to_question: Callable[[Mapping[str, object]], Question]
) -> Iterator[Row | Refusal]:
    """Read numbered values that are JSON already; an InvalidRecord is a row that could not be read."""
    for number, value in values:
        yield _row(number, value, to_question)


def _row(
    number: int, value: object, to_question: Callable[[Mapping[str, object]], Question]
) -> Row | Refusal:
    if isinstance(value, InvalidRecord):
        return Refusal(number, str(value))
    if not isinstance(value, dict):
        return Refusal(number, "not a JSON object")
    try:
        return Row(number, to_question(value))
    except InvalidRecord as error:
        return Refusal(number, str(error))


def json_of(line: bytes) -> object:
    """Return the value of a line, or an InvalidRecord that says why there is none."""
    try:
        return json.loads(line.decode("utf-8-sig"))
    except UnicodeDecodeError:
        return InvalidRecord("not UTF-8")
    except (ValueError, RecursionError):
        return InvalidRecord("not JSON")
