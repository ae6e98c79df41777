"""Dates, years and amounts in their usual spellings. Each rule is a function from a name to other spellings of the same thing."""

import re
from collections.abc import Iterator, Sequence
from itertools import product

from entity_index.spelling import folded
from reward_service.core.matching import lexicon
from reward_service.core.matching.numerals import (
    CARDINALS,
    LARGEST,
    ordinal_words,
    suffixed,
    words_of,
)

LONGEST_MONTH, MONTHS_PER_YEAR = 31, 12
_DAY_IN_WORDS = {ordinal_words(day): day for day in range(1, LONGEST_MONTH + 1)}
_DAY = rf"(?:the |The )?(?P<day>\d{{1,2}}(?=st|nd|rd|th|\b)|(?i:{'|'.join(_DAY_IN_WORDS)}))(?:st|nd|rd|th)?"
_DATES = (
    re.compile(rf"{_DAY} (?:of )?(?P<month>[A-Z]\w+\.?),? (?P<year>\d{{4}})"),
    re.compile(rf"(?P<month>[A-Z]\w+\.?) {_DAY},? (?P<year>\d{{4}})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>\d\d)"),
)
_MONTHS = (
    re.compile(r"(?P<month>[A-Z]\w+\.?),? (?:of )?(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])"),
)
_DATE_ELSEWHERE = re.compile(
    r"(?P<day>\d{1,2})(?:\.|º|er)? (?:de )?(?P<month>[^\W\d]+) (?:de )?(?P<year>\d{4})(?: ?(?:г|года|р|року)\.?)?"
)
_MONTH_ELSEWHERE = {
    folded(name): month
    for month, names in enumerate(lexicon.MONTHS_ELSEWHERE, start=1)
    for name in names.split()
}
_DAYS = (
    re.compile(rf"{_DAY} (?:of )?(?P<month>[A-Z]\w+\.?)"),
    re.compile(rf"(?P<month>[A-Z]\w+\.?) {_DAY}"),
)
_WEEKDAY = re.compile("^(?:Monday|Tuesday|Wednesday|Thursday|Friday|Saturday|Sunday),? (?=[A-Z\\d])")
_IN_DIGITS = re.compile(r"(?P<first>\d{1,2})[/.-](?P<second>\d{1,2})[/.-](?P<year>\d{4})")
_MONTH_BY_NAME = {
    name: month
    for month, names in enumerate(zip(lexicon.MONTHS, lexicon.SHORT_MONTHS, strict=True))
    for name in " ".join(names).split()
}
_YEAR = re.compile(r"\d{4}")
_ERA = re.compile(
    r"(?P<year>\d{1,4}) (?P<era>BCE?|CE|AD|B\.C\.(?:E\.)?|A\.D\.|C\.E\.)|(?P<before>AD|A\.D\.) (?P<behind>\d{1,4})"
)
_ERAS = dict.fromkeys(("BC", "BCE"), ("BC", "B.C.", "BCE", "B.C.E.")) | dict.fromkeys(
    ("AD", "CE"), ("AD", "A.D.", "CE", "C.E.")
)
_SHORT_RANGE = re.compile(r"\b(\d\d)(\d\d)([-–/])(\d\d)\b(?![-–/\d])")
_LONG_RANGE = re.compile(r"\b(\d\d)(\d\d)([-–/])(\1|(?<=99.)\d\d(?=00))(\d\d)\b")
_WHOLE_RANGE = re.compile(r"(\d{4})[-–](\d{4})")
_COMMA = re.compile(r"(?<=\d),(?=\d{3}\b)")
_NUMBER = re.compile(r"\b\d{4,}\b")
_LONG_NUMBER = re.compile(r"\b\d{5,}\b")
_EVENT = re.compile(r"(?P<year>\d{4}(?:[-–]\d{2,4})?) (?P<event>\S+ \S.*)")
_EVENT_LAST = re.compile(r"(?P<event>\S+ \S.*?)(?:,| of| in|) (?P<year>\d{4}(?:[-–]\d{2,4})?)")
_AMOUNT = re.compile(
    r"(?P<sign>[$€£])?(?P<number>[\d,]*\d(?:\.\d+)?|[a-z]+(?:-[a-z]+)?)(?: (?P<scale>thousand|million|billion|trillion))?"
    r"(?: ?(?P<unit>[%a-zA-Z°/][a-zA-Z°/ ]*[²2]?|%))?"
)


