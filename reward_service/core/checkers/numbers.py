"""Numbers: `2.40` is `2.4`, `1,000` is a thousand, "twenty-one" is 21, "the Eighth" is VIII is 8.

Values are exact. A number with a leading zero, and digits joined by other signs than a point or thousands separators, keep
their own spelling: `007`, `5:30`, `3:10`. A comma that can group no thousands is a decimal one: `1,5`, `0,125`, `1.234,50`.
"""

import re
from collections.abc import Sequence
from decimal import Decimal
from fractions import Fraction

from reward_service.core.checkers.tables import (
    CARDINALS,
    MYRIADS,
    NEGATIVE,
    ORDINALS,
    PARTS,
    SCALES,
    SCALES_ELSEWHERE,
    SHORT_SCALES,
    UNITS,
)
from reward_service.core.checkers.tokens import Token, is_number
from reward_service.core.matching.eastern import han_in_digits
from reward_service.core.matching.lexicon import HAN_DIGITS, HAN_GROUPS, HAN_SCALES

MAX_DIGITS = 40  # a longer one is no quantity, and its value would cost more than its length
DECIMAL = re.compile(r"[+-]?(?:0|[1-9]\d*)?(?:\.\d+)?")
GROUPED = re.compile(
    r"[+-]?[1-9]\d{0,2}(?:(?:,\d{2,3})*,\d{3}|(?: \d{3})+|(?:'\d{3})+|(?:\.\d{3}){2,})(?:(?<!\.\d{3})\.\d+)?"
)
DECIMAL_COMMA = re.compile(
    r"[+-]?(?:(?:0|[1-9]\d*),(?:\d{1,2}|\d{4,})|0,\d{3}|[1-9]\d{0,2}(?:(?:\.\d{3})+|(?: \d{3})+|(?:'\d{3})+),\d+)"
)
RATIO = re.compile(r"[+-]?\d+/[1-9]\d*")
OPENERS = frozenset({"a", "an", "half", *NEGATIVE, *CARDINALS, *ORDINALS})
ALL_SCALES = {**SCALES, **SHORT_SCALES, **SCALES_ELSEWHERE}
POWER = re.compile(
    r"(?<![\w.,^])(?P<factor>[+-]?\d{1,15}(?:\.\d{1,15})?)(?:[eE](?P<e>[+-]?\d{1,2})|\s?[x*\u00b7\u22c5]\s?10\s?(?:\^|\*\*)\s?[({]?(?P<times>[+-]?\d{1,2})[)}]?)"
    r"(?![\w^]|[.,]\d)"
    r"|(?<![\w.,^*x-])(?P<ten>10)(?:\^|\*\*)[({]?(?P<alone>[+-]?\d{1,2})[)}]?(?![\w^]|[.,]\d)"
)
TIMES = {"twice": 2, "thrice": 3}
ROMAN = re.compile(r"(?=[ivxl])(?:xl|l?x{0,3})(?:ix|iv|v?i{0,3})")
ROMAN_DIGITS = {"i": 1, "v": 5, "x": 10, "l": 50}
# Chinese numerals are letters too: they are numbers where a counter or the whole text says so.
_NUMERAL = "".join((*HAN_DIGITS, *HAN_SCALES, *HAN_GROUPS))
HAN = re.compile(
    rf"百分之(?P<percent>[{_NUMERAL}]{{1,{MAX_DIGITS}}})|(?P<nth>第)?(?P<numeral>[{_NUMERAL}]+)"
    r"(?P<counter>[年月日号號岁歲届屆世]|$)?"
)
_MYRIADS = re.compile(rf"(?<![\d.,])(\d{{1,9}}(?:\.\d{{1,9}})?)([{''.join(MYRIADS)}])(?![\d{_NUMERAL}])")


def written(text: str) -> Token:
    """Return the token of a number as digits write it: 2,500, 21st, 3/4."""
    text = text.rstrip("stndrhSTNDRH")
    if len(text) > MAX_DIGITS:
        return Token(text, written=text)
    if GROUPED.fullmatch(text):
        groups = r"[, '.]" if text.count(".") > 1 else r"[, ']"
        return Token(text, Fraction(re.sub(groups, "", text)), written=text)
    if DECIMAL_COMMA.fullmatch(text):
        return Token(text, Fraction(re.sub(r"[. ']", "", text).replace(",", ".")), written=text)
    if DECIMAL.fullmatch(text) or (RATIO.fullmatch(text) and abs(Fraction(text)) < 1):
        return Token(text, Fraction(text), written=text)
    return Token(text, written=text)


