"""slime: samples of `--save-debug-rollout-data` as JSON (`Sample.to_dict()`); a label is the gold answer, or columns."""

from collections.abc import Mapping
from typing import Any

from entity_index.packed import written_out
from reward_service.adapters.records.table import Reader, Row


def rows(row: Row) -> list[Row]:
    """Return the samples of one dump, or the one sample that a line is."""
    samples = row.get("samples")
    return (
        [{**one, "rollout_step": row.get("rollout_id")} for one in samples if isinstance(one, Mapping)]
        if isinstance(samples, list)
        else [row]
    )


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Read a label that holds columns."""
    label = written_out(row.get("label"))
    if not isinstance(label, Mapping):
        return found
    columns = {name: label[name] for name in ("question", "question_id", "entities") if name in label}
    return {**{key: value for key, value in found.items() if key != "answers" or not columns}, **columns}


READER = Reader(
    writes="slime: samples as JSON",
    keys=(
        frozenset({"prompt", "response", "label", "group_index"}),
        frozenset({"prompt", "response", "label", "status"}),
        frozenset({"rollout_id", "samples"}),
    ),
    paths={
        "group": "group_index",
        "rollout": "index",
        "question": "metadata.question",
        "question_id": "metadata.question_id",
        "prompt": "prompt",
        "text": "response",
        "answers": "metadata.answers metadata.answer label",
        "entities": "metadata.entities",
        "stop": "status",
        "step": "rollout_step",
    },
    format="chatml",
    stops={"failed": "abort", "pending": "abort"},
    rows=rows,
    refine=refine,
)