def _month(written: str) -> int | None:
    """Return which month is written, as a name, shortened or in two digits; None for anything else."""
    return int(written) - 1 if written.isdigit() else _MONTH_BY_NAME.get(written.rstrip("."))


def is_month(word: str) -> bool:
    """Return whether a word is the name of a month, perhaps shortened."""
    return word.rstrip(".") in _MONTH_BY_NAME


def _names(month: int) -> tuple[str, ...]:
    """Return what a month is called: March, Mar."""
    return lexicon.MONTHS[month], *lexicon.SHORT_MONTHS[month].split()


def _day(written: str) -> int:
    return int(written) if written.isdigit() else _DAY_IN_WORDS[written.lower()]


def _days(month: int, day: int) -> Iterator[tuple[str, str]]:
    """Yield the names of a month with a day of it as a number and as an ordinal; the month's full name also with one in words."""
    yield from product(_names(month), (str(day), suffixed(day)))
    yield lexicon.MONTHS[month], ordinal_words(day)


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    for pattern in patterns:
        if found := pattern.fullmatch(text):
            return found
    return None


LONGEST_SIGN = 3  # characters: km, km2, mph
_MORE_UNITS = (
    ("%", "percent", "per cent", "pct"),
    ("h", "hours", "hour"),
    ("in", "inches", "inch"),
    ("mph", "miles per hour"),
    ("km/h", "kmh", "kph", "kilometers per hour", "kilometres per hour"),
    ("°C", "degrees Celsius"),
    ("°F", "degrees Fahrenheit"),
)
_SCALES = {
    "k": "thousand",
    "m": "million",
    "mn": "million",
    "bn": "billion",
    "b": "billion",
    "tn": "trillion",
}
_SHORT_MONEY = re.compile(rf"(?P<money>[$€£]\d[\d,.]*) ?(?P<scale>{'|'.join(_SCALES)})", re.IGNORECASE)
_MONEY = {
    ("$", "dollars", "dollar", "USD"): ("${}", "{} dollars", "{} US dollars", "{} USD"),
    ("€", "euros", "euro", "EUR"): ("€{}", "{} euros", "{} EUR"),
    ("£", "pounds sterling", "GBP"): ("£{}", "{} pounds", "{} GBP"),
}


def is_date(text: str) -> bool:
    """Return whether a text has the shape of a date."""
    return _YEAR.search(text) is not None and (
        _first(_DATES, text) is not None or _date_elsewhere(text) is not None
    )


def dates_in_digits(text: str) -> Iterator[str]:
    """14/07/1789, 7/14/1789 -> 14 July 1789; 5/3/1970 is read in two ways, and so as no date."""
    if not (found := _IN_DIGITS.fullmatch(text)):
        return
    first, second = int(found["first"]), int(found["second"])
    for day, month in dict.fromkeys(((first, second), (second, first))):
        if 1 <= month <= MONTHS_PER_YEAR and _is_told(day, month):
            yield f"{day} {lexicon.MONTHS[month - 1]} {found['year']}"


def _is_told(day: int, month: int) -> bool:
    """Return whether the digits of a day and a month say which is which."""
    return day > MONTHS_PER_YEAR or day == month


def without_weekday(text: str) -> Iterator[str]:
    """Tuesday, July 14, 1789 -> July 14, 1789."""
    yield _WEEKDAY.sub("", text)


def is_weekday(word: str) -> bool:
    """Return whether a word is the name of a day of the week."""
    return _WEEKDAY.match(f"{word} A") is not None


