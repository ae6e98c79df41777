"""Values of a line: what recorders pack into strings, lists and objects, as the one kind of value each field has."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from entity_index.packed import written_out
from reward_service.adapters.records.table import SIGNALS
from reward_service.core.types import VERDICTS

SEPARATOR = "<|answer_split|>"  # between the answers of one string in verl's data
GOLD = ("target", "answers", "answer", "value", "ground_truth", "text", "name")


class BadLine(ValueError):  # names what it is about
    """A line that is no rollout; the message carries no value of it."""


def identifier(name: str, value: Any) -> str | None:
    """Return an id; numbers are spelled out, objects become their JSON; None where it is empty.

    Raises:
        BadLine: it is none.
    """
    if value is None or isinstance(value, str):
        return value or None
    if isinstance(value, float) and value.is_integer():
        return str(int(value))
    if isinstance(value, int | float | list | dict):
        return json.dumps(value, sort_keys=True, ensure_ascii=False)
    raise BadLine(f"{name} is no id")


def whole(name: str, value: Any) -> int:
    """Return a whole number of at least 0.

    Raises:
        BadLine: it is none.
    """
    if isinstance(value, bool) or not isinstance(value, int | float) or value != int(value) or value < 0:
        raise BadLine(f"{name} is no count")
    return int(value)


def number(name: str, value: Any) -> float:
    """Return a number.

    Raises:
        BadLine: it is none.
    """
    try:
        return float(value)
    except (TypeError, ValueError):
        raise BadLine(f"{name} is no number") from None


def outcome(value: Any) -> str:
    """Return a verdict, `correct`, `wrong` or `error`, from any word for it: correct/wrong/error, true/false, 1/0.

    Raises:
        BadLine: it is none.
    """
    verdict = VERDICTS.get(str(value).strip().lower())
    if verdict is None:
        raise BadLine("outcome must be one of correct, wrong, error, true, false, 1, 0")
    return verdict


def strings(value: Any) -> list[str]:
    """Return gold answers: of a string, lists in lists, an object that holds them, or one of these packed in a string."""
    return list(dict.fromkeys(_strings(written_out(value))))


def _strings(value: Any) -> Iterator[str]:
    match value:
        case None:
            return
        case str():
            yield from filter(None, (part.strip() for part in value.split(SEPARATOR)))
        case list() | tuple() | set():
            for one in value:
                yield from _strings(one)
        case dict():
            yield from _strings(
                written_out(next((value[key] for key in GOLD if value.get(key) is not None), None))
            )
        case _:
            yield str(value)


def entities(value: Any) -> list[dict[str, Any]]:
    """Return entities as the API takes them: of names, lists of one entity's spellings, or objects.

    Raises:
        BadLine: one is none of these.
    """
    held = written_out(value)
    items = held if isinstance(held, list | tuple) else [held]
    return [_entity(one) for one in items if one not in (None, "", [])]


def _entity(value: Any) -> dict[str, Any]:
    match value:
        case str():
            return {"name": value}
        case [str(name), *aliases] if all(isinstance(one, str) for one in aliases):
            return {"name": name, "aliases": aliases}
        case {"name": str(name)} | {"title": str(name)} | {"label": str(name)}:
            said = {key: identifier(key, value.get(key)) for key in ("id", "type")}
            aliases = strings(value.get("aliases"))
            return {"name": name, "aliases": aliases, **{key: one for key, one in said.items() if one}}
        case _:
            raise BadLine("entities holds something that is no name, list of spellings or object with a name")


def signals(found: Mapping[str, Any]) -> dict[str, float]:
    """Return the numbers that a line brings along, by name; null ones are left out.

    Raises:
        BadLine: a value is no number.
    """
    own = found.get("signals")
    named = {name.removeprefix(SIGNALS): one for name, one in found.items() if name.startswith(SIGNALS)}
    together = {**(own if isinstance(own, Mapping) else {}), **named}
    return {name: number(SIGNALS + name, one) for name, one in together.items() if one is not None}
