"""Results as Markdown: printed, and kept under benchmarks/results with the machine and the commit they were measured on."""

import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from importlib.metadata import version
from pathlib import Path
from types import TracebackType
from typing import Self

RESULTS = Path(__file__).parent / "results"
MEASURED = ("ahocorasick_rs", "rapidfuzz", "numpy")


def _cpu() -> str:
    lines = Path("/proc/cpuinfo").read_text().splitlines()
    return next(
        (line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor()
    )


def _commit() -> str:
    return subprocess.run(
        ["git", "rev-parse", "--short", "HEAD"], capture_output=True, text=True, check=False
    ).stdout.strip()


class Report:
    """Collects tables, prints each as it is made, and writes the file when all went well."""

    def __init__(
        self, name: str, *, packages: Sequence[str] = MEASURED, cores: str = "one core of a shared machine"
    ) -> None:
        versions = [f"Python {platform.python_version()}", *(f"{one} {version(one)}" for one in packages)]
        machine = f"{_cpu()}, {cores}; {', '.join(versions)}"
        when = f"`python -m benchmarks.{name}` on {datetime.now(UTC):%Y-%m-%d}, commit {_commit()}"
        self._name = name
        self._parts = [f"# {name}\n", f"{when}; {machine}. Compare within a table.\n"]

    def __enter__(self) -> Self:
        print("".join(self._parts))
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None and "--quick" not in sys.argv:
            RESULTS.mkdir(exist_ok=True)
            (RESULTS / f"{self._name}.md").write_text("\n".join(self._parts))

    def say(self, text: str) -> None:
        """Add a paragraph."""
        self._parts.append(text + "\n")
        print(self._parts[-1])

    def table(self, title: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
        """Add a table."""
        lines = [f"## {title}\n", f"| {' | '.join(head)} |", f"|{'---|' * len(head)}"]
        self.say("\n".join([*lines, *(f"| {' | '.join(row)} |" for row in rows)]))
