"""Raw dump files of real systems: how many `reward-service score` takes in one step, and how many it pays rightly."""

import asyncio
import json
from collections.abc import Mapping, Sequence
from io import StringIO
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from rich.console import Console

from benchmarks.data import DATA
from benchmarks.report import Report
from entity_index.build import build
from entity_index.readers import SHAPES
from entity_index.readers.rows import Row
from entity_index.stores.sqlite import SqliteCatalogue
from reward_service.cli.rollouts import FileOptions
from reward_service.cli.score import ScoredFile, score_file
from reward_service.core.profiles import shipped
from reward_service.serve.config import Settings
from reward_service.serve.scorer import Scorer

REAL = (
    "recordings_r1searcher_2wiki/recordings.jsonl",
    "transcripts_webdancer_format/sample_traj_60.jsonl",
    "trajectories_hotpotqa_fireact/trajectories.jsonl",
)


def dumps_taken(report: Report, samples: Sequence[Mapping[str, Any]], question: Mapping[str, Any]) -> None:
    """Score each dump as its system wrote it; all of them find the answer, so each rollout is paid 1.

    Args:
        report: where the numbers go.
        samples: dumps, each with `file`, its name, and `file_text`.
        question: what all of them ask.
    """
    with TemporaryDirectory() as folder:
        catalogue = SqliteCatalogue(Path(folder) / "index")
        row = Row(1, SHAPES["jsonl"]({**question, "question": question["text"], "question_id": "asked"}))
        catalogue.activate("asked", build([row], catalogue, dataset="asked").info.version)
        service = Scorer(Settings(), catalogue=catalogue)
        table = [_sample(service, Path(folder), one) for one in samples]
        plain = Scorer(Settings())
        table += [_real(plain, name) for name in REAL if (DATA / name).exists()]
    taken, rightly = sum(row[1] != "-" for row in table), sum(row[-1] == "yes" for row in table)
    report.table(
        "Raw dump files, one command each", ("file", "reader", "rollouts", "with a reward", "rightly"), table
    )
    report.say(
        f"{taken} of {len(table)} files taken, {rightly} paid rightly: 1 for each rollout of a sample; of the real files, a reward for each."
    )


def _sample(service: Scorer, folder: Path, sample: Mapping[str, Any]) -> list[str]:
    path = folder / sample["file"]
    path.write_text(sample["file_text"], encoding="utf-8")
    return _row(sample["file"], _scored(service, path, "asked"), pays=1.0)


def _real(service: Scorer, name: str) -> list[str]:
    return _row(name, _scored(service, DATA / name, None), pays=None)


def _scored(service: Scorer, path: Path, dataset: str | None) -> ScoredFile | None:
    try:
        return asyncio.run(
            score_file(
                service,
                [path],
                FileOptions(),
                dataset=dataset,
                profile=shipped()["egrpo"],
                strict=True,
                console=Console(file=StringIO()),
            )
        )
    except ValueError:
        return None


def _row(name: str, done: ScoredFile | None, *, pays: float | None) -> list[str]:
    """Return a row of the table; a real file has no expected rewards, so there a reward for every rollout is right."""
    if done is None:
        return [name, "-", "-", "-", "no"]
    rewards = [one["reward"] for one in done.records]
    rightly = all(reward is not None and pays in {None, reward} for reward in rewards)
    reader = done.records[0]["reader"]["name"]
    return [name, reader, str(done.rollouts), str(done.rewarded), "yes" if rightly else "no"]


def read_samples(folder: Path) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """Return the dumps of a folder of samples, and the question they all ask."""
    lines = map(json.loads, (folder / "transcripts.jsonl").read_text(encoding="utf-8").splitlines())
    samples = list(lines)
    return [one for one in samples if "file" in one], next(
        one["question"] for one in samples if "question" in one
    )
