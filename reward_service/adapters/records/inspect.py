"""Inspect: a log in JSON, whose samples are the rollouts; a sample is a group, its epochs are the group's rollouts."""

from collections.abc import Mapping
from typing import Any

from reward_service.adapters.records.table import Reader, Row
from reward_service.core.types import VERDICTS


def rows(row: Row) -> list[Row]:
    """Return the samples of a log, or the one sample that a line is."""
    samples = row.get("samples")
    return [one for one in samples if isinstance(one, Mapping)] if isinstance(samples, list) else [row]


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the first scorer's verdict, and an error or a limit as the reason why the sample ended."""
    scores = row.get("scores")
    values = (
        [one.get("value") for one in scores.values() if isinstance(one, Mapping)]
        if isinstance(scores, Mapping)
        else []
    )
    verdict = {"outcome": values[0]} if values and str(values[0]).lower() in VERDICTS else {}
    limit = row.get("limit")
    stop = (
        "abort"
        if row.get("error")
        else limit.get("type")
        if isinstance(limit, Mapping)
        else found.get("stop")
    )
    return {**found, **verdict, **({"stop": stop} if stop else {})}


READER = Reader(
    writes="Inspect: a log as JSON",
    keys=(
        frozenset({"eval", "samples"}),
        frozenset({"input", "target", "messages", "epoch"}),
        frozenset({"input", "target", "messages", "scores"}),
    ),
    paths={
        "group": "id",
        "rollout": "epoch",
        "question": "metadata.question",
        "question_id": "metadata.question_id",
        "prompt": "input",
        "messages": "messages",
        "answers": "target metadata.answers",
        "entities": "metadata.entities",
        "stop": "output.choices[0].stop_reason",
        "step": "step",
    },
    stops={
        "token": "length",
        "message": "max_turns",
        "turn": "max_turns",
        "time": "abort",
        "operator": "abort",
    },
    rows=rows,
    refine=refine,
)
