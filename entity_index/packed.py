"""Gold answers that are a list in disguise: several answers packed into one string.

Tables whose columns hold one string write lists as JSON, as Python, as numpy prints them, or joined by a separator.
A list of anything but strings stays what it is: `[1, 2]` may be an interval.
"""

import ast
import json
import re
from collections.abc import Iterable
from typing import Any

SEPARATOR = "<|answer_split|>"
NUMPY_GAP = re.compile(r"(?<=['\"])\s+(?=['\"])")
NUMPY_ARRAY = re.compile(r"\Aarray\((.*?)(?:,\s*dtype=\w+)?\)\Z", re.DOTALL)
MAX_CHARS = 100_000  # a parser of Python must not be handed a book


def unpacked(answer: str) -> tuple[str, ...]:
    """Return the answers that a string holds: itself, unless it is a list.

    >>> unpacked('["Paris", "Lutetia"]')
    ('Paris', 'Lutetia')
    >>> unpacked("Paris<|answer_split|>Lutetia")
    ('Paris', 'Lutetia')
    """
    if SEPARATOR in answer:
        return tuple(part for part in answer.split(SEPARATOR) if part.strip())
    return _listed(answer) or (answer,)


def unpack(answers: Iterable[str]) -> tuple[str, ...]:
    """Return answers with those unpacked that are lists in disguise."""
    return tuple(one for answer in answers for one in unpacked(answer))


def is_packed(answer: str) -> bool:
    """Return whether a string is a list in disguise, or begins and ends like one that cannot be read."""
    return (
        unpacked(answer) != (answer,)
        or re.fullmatch(r"\s*\[\s*['\"].*['\"]\s*,?\s*\]\s*", answer, re.DOTALL) is not None
    )


def written_out(value: Any) -> Any:
    """Return the list or object that a string spells as JSON, Python or numpy would; any other value as it is.

    >>> written_out("['a' 'b']"), written_out("[not a list")
    (['a', 'b'], '[not a list')
    """
    if not isinstance(value, str) or not value.lstrip().startswith(("[", "{", "array(")):
        return value
    said = value.strip()
    printed = NUMPY_ARRAY.match(said)
    for read in (json.loads, _python):
        try:
            return read(printed[1] if printed else said)
        except (ValueError, SyntaxError, MemoryError, RecursionError):
            continue
    return value


def _listed(text: str) -> tuple[str, ...]:
    """Return the strings of a list written out; none where the text is no list of strings alone."""
    items = written_out(text) if len(text) <= MAX_CHARS else None
    if isinstance(items, list) and all(isinstance(item, str) for item in items):
        return tuple(item for item in items if item.strip())
    return ()


def _python(text: str) -> object:
    return ast.literal_eval(NUMPY_GAP.sub(", ", text))
