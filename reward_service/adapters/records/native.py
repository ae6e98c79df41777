"""The product's own lines: a rollout of the API with the group it belongs to."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="this service's own recordings: a rollout of the API with `group_id` and `question_id` or `question`",
    keys=(
        frozenset({"group_id", "rollout_id", "messages"}),
        frozenset({"group_id", "rollout_id", "text"}),
        frozenset({"group_id", "rollout_id", "steps"}),
    ),
    paths={
        "run": "run_id",
        "group": "group_id",
        "rollout": "rollout_id",
        "question": "question",
        "question_id": "question_id",
        "answers": "answers question.answers",
        "entities": "entities question.entities",
        "messages": "messages",
        "text": "text",
        "steps": "steps",
        "prompt": "prompt",
        "prompt_messages": "prompt_messages",
        "outcome": "outcome",
        "outcome_error": "outcome_error",
        "stop": "stop_reason",
        "step": "step",
        "signals": "signals",
        "turn_signals": "turn_signals",
        "anchor": "anchor",
        "length": "length",
        "tree": "tree",
        "format": "format",
        "dialect": "dialect",
        "thought_open": "thought_open",
        "responses_in_policy_turn": "responses_in_policy_turn",
    },
    groups_of_a_step=True,
    follows_text=False,
)
