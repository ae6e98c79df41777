"""verifiers and prime-rl: `results.jsonl` of an evaluation, prompt and completion as messages or text."""

from collections.abc import Mapping
from typing import Any

from reward_service.adapters.records import trl
from reward_service.adapters.records.table import Reader, Row


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Tell messages from text, and read flags that say how a rollout ended."""
    ended = (
        "abort" if row.get("error") else "length" if row.get("is_truncated") is True else found.get("stop")
    )
    return {**trl.refine(row, found), **({"stop": ended} if ended else {})}


READER = Reader(
    writes="verifiers, prime-rl: `results.jsonl`",
    keys=(frozenset({"example_id", "prompt", "completion"}),),
    paths={
        "group": "example_id",
        "question": "info.question",
        "question_id": "info.question_id question_id",
        "prompt": "prompt",
        "text": "completion",
        "answers": "info.answers answer",
        "entities": "info.entities entities",
        "stop": "stop_condition",
        "step": "step",
    },
    stops={"has_error": "abort"},
    refine=refine,
)
