"""Values of the expected type out of a JSON object, or a reason why not."""

from collections.abc import Mapping
from hashlib import sha256
from math import isfinite

from entity_index.errors import InvalidRecord
from entity_index.readers.rows import json_of
from entity_index.types import CHECKER_KINDS


def identifier(row: Mapping[str, object], *names: str) -> str | None:
    """Return the first of the named fields as an id; numbers are spelled out; None where none is there."""
    value = first(row, *names)
    return str(value) if type(value) is int else optional_text(row, *names)


def named_after(question: str) -> str:
    """Return an id for a question of a data set that has none: the start of the digest of its text."""
    return sha256(question.encode("utf-8", "surrogatepass")).hexdigest()[:16]


def text(row: Mapping[str, object], *names: str) -> str:
    """Return the first of the named fields that is there, a string."""
    value = optional_text(row, *names)
    if value is None:
        raise InvalidRecord(f"{names[0]} is missing")
    return value


def optional_text(row: Mapping[str, object], *names: str) -> str | None:
    """Return the first of the named fields that is there, a string; None where none is there."""
    value = first(row, *names)
    if value is not None and not isinstance(value, str):
        raise InvalidRecord(f"{names[0]} is not a string")
    return value


def texts(row: Mapping[str, object], *names: str) -> tuple[str, ...]:
    """Return the first of the named fields that is there, a string or an array of strings, also one in a string."""
    value = first(row, *names)
    items = _listed(value) if isinstance(value, str) else array(row, *names)
    if not all(isinstance(item, str) for item in items):
        raise InvalidRecord(f"{names[0]} contains values that are not strings")
    return tuple(item for item in items if isinstance(item, str))


def _listed(value: str) -> tuple[object, ...]:
    """Return the strings of a JSON array that a string holds; the string itself if it holds anything else, such as [1, 2]."""
    held = opened(value)
    are_texts = isinstance(held, list) and all(isinstance(one, str) for one in held)
    return tuple(held) if are_texts else (value,)  # type: ignore[arg-type]  # a list


def number(row: Mapping[str, object], name: str, *, otherwise: float) -> float:
    """Return a field that is a finite number; another value where it is not there."""
    value = first(row, name)
    if value is None:
        return otherwise
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        raise InvalidRecord(f"{name} is not a finite number")
    return float(value)


def checker(row: Mapping[str, object]) -> str | None:
    """Return the checker that a question names; None where it names none."""
    value = optional_text(row, "checker")
    if value is not None and value not in CHECKER_KINDS:
        raise InvalidRecord(f"checker is not one of {', '.join(CHECKER_KINDS)}")
    return value


def array(row: Mapping[str, object], *names: str) -> tuple[object, ...]:
    """Return the first of the named fields that is there, an array; empty where none is there."""
    value = opened(first(row, *names))
    if value is not None and not isinstance(value, list):
        raise InvalidRecord(f"{names[0]} is not an array")
    return tuple(value or ())


def record(value: object, what: str) -> Mapping[str, object]:
    """Return a value that must be an object, or JSON text that holds one."""
    value = opened(value)
    if not isinstance(value, dict):
        raise InvalidRecord(f"{what} is not an object")
    return value


def count(row: Mapping[str, object], *names: str) -> int | None:
    """Return the first of the named fields that is there, a whole number from 0 on; None where none is there."""
    value = first(row, *names)
    if value is not None and (type(value) is not int or value < 0):
        raise InvalidRecord(f"{names[0]} is not a whole number from 0 on")
    return value


def opened(value: object) -> object:
    """Return what a column holds that was written as a JSON array or object in a string; anything else as it is."""
    if not isinstance(value, str) or not value.lstrip().startswith(("{", "[")):
        return value
    held = json_of(value.encode("utf-8", "surrogatepass"))
    return value if isinstance(held, InvalidRecord) else held


def first(row: Mapping[str, object], *names: str) -> object:
    """Return the first of the named fields that is there and not null; None where none is.

    Arrays and scalars of numpy become plain values: rows that never were JSON have them.
    """
    for name in names:
        value = row.get(name)
        if value is not None:
            return value.tolist() if hasattr(value, "tolist") else value
    return None
