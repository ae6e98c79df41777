"""A name inside a longer one: "Kansas City" is no mention of Kansas, nor "New Mexico" of Mexico, nor "Toy Story 2" of Toy Story.

Only what a table knows counts, besides numbers: class words and teams behind a name, clubs and given names before it, places whose name
is another's with a word before it. A capital alone says little: headings and queries set any word behind a name ("Tom Hanks Filmography").
A text that writes the name in small letters writes the words around it so, too.

A number behind a name makes another of it, a sequel, a king or a version, unless it counts what follows ("In Oslo 3 people"), is a score
or a date, or numbers the next line of a list. The first of a series is the series' name.

A place named without what qualifies it is another's where another qualifies it: "Portland, Maine" is no mention of Portland, Oregon.
"""

import re
from collections.abc import Iterable
from typing import Final, NamedTuple

from entity_index.folding import fold
from entity_index.spelling import folded
from reward_service.core.matching import lexicon
from reward_service.core.matching.numerals import roman, words_of

LOOK_BACK = 32  # bytes before a name in which the word before it stands
LOOK_AHEAD = 40
LONGEST_NAME = 3  # words of a name that class words may follow


# What makes a longer name of a form, as bits: flags of an enumeration take longer than all else that is asked of one.
NEVER: Final = 0
BY_NUMBERS: Final = 1
"""A number or a part behind it."""
BY_WORDS: Final = 2
"""Class words and teams behind it, or clubs and given names before it."""
BY_SONS: Final = 4
"""Jr. or Sr. behind it."""


def _in_cases(pattern: str) -> tuple[re.Pattern[str], re.Pattern[str]]:
    """Return a pattern for text as it is written, and one for text in small letters."""
    return re.compile(pattern), re.compile(pattern, re.IGNORECASE)


_NAMED = r"(?:[A-Z][A-Za-z]{1,14}(?:\.[A-Z]\.)?|49ers|76ers)(?![A-Za-z])"
_BEHIND = _in_cases(rf"[ -](?:(?:{'|'.join(lexicon.INNER_CLASSES)}) ){{0,2}}(?P<word>{_NAMED})")
_BEFORE = _in_cases(r"(?<![\w'’-])(?P<words>(?:[A-Z][^\W\d_]{1,13} )?[A-Z][^\W\d_]{1,13})[ -]\Z")
_SURNAME = re.compile(r" (?P<word>[A-Z]['’]?[^\W\d_]['’]?[a-z][\w'’-]*)")
_GLUED_BEFORE = re.compile(r"(?:[\w-]\.|[_@]|://)\Z")
_GLUED_BEHIND = re.compile(r"_|@|\.[a-z]{2}")
_QUALIFIED = re.compile(r" ?[,(] ?(?P<place>[A-Z][A-Za-z.]*(?: [A-Z][A-Za-z.]*){0,2})")
_ENDS = re.compile(r"(?<=[a-z])\.(?= |\Z)")
ENDS = ".)'\"!?”’"  # of a name that ends in no letter, and in no number
MOST = 40  # parts of a series
_LATIN = [roman(number).upper() for number in range(2, MOST)]
_IN_WORDS = [words_of(number) for number in range(2, 13)]
_COUNTED = (
    *(name for *names, _, _ in lexicon.UNITS for name in names if name.isalpha()),
    *(*lexicon.SCALES, *lexicon.MONTHS, *" ".join(lexicon.SHORT_MONTHS).split()),
    *("others", "people", "per", "percent", "times"),
)
"""What a number behind a name counts, or is the day of."""
_DIGITS = (
    r"(?:[2-9]|[1-9]\d)(?!\w|[-–:/.,]\d| ?[%°])"
    rf"(?! ?(?:(?i:{'|'.join(_COUNTED)})\b|[A-Z][a-z]+ \d))"
)
_PART = (
    rf"(?:(?:[:,]? | ?[-–—] ?)(?i:{'|'.join(lexicon.PARTS)})\.?"
    rf"|(?::? | ?[-–—] ?)(?:(?i:{'|'.join(lexicon.SEASONS)})|{'|'.join(lexicon.PARTS_WITH_CAPITAL)})) ?"
    rf"(?:[2-9]|[1-9]\d|{'|'.join(_LATIN)}|(?i:{'|'.join(_IN_WORDS)}))(?!\w)"
)
_SON = re.compile(r",? (?:Jr|Sr|Junior|Senior)(?!\w)")
_SEQUEL = _in_cases(
    rf"[ \u00a0-]#?(?:{_DIGITS}|(?:{'|'.join(_LATIN)})(?![\w'’-]))"
    rf"| (?-i:{'|'.join(map(str.capitalize, _IN_WORDS))})(?![\w-])|{_PART}"
)
_MONTHS = frozenset(
    " ".join((*lexicon.MONTHS, *lexicon.SHORT_MONTHS, *lexicon.MONTHS_ELSEWHERE)).lower().split()
)
_NEXT_LINE = re.compile(r" (?P<number>\d{1,2})[.)]")
ANY_BEHIND = lexicon.ALSO_GIVEN_NAMES | lexicon.TITLES | lexicon.LONGER_BY_START.keys()
"""Names of which more words than a table has make another, folded."""
_THIS_LINE = re.compile(r"(?<!\d)(?P<number>\d{1,2})[.)] ?\Z")


