"""A file that is one conversation, or one a line: messages of any shape, events, steps, or what a tracer recorded of them.

Programs of DSPy and LangChain keep their steps in the fields of one object, beside the answer that they gave: that answer is
no gold answer.
"""

from collections.abc import Iterable, Mapping
from typing import Any

from entity_index.packed import written_out
from reward_service.adapters.records.table import Reader, Row
from reward_service.core.trajectory import is_traced, traced_messages

GOLD = ("answers", "gold_answer", "ground_truth", "label")


def rows(row: Row) -> Iterable[Row]:
    """Return the rollout of a line; DSPy's evaluation has an example beside what the program predicted of it."""
    example, prediction = row.get("example"), row.get("prediction")
    if not isinstance(example, Mapping) or not isinstance(prediction, Mapping):
        return (row,)
    gold = {"answers": example["answer"]} if "answer" in example else {}
    return ({**example, **gold, **prediction},)


def refine(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:
    """Take the messages out of a trace, and a program's object as its own only message."""
    if "intermediate_steps" in row or "thought_0" in row or isinstance(row.get("trajectory"), Mapping):
        gold = next((row[name] for name in GOLD if name in row), None)
        asked = row.get("question", row.get("input"))
        others = {key: one for key, one in found.items() if key not in ("answers", "prompt")}
        return {**others, "question": asked, "answers": gold, "messages": [dict(row)]}
    messages = written_out(found.get("messages"))
    if isinstance(messages, list) and any(map(is_traced, messages[-1:])):
        return {**found, "messages": list(traced_messages(messages))}
    return found


READER = Reader(
    writes="a file that is one conversation, or one a line: chat messages, events, steps, Responses items, spans of a trace",
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
        frozenset({"thought_0"}),
        frozenset({"example", "prediction"}),
        frozenset({"intermediate_steps", "output"}),
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
    rows=rows,
    refine=refine,
)
