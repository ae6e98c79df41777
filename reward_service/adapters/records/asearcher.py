"""ASearcher: an evaluation's samples with their history, typed records of prompts, generations and pages."""

from collections.abc import Iterator, Mapping
from typing import Any

from reward_service.adapters.records.table import Reader, Row

_POLICY = ("llm_gen", "llm_response", "act", "generation", "assistant")
_PROMPT = ("prompt", "system", "user", "question")


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG001  # what a row's `refine` takes
    """Read the history as messages: the policy's generations are the assistant's, pages and results a tool's."""
    history = found.get("messages")
    if isinstance(history, str):
        return {**{name: value for name, value in found.items() if name != "messages"}, "text": history}
    if not isinstance(history, list) or not all(isinstance(one, Mapping) for one in history):
        return found
    return {**found, "messages": list(_messages(history))}


def _messages(history: list[Mapping[str, Any]]) -> Iterator[Mapping[str, Any]]:
    for one in history:
        kind = str(one.get("type", "")).lower()
        if "role" in one or not kind:
            yield one
            continue
        role = "assistant" if kind in _POLICY else "user" if kind in _PROMPT else "tool"
        said = one.get("text") or one.get("documents") or one.get("page") or one.get("info") or ""
        yield {"role": role, "content": said}


READER = Reader(
    writes="ASearcher: an evaluation's `.jsonl`",
    keys=(
        frozenset({"history", "pred_answer"}),
        frozenset({"history", "question"}),
        frozenset({"memory", "question"}),
        frozenset({"memory", "reward"}),
        frozenset({"history", "gt"}),
    ),
    paths={
        "question": "question",
        "question_id": "qid id query_id",
        "messages": "history memory",
        "answers": "gt answers answer aug_answer ground_truth",
        "entities": "entities",
        "stop": "stop_reason",
        "step": "step",
    },
    dialect="asearcher",
    refine=refine,
)
