r"""An answer without the notation around it: `\boxed{...}`, or the words that announce it.

Both are read from the end, as the last box and the last announcement are what an agent settles on.
"""

import re
from collections.abc import Callable, Collection, Mapping
from types import MappingProxyType

BOX = re.compile(r"\\f?box(?:ed)?\s{0,9}\{")
_DRESS = re.compile(r"\\(?:text|textbf|textit|mathrm|mathbf|operatorname|rm|bf)\s{0,9}\{")
_PHRASE = re.compile(
    r"(?:^|[\s*#_>])(?:the\s{1,3})?(?:final\s{1,3}|correct\s{1,3})?answer(?:\s{1,3}is)?[*_]{0,3}\s{0,3}[:：][*_]{0,3}"
    r"|(?:^|[\s*#_>])the\s{1,3}(?:final\s{1,3}|correct\s{1,3})?answer\s{1,3}is\b",
    re.IGNORECASE,
)


def _closing(text: str, start: int) -> int:
    """Return where the brace that is open at `start` closes; the end of the text where it does not."""
    depth = 1
    for at in range(start, len(text)):
        depth += (text[at] == "{") - (text[at] == "}")
        if not depth:
            return at
    return len(text)


def boxed(text: str) -> str | None:
    """Return what is in the last box, without the commands that set it upright; None where there is no box."""
    opening = None
    for opening in BOX.finditer(text):  # noqa: B007  # the last one is wanted
        pass
    if opening is None:
        return None
    inside = text[opening.end() : _closing(text, opening.end())].strip()
    while (dress := _DRESS.match(inside)) and _closing(inside, dress.end()) == len(inside) - 1:
        inside = inside[dress.end() : -1].strip()
    return inside


def phrased(text: str) -> str | None:
    """Return the rest of the line behind the last "Answer:" or "The answer is"; None where nothing is announced."""
    announced = [one.end() for one in _PHRASE.finditer(text)]
    rest = text[announced[-1] :].strip() if announced else ""
    return rest.partition("\n")[0].strip(" *_$").rstrip(".") or None


KINDS: Mapping[str, Callable[[str], str | None]] = MappingProxyType({"boxed": boxed, "phrase": phrased})
ANSWER = "answer"
ANSWER_KINDS = (ANSWER, *KINDS)
"""Where an answer may stand: between the dialect's marks (or as the last text), in a box, behind an announcement."""


def found(text: str, kinds: Collection[str]) -> str | None:
    """Return the answer that some notation encloses; None where none of the kinds is there."""
    readings = (read(text) for kind, read in KINDS.items() if kind in kinds)
    return next((answer for answer in readings if answer is not None), None)


def unwrap(text: str, kinds: Collection[str]) -> str:
    """Return an answer without the notation around it.

    Args:
        text: the answer as it was given.
        kinds: which notations to take off, of `ANSWER_KINDS`.
    """
    answer = None if kinds == (ANSWER,) else found(text, kinds)
    return text.strip() if answer is None else answer
