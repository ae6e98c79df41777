"""Quantities: a number with what it counts. `20 percent` is `20%`, `310 sq. km` is `310 square kilometers`, `5 km` is `5000 m`.

Measures that convert exactly are brought to a base unit; a number never equals one with another mark, or with none.
"""

from collections.abc import Mapping, Sequence
from fractions import Fraction

from reward_service.core.checkers.tables import (
    DEGREES,
    MONEY,
    MONEY_IN_TWO_WORDS,
    MONEY_SCALES,
    OF_HEAT,
    PER,
    PER_CENT,
    PERCENT,
    POWERS,
    POWERS_BEHIND,
    SPEEDS,
    UNITS,
    UNITS_IN_TWO_WORDS,
    Unit,
)
from reward_service.core.checkers.tokens import Token, is_number

LENGTH, TIME = UNITS["m"][0], UNITS["year"][0]
COUNTED_ALONE = frozenset({"%", *MONEY.values()})


def measured(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with every number and its percent sign, currency or unit as one."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token, taken = _quantity(tokens, at)
        while token.mark and (more := _smaller(token, tokens, at + taken)) is not None:
            part, behind = more
            token, taken = _sum(token, part), behind - at
        out.append(token)
        at += taken
    return out


def _smaller(token: Token, tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """Return what follows of a quantity in a smaller unit of the same measure, the `10 in` of `5 ft 10 in`, and where it ends."""
    while at < len(tokens) and tokens[at].text in ("", "and") and tokens[at].value is None:
        at += 1
    if at == len(tokens) or not is_number(tokens[at]) or token.mark in COUNTED_ALONE or not token.bare:
        return None
    part, taken = _inches(tokens, at) if token.mark == LENGTH else _quantity(tokens, at)
    unit = (token.value or 0) / token.bare
    fits = part.mark == token.mark and bool(part.bare) and (part.value or 0) < unit
    return (part, at + taken) if fits and (part.value or 0) / (part.bare or 1) < unit else None


def _inches(tokens: Sequence[Token], at: int) -> tuple[Token, int]:
    """Return the quantity that begins here; "in" is an inch behind feet."""
    if at + 1 < len(tokens) and tokens[at + 1].text == "in":
        measure, factor = UNITS["inch"]
        return _marked(tokens[at], factor, measure), 2
    return _quantity(tokens, at)


def _sum(token: Token, part: Token) -> Token:
    return token._replace(value=(token.value or Fraction(0)) + (part.value or Fraction(0)))


def _quantity(tokens: Sequence[Token], at: int) -> tuple[Token, int]:
    """Return the quantity that begins here, or the token itself, and how many tokens it takes."""
    token = tokens[at]
    if token.value is None and token.text not in MONEY and token.text != "us":
        return token, 1
    rest = tokens[at + 1 : at + 9]
    if token.text == "us" and len(rest) > 1 and rest[0].text == "$" and is_number(rest[1]):
        money, taken = _quantity(tokens, at + 1)
        return money, taken + 1
    if token.text in MONEY and rest and is_number(rest[0]):
        scale, taken = _money_scale(rest[1:])
        return _marked(rest[0], scale, MONEY[token.text]), 2 + taken
    if not is_number(token) or not rest:
        return token, 1
    following = rest[0].text
    if following in PERCENT:
        return _marked(token, 1, "%"), 2
    if len(rest) > 1 and (following, rest[1].text) in PER_CENT:
        return _marked(token, 1, "%"), 3
    if following in MONEY and (following, (*rest, token)[1].text) not in MONEY_IN_TWO_WORDS:
        return _marked(token, 1, MONEY[following]), 2
    if len(rest) > 1 and (sign := MONEY_IN_TWO_WORDS.get((following, rest[1].text))):
        return _marked(token, 1, sign), 3
    unit, taken = _unit(rest)
    if unit and unit[0] == TIME and rest[taken : taken + 1] and rest[taken].text == "old":
        taken += 1
    return (_marked(token, unit[1], unit[0]), 1 + taken) if unit else (token, 1)


def _marked(number: Token, factor: Fraction | int, mark: str) -> Token:
    value = number.value or Fraction(0)
    bare = value * factor if mark in MONEY.values() else value
    return Token(number.text, value * factor, mark, number.written, bare)


def _money_scale(rest: Sequence[Token]) -> tuple[int, int]:
    scale = MONEY_SCALES.get(rest[0].text) if rest else None
    return (scale, 1) if scale else (1, 0)


def _unit(rest: Sequence[Token]) -> tuple[Unit | None, int]:
    """Return the unit these tokens begin with, "sq km" and "km per hour" too, and how many they are."""
    own, taken = _simple(rest)
    if own is None:
        return None, 0
    if taken + 1 < len(rest) and rest[taken].text in ("per", "/"):
        below, more = _simple(rest[taken + 1 :], PER)
        if below is not None:
            return (f"{own[0]}/{below[0]}", own[1] / below[1]), taken + 1 + more
    return own, taken


def _simple(rest: Sequence[Token], units: Mapping[str, Unit] = UNITS) -> tuple[Unit | None, int]:
    words = [token.text for token in rest]
    if words[0] in SPEEDS:
        above, below = (UNITS[name] for name in SPEEDS[words[0]])
        return (f"{above[0]}/{below[0]}", above[1] / below[1]), 1
    if words[0] in DEGREES and len(words) > 1 and words[1] in OF_HEAT:
        return UNITS[OF_HEAT[words[1]]], 2
    if tuple(words[:2]) in UNITS_IN_TWO_WORDS:
        return UNITS_IN_TWO_WORDS[words[0], words[1]], 2
    power, at = (POWERS[words[0]], 1) if words[0] in POWERS else (1, 0)
    at += at < len(words) and power > 1 and not words[at]  # the stop of "sq."
    if (
        at == len(words)
        or words[at] not in units
        or (len(words[at]) == 1 and rest[at].written.isupper() and words[at] != "l")
    ):
        return None, 0
    return _raised(units[words[at]], power, rest[at + 1 :], at + 1)


def _begins_unit(rest: Sequence[Token]) -> bool:
    """Return whether a unit is next, so that what precedes it is a number of its own: the `2` of `6 ft 2 in`."""
    return bool(rest) and (rest[0].text in UNITS or rest[0].text == "in")


def _raised(unit: Unit, power: int, rest: Sequence[Token], at: int) -> tuple[Unit, int]:
    """Take in a power written behind the unit: "km^2", "km2", "metres squared"."""
    if rest and rest[0].text in POWERS_BEHIND:
        power, at = POWERS_BEHIND[rest[0].text], at + 1
    elif len(rest) > 1 and rest[0].text == "^" and rest[1].text in ("2", "3"):
        power, at = int(rest[1].text), at + 2
    elif rest and rest[0].written in ("2", "3") and power == 1 and not _begins_unit(rest[1:]):
        power, at = int(rest[0].written), at + 1
    measure, factor = unit
    return (unit if power == 1 else (f"{measure}^{power}", factor**power)), at
