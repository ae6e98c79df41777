"""A request body as JSON, within bounds on its depth and on its number of values.

The decoder holds the interpreter until it is done. A megabyte of text takes it a millisecond, a megabyte of empty lists a hundred,
so it is the values that are bounded, before they are decoded.
"""

import gc
from typing import Any

import jiter

from reward_service.adapters.lenient import AmbiguousId, with_surrogates
from reward_service.serve.errors import BodyTooLarge, MalformedJson

MAX_DEPTH = 190  # jiter itself ends at 200
MAX_VALUES = 1 << 31
CHUNK = 1 << 20  # bytes looked at in one go
MARKS = b",:[{"
"""What the names in objects and all values but the outermost come after."""


def document(body: bytes, *, max_depth: int, max_values: int) -> Any:
    """Read JSON; where lone surrogates are all that is wrong with it, they are replaced.

    Raises:
        BodyTooLarge: it has more values than `max_values`.
        MalformedJson: it is not JSON, an id holds a surrogate, or it is nested deeper than `max_depth`.
    """
    check_values(body, max_values)
    read = _read(body)
    check_depth(read, max_depth)
    return read


def _read(body: bytes) -> Any:
    try:
        return _uncollected(body)
    except ValueError as error:
        try:
            return with_surrogates(body)
        except AmbiguousId as why:
            raise MalformedJson(str(why)) from None
        except ValueError:
            raise MalformedJson(_position(str(error))) from None


def _uncollected(body: bytes) -> Any:
    """Decode without garbage collection: JSON has no cycles, and half a million lists are decoded five times as fast."""
    collects = gc.isenabled()
    gc.disable()
    try:
        return jiter.from_json(body, allow_inf_nan=False, catch_duplicate_keys=True)
    finally:
        if collects:
            gc.enable()


def check_values(body: bytes, most: int) -> None:
    """Refuse a body with more values than that: items of lists, and names and values in objects.

    An empty list or object counts as if it had an item or a name.

    Raises:
        BodyTooLarge: it has.
    """
    if len(body) > most and sum(map(body.count, MARKS)) > most and _values(body) > most:
        raise BodyTooLarge(f"a body may have at most {most} JSON values; send it as several calls")


def _values(body: bytes) -> int:
    """Return how many marks are outside of strings."""
    # Without escapes, every quote opens or closes a string.
    plain = body.replace(rb"\\", b"").replace(rb"\"", b"")
    inside, count = False, 0
    for start in range(0, len(plain), CHUNK):
        parts = plain[start : start + CHUNK].split(b'"')
        outside = b"".join(parts[inside::2])
        count += sum(map(outside.count, MARKS))
        inside ^= len(parts) % 2 == 0
    return count


def check_depth(read: object, max_depth: int) -> None:
    """Refuse what is nested too deep, level by level, so that nothing that comes later can run out of stack.

    Raises:
        MalformedJson: there are more levels of lists and objects than `max_depth`.
    """
    level: list[Any] = [[read]]
    for _ in range(max_depth + 1):
        level = [
            inner
            for outer in level
            for inner in (outer.values() if type(outer) is dict else outer)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return
    raise MalformedJson(f"nested deeper than {max_depth} levels")


def _position(message: str) -> str:
    """Keep what a JSON error says about its kind and place, drop the quoted key of a duplicate (it may be private)."""
    return "duplicate key in an object" if message.startswith("Detected duplicate key") else message
