"""rLLM: episodes. Each step of a trajectory holds the conversation so far; the last one holds all of it."""

from collections.abc import Mapping
from typing import Any

from reward_service.adapters.records.table import Reader, Row


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG001  # what a row's `refine` takes
    """Put the steps' conversations together: of each what those before it did not hold yet."""
    told: list[Any] = []
    for messages in found.get("messages", ()):
        if isinstance(messages, list):
            told += messages[len(told) :] if messages[: len(told)] == told else messages[-1:]
    first = next(iter(found.get("messages", ())), None)
    # An episode is named after its task and its place in the group: `task:3`.
    group, _, place = str(found.get("rollout", "")).rpartition(":")
    return {
        **found,
        **({"group": group, "rollout": place} if group else {}),
        "messages": told,
        **_prompt(first),
    }


def _prompt(first: Any) -> Mapping[str, Any]:
    """Return how many messages are the prompt: all of the first step's but the last, unless a tool answers among them."""
    before = first[:-1] if isinstance(first, list) else []
    has_tools = any(isinstance(one, Mapping) and one.get("role") == "tool" for one in before)
    return {} if has_tools else {"prompt_messages": len(before)}


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
        "messages": "trajectories[-1].steps[].chat_completions",
        "step": "training_step",
    },
    stops={"timeout": "abort", "error": "abort", "unknown": "stop"},
    refine=refine,
)
