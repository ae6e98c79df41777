"""A file that is one conversation: messages of any shape, or the events of OpenHands."""

from reward_service.adapters.records.table import Reader

READER = Reader(
    writes="a file that is one conversation, or one a line: chat messages, events, steps, Responses items",
    keys=(
        frozenset({"conversation"}),
        frozenset({"messages"}),
        frozenset({"history"}),
        frozenset({"events"}),
        frozenset({"trajectory"}),
        frozenset({"conversations"}),
        frozenset({"contents"}),
        frozenset({"object", "output"}),
        frozenset({"steps"}),
    ),
    paths={
        "group": "group_id",
        "question": "question instruction",
        "question_id": "question_id instance_id id",
        "prompt": "input",
        "messages": "conversation messages history events trajectory[] conversations contents output steps",
        "answers": "answers answer",
        "entities": "entities",
        "step": "step",
    },
)
