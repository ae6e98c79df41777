"""Times of day, one spelling each: "3:30 PM", "3.30 p.m.", "half past three in the afternoon" are 15:30.

A time without "a.m." or "p.m." is on a clock of 24 hours only where it shows: 15:30 and 07:00, but not 3:30, which has two readings.
"""

import re

from reward_service.core.checkers.tables import CARDINALS

_HALF = r"(?P<half>[ap])\.?\s?m\b(?:\.(?!\w))?"
_DAYTIME = r"(?:in the (?P<daytime>morning|afternoon|evening)|at (?P<night>night))\b"
ON_12_HOURS = re.compile(
    rf"(?<![\w.:,/-])(?P<hour>1[0-2]|0?[1-9])(?:[:.](?P<minute>[0-5]\d))?(?:\s?{_HALF}|(?:\s?o'clock)? {_DAYTIME})",
    re.IGNORECASE,
)
ON_24_HOURS = re.compile(
    r"(?<![\w.:,/-])(?P<hour>[01]?\d|2[0-4])(?:(?:[:.](?P<minute>[0-5]\d))? Uhr\b|(?<=1[3-9]|2[0-4])[hH](?P<behind>[0-5]\d)(?!\w))"
)
_SMALL = "|".join(
    sorted(
        (word for word, value in CARDINALS.items() if 1 <= value <= 29 and word.isalpha()),
        key=len,
        reverse=True,
    )
)
SPOKEN = re.compile(
    rf"\b(?P<part>half|(?:a )?quarter|{_SMALL}) (?P<side>past|to) (?P<hour>{_SMALL}|\d{{1,2}})\s?(?:{_HALF}|{_DAYTIME})",
    re.IGNORECASE,
)
O_CLOCK = re.compile(r"(?<![\w.:,/-])(1[0-2]|[1-9]) o'clock\b", re.IGNORECASE)

IN_LETTERS = re.compile(
    r"(?<![\w.:,/-])(?:(?P<hours>\d{1,3})\s?h(?:rs?|ours?)?\s?)?(?P<minutes>\d{1,3})(?:\s?m(?:in(?:ute)?s?)?(?![a-z])\.?|(?<=h\d\d)(?!\w))"
    r"(?:\s?(?P<seconds>\d{1,2})\s?s(?:ec(?:ond)?s?)?\b\.?)?"
)
IN_COLONS = re.compile(
    r"(?<![\w.:,/-])(?P<hours>\d{1,2}):(?P<minutes>[0-5]\d):(?P<seconds>[0-5]\d)(?![\w:/]|[.,]\d)"
)


def durations(text: str) -> str:
    """Return a plain text with its durations in words: 2:01:39, 2h 1m 39s and 2 h 1 min 39 s are 2 hours 1 minutes 39 seconds."""
    return IN_COLONS.sub(_in_full, IN_LETTERS.sub(_in_full, text))


def _in_full(found: re.Match[str]) -> str:
    parts = found.groupdict()
    if not (parts["hours"] or parts["seconds"]):
        return found[0]
    return " ".join(f"{int(value)} {unit}" for unit, value in parts.items() if value and int(value))


def in_24_hours(text: str) -> str:
    """Return a plain text with its times of day on a clock of 24 hours.

    >>> in_24_hours("at 3.30 p.m."), in_24_hours("3:30")
    ('at 15:30', '3:30')
    """
    return O_CLOCK.sub(r"\1:00", ON_24_HOURS.sub(_of_24, ON_12_HOURS.sub(_of_12, text)))


def said_in_words(text: str) -> str:
    """Return a plain text with "half past three in the afternoon" as a clock shows it."""
    return SPOKEN.sub(_of_words, text) if " past " in text or " to " in text else text


def _shown(hour: int, minute: int) -> str:
    return f"{hour % 24:02}:{minute:02}"


def _in_second_half(found: re.Match[str], hour: int) -> bool:
    """Return whether a time is after noon; "at night" is before midnight from six o'clock on."""
    if found["half"]:
        return found["half"] in "pP"
    return found["daytime"] in ("afternoon", "evening") if found["daytime"] else 6 <= hour < 12


def _of_12(found: re.Match[str]) -> str:
    hour = int(found["hour"])
    return _shown(hour % 12 + 12 * _in_second_half(found, hour), int(found["minute"] or 0))


def _of_24(found: re.Match[str]) -> str:
    return _shown(int(found["hour"]), int(found["minute"] or found["behind"] or 0))


def _of_words(found: re.Match[str]) -> str:
    part, hour = found["part"].lower(), found["hour"].lower()
    minutes = 30 if part == "half" else 15 if part.endswith("quarter") else CARDINALS[part]
    number = int(hour) if hour.isdigit() else CARDINALS[hour]
    if not 1 <= number <= 12 or minutes > 30:
        return found[0]
    start = number % 12 + 12 * _in_second_half(found, number)
    total = start * 60 + (minutes if found["side"].lower() == "past" else -minutes)
    return _shown(*divmod(total % (24 * 60), 60))
