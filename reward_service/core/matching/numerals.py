"""Numbers as English writes them, in digits, in words, as ordinals, as Roman numerals; in other languages as parts of names. Tables, generated once."""

import re
from collections.abc import Callable, Iterator
from typing import Final

from reward_service.core.matching import lexicon

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


_HUNDREDS = "|".join(_ONES[1:10])
_UP_TO_99 = rf"(?:(?:{'|'.join(_TENS)})(?:[ -](?:{_HUNDREDS}))?|{'|'.join(_ONES[1:])})"
LARGE_IN_WORDS = re.compile(
    rf"(?P<many>a|{_UP_TO_99}) (?P<scale>hundred|thousand)(?: (?:and )?(?P<rest>{_UP_TO_99}))?\b",
    re.IGNORECASE,
)
"""A number of hundreds and what is over, or of thousands, in words."""


def large_in_words(number: int) -> Iterator[str]:
    """Yield a number from 100 to 999, or of up to 99 or some hundred thousands, in words.

    >>> list(large_in_words(101)), list(large_in_words(20_000))
    (['one hundred and one', 'one hundred one', 'a hundred and one', 'a hundred one'], ['twenty thousand'])
    """
    thousands, hundreds = divmod(number, 1000)
    if thousands:
        written = large_in_words(thousands) if thousands > LARGEST else (words_of(thousands),)
        yield from (f"{many} thousand" for many in written)
        return
    many, rest = divmod(hundreds, 100)
    over = [f"{between}{words_of(rest)}" for between in (" and ", " ") if rest] or [""]
    yield from (f"{one} hundred{more}" for one in (words_of(many), *("a",) * (many == 1)) for more in over)


def large_of(found: re.Match[str]) -> int | None:
    """Return the number of a match of `LARGE_IN_WORDS`, None for thousands with a rest, which are said in more ways."""
    said = ((found[part] or "zero").lower().replace(" ", "-") for part in ("many", "rest"))
    many, rest = (1 if word == "a" else CARDINALS[word] for word in said)
    if found["scale"].lower() == "thousand":
        return None if rest else many * 1000
    return many * 100 + rest


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


def numbers_in(language: str) -> Callable[[str], Iterator[str]]:
    """Return the rule that writes the numbers in a name in digits instead of in words of a language, and the other way.

    Les Trois Mousquetaires <-> Les 3 Mousquetaires; Vingt mille lieues -> 20 000 lieues.
    """
    words = lexicon.NUMBERS[language].split()
    values = (*range(2, 21), *range(30, 101, 10), 1000)
    value_of = dict(zip(words, values, strict=True))
    word_of = {str(value): word for word, value in value_of.items()}
    one = "|".join(map(re.escape, sorted(words, key=len, reverse=True)))
    number = re.compile(rf"(?<![\w-])(?P<many>{one})(?P<thousand> {words[-1]})?(?![\w-])", re.IGNORECASE)
    digits = re.compile(r"(?<![\w.,-])[1-9]\d*(?![\w.,-])")

    def in_digits(found: re.Match[str]) -> str:
        many = value_of[found["many"].lower()]
        return f"{many} 000" if found["thousand"] else str(many)

    def number_words(text: str) -> Iterator[str]:
        if " " in text:
            yield number.sub(in_digits, text)
            yield digits.sub(lambda found: word_of.get(found[0], found[0]), text)

    return number_words


def ordinals_in(language: str) -> Callable[[str], Iterator[str]]:
    """Return the rule that writes the ordinal that begins a name in digits or as a Roman numeral, and the other way.

    Zweiter Weltkrieg <-> 2. Weltkrieg; Segunda Guerra Mundial <-> II Guerra Mundial <-> 2ª Guerra Mundial.
    """
    behind, rows = lexicon.ORDINALS[language]
    ways = [
        (
            *row.split("/"),
            *(written + end for written in (str(at), roman(at).upper()) for end in behind.split()),
            roman(at).upper(),
        )
        for at, row in enumerate(rows.split(), start=1)
    ]
    ways_of = {way.casefold(): own for own in ways for way in own}

    def ordinals_before_a_name(text: str) -> Iterator[str]:
        first, _, rest = text.partition(" ")
        if rest and not rest[-4:].isdigit():  # a date begins with a number, too
            yield from (f"{way} {rest}" for way in ways_of.get(first.casefold(), ()))

    return ordinals_before_a_name
