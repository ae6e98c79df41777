"""rLLM: episodes. Each step of a trajectory holds the conversation so far; the last one holds all of it."""

from collections.abc import Mapping
from typing import Any

from reward_service.adapters.records.table import Reader, Row


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the conversation of the last trajectory: of each step what the steps before it did not hold yet."""
    trajectories = row.get("trajectories")
    steps = trajectories[-1].get("steps") if isinstance(trajectories, list) and trajectories else None
    told: list[Any] = []
    for step in steps if isinstance(steps, list) else ():
        messages = step.get("chat_completions") or []
        told += messages[len(told) :] if messages[: len(told)] == told else messages[-1:]
    named = str(found.get("rollout", ""))
    # An episode is named after its task and its place in the group: `task:3`.
    group, _, place = named.rpartition(":")
    where = {"group": group, "rollout": place} if group else {}
    return {**found, **where, **({"messages": told} if told else {})}


READER = Reader(
    writes="rLLM: episodes",
    keys=(frozenset({"task", "trajectories"}),),
    paths={
        "rollout": "id",
        "question": "task.question task.query task.prompt task.metadata.question",
        "question_id": "task.question_id task.metadata.question_id",
        "answers": "task.ground_truth task.answers task.answer task.metadata.ground_truth",
        "entities": "task.entities task.metadata.entities",
        "stop": "termination_reason",
        "messages": "trajectories[-1].steps[-1].chat_completions",
        "step": "training_step",
    },
    stops={
        "max_response_length_exceeded": "length",
        "max_prompt_length_exceeded": "length",
        "max_turns_exceeded": "max_turns",
        "env_done": "stop",
        "timeout": "abort",
        "error": "abort",
        "unknown": "stop",
    },
    refine=refine,
)