def continued(spelling: str, *, of_person: bool) -> int:
    """Return what makes longer names of a form, as bits: numbers do unless it ends in one, words if it is a few capitalised ones.

    Args:
        spelling: the form.
        of_person: whether it is the name of a person as it was given.
    """
    last = spelling[-1]
    if not (last.isalpha() or last in ENDS):
        return NEVER
    by_words = spelling.count(" ") < LONGEST_NAME and all(map(_is_capitalised, spelling.split(" ")))
    return BY_NUMBERS + by_words * BY_WORDS + (of_person and " " in spelling) * BY_SONS


def _is_capitalised(word: str) -> bool:
    return word.isalpha() and word[0].isupper()


class Unfinished(NamedTuple):
    """What a name needs not to be part of."""

    name: str
    """Folded."""
    by: int
    """What makes longer names of it, as bits."""
    place: str
    """What qualifies it, folded, where it is named without that; else nothing."""
    given: str
    """The given names of the person whose last name alone it is, folded; else nothing."""


def is_part(one: Unfinished, before: str, written: str, after: str) -> bool:
    """Return whether a name is part of a longer one or of an identifier, or names another place or person than is meant.

    Args:
        one: the name.
        before: the original text before it, at least `LOOK_BACK` of it.
        written: the original text of it.
        after: the original text behind it, at least `LOOK_AHEAD` of it.
    """
    name, by, place, given = one
    in_small = written[:1].islower()
    return (
        (place != "" and is_elsewhere(place, after))
        or (given != "" and is_relative(given, before))
        or (in_small and is_identifier(before, written, after))
        or (by & BY_NUMBERS != 0 and is_numbered(name, before, after, in_small=in_small))
        or (by & BY_SONS != 0 and _SON.match(after) is not None)
        or (by & BY_WORDS != 0 and goes_on(name, after, in_small=in_small))
        or (by & BY_WORDS != 0 and began(name, before, in_small=in_small))
    )


def is_identifier(before: str, written: str, after: str) -> bool:
    """Return whether a name in small letters is part of an identifier of a program or of an address.

    >>> is_identifier("import ", "python", "_utils"), is_identifier("www.", "amazon", ".com"), is_identifier("in ", "oslo", ".")
    (True, True, False)
    """
    glued = _GLUED_BEFORE.search(before) or _GLUED_BEHIND.match(after)
    return "_" in written or glued is not None


