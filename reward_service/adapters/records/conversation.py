"""A file that is one conversation: messages of any shape, or the events of OpenHands."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="a file that is one conversation, or one a line: chat messages, OpenHands events (`history`)",
    keys=(
        frozenset({"conversation"}),
        frozenset({"messages"}),
        frozenset({"history"}),
        frozenset({"conversations"}),
    ),
    paths={
        "group": "group_id",
        "question": "question instruction",
        "question_id": "question_id instance_id id",
        "messages": "conversation messages history conversations",
        "answers": "answers answer",
        "entities": "entities",
        "step": "step",
    },
)
