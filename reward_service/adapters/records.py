"""Rollouts as lines of a file: one JSON object a line, a rollout with the group it belongs to.

Lines of a group need not stand together. Its question is named by `question_id`, or sent inline with any of its lines.
"""

from collections.abc import Iterable, Iterator
from typing import Any, TypeAlias

from entity_index.types import Question
from reward_service.adapters.native import Id, QuestionIn, RolloutIn, decode
from reward_service.adapters.replies import profile_out, scored_out
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.serve.errors import CallError
from reward_service.serve.scorer import GroupCall, Scored
from reward_service.serve.truth import QuestionRef


class RecordIn(RolloutIn):
    """A rollout with the group it belongs to."""

    run_id: Id = "default"
    group_id: Id
    question_id: str | None = None
    question: QuestionIn | None = None


class BadLine(ValueError):  # names what it is about
    """A line that is no rollout."""


RecordOut: TypeAlias = dict[str, Any]
"""What became of one line: the rollout's result, its group, and the receipt of what it was computed from."""


def read_lines(lines: Iterable[bytes]) -> Iterator[RecordIn]:
    """Read records; blank lines are skipped.

    Raises:
        BadLine: with its number, and never with its text.
    """
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        try:
            yield decode(line, RecordIn)
        except CallError as error:
            raise BadLine(f"line {number}: {error.title} {error.detail}") from None


def group_records(records: Iterable[RecordIn], dataset: str | None) -> list[GroupCall]:
    """Gather records into groups, in the order in which groups first appear.

    Args:
        records: rollouts with their groups.
        dataset: where questions that are not inline stand; None if all are.

    Raises:
        BadLine: a group has no question, or several.
    """
    gathered: dict[tuple[str, str], list[RecordIn]] = {}
    for record in records:
        gathered.setdefault((record.run_id, record.group_id), []).append(record)
    return [_group(run_id, group_id, rows, dataset) for (run_id, group_id), rows in gathered.items()]


def _group(run_id: str, group_id: str, rows: list[RecordIn], dataset: str | None) -> GroupCall:
    rollouts = tuple(row.to_domain() for row in rows)
    inline = {row.question.to_domain() for row in rows if row.question is not None}
    refs = {QuestionRef(dataset or "", row.question_id) for row in rows if row.question_id is not None}
    questions: set[Question | QuestionRef] = {*(inline or refs)}
    if len(questions) != 1:
        raise BadLine(f"group {group_id} must have one question, got {len(questions)}")
    if not inline and dataset is None:
        raise BadLine(f"group {group_id} refers to its question by id: give the data set that contains it")
    return GroupCall(run_id, group_id, next(iter(questions)), rollouts)


def records_out(scored: Scored, profile: Profile) -> list[RecordOut]:
    """Write down one group as records, in the group's order."""
    group = scored_out(scored)
    return [
        {
            "run_id": group["run_id"],
            "group_id": group["group_id"],
            "question_id": group["question_id"],
            "group_status": group["status"],
            "group_max": group["group_max"],
            "entities": group["entities"],
            "profile": profile_out(profile),
            "engine": ENGINE_DIGEST,
            "index": group["index"],
            **rollout,
        }
        for rollout in group["rollouts"]
    ]
