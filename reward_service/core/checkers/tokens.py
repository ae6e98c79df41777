"""A token of an answer: a word, a number, or a sign that carries meaning."""

from collections.abc import Iterable
from fractions import Fraction
from typing import NamedTuple


class Token(NamedTuple):
    """One token as it is compared."""

    text: str
    """A folded word, a sign, or a number that has no value, such as `5:30`; empty for a stop."""
    value: Fraction | None = None
    """What a number is worth, in base units where it has one."""
    mark: str = ""
    """What it counts: a percent sign, a currency, a measure; or the date or range that this token is."""
    written: str = ""
    """As the text has it."""
    bare: Fraction | None = None
    """The number of a measured token, before it was brought to base units."""


def is_number(token: Token) -> bool:
    """Return whether a token is a plain number, without a unit."""
    return token.value is not None and not token.mark


def key(tokens: Iterable[Token]) -> str:
    """Return what two spellings of one answer share: words run together, numbers apart from them and from each other.

    "Spider-Man" is "Spiderman", while `1 5` is not `15`. Empty for tokens that say nothing.
    """
    return "".join(_part(token) for token in tokens)


def _part(token: Token) -> str:
    if token.mark or token.value is not None:
        return f"<{'' if token.value is None else token.value}{token.mark}>"
    return f"<{token.text}>" if token.text[:1].isdigit() else token.text
