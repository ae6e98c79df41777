"""Tongyi DeepResearch and its relatives (WebSailor, WebDancer, WebShaper): question, messages and how the run ended."""

from collections.abc import Mapping
from typing import Any

from reward_service.adapters.records.table import Reader, Row


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Mark a run that its harness gave up: it has no reward."""
    return {**found, "stop": "abort"} if row.get("error") else found


READER = Reader(
    writes="Tongyi DeepResearch, WebSailor, WebDancer, WebShaper",
    keys=(
        frozenset({"messages", "prediction"}),
        frozenset({"messages", "termination"}),
        frozenset({"messages", "answer", "task"}),
        frozenset({"messages", "answer", "question"}),
    ),
    paths={
        "rollout": "rollout_id rollout_idx",
        "question": "question",
        "question_id": "question_id id",
        "messages": "messages",
        "answers": "answers answer",
        "entities": "entities",
        "stop": "termination",
        "step": "step",
    },
    stops={
        "answer": "stop",
        "generate an answer as token limit reached": "length",
        "exceed available llm calls": "max_turns",
        "answer not found": "max_turns",
        "no answer found after 2h30mins": "max_turns",
        "format error: generate an answer as token limit reached": "length",
    },
    refine=refine,
)