def han_numerals(text: str) -> str:
    """Return a text with its Chinese numerals in digits: 一九四九年 is 1949年, 第二十九届 is 第29届, 百分之二十 is 20%, 3万人 is 30000人."""

    def digits(found: re.Match[str]) -> str:
        if found["percent"]:
            return f"{han_in_digits(found['percent'])}%"
        whole = found.start() == 0 and found.end() == len(text)
        if not (found["nth"] or found["counter"] or whole):
            return found[0]
        numeral = found["numeral"]
        number = numeral if len(numeral) > MAX_DIGITS else han_in_digits(numeral)
        return f"{found['nth'] or ''}{number}{found['counter'] or ''}"

    return _MYRIADS.sub(_times_a_myriad, HAN.sub(digits, text))


def _times_a_myriad(found: re.Match[str]) -> str:
    value = Fraction(found[1]) * MYRIADS[found[2]]
    return str(value) if value.denominator == 1 else found[0]


def without_powers(text: str) -> str:
    """Return a text with its powers of ten worked out: 1.5e9 and 1.5 x 10^9 are 1500000000, 10^-3 is 0.001."""
    return POWER.sub(_worked_out, text)


def _worked_out(found: re.Match[str]) -> str:
    exponent = int(found["e"] or found["times"] or found["alone"])
    return f"{Decimal(found['factor'] or 1).scaleb(exponent):f}"