def is_relative(given: str, before: str) -> bool:
    """Return whether a last name stands behind a given name that is not that of the person: "Pierre Curie" is no mention of Marie Curie.

    >>> is_relative("marie", "by Pierre "), is_relative("marie", "by Marie "), is_relative("marie", "by Madame ")
    (True, False, False)
    """
    found = _BEFORE[False].search(before)
    first = folded(found["words"]).rpartition(" ")[2] if found else ""
    return first in lexicon.GIVEN_NAMES and first not in given.split()


def is_numbered(name: str, before: str, after: str, *, in_small: bool = False) -> bool:
    """Return whether a number or a part behind a name makes another of it.

    >>> is_numbered("toy story", "in ", " 2 is"), is_numbered("rocky", "", " IV"), is_numbered("dune", "", ": Part Two")
    (True, True, True)
    >>> is_numbered("oslo", "in ", " 3 people"), is_numbered("oslo", "1. ", " 2. Bergen"), is_numbered("arsenal", "", " 2-1")
    (False, False, False)
    """
    found = _SEQUEL[in_small].match(after)
    if found is None:
        return False
    counts = found[0][-1].isdigit() and (name in lexicon.PLACES or name in _MONTHS)
    return not counts and not _is_next_line(before, after)


def _is_next_line(before: str, after: str) -> bool:
    """Return whether the number behind a name is that of the next line of a list, in which it is one."""
    this, following = _THIS_LINE.search(before), _NEXT_LINE.match(after)
    return bool(this and following) and int(this["number"]) + 1 == int(following["number"])  # type: ignore[index]


def goes_on(name: str, after: str, *, in_small: bool = False) -> bool:
    """Return whether a class word, a team or a last name right behind a name makes a longer one of it.

    >>> goes_on("kansas", " City is"), goes_on("kansas", " city is"), goes_on("new york", " City is")
    (True, False, False)
    >>> goes_on("new york", " Yankees"), goes_on("new york", " yankees", in_small=True), goes_on("paris", " Hilton")
    (True, True, True)
    """
    found = _BEHIND[in_small].match(after)
    if found and _makes_longer(name, found, in_small=in_small):
        return True
    if any(folded(after).startswith(rest) for rest in lexicon.LONGER_BY_START.get(name, ())):
        return True
    surname = _SURNAME.match(after)
    return surname is not None and _is_persons(name, surname["word"].lower())


def _makes_longer(name: str, found: re.Match[str], *, in_small: bool) -> bool:
    word, last = found["word"].lower(), name.rpartition(" ")[2]
    if in_small:
        known = word in lexicon.WRITTEN_SMALL
    elif last in lexicon.CLASSES and last != "city":
        known = word == "press"  # Harvard University Press, but Campbellsville University Athletics
    else:
        known = word in lexicon.TEAMS or (word in lexicon.CLASSES and last != "city")
    return known and (name, word) not in lexicon.SAME_PLACE and not _is_no_team(found)


def _is_no_team(found: re.Match[str]) -> bool:
    behind = found.string[found.start("word") :].lower()
    return behind.startswith(lexicon.NO_TEAMS)


def _is_persons(name: str, last: str) -> bool:
    """Return whether a last name makes a person of the name of a place or of a title, or another person of a first and a last name."""
    if name in lexicon.ALSO_GIVEN_NAMES or name in lexicon.TITLES:
        return not (last in lexicon.NOT_LAST_NAMES or last in lexicon.PLACES or last in lexicon.TITLES)
    first, _, rest = name.partition(" ")
    return rest.isalpha() and first in lexicon.GIVEN_NAMES and last in lexicon.COMMON_LAST_NAMES


def began(name: str, before: str, *, in_small: bool = False) -> bool:
    """Return whether the word before a name makes another place, a club or a person of it.

    >>> began("mexico", "in New "), began("mexico", "in new "), began("italy", "in Northern ")
    (True, False, False)
    >>> began("madrid", "for Real "), began("london", "by Jack ")
    (True, True)
    """
    found = _BEFORE[in_small].search(before)
    words = folded(found["words"]).split(" ") if found else []
    if any(" ".join((*words[at:], name)) in lexicon.LONGER_PLACES for at in range(len(words))):
        return True
    return bool(words) and (
        words[-1] in lexicon.CLUBS or (words[-1] in lexicon.GIVEN_NAMES and name in lexicon.ALSO_LAST_NAMES)
    )


