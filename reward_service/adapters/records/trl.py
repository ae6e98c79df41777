"""TRL: the tables that `log_completions` writes, and conversational completions beside their prompt."""

from collections.abc import Mapping
from typing import Any

from entity_index.packed import written_out
from reward_service.adapters.records.table import Reader, Row


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG001  # what a row's `refine` takes
    """Tell a completion that is messages from one that is text."""
    said = written_out(found.get("text"))
    if not isinstance(said, list):
        return found
    return {**{name: value for name, value in found.items() if name != "text"}, "messages": said}


READER = Reader(
    writes="TRL: `log_completions`",
    keys=(frozenset({"prompt", "completion"}), frozenset({"prompt", "completions"})),
    paths={
        "question": "question",
        "question_id": "question_id",
        "prompt": "prompt",
        "text": "completion completions",
        "answers": "answers answer solution ground_truth gold",
        "entities": "entities",
        "step": "step",
    },
    refine=refine,
)
