"""Dates, years and amounts in their usual spellings. Each rule is a function from a name to other spellings of the same thing."""

import re
from collections.abc import Iterator

from reward_service.core.matching import lexicon
from reward_service.core.matching.numerals import CARDINALS, LARGEST, suffixed, words_of

_DATES = (
    re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)? (?:of )?(?P<month>[A-Z]\w+),? (?P<year>\d{4})"),
    re.compile(r"(?P<month>[A-Z]\w+) (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>\d\d)"),
)
_MONTHS = (
    re.compile(r"(?P<month>[A-Z]\w+),? (?:of )?(?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])"),
)
_DASHES = frozenset("-–/")
_SHORT_RANGE = re.compile(r"\b(\d\d)(\d\d)([-–/])(\d\d)\b(?![-–/\d])")
_LONG_RANGE = re.compile(r"\b(\d\d)(\d\d)([-–/])\1(\d\d)\b")
_COMMA = re.compile(r"(?<=\d),(?=\d{3}\b)")
_NUMBER = re.compile(r"\b\d{4,}\b")
_LONG_NUMBER = re.compile(r"\b\d{5,}\b")
_EVENT = re.compile(r"(?P<year>\d{4}(?:[-–]\d{2,4})?) (?P<event>\S+ \S.*)")
_EVENT_LAST = re.compile(r"(?P<event>\S+ \S.*?)(?:,| of| in|) (?P<year>\d{4}(?:[-–]\d{2,4})?)")
_AMOUNT = re.compile(
    r"(?P<sign>[$€£])?(?P<number>[\d,]*\d(?:\.\d+)?|[a-z]+(?:-[a-z]+)?)(?: (?P<scale>thousand|million|billion|trillion))?"
    r"(?: ?(?P<unit>[%a-zA-Z°/][a-zA-Z°/ ]*|%))?"
)


def _month(written: str) -> str | None:
    """Return the name of a month that is written as a name or in two digits, None for anything else."""
    if written.isdigit():
        return lexicon.MONTHS[int(written) - 1]
    return written if written in lexicon.MONTHS else None


def _first(patterns: tuple[re.Pattern[str], ...], text: str) -> re.Match[str] | None:
    for pattern in patterns:
        if found := pattern.fullmatch(text):
            return found
    return None


def is_date(text: str) -> bool:
    """Return whether a text has the shape of a date."""
    return _first(_DATES, text) is not None


def dates(text: str) -> Iterator[str]:
    """12 March 1989 <-> March 12, 1989 <-> 12th of March 1989 <-> 1989-03-12."""
    found = _first(_DATES, text)
    month = _month(found["month"]) if found else None
    if found is None or month is None:
        return
    day, year = int(found["day"]), found["year"]
    for written in (str(day), suffixed(day)):
        yield from (f"{written} {month} {year}", f"{month} {written}, {year}", f"{written} of {month} {year}")
    yield f"{year}-{lexicon.MONTHS.index(month) + 1:02}-{day:02}"


def months(text: str) -> Iterator[str]:
    """March 1989 <-> 1989-03."""
    found = _first(_MONTHS, text)
    month = _month(found["month"]) if found else None
    if found and month:
        yield from (f"{month} {found['year']}", f"{month} of {found['year']}")
        yield f"{found['year']}-{lexicon.MONTHS.index(month) + 1:02}"


def year_ranges(text: str) -> Iterator[str]:
    """2011-12 NBA season <-> 2011-2012 NBA season."""
    for pattern, written in ((_SHORT_RANGE, _in_full), (_LONG_RANGE, r"\1\2\3\4")):
        yield text if _DASHES.isdisjoint(text) else pattern.sub(written, text)


def _in_full(found: re.Match[str]) -> str:
    century, first, dash, last = found.groups()
    return f"{century}{first}{dash}{century}{last}" if last > first else found[0]


def events(text: str) -> Iterator[str]:
    """2016 United States presidential election <-> United States presidential election of 2016."""
    found = _EVENT.fullmatch(text) or _EVENT_LAST.fullmatch(text)
    if found is None or _first((*_DATES, *_MONTHS), text):
        return
    year, event = found["year"], found["event"]
    yield f"{year} {event}"
    yield from (f"{event}{between} {year}" for between in ("", " of", " in"))


def thousands(text: str) -> Iterator[str]:
    """1,000,000 <-> 1000000; a number of four digits only where it is the whole name, as it may be a year."""
    yield _COMMA.sub("", text) if "," in text else text
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
    for number in _numbers(value):
        yield from (unit.format(number) for unit in units or ("{}",))


def _value(number: str, scale: str | None) -> float | None:
    """Return the number that is meant, None where it is none."""
    plain = number.replace(",", "")
    digits = re.fullmatch(r"\d+(?:\.\d+)?", plain)
    base = float(plain) if digits else CARDINALS.get(number)
    return None if base is None else base * lexicon.SCALES.get(scale or "", 1)


def _units(sign: str | None, unit: str | None) -> tuple[str, ...] | None:
    """Return the ways to write an amount of this unit, with {} for the number; none without a unit, None for an unknown one."""
    written = sign or (unit or "").strip()
    if not written:
        return ()
    return next((ways for names, ways in lexicon.UNITS if written in names), None)


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
