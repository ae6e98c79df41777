"""ATIF, as Harbor, NeMo Gym and rLLM export it: one trajectory a file. It names no gold answer: an index does."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="Harbor, NeMo Gym, rLLM: ATIF trajectories",
    keys=(
        frozenset({"schema_version", "session_id", "steps"}),
        frozenset({"schema_version", "agent", "steps"}),
    ),
    paths={
        "group": "extra.task_name extra.group_id",
        "rollout": "trajectory_id session_id",
        "question": "extra.question",
        "question_id": "extra.question_id extra.task_id",
        "messages": "steps",
        "answers": "extra.answers extra.answer",
        "entities": "extra.entities",
        "step": "extra.step",
    },
)
