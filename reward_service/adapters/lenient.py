"""What the wire forgives: columns filled with null, lone surrogates, JSON inside a string, and the defects of one rollout.

Recorders write all of these, and none is a mistake of the caller. They are forgiven where they can be read in one way only.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

import jiter

REPLACEMENT = "\ufffd"
# Names that tell things apart: replacing a character could make two of them equal.
IDS = frozenset({"rollout_id", "group_id", "run_id", "question_id", "dataset", "profile"})
_SURROGATE = re.compile("[\ud800-\udfff]")
_SIGNS = (rb"\ud", rb"\uD", b"\xed")  # found much faster than a pattern, which would hold the interpreter
_MAY_HOLD_ONE = re.compile(rb"\\u[dD][89a-fA-F]|\xed[\xa0-\xbf]")


def without_nulls(value: Any, *, but: Collection[str] = ()) -> Any:
    """Return an object without the fields that are null: a column that does not concern this row.

    Args:
        value: JSON; anything but an object is returned as it is.
        but: fields whose null says something.
    """
    if type(value) is dict and None in value.values():
        return {key: one for key, one in value.items() if one is not None or key in but}
    return value


def from_string(value: Any) -> Any:
    """Return what a string holds as JSON; anything else as it is.

    Raises:
        ValueError: it holds no JSON.
    """
    return jiter.from_json(value.encode(), allow_inf_nan=False) if isinstance(value, str) else value


class AmbiguousId(ValueError):
    """An id holds a character that cannot be written down."""


class _Duplicate(ValueError):
    pass


def with_surrogates(body: bytes) -> Any:
    """Read JSON whose only fault is lone surrogates, half an emoji cut off by a token limit; each becomes U+FFFD.

    Raises:
        AmbiguousId: an id holds one.
        ValueError: it has another fault, or none.
    """
    if not (any(sign in body for sign in _SIGNS) and _MAY_HOLD_ONE.search(body)):
        raise ValueError("no surrogate")
    try:
        document = json.loads(
            body.decode("utf-8", "surrogatepass"), object_pairs_hook=_object, parse_constant=_constant
        )
    except RecursionError:
        raise ValueError("nested too deep") from None
    return _replaced(document)


def without_surrogates(value: Any) -> Any:
    """Return JSON that a file holds with each lone surrogate as U+FFFD: the value itself if there is none.

    Raises:
        AmbiguousId: an id holds one.
    """
    return value if _is_whole(value) else _replaced(value)


def _is_whole(value: Any) -> bool:
    """Whether all strings of a value can be written as UTF-8."""
    if isinstance(value, Mapping):
        return all(map(_is_whole, value)) and all(map(_is_whole, value.values()))
    if isinstance(value, list):
        return all(map(_is_whole, value))
    return not isinstance(value, str) or value.isascii() or _SURROGATE.search(value) is None


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise _Duplicate
    return document


def _constant(name: str) -> float:
    raise ValueError(name)


def _replaced(value: Any, key: str = "") -> Any:
    if isinstance(value, str):
        if key in IDS and _SURROGATE.search(value):
            raise AmbiguousId(f"{key} holds a lone surrogate")
        return _SURROGATE.sub(REPLACEMENT, value)
    if isinstance(value, Mapping):
        return {_replaced(name): _replaced(one, name) for name, one in value.items()}
    return [_replaced(one) for one in value] if isinstance(value, list) else value
