"""The text of one rollout, read from the user's file again when a page shows it: no text is stored."""

from array import array
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from entity_index.readers.containers import Value, values_of
from entity_index.readers.rows import json_of
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.lines import Line, lines_of
from reward_service.cli.rollouts import MAX_LINE_BYTES, FileOptions, open_files

LINES = (".jsonl", ".ndjson")


class TextSource:
    """The files of a view."""

    def __init__(self, paths: Sequence[Path], asked: FileOptions) -> None:
        """Read files in the way that the command line and their first lines say."""
        self.paths = paths
        self.asked = asked
        self.how = open_files(paths, asked).how
        self._starts: dict[Path, array[int]] = {}
        self._readings: dict[Path, _Reading] = {}

    def line(self, place: tuple[str, int, int]) -> Line:
        """Return the rollout at a place.

        Raises:
            BadLine: it is no longer there.
        """
        path, number, item = Path(place[0]), place[1], place[2]
        found = lines_of(self._row(path, number), self.how, f"{path.name} line {number}", path)
        if item >= len(found):
            raise BadLine(f"{path.name} line {number} has changed")
        return found[item]

    def _row(self, path: Path, number: int) -> object:
        """Return what a line of a file holds: at its offset where lines are lines, else by reading up to it."""
        row = self._at_offset(path, number) if path.suffix in LINES else None
        return row if isinstance(row, dict) else self._by_reading(path, number)

    def _at_offset(self, path: Path, number: int) -> object:
        starts = self._starts.get(path)
        if starts is None or number > len(starts):
            starts = self._starts[path] = line_starts(path)
        if number > len(starts):
            return None
        with path.open("rb") as file:
            file.seek(starts[number - 1])
            return json_of(file.readline())

    def _by_reading(self, path: Path, number: int) -> object:
        """Read a file up to a line, from where the last reading stopped if that is before it."""
        reading = self._readings.get(path)
        if reading is None or number < reading.next:
            reading = self._readings[path] = _Reading(self._values(path))
        return reading.row(path, number)

    def _values(self, path: Path) -> Iterator[Value]:
        is_whole = self.how.name == "conversation"
        return open_files([path], self.asked).values if is_whole else values_of(path, limit=MAX_LINE_BYTES)


@dataclass(slots=True)
class _Reading:
    """A file that is read from its beginning, as compressed files and tables have to be."""

    values: Iterator[Value]
    next: int = 1

    def row(self, path: Path, number: int) -> object:
        """Return what a line holds that has not been passed yet."""
        for one in self.values:
            self.next = one.line + 1
            if one.line == number:
                return one.value
        raise BadLine(f"{path.name} has no line {number} any more")


def line_starts(path: Path) -> "array[int]":
    """Return the offset of every line of a file, in bytes."""
    starts, at = array("Q"), 0
    with path.open("rb") as file:
        for line in file:
            starts.append(at)
            at += len(line)
    return starts
