"""Write the bundled sample run: the rollouts of a recorded training with their ground truth, in one file.

    python -m scripts.sample_run .data/sample-run

The folder is that of a run of the reference trainer with `--record`; `make sample-run` trains it first. The same run gives
the same bytes.
"""

import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

TARGET = Path(__file__).parents[1] / "reward_service" / "sample" / "run.jsonl.gz"
RUN_ID = "sample-run"


def lines(path: Path) -> Iterator[dict[str, Any]]:
    """Yield the rows of a file of JSON lines."""
    with path.open(encoding="utf-8") as file:
        yield from map(json.loads, file)


def joined(run: Path) -> Iterator[dict[str, Any]]:
    """Yield the rollouts of a run, each with gold answers and entities."""
    truth = {row["question_id"]: row for row in lines(run / "questions.jsonl")}
    for row in lines(run / "rollouts.jsonl"):
        question = truth[row["question_id"]]
        names = [entity["name"] for entity in question["entities"]]
        yield {**row, "run_id": RUN_ID, "answers": question["answers"], "entities": names}


def main(run: Path) -> None:
    """Write the file."""
    text = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in joined(run))
    TARGET.write_bytes(gzip.compress(text.encode(), 9, mtime=0))


if __name__ == "__main__":
    main(Path(sys.argv[1]))