def _keys(words: Iterable[str], part: slice) -> frozenset[bytes]:
    return frozenset(f" {folded(word)} ".encode()[part] for word in words)


KEY = 3  # bytes
BEGIN_BEHIND = _keys(
    (
        *(
            *lexicon.CLASSES,
            *lexicon.TEAMS,
            *lexicon.INNER_CLASSES,
            *lexicon.COMMON_LAST_NAMES,
            *_LATIN,
            *_IN_WORDS,
        ),
        *(*lexicon.PARTS_WITH_CAPITAL, "jr", "sr", "junior", "senior"),
    ),
    slice(1, 1 + KEY),
)
"""What the words that make a longer name of one before them begin with, folded, with the space behind where they are short."""
PARTS_BEGIN = _keys((*lexicon.PARTS, *lexicon.SEASONS), slice(1, 1 + KEY))
"""The same of those that need no capital."""
END_BEFORE = _keys(
    (
        *(word for place in lexicon.LONGER_PLACES for word in place.split(" ")[:-1]),
        *(*lexicon.CLUBS, *lexicon.GIVEN_NAMES),
    ),
    slice(-1 - KEY, -1),
)
"""What those end with that stand before it, with the space before where they are short."""


def may_follow(key: bytes, *, has_capital: bool) -> bool:
    """Return whether a word that begins with these folded bytes may make a longer name of one before it."""
    if has_capital and (key in BEGIN_BEHIND or key[1:2] == b" "):
        return True
    return key in PARTS_BEGIN or key[:1].isdigit()


def is_elsewhere(place: str, after: str) -> bool:
    """Return whether what qualifies a name in the text says that it is in another place than `place`, folded.

    >>> is_elsewhere("oregon", ", Maine"), is_elsewhere("oregon", ", OR"), is_elsewhere("oregon", ", USA"), is_elsewhere("texas", ", France")
    (True, False, False, True)
    """
    found = _QUALIFIED.match(after)
    return found is not None and any(lexicon.exclude(place, other) for other in _places(found["place"]))


def _places(written: str) -> list[str]:
    """Return the longest place that words begin with, folded; none where they begin with none."""
    words = _ENDS.split(written)[0].split()
    begun = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    known = [place for words in begun if (place := place_of(words)) in lexicon.COUNTRY_OF]
    return [place for place in known[:1] if place not in lexicon.ALSO_IN_LISTS]


def place_of(written: str) -> str:
    """Return a place as the tables write it: a postal code is its state."""
    return folded(_STATES_OF.get(written, written))


def qualifier(name: str) -> str:
    """Return the place that qualifies a name after a comma, folded; nothing where none does.

    >>> qualifier("Portland, OR"), qualifier("Gogh, Vincent van")
    ('oregon', '')
    """
    _, comma, tail = name.rpartition(", ")
    place = place_of(tail) if comma else ""
    return place if place in lexicon.COUNTRY_OF else ""


_STATES_OF = {code: state for state, code in lexicon.STATES.items()}


def overlaps_pinned(before: str, name: str, after: str) -> bool:
    """Return whether a pinned place takes a name of Han in, or begins before it and reaches into it: 東京 in 東京都 leaves no 京都.

    >>> overlaps_pinned("在東", "京都", "的"), overlaps_pinned("在", "京都", "的"), overlaps_pinned("在", "北海", "道")
    (True, False, True)
    """
    run = _in_han(before)[-lexicon.LONGEST_PINNED + 1 :]
    text = run + name + _in_han(after)
    return any(
        text.startswith(place, at) and at + len(place) > len(run) + (len(name) if at == len(run) else 0)
        for at in range(len(run) + 1)
        for place in lexicon.PINNED_HAN.get(text[at], ())
    )


def _in_han(text: str) -> str:
    return fold(text).text.replace(" ", "")
