"""Numbers as English writes them: in digits, in words, as ordinals, as Roman numerals. Tables, generated once."""

from collections.abc import Iterator
from typing import Final

LARGEST: Final = 99
_ONES = [
    "zero",
    "one",
    "two",
    "three",
    "four",
    "five",
    "six",
    "seven",
    "eight",
    "nine",
    "ten",
    "eleven",
    "twelve",
    "thirteen",
    "fourteen",
    "fifteen",
    "sixteen",
    "seventeen",
    "eighteen",
    "nineteen",
]
_TENS = "twenty thirty forty fifty sixty seventy eighty ninety".split()  # noqa: SIM905
_IRREGULAR = {"one": "first", "two": "second", "three": "third", "five": "fifth", "eight": "eighth", "nine": "ninth", "twelve": "twelfth"}  # fmt: skip
_ROMAN = ((90, "xc"), (50, "l"), (40, "xl"), (10, "x"), (9, "ix"), (5, "v"), (4, "iv"), (1, "i"))
_INITIALS = frozenset("ivxl")  # a Roman numeral of one letter may be an initial: Malcolm X


def words_of(number: int) -> str:
    """Return a number up to `LARGEST` in words.

    >>> words_of(42)
    'forty-two'
    """
    if number < len(_ONES):
        return _ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f"-{_ONES[ones]}" if ones else "")


def suffixed(number: int) -> str:
    """Return an ordinal in digits.

    >>> suffixed(11), suffixed(22)
    ('11th', '22nd')
    """
    teen = 10 < number % 100 < 14
    return f"{number}{'th' if teen else {1: 'st', 2: 'nd', 3: 'rd'}.get(number % 10, 'th')}"


def ordinal_words(number: int) -> str:
    """Return an ordinal in words.

    >>> ordinal_words(21), ordinal_words(30)
    ('twenty-first', 'thirtieth')
    """
    head, dash, last = words_of(number).rpartition("-")
    regular = f"{last[:-1]}ieth" if last.endswith("y") else f"{last}th"
    return head + dash + _IRREGULAR.get(last, regular)


def roman(number: int) -> str:
    """Return a number up to `LARGEST` as a small Roman numeral.

    >>> roman(14)
    'xiv'
    """
    written = ""
    for value, letters in _ROMAN:
        count, number = divmod(number, value)
        written += letters * count
    return written


def _cardinals() -> Iterator[tuple[str, ...]]:
    for number in range(2, LARGEST + 1):
        latin = (roman(number),) if roman(number) not in _INITIALS else ()
        yield (str(number), *latin, words_of(number))


REGNAL = {roman(number).upper(): number for number in range(1, 40)}
"""What follows the name of a king or a pope."""
ORDINALS = {ordinal_words(number): number for number in range(1, 40)}
NUMERALS: tuple[tuple[str, ...], ...] = (
    *_cardinals(),
    *((suffixed(number), ordinal_words(number)) for number in range(1, LARGEST + 1)),
)
"""The same number in digits, as a Roman numeral where it cannot be read as an initial, and in words; ordinals likewise."""
WHOLE = {
    writing: number for number in range(1, 40) for writing in (str(number), roman(number), words_of(number))
}
"""Small numbers in digits, as Roman numerals and in words."""
BY_WRITING = {writing: group for group in NUMERALS for writing in group}
CARDINALS = {writing: number for number in range(LARGEST + 1) for writing in (str(number), words_of(number))}
