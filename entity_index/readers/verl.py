"""verl's training rows, as its parquet files have them.

    {"data_source", "prompt": [{"role", "content"}], "reward_model": {"ground_truth"}, "extra_info": {"index", "split", ...}}

The question is `extra_info.question`, or what the last user message says. The ground truth is a string, several joined by
`<|answer_split|>`, an array, or {"target": ...}, the last two also as JSON or Python in a string; `extra_info.checker` may say what the answer is. The id is
`extra_info.question_id` or `extra_info.index`, which is also what
a reward call of verl carries. verl has no place for entities: `extra_info.entities` is read where they have been added, and otherwise `entity-index extract` finds some.
"""

from collections.abc import Iterable, Mapping

from entity_index.errors import InvalidRecord
from entity_index.packed import SEPARATOR, written_out
from entity_index.readers import fields, jsonl
from entity_index.types import Question


def to_question(row: Mapping[str, object]) -> Question:
    """Return the question of one row."""
    extra = fields.record(row.get("extra_info") or {}, "extra_info")
    return Question(
        text=fields.optional_text(extra, "question") or _asked(fields.array(row, "prompt")),
        answers=_answers(fields.record(row.get("reward_model"), "reward_model").get("ground_truth")),
        entities=tuple(jsonl.to_entity(value) for value in fields.array(extra, "entities")),
        question_id=fields.identifier(extra, "question_id", "index"),
        checker=fields.checker(extra),
    )


def _asked(prompt: Iterable[object]) -> str:
    messages = [fields.record(message, "a message") for message in prompt]
    said = [fields.text(message, "content") for message in messages if message.get("role") == "user"]
    if not said:
        raise InvalidRecord("prompt has no user message")
    return said[-1]


def _answers(truth: object) -> tuple[str, ...]:
    match written_out(truth):
        case {"target": target}:
            return _answers(target)
        case _:
            answers = fields.texts({"ground_truth": truth}, "ground_truth")
            return tuple(part for answer in answers for part in answer.split(SEPARATOR))
