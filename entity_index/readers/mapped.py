"""Any shape: the caller says where each field is.

    question=prompt[-1].content  answers=reward_model.ground_truth  entities=graph.nodes[]  entities.name=label

A path is names joined by dots; `[2]` or `[-1]` takes one of an array, `[]` all of it, and `**` goes to any depth:
`root.**.entity` is every `entity` in and under `root`, outer ones first. The fields are those of the own shape:
question_id, question, language, answers, entities, checker, rubrics, and of each entity `entities.name`, `.aliases`, `.id`, `.type`,
`.distance`. A field that is not named is read where the own shape has it; what a path does not find is absent. A path goes into a column that
holds JSON as a string as if it held the value itself.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from entity_index.errors import InvalidRecord
from entity_index.readers import jsonl
from entity_index.readers.fields import opened
from entity_index.types import Question

FIELDS = frozenset({"question_id", "question", "language", "answers", "entities", "checker", "rubrics"})
ENTITY_FIELDS = frozenset({"name", "aliases", "id", "type", "distance"})
PART = re.compile(r"([^.\[\]]+)|\[(-?\d*)\]")
PATH = re.compile(r"(?:[^.\[\]]+|\[-?\d*\])(?:\.[^.\[\]]+|\[-?\d*\])*")

DEEP = "**"

Step: TypeAlias = "str | int | None"


def shape(mapping: Iterable[str]) -> Callable[[Mapping[str, object]], Question]:
    """Return what makes a question of an object.

    Args:
        mapping: `field=path` each.

    Raises:
        ValueError: a field or path is none; the message says which.
    """
    paths = dict(_read(rule) for rule in mapping)
    of_entity = {
        name.removeprefix("entities."): path for name, path in paths.items() if name.startswith("entities.")
    }
    of_question = {name: path for name, path in paths.items() if name in FIELDS}

    def to_question(row: Mapping[str, object]) -> Question:
        found: dict[str, object] = {**row, **{name: find(row, path) for name, path in of_question.items()}}
        if of_entity:
            found["entities"] = [_entity(value, of_entity) for value in _array(found.get("entities"))]
        return jsonl.to_question(found)

    return to_question


def find(value: object, path: Iterable[Step]) -> object:
    """Return what stands at a path; None where nothing does.

    >>> find({"a": [{"b": 1}, {"b": 2}]}, parse("a[].b"))
    [1, 2]
    >>> find({"a": {"b": 1, "c": [{"b": 2}]}}, parse("a.**.b"))
    [1, 2]
    """
    steps = list(path)
    for n, step in enumerate(steps):
        value = opened(value)
        if step is None or step == DEEP:
            items = _within(value) if step else value
            found = [find(item, steps[n + 1 :]) for item in items] if isinstance(items, list) else []
            return [item for item in found if item is not None]
        value = _step(value, step)
    return value


def _within(value: object) -> list[object]:
    """Return a value and every object in it, however deep, outer ones first."""
    found: list[object] = []
    waiting = [value]
    while waiting:
        one = opened(waiting.pop())
        if isinstance(one, dict):
            found.append(one)
            waiting += reversed(one.values())
        elif isinstance(one, list):
            waiting += reversed(one)
    return found


def parse(path: str) -> tuple[Step, ...]:
    """Return the steps of a path: names, positions, None for all of an array.

    Raises:
        ValueError: it is no path.
    """
    if not PATH.fullmatch(path):
        raise ValueError(
            f"{path!r} is not a path: use names joined by dots, with [2], [-1] or [] after a name"
        )
    steps = tuple(name or (int(at) if at else None) for name, at in PART.findall(path))
    if steps[-1] == DEEP:
        raise ValueError(f"{path!r} must say what to take after {DEEP}")
    return steps


def _read(rule: str) -> tuple[str, tuple[Step, ...]]:
    name, is_, path = rule.partition("=")
    if not is_ or not (name in FIELDS or (name[:9] == "entities." and name[9:] in ENTITY_FIELDS)):
        known = ", ".join([*sorted(FIELDS), *(f"entities.{field}" for field in sorted(ENTITY_FIELDS))])
        raise ValueError(f"must be field=path, got {rule!r}; the fields are {known}")
    return name, parse(path)


def _step(value: object, step: str | int) -> object:
    match value, step:
        case dict(), str():
            return value.get(step)
        case list(), int() if -len(value) <= step < len(value):
            return value[step]
        case _:
            return None


def _array(value: object) -> list[object]:
    if value is not None and not isinstance(value, list):
        raise InvalidRecord("entities is not an array")
    return value or []


def _entity(value: object, paths: Mapping[str, tuple[Step, ...]]) -> object:
    found = {name: find(value, path) for name, path in paths.items()}
    return {**value, **found} if isinstance(value, dict) else found
