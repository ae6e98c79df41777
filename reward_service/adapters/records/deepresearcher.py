"""DeepResearcher: `rollout_step_N.json`, prompt and response in one ChatML string."""

import re
from collections.abc import Mapping
from typing import Any

from reward_service.adapters.records.table import Reader, Row

_POLICY = "<|im_start|>assistant"
_OPENED_TWICE = re.compile(r"(<\|im_start\|>assistant\s*)(?:<think>\s*)+(?=<think>)")


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG001  # what a row's `refine` takes
    """Cut the prompt off: it is everything before the first turn of the policy, and the `<think>` that it opens for it."""
    said = found.get("text")
    if not isinstance(said, str) or _POLICY not in said:
        return found
    said = _OPENED_TWICE.sub(r"\1", said)
    at = said.index(_POLICY)
    return {**found, "prompt": said[:at], "text": said[at:]}


READER = Reader(
    writes="DeepResearcher: `rollout_step_N.json`",
    keys=(frozenset({"question", "message_str"}),),
    paths={
        "question": "question",
        "question_id": "question_id",
        "text": "message_str",
        "answers": "ground_truth answers answer golden_answers",
        "entities": "entities",
        "step": "step",
    },
    format="chatml",
    refine=refine,
)