def dates(text: str) -> Iterator[str]:
    """12 March 1989 <-> March 12, 1989 <-> 12th of March 1989 <-> 1989-03-12; 14 July 1789 -> 14/7/1789, 07/14/1789."""
    found = _first(_DATES, text)
    month = _month(found["month"]) if found else None
    if found is None or month is None:
        return
    day, year = _day(found["day"]), found["year"]
    for name, written in _days(month, day):
        yield from (f"{written} {name} {year}", f"{name} {written}, {year}", f"{written} of {name} {year}")
    yield f"{year}-{month + 1:02}-{day:02}"
    if _is_told(day, month + 1):
        for width, (first, second) in product((1, 2), ((day, month + 1), (month + 1, day))):
            yield f"{first:0{width}}/{second:0{width}}/{year}"


def _date_elsewhere(text: str) -> tuple[int, int, re.Match[str]] | None:
    """Return the day, the month and the parts of a date in another language than English."""
    found = _DATE_ELSEWHERE.fullmatch(text)
    month = _MONTH_ELSEWHERE.get(folded(found["month"])) if found else None
    return (int(found["day"]), month, found) if found and month else None


def dates_elsewhere(text: str) -> Iterator[str]:
    """12 апреля 1961 -> 12.04.1961, 12/4/1961, 1961-04-12; 14 de julho de 1789 -> 14/07/1789."""
    if read := _date_elsewhere(text):
        day, month, found = read
        year = found["year"]
        yield f"{year}-{month:02}-{day:02}"
        yield from (
            f"{day:0{width}}{sign}{month:0{width}}{sign}{year}" for sign, width in product("./", (1, 2))
        )
        yield from (f"{day}{of}{found['month']}{of}{year}" for of in (" ", " de "))


def days(text: str) -> Iterator[str]:
    """July 4 <-> 4 July <-> 4th of July."""
    found = _first(_DAYS, text)
    month = _month(found["month"]) if found else None
    if found and month is not None:
        for name, written in _days(month, _day(found["day"])):
            yield from (f"{name} {written}", f"{written} {name}", f"{written} of {name}")


def eras(text: str) -> Iterator[str]:
    """44 BC <-> 44 B.C. <-> 44 BCE; 79 AD <-> AD 79."""
    found = _ERA.fullmatch(text)
    if found is None:
        return
    year = found["year"] or found["behind"]
    plain = (found["era"] or found["before"]).replace(".", "")
    for era in _ERAS[plain]:
        yield from (f"{year} {era}", f"{era} {year}")


def months(text: str) -> Iterator[str]:
    """March 1989 <-> 1989-03."""
    found = _first(_MONTHS, text)
    month = _month(found["month"]) if found else None
    if found and month is not None:
        for name in _names(month):
            yield from (f"{name} {found['year']}", f"{name} of {found['year']}")
        yield f"{found['year']}-{month + 1:02}"


def year_ranges(text: str) -> Iterator[str]:
    """2011-12 NBA season <-> 2011-2012 NBA season; 1999-2000 <-> 1999-00; 1914-1918 -> 1914 to 1918, 1914 and 1918."""
    full = _SHORT_RANGE.sub(_in_full, text)
    yield from (full, _LONG_RANGE.sub(r"\1\2\3\5", full))
    yield from (_WHOLE_RANGE.sub(rf"\1 {between} \2", full) for between in ("to", "and", "through"))


def _in_full(found: re.Match[str]) -> str:
    century, first, dash, last = found.groups()
    if last > first:
        return f"{century}{first}{dash}{century}{last}"
    return f"{century}{first}{dash}{int(century) + 1}{last}" if (first, last) == ("99", "00") else found[0]


def events(text: str) -> Iterator[str]:
    """2016 United States presidential election <-> United States presidential election of 2016."""
    found = _EVENT.fullmatch(text) or _EVENT_LAST.fullmatch(text)
    if found is None or is_date(text) or _first(_MONTHS, text):
        return
    year, event = found["year"], found["event"]
    yield f"{year} {event}"
    yield from (f"{event}{between} {year}" for between in ("", " of", " in"))


def thousands(text: str) -> Iterator[str]:
    """1,000,000 <-> 1000000; a number of four digits only where it is the whole name, as it may be a year."""
    yield _COMMA.sub("", text)
    number = _NUMBER if text.isdecimal() else _LONG_NUMBER
    yield number.sub(lambda found: f"{int(found[0]):,}", text)


