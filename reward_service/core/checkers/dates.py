"""Dates and ranges of years: "8 January 1891" is "January 8, 1891" is 1891-01-08; `1861–65` is `1861–1865`.

Numbers with slashes are dates where only one reading has a month: 13/02/2004 and 02/13/2004, but not 02/03/2004. With points
the day comes first, and a year of four digits in any case: 2004/02/13.
"""

import re
from collections.abc import Sequence
from fractions import Fraction

from reward_service.core.checkers.numbers import roman_value
from reward_service.core.checkers.tables import (
    ARTICLES_OF_DATES,
    ERAS,
    MONTHS,
    SEASONS,
    WEEKDAYS,
    YEAR_WORDS,
)
from reward_service.core.checkers.tokens import Token, is_number

CHINESE = ("年", "月", "日")
AFTER_YEARS = (*YEAR_WORDS, *ERAS)
BEFORE_DATES = WEEKDAYS | ARTICLES_OF_DATES
MONTH_OF_YEAR = re.compile(r"(0?[1-9]|1[0-2])/(1\d{3}|20\d\d)")
EARLY_DAY = re.compile(r"0[1-9]")
OPEN = "present"
OPEN_ENDS = frozenset({"present", "now", "today"})
OPENERS = frozenset({"ngay", "from", "between", *ERAS, *MONTHS, *SEASONS, "year"})


_ROMAN = r"(?P<roman>[IVX]{1,5})"
CENTURY = re.compile(
    rf"\b(?:siglo|secolo|século) {_ROMAN}\b|\b{_ROMAN.replace('roman', 'before')}(?:e|ème)? (?:century|siècle|век|століття|wiek)\b"
    r"|(?<!\d)(?P<digits>\d{1,2})\.?\s?(?:Jahrhundert|世紀|世纪|세기)"
)
WORDS_OF_CENTURIES = (
    "siglo",
    "secolo",
    "século",
    "century",
    "siècle",
    "век",
    "століття",
    "wiek",
    "Jahrhundert",
    "世紀",
    "世纪",
    "세기",
)
BEFORE_CHRIST = re.compile(r"(?<=\d )(?:v\. ?Chr\.?|av\. ?J\.? ?-?C\.?|a\. ?C\.|до н\. ?э\.?)")


def in_eras(text: str) -> str:
    """Return a plain text with its centuries and years before Christ as English writes them: siglo XIX, 44 v. Chr."""
    if any(word in text for word in WORDS_OF_CENTURIES):
        text = CENTURY.sub(_century, text)
    return BEFORE_CHRIST.sub("BC", text) if "." in text else text


def _century(found: re.Match[str]) -> str:
    numeral = found["roman"] or found["before"]
    return f"{roman_value(numeral.lower()) if numeral else found['digits']} century"


def date(year: int | None, month: int, day: int | None) -> str:
    """Return the mark of a date; what it does not say stays empty."""
    return f"@{year or ''}-{month}-{day or ''}"


def written(text: str) -> Token:
    """Return the token of a date in digits; one that can be read in two ways keeps its spelling."""
    first, second, third = (int(part) for part in re.split("[-./]", text))
    if "-" in text or first > 31:
        candidates = {(first, second, third)}
    elif "." in text:
        candidates = {(third, second, first)}
    else:
        candidates = {(third, second, first), (third, first, second)}
    possible = {one for one in candidates if 1 <= one[1] <= 12 and 1 <= one[2] <= 31}
    if len(possible) != 1:
        return Token(text, written=text)
    return Token(text, mark=date(*possible.pop()), written=text)


def month_of_year(text: str) -> Token | None:
    """Return the token of a month of a year in digits, 09/2004; None for other numbers."""
    found = MONTH_OF_YEAR.fullmatch(text)
    return Token(text, mark=date(int(found[2]), int(found[1]), None), written=text) if found else None


def dated(tokens: Sequence[Token]) -> list[Token]:
    """Return the tokens with every date and every range of numbers as one, weekdays beside a date left out."""
    out: list[Token] = []
    at = 0
    while at < len(tokens):
        token, taken = _begun(tokens, at) or (tokens[at], 1)
        if token.mark.startswith("@") and out and out[-1].text in BEFORE_DATES:
            out.pop()
        out.append(token)
        at += taken
    return out


