"""JSON lines of steps, such as metrics, that survive a kill: lines after the last checkpoint are taken back.

What depends on the clock stands under `timing`; all else is the same whenever and wherever a run is repeated.
"""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

TIMING = "timing"


class StepsFile:
    """A file of one run whose lines each belong to a step."""

    def __init__(self, path: Path, *, through: int | None) -> None:
        """Open the file.

        Args:
            path: where it stands.
            through: the step up to which lines stay; None starts over.
        """
        self._path = path
        kept = [] if through is None else [row for row in read(path) if row["step"] <= through]
        path.write_text("".join(map(_line, kept)), encoding="utf-8")

    def write(self, row: Mapping[str, Any]) -> None:
        """Add a line."""
        with self._path.open("a", encoding="utf-8") as file:
            file.write(_line(row))


def _line(row: Mapping[str, Any]) -> str:
    return json.dumps(row) + "\n"


def read(path: Path) -> list[dict[str, Any]]:
    """Read a metrics file; a last line that a kill cut short is left out."""
    if not path.exists():
        return []
    whole, _, _ = path.read_text(encoding="utf-8").rpartition("\n")
    return [json.loads(line) for line in whole.splitlines()]


def timeless(rows: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Return rows without what depends on the clock."""
    return [{key: value for key, value in row.items() if key != TIMING} for row in rows]
