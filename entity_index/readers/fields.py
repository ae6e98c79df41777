"""Values of the expected type out of a JSON object, or a reason why not."""

import ast
import json
import re
from collections.abc import Mapping
from hashlib import sha256
from typing import Any

from entity_index.errors import InvalidRecord

_ARRAY = re.compile(r"\Aarray\((.*?)(?:,\s*dtype=\w+)?\)\Z", re.DOTALL)
_SPACED = re.compile(r"(?<=['\"])\s+(?=['\"])")  # numpy prints no commas


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
    """Return the first of the named fields that is there, a string or an array of strings, also one packed in a string."""
    value = first(row, *names)
    items = packed(value) if isinstance(value, str) else array(row, *names)
    if not all(isinstance(item, str) for item in items):
        raise InvalidRecord(f"{names[0]} holds something other than strings")
    return tuple(item for item in items if isinstance(item, str))


def array(row: Mapping[str, object], *names: str) -> tuple[object, ...]:
    """Return the first of the named fields that is there, an array; empty where none is there."""
    value = first(row, *names)
    if value is not None and not isinstance(value, list):
        raise InvalidRecord(f"{names[0]} is not an array")
    return tuple(value or ())


def record(value: object, what: str) -> Mapping[str, object]:
    """Return a value that must be an object."""
    if not isinstance(value, dict):
        raise InvalidRecord(f"{what} is not an object")
    return value


def first(row: Mapping[str, object], *names: str) -> object:
    """Return the first of the named fields that is there and not null; None where none is."""
    for name in names:
        value = row.get(name)
        if value is not None:
            return value
    return None


def packed(value: str) -> tuple[object, ...]:
    """Return the strings that a string holds as a list, or the string itself."""
    held = unpacked(value)
    is_list = isinstance(held, list) and all(isinstance(item, str) for item in held)
    return tuple(held) if is_list else (value,)


def unpacked(value: Any) -> Any:
    """Return what a string holds that is a list or an object as JSON, Python or numpy writes it; anything else as it is.

    >>> unpacked("['a' 'b']"), unpacked("[not a list")
    (['a', 'b'], '[not a list')
    """
    if not isinstance(value, str) or not (said := value.strip()).startswith(("[", "{", "array(")):
        return value
    said = printed[1] if (printed := _ARRAY.match(said)) else said
    for read in (json.loads, lambda text: ast.literal_eval(_SPACED.sub(", ", text))):
        try:
            return read(said)
        except (ValueError, SyntaxError, RecursionError, MemoryError):
            continue
    return value