def _begun(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """Return the date or range that begins here and how many tokens it takes; most tokens begin none."""
    own = tokens[at]
    if own.value is None and own.text not in OPENERS and own.text[:1] != "0":
        return None
    return _date(tokens, at) or _range(tokens, at)


def _number(tokens: Sequence[Token], at: int, *, least: int, most: int) -> int | None:
    """Return the whole number at a place, within bounds; None where there is none."""
    if at >= len(tokens) or not is_number(tokens[at]):
        return None
    value = tokens[at].value or Fraction(0)
    return int(value) if value.denominator == 1 and least <= value <= most else None


def _day(tokens: Sequence[Token], at: int) -> int | None:
    if at < len(tokens) and EARLY_DAY.fullmatch(tokens[at].text):
        return int(tokens[at].text)
    return _number(tokens, at, least=1, most=31)


def _year(tokens: Sequence[Token], at: int) -> int | None:
    return _number(tokens, at, least=32, most=9999)


def _month(tokens: Sequence[Token], at: int) -> int | None:
    return MONTHS.get(tokens[at].text) if at < len(tokens) else None


def _date(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    return (
        _chinese(tokens, at)
        or _day_first(tokens, at)
        or _month_first(tokens, at)
        or _year_first(tokens, at)
        or _vietnamese(tokens, at)
        or _year_alone(tokens, at)
    )


def _found(tokens: Sequence[Token], at: int, end: int, mark: str) -> tuple[Token, int]:
    return Token(tokens[at].text, mark=mark, written=tokens[at].written), end - at


def _chinese(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """2008年8月8日, 8月8日, 2008年8月."""
    said: dict[str, int] = {}
    end = at
    while end + 1 < len(tokens) and tokens[end + 1].text in CHINESE and is_number(tokens[end]):
        said[tokens[end + 1].text] = int(tokens[end].value or 0)
        end += 2
    if "月" not in said or len(said) < 2:
        return None
    return _found(tokens, at, end, date(said.get("年"), said["月"], said.get("日")))


def _vietnamese(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """Ngày 8 tháng 1 năm 1891."""
    begin = _behind(tokens, at, ("ngay",))
    words = [token.text for token in tokens[begin + 1 : begin + 4]]
    day, month = _day(tokens, begin), _number(tokens, begin + 2, least=1, most=12)
    if words[:1] != ["thang"] or day is None or month is None:
        return None
    year = _year(tokens, begin + 4) if words[2:] == ["nam"] else None
    return _found(tokens, at, begin + (5 if year else 3), date(year, month, day))


def _behind(tokens: Sequence[Token], at: int, words: tuple[str, ...]) -> int:
    """Return the place behind a word that may stand here."""
    return at + 1 if at < len(tokens) and tokens[at].text in words else at


def _day_first(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """8 January 1891, 8th of January, 8. Januar 1891, 8 de enero de 1891, 8 января 1891 года."""
    day = _day(tokens, at)
    between = _behind(tokens, at + 1, ("of", "de", "di", "er", "-", "/"))
    month = _month(tokens, between)
    if day is None or month is None:
        return None
    end = _behind(tokens, between + 1, ("de", "del", "do"))
    year = _year(tokens, end)
    end = _behind(tokens, end + 1, AFTER_YEARS) if year else between + 1
    return _found(tokens, at, end, date(year, month, day))


def _month_first(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """January 8, 1891; January 8; January 1891."""
    month = _month(tokens, at)
    if month is None:
        return None
    day = _day(tokens, _behind(tokens, at + 1, ("the",)))
    end = _behind(tokens, at + 1, ("the",)) + 1 if day else _behind(tokens, at + 1, ("of", "de"))
    year = _year(tokens, end)
    if year:
        return _found(tokens, at, _behind(tokens, end + 1, AFTER_YEARS), date(year, month, day))
    return _found(tokens, at, end, date(None, month, day)) if day else None


def _year_first(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """1891 January 8."""
    year, month = _year(tokens, at), _month(tokens, at + 1)
    day = _day(tokens, at + 2)
    return _found(tokens, at, at + 3, date(year, month, day)) if year and month and day else None


def _year_alone(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """Take a year in the common era, or in Chinese, for the bare year: 79 AD, AD 79, 2008年."""
    following = tokens[at + 1].text if at + 1 < len(tokens) else ""
    if following == CHINESE[0] and _number(tokens, at, least=1, most=9999):
        return tokens[at], 2
    if following in ERAS | YEAR_WORDS and _number(tokens, at, least=1, most=9999):
        return tokens[at], 2
    if tokens[at].text in SEASONS and following == "of" and _year(tokens, at + 2):
        return tokens[at], 2
    if tokens[at].text == "year" and _year(tokens, at + 1):
        return tokens[at + 1], 2
    if tokens[at].text in ERAS and _number(tokens, at + 1, least=1, most=9999):
        return tokens[at + 1], 2
    return None


def _range(tokens: Sequence[Token], at: int) -> tuple[Token, int] | None:
    """1861-1865, 1861-65, 1861 to 1865, from 1861 to 1865, between 1861 and 1865."""
    opener = tokens[at].text if tokens[at].text in ("from", "between") else ""
    begin = at + bool(opener)
    joints = ("and",) if opener == "between" else ("-", "to", "until", "till", "through")
    if begin + 2 >= len(tokens) or tokens[begin + 1].text not in joints:
        return None
    first, last = tokens[begin], tokens[begin + 2]
    if is_number(first) and last.text in OPEN_ENDS:
        return Token(first.text, first.value, f"~{OPEN}", first.written), begin + 3 - at
    if is_number(first) and last.bare and last.value is not None:  # "5 to 7 percent"
        first = first._replace(value=(first.value or Fraction(0)) * last.value / last.bare, mark=last.mark)
    if first.value is None or last.value is None or first.mark != last.mark:
        return None
    mark = f"{first.mark}~{_whole(first.value, last)}"
    return Token(first.text, first.value, mark, first.written), begin + 3 - at


def _whole(first: Fraction, last: Token) -> Fraction:
    """Return the end of a range, with the century of its start where two digits leave it out."""
    value = last.value or Fraction(0)
    shortened = len(last.written) == 2 and last.written.isdigit() and 1000 <= first <= 9999
    return value + first // 100 * 100 if shortened and value > first % 100 else value