def in_words(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with every run of number words as one number; scales multiply numbers in digits too."""
    out: list[Token] = []
    tokens = _one_and_a_half(tokens) if tokens and tokens[0].text in ("a", "an", "one") else tokens
    at = 0
    while at < len(tokens):
        begins = tokens[at].value is not None or tokens[at].text in OPENERS
        value, taken = _spoken(tokens, at) if begins else (None, 0)
        if tokens[at].text in TIMES:
            out += (
                Token(tokens[at].text, Fraction(TIMES[tokens[at].text]), written=tokens[at].written),
                Token("times", written="times"),
            )
            at += 1
        elif value is not None:
            out.append(Token(tokens[at].text, value, written=tokens[at].written))
            at += taken
        else:
            out.append(_roman(tokens, at, out))
            at += 1
    return out


def _spoken(tokens: Sequence[Token], at: int) -> tuple[Fraction | None, int]:
    """Return the number that begins here and how many tokens it takes; None where none begins."""
    if (half := _half(tokens, at)) is not None:
        return half
    sign = -1 if tokens[at].text in NEGATIVE else 1
    begin = at + (sign < 0)
    value, end = _amount(tokens, begin)
    if value is None:
        return None, 0
    part = tokens[end].text if end < len(tokens) else ""
    if part in PARTS and (part.endswith("s") or value == 1) and value < 20:
        value, end = value / PARTS[part], end + 1
    elif [token.text for token in tokens[end : end + 3]] == ["and", "a", "half"]:
        value, end = value + Fraction(1, 2), end + 3
        scale = ALL_SCALES.get(_text(tokens, end))
        value, end = (value * scale, end + 1) if scale else (value, end)
    elif end + 1 < len(tokens) and part == "point" and tokens[end + 1].text in CARDINALS:
        value, end = _after_point(tokens, value, end + 1)
    return sign * value, end - at


def _half(tokens: Sequence[Token], at: int) -> tuple[Fraction, int] | None:
    """Read "half a million", "half an hour", and a text that is nothing but "half", "a quarter" or "a third"."""
    if tokens[at].text == "half":
        article = _text(tokens, at + 1) in ("a", "an")
        counted = _text(tokens, at + 1 + article)
        if article and counted in SCALES:
            return Fraction(SCALES[counted], 2), 3
        if at == 0 and (not counted or counted in UNITS):
            return Fraction(1, 2), 1 + article
    if at == 0 and len(tokens) == 2 and tokens[0].text in ("a", "an") and tokens[1].text in PARTS:
        return Fraction(1, PARTS[tokens[1].text]), 2
    return None


def _one_and_a_half(tokens: Sequence[Token]) -> list[Token]:
    """Return "an hour and a half" as 1.5 hours, and "an hour", all by itself, as one; another text as it is."""
    words = [token.text for token in tokens]
    if len(words) < 2 or words[0] not in ("a", "an", "one") or words[1] not in UNITS:
        return list(tokens)
    if words[2:] not in ([], ["and", "a", "half"]):
        return list(tokens)
    value = Fraction(3, 2) if words[2:] else Fraction(1)
    return [Token("one", value, written=tokens[0].written), tokens[1]]


def _after_point(tokens: Sequence[Token], value: Fraction, at: int) -> tuple[Fraction, int]:
    place = Fraction(1)
    while at < len(tokens) and CARDINALS.get(tokens[at].text, 10) < 10 and place.denominator < 10**9:
        place /= 10
        value, at = value + CARDINALS[tokens[at].text] * place, at + 1
    return value, at


def _amount(tokens: Sequence[Token], begin: int) -> tuple[Fraction | None, int]:
    """Read cardinals, scales and a last ordinal; return the value and where it ends."""
    total, current, last = Fraction(0), None, Fraction(0)
    at = begin
    while at < len(tokens):
        word = tokens[at].text
        if current is not None and word in ALL_SCALES:
            scale = ALL_SCALES[word]
            total, current = (
                (total, current * scale) if scale in (12, 100) else (total + current * scale, Fraction(0))
            )
            last = Fraction(scale)
        elif current is None and word in ("a", "an") and _text(tokens, at + 1) in SCALES:
            current = Fraction(1)
        elif current is None and is_number(tokens[at]):
            current, last = tokens[at].value, Fraction(1)
        elif current is not None and at == begin + 1 and _is_part(tokens[at]) and current.denominator == 1:
            return current + (tokens[at].value or 0), at + 1
        elif (value := _word_value(word)) is not None and (joined := _join(current, last, value)) is not None:
            current, last = joined, Fraction(value)
            if word in ORDINALS:
                return total + current, at + 1
        elif not (word == "and" and last >= 100 and _word_value(_text(tokens, at + 1)) is not None):
            break
        at += 1
    return (None, begin) if current is None else (total + current, at)


def _is_part(token: Token) -> bool:
    """Return whether a number is the fraction of a mixed one: the `1/2` of `3 1/2`."""
    return token.value is not None and "/" in token.written and 0 < token.value < 1


def _text(tokens: Sequence[Token], at: int) -> str:
    return tokens[at].text if at < len(tokens) else ""


def _word_value(word: str) -> int | None:
    return CARDINALS.get(word, ORDINALS.get(word))


def _join(current: Fraction | None, last: Fraction, value: int) -> Fraction | None:
    """Return the number that goes on with a word: "twenty" + "one", "two hundred" + "six", "nineteen" + "eighty"; else None."""
    if current is None:
        return Fraction(value)
    if last >= 100 or (20 <= last < 100 and last % 10 == 0 and 0 < value < 10):
        return current + value if value < last else None
    return current * 100 + value if 10 < last == current < 100 and value >= 10 else None


def _roman(tokens: Sequence[Token], at: int, before: Sequence[Token]) -> Token:
    """Return a Roman numeral behind a name as its number, any other token as it is.

    A single letter is one only where no further name follows: "Malcolm X", not "John V. Smith".
    """
    token = tokens[at]
    if (
        token.text[:1] not in ROMAN_DIGITS
        or not before
        or not before[-1].text.isalpha()
        or not ROMAN.fullmatch(token.text)
    ):
        return token
    follows = next((one.written for one in tokens[at + 1 : at + 3] if one.text), "")
    if len(token.text) == 1 and follows[:1].isupper():
        return token
    return Token(token.text, Fraction(roman_value(token.text)), written=token.written)


def roman_value(numeral: str) -> int:
    """Return the value of a Roman numeral in small letters.

    >>> roman_value("xliv")
    44
    """
    values = [ROMAN_DIGITS[char] for char in numeral]
    following = [*values[1:], 0]
    return sum(-own if own < after else own for own, after in zip(values, following, strict=True))
