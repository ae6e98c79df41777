"""What lines that cannot be read seem to say: a `--map` to begin with, by the names and kinds of their fields."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from typing import Any

from entity_index.packed import written_out
from reward_service.adapters.records.lines import unpacked
from reward_service.adapters.records.table import ROLLOUTS, Row

DEEPEST = 3


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value.strip())


def _is_messages(value: Any) -> bool:
    said = written_out(value)
    return isinstance(said, list) and bool(said) and all(isinstance(one, Mapping) for one in said)


def _is_prompt(value: Any) -> bool:
    return _is_text(value) or _is_messages(value)


def _is_id(value: Any) -> bool:
    return isinstance(value, str | int) and not isinstance(value, bool)


def _is_any(value: Any) -> bool:
    return value not in (None, "", [], {})


GUESSES: Mapping[str, tuple[Callable[[Any], bool], str]] = {
    "messages": (_is_messages, "messages conversation conversations trajectory history turns events chat_completions dialogue trace transcript log"),
    "text": (_is_text, "output response completion generated_text gen_text generation prediction text rollout solution_str trajectory trace transcript log"),
    "question": (_is_text, "question query problem instruction task_question q task"),
    "prompt": (_is_prompt, "prompt input prompt_text input_prompt"),
    "question_id": (_is_id, "question_id qid query_id task_id instance_id example_id"),
    "group": (_is_id, "group_id prompt_id group uid group_index"),
    "answers": (_is_any, "answers answer target gold golden_answers gold_answer ground_truth expected_answer gts label solution"),
    "entities": (_is_any, "entities entity_list supporting_entities nodes"),
    "stop": (_is_text, "stop_reason finish_reason termination termination_reason status"),
    "step": (_is_id, "step global_step training_step iteration"),
}  # fmt: skip
"""What a field holds, and names that systems give it, the likeliest first."""
LISTS = (
    "rollouts", "samples", "responses", "completions", "generations", "outputs", "trajectories", "attempts", "candidates",
    "predictions", "episodes", "runs",
)  # fmt: skip
"""Names that systems give a list of the rollouts of one question."""
LOOSELY_NAMED = frozenset({"messages", "text", "question", "answers"})
"""Fields that may also be known by one word of a longer name, such as `final_output`."""


def proposal(rows: Sequence[Row]) -> list[str]:
    """Return `FIELD=PATH` for each field that a line seems to have, from the first line; empty where no transcript is seen.

    Where the line itself has no transcript, its lists of several are looked into.
    """
    if not rows:
        return []
    return _proposed(rows[0]) or next(filter(None, map(partial(_of_list, rows[0]), LISTS)), [])


def _of_list(row: Row, name: str) -> list[str]:
    """Return what a line seems to have that holds several rollouts in a list."""
    held = written_out(row.get(name))
    if not isinstance(held, list) or not held:
        return []
    found = _proposed(unpacked([name], row)[0], of_list=name)
    return [f"{ROLLOUTS}={name}", *found] if found else []


def _proposed(row: Row, *, of_list: str = "") -> list[str]:
    values = dict(_leaves(row))
    found = {field: path for field in GUESSES if (path := _guessed(values, field))}
    whole = [field for field in ("messages", "text") if of_list and GUESSES[field][0](values[of_list])]
    found |= dict.fromkeys(whole, of_list)
    if "messages" in found:
        found.pop("text", None)
    return [f"{field}={path}" for field, path in found.items()] if {"messages", "text"} & found.keys() else []


def wrapped(rows: Sequence[Row]) -> str | None:
    """Return the field of a file's only object that holds the most objects; None where none holds any."""
    lists = {name: len(one) for name, one in rows[0].items() if _is_messages(one)} if len(rows) == 1 else {}
    return max(lists, key=lambda name: lists[name], default=None)


def _guessed(values: Mapping[str, Any], field: str) -> str | None:
    """Return the path of a field by its whole name, else by a word of it."""
    fits, names = GUESSES[field]
    # A conversation comes with its prompt beside it, which is shorter.
    of_kind = sorted(
        filter(lambda path: fits(values[path]), values), key=lambda path: -len(str(values[path]))
    )
    whole = _path(of_kind, names.split(), lambda name: [name])
    if whole or field not in LOOSELY_NAMED:
        return whole
    return _path(of_kind, names.split(), _words) or (
        _asking(of_kind, values) if field == "question" else None
    )


def _asking(paths: Sequence[str], values: Mapping[str, Any]) -> str | None:
    """Return the shortest text that ends as a question does."""
    return next((path for path in reversed(paths) if values[path].rstrip().endswith(("?", "？"))), None)


def _words(name: str) -> list[str]:
    words = name.split("_")
    return [] if words[-1] == "id" else words


def _path(paths: Sequence[str], names: Sequence[str], known_by: Callable[[str], Sequence[str]]) -> str | None:
    for name in names:
        at = [path for path in paths if name in known_by(path.rpartition(".")[2].lower())]
        if at:
            return min(at, key=lambda path: path.count("."))
    return None


def _leaves(value: Any, path: str = "", depth: int = 0) -> Iterator[tuple[str, Any]]:
    """Yield the fields of an object and of the objects in it, with their paths."""
    held = written_out(value)
    if not isinstance(held, Mapping) or depth == DEEPEST:
        return
    for name, one in held.items():
        if isinstance(name, str) and name and not set(name) & set(".[] "):
            yield f"{path}{name}", one
            yield from _leaves(one, f"{path}{name}.", depth + 1)