def amounts(text: str) -> Iterator[str]:
    """50% <-> 50 percent <-> fifty percent; 5 km <-> five kilometers; 3 million <-> 3,000,000."""
    found = _AMOUNT.fullmatch(text)
    value = found and _value(found["number"], found["scale"])
    if not found or value is None:
        return
    units = _units(found["sign"], found["unit"])
    if units is None or not (units or found["scale"] or value >= 1000):
        return
    own = () if found["scale"] else (found["number"],)
    for number in dict.fromkeys((*own, *_numbers(value))):
        yield from (unit.format(number) for unit in units or ("{}",))
    if units in _MONEY.values():
        yield from (units[0].format(number) for number in _in_short(value))


def money_in_full(text: str) -> Iterator[str]:
    """$20m -> $20 million."""
    if found := _SHORT_MONEY.fullmatch(text):
        yield f"{found['money']} {_SCALES[found['scale'].lower()]}"


def _in_short(value: float) -> Iterator[str]:
    """Yield a number by its scale in letters, as amounts of money are shortened: 20m."""
    for short, scale in _SCALES.items():
        if lexicon.SCALES[scale] <= value < lexicon.SCALES[scale] * 1000:
            yield f"{value / lexicon.SCALES[scale]:.10g}{short}"


def _value(number: str, scale: str | None) -> float | None:
    """Return the number that is meant, None where it is none."""
    plain = number.replace(",", "")
    digits = re.fullmatch(r"\d+(?:\.\d+)?", plain)
    base = float(plain) if digits else CARDINALS.get(number)
    return None if base is None else base * lexicon.SCALES.get(scale or "", 1)


def _units(sign: str | None, unit: str | None) -> tuple[str, ...] | None:
    """Return the ways to write an amount of this unit, with {} for the number; none without a unit, None for an unknown one."""
    written = [name for name in (sign, (unit or "").strip()) if name]
    ways = {UNITS.get(name) for name in written}
    return ways.pop() if len(ways) == 1 else None if ways else ()


def _ways(*names: str) -> tuple[str, ...]:
    """Return the ways to write an amount of a unit; a sign may follow its number at once."""
    return (
        *(f"{{}} {name}" for name in names),
        *(f"{{}}{name}" for name in names if len(name) <= LONGEST_SIGN),
    )


def _squares(names: Sequence[str]) -> tuple[str, ...]:
    """Return what the square of a length is called: square kilometers, sq km, km2."""
    return (
        *(f"square {name}" for name in names if len(name) > LONGEST_SIGN),
        *(
            written
            for name in names
            if len(name) <= LONGEST_SIGN
            for written in (f"{name}²", f"{name}2", f"sq {name}")
        ),
    )


def _units_by_name() -> Iterator[tuple[str, tuple[str, ...]]]:
    for *names, measure, _ in lexicon.UNITS:
        own = [name for name in names if name.isascii()]
        own += [name.upper() for name in own if measure == "bytes" and len(name) <= LONGEST_SIGN]
        for named in (own, _squares(own)) if measure == "length" else (own,):
            yield from ((name, _ways(*named)) for name in named)
    for named in _MORE_UNITS:
        yield from ((name, _ways(*named)) for name in named)
    for named, ways in _MONEY.items():
        yield from ((name, ways) for name in named)


UNITS = dict(_units_by_name())
"""By every name of a unit, the ways to write an amount of it, with {} for the number."""


def _numbers(value: float) -> Iterator[str]:
    """Yield a number in digits, with commas, by its scale, and in words."""
    whole = int(value)
    if whole != value:
        yield f"{value:.10g}"
    else:
        yield from (str(whole), f"{whole:,}")
        if whole <= LARGEST:
            yield words_of(whole)
    for name, scale in lexicon.SCALES.items():
        if scale <= value < scale * 1000:
            scaled = f"{value / scale:.10g}"
            yield f"{scaled} {name}"
            if scaled in CARDINALS:
                yield f"{words_of(int(scaled))} {name}"
