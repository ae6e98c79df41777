"""Questions and documents of a user's own files, and of a world: the two things a policy is trained on."""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reward_service.trainer.world import World, WorldQuestion


@dataclass(frozen=True, slots=True)
class Document:
    """One document of the corpus."""

    title: str
    text: str

    @property
    def shown(self) -> str:
        """What the policy reads."""
        return f"{self.title}\n{self.text}" if self.title else self.text


@dataclass(frozen=True, slots=True)
class TrainingQuestion:
    """What the policy is asked. Answers and entities stay with the service, which knows the question by its id."""

    question_id: str
    text: str


def read_lines(path: Path) -> Iterator[Mapping[str, Any]]:
    """Read JSON lines.

    Raises:
        ValueError: a line is no JSON object; with file and line.
    """
    with path.open(encoding="utf-8") as file:
        for number, line in enumerate(file, start=1):
            try:
                row = json.loads(line)
            except ValueError:
                row = None
            if not isinstance(row, dict):
                raise ValueError(f"{path}:{number} is not a JSON object")
            yield row


def _field(row: Mapping[str, Any], name: str, path: Path) -> str:
    value = row.get(name)
    if not isinstance(value, str):
        raise ValueError(f"{path}: every line needs {name!r}, a string; got {value!r}")
    return value


def read_questions(path: Path) -> list[TrainingQuestion]:
    """Read questions as `entity-index build --reader jsonl` does: `question_id` and `question`."""
    return [
        TrainingQuestion(_field(row, "question_id", path), _field(row, "question", path))
        for row in read_lines(path)
    ]


def read_documents(path: Path) -> list[Document]:
    """Read a corpus: `text`, and `title` where there is one."""
    return [Document(row.get("title") or "", _field(row, "text", path)) for row in read_lines(path)]


def world_documents(world: World) -> list[Document]:
    """Return the page of every entity."""
    return [Document(entity.name, entity.text) for entity in world.entities.values()]


def asked(questions: Sequence[WorldQuestion]) -> list[TrainingQuestion]:
    """Return what the policy sees of a world's questions."""
    return [TrainingQuestion(question.question_id, question.text) for question in questions]


def write_truth(path: Path, questions: Sequence[WorldQuestion]) -> None:
    """Write a world's questions with their ground truth, for `entity-index build`."""
    with path.open("w", encoding="utf-8") as file:
        for question in questions:
            row = {
                "question_id": question.question_id,
                "question": question.text,
                "answers": [question.answer],
                "entities": [{"name": name} for name in question.entities],
            }
            file.write(json.dumps(row) + "\n")
