"""Reading the labelled data sets that the benchmarks measure on."""

import json
import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from entity_index.types import Entity, Question
from reward_service.core.types import Segment, SegmentKind

DATA = Path(os.environ.get("REWARD_SERVICE_TEST_DATA", Path(__file__).parents[2] / "shared" / "data"))


def rows(name: str) -> Iterator[dict[str, Any]]:
    """Yield the records of a JSONL file of the data folder."""
    with (DATA / name).open(encoding="utf-8") as lines:
        yield from map(json.loads, lines)


def gold_answers() -> Iterator[tuple[str, ...]]:
    """Yield the gold answers of every question of every data set of the data folder."""
    for path in sorted(DATA.glob("*/*.jsonl")):
        for row in rows(str(path.relative_to(DATA))):
            found = row.get("answers") or row.get("answer_aliases") or row.get("gold_aliases")
            if isinstance(found, list) and all(isinstance(answer, str) for answer in found):
                yield tuple(found)


@dataclass(frozen=True)
class LabelledRollout:
    """A recorded rollout with its verdict."""

    policy: str
    correct: bool
    segments: tuple[Segment, ...]
    answer: str


def _segment(step: dict[str, Any]) -> Segment:
    text = step.get("text", step.get("arguments", ""))
    return Segment(SegmentKind(step["type"]), text if isinstance(text, str) else json.dumps(text))


def fireact() -> list[tuple[Question, list[LabelledRollout]]]:
    """Return the FireAct groups: 1,042 rollouts of 355 HotpotQA questions."""
    groups: dict[str, tuple[Question, list[LabelledRollout]]] = {}
    for row in rows("trajectories_hotpotqa_fireact/trajectories.jsonl"):
        entities = tuple(Entity(name) for name in row["entities"])
        question = Question(row["question"], tuple(row["answers"]), entities, row["group_id"])
        _, members = groups.setdefault(row["group_id"], (question, []))
        steps, answer = tuple(map(_segment, row["steps"])), row["final_answer"] or ""
        members.append(LabelledRollout(row["policy"], row["correct"], steps, answer))
    return list(groups.values())


_BLOCK = re.compile(r"<(think|tool_call|tool_response|answer)>(.*?)</\1>", re.DOTALL)


def webdancer() -> list[list[Segment]]:
    """Return the 60 WebDancer transcripts as segments."""
    kinds = {"think": SegmentKind.THOUGHT} | {kind.value: kind for kind in SegmentKind}
    transcripts = []
    for row in rows("transcripts_webdancer_format/sample_traj_60.jsonl"):
        text = "".join(message["content"] for message in row["messages"][2:])
        transcripts.append([Segment(kinds[kind], body) for kind, body in _BLOCK.findall(text)])
    return transcripts
