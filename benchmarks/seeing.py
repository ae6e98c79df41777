"""Views of recorded rollouts: seconds and size of a report, and how fast the view of groups answers.

    python -m benchmarks.seeing

Rollouts are those of the sample run, again and again under other group ids.
"""

import gzip
import json
import statistics
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from benchmarks.report import Report

SAMPLE = Path(__file__).parents[1] / "reward_service" / "sample" / "run.jsonl.gz"
SIZES = (320, 16_384)
CALLS = 20
PORT = 8798
PATHS = ("/groups", "/groups?filter=never&sort=spread", "/groups?text=corvum&page=2", "/groups/3/1", "/")


def rollouts() -> Iterator[dict[str, Any]]:
    """Yield rollouts of the sample run without end."""
    lines = [json.loads(line) for line in gzip.decompress(SAMPLE.read_bytes()).splitlines()]
    copy = 0
    while True:
        yield from ({**line, "group_id": f"{line['group_id']}-{copy}"} for line in lines)
        copy += 1


def record(path: Path, size: int) -> None:
    """Write a file of so many rollouts."""
    source = rollouts()
    path.write_text("".join(json.dumps(next(source)) + "\n" for _ in range(size)), encoding="utf-8")


def command(*arguments: object) -> list[str]:
    """Return a command line of the program."""
    return [sys.executable, "-m", "reward_service", *map(str, arguments)]


def report(path: Path) -> tuple[float, float]:
    """Write a report; returns seconds and megabytes."""
    out = path.with_suffix(".html")
    began = time.perf_counter()
    subprocess.run(command("report", path, "--out", out), check=True, capture_output=True)
    return time.perf_counter() - began, out.stat().st_size / 1e6


def answers(path: Path, folder: Path) -> Iterator[tuple[str, float]]:
    """Yield addresses of the views with the median seconds of an answer."""
    shown = command("view", path, "--no-browser", "--port", PORT, "--cache", folder)
    viewer = subprocess.Popen(shown, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        while not _answers("/"):
            time.sleep(0.5)
        for address in PATHS:
            yield address, statistics.median(_seconds(address) for _ in range(CALLS))
    finally:
        viewer.terminate()
        viewer.wait()


def _answers(address: str) -> bool:
    try:
        urllib.request.urlopen(f"http://127.0.0.1:{PORT}{address}").close()
    except urllib.error.URLError:
        return False
    return True


def _seconds(address: str) -> float:
    began = time.perf_counter()
    with urllib.request.urlopen(f"http://127.0.0.1:{PORT}{address}") as reply:
        reply.read()
    return time.perf_counter() - began


def main() -> None:
    """Measure and write the page."""
    with (
        tempfile.TemporaryDirectory() as name,
        Report("seeing", cores="two cores of a shared machine") as out,
    ):
        folder = Path(name)
        paths = {size: folder / f"{size}.jsonl" for size in SIZES}
        for size, path in paths.items():
            record(path, size)
        rows = [[f"{size:,}", *(f"{one:.1f}" for one in report(path))] for size, path in paths.items()]
        out.table(
            "report FILE --out report.html, start of the program included",
            ["rollouts", "seconds", "MB"],
            rows,
        )
        found = answers(paths[SIZES[-1]], folder / "cache")
        title = f"view of {SIZES[-1]:,} rollouts, median of {CALLS} answers"
        out.table(title, ["address", "seconds"], [[f"`{at}`", f"{took:.3f}"] for at, took in found])


if __name__ == "__main__":
    main()
