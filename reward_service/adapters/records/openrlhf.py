"""OpenRLHF: what its batch inference writes, and lines of a reward function that keep its arguments."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="OpenRLHF: `batch_inference` outputs",
    keys=(
        frozenset({"input", "output", "label"}),
        frozenset({"input", "output", "reward"}),
        frozenset({"prompt", "query", "label"}),
    ),
    paths={
        "prompt": "input prompt",
        "text": "output query",
        "answers": "label answer",
        "question_id": "question_id",
        "entities": "entities",
    },
    format="chatml",
)
