"""How fast `extract` reads: real texts of search agents, and text that brings tokenizers down.

python -m benchmarks.extraction [--quick]
"""

import argparse
import json
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

from benchmarks.data import rows
from benchmarks.report import Report
from entity_index.extract import Tagger, TextShape, extract
from entity_index.readers import SHAPES
from entity_index.readers.mapped import parse
from entity_index.readers.rows import read_rows
from tests.small_ner import train

DEGENERATE = {
    "dollar signs": "$" * 100_000,
    "emoji": "🤦🏽" * 50_000,
    "brackets": "(" * 100_000,
    "one letter": "a" * 100_000,
    "marks": "\u0301" * 100_000,
    "spaces": " " * 100_000,
}


def texts(limit: int) -> list[str]:
    """Return what tools and agents said in recorded rollouts."""
    said = [
        str(step.get("text", ""))
        for row in rows("trajectories_hotpotqa_fireact/trajectories.jsonl")
        for step in row["steps"]
    ]
    said += [
        message["content"]
        for row in rows("transcripts_webdancer_format/sample_traj_60.jsonl")
        for message in row["messages"]
    ]
    return [text for text in said if text][:limit]


def seconds(said: list[str], tagger: Tagger, processes: int = 1) -> tuple[float, int]:
    """Return how long extraction takes, and how many entities it finds; 40 texts make a row."""
    groups = [said[n : n + 40] for n in range(0, len(said), 40)]
    lines = [
        json.dumps({"id": str(n), "text": "?", "context": group}).encode() for n, group in enumerate(groups)
    ]
    reading = TextShape(SHAPES["jsonl"], [parse("context[]")])
    start = time.perf_counter()
    found = sum(
        len(row.question.entities)  # type: ignore[union-attr]  # none is refused
        for row in extract(read_rows(lines, reading), reading, tagger, processes=processes)
    )
    return time.perf_counter() - start, found


def _taggers(folder: Path) -> Iterator[tuple[str, Tagger]]:
    names = {
        entity["title"]
        for row in rows("questions_hotpotqa_kilt/questions.jsonl")
        for entity in row["entities"]
    }
    gazetteer = folder / "names"
    gazetteer.write_text("\n".join(sorted(names)), encoding="utf-8")
    yield f"gazetteer of {len(names):,} names", Tagger(gazetteer=gazetteer)
    yield "small NER pipeline", Tagger(train(folder / "pipeline"))


def main() -> None:
    """Print the tables and keep them."""
    arguments = argparse.ArgumentParser(description=__doc__)
    arguments.add_argument("--quick", action="store_true", help="a tenth of the texts, nothing is kept")
    quick: bool = arguments.parse_args().quick
    with tempfile.TemporaryDirectory() as temporary, Report("extraction") as report:
        said = texts(1_000 if quick else 100_000)
        size = sum(len(text.encode()) for text in said)
        speeds, odd = [], []
        for what, tagger in _taggers(Path(temporary)):
            one, found = seconds(said, tagger)
            two, again = seconds(said, tagger, processes=2)
            assert found == again
            speeds.append(
                (
                    what,
                    f"{size / one / 1e6:.2f}",
                    f"{size / two / 1e6:.2f}",
                    f"{one:.1f}",
                    f"{two:.1f}",
                    f"{found:,}",
                )
            )
            odd += [
                (name, what, f"{seconds([text], tagger)[0]:.2f}", str(len(text)))
                for name, text in DEGENERATE.items()
            ]
        report.table(
            f"{len(said):,} texts of agents and tools, {size / 1e6:.1f} MB; start of the processes included",
            ("tagger", "1 process MB/s", "2 processes MB/s", "1 process s", "2 processes s", "entities"),
            speeds,
        )
        report.table("Degenerate text, loading included", ("text", "tagger", "seconds", "characters"), odd)


if __name__ == "__main__":
    main()
