"""The spellings of a person's name: order, initials, nicknames, titles, middle names; and by what a name is taken for a person's."""

import re
from collections.abc import Callable, Iterator, Sequence
from itertools import chain

from entity_index.spelling import folded
from entity_index.types import Entity
from reward_service.core.matching import lexicon
from reward_service.core.matching.numerals import ORDINALS, REGNAL, ordinal_words, roman

MIDDLE_NAMES = 3
LONGEST_INITIAL = 2  # characters, with its dot
_REGNAL = re.compile(r"(?P<name>[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*)?) (?P<number>[IVX]+)")
_SPELLED = re.compile(
    r"(?P<name>[^\W\d_][\w'’.-]*(?: [^\W\d_][\w'’.-]*)?) the (?P<ordinal>[A-Z][a-z]+(?:-[a-z]+)?)"
)
_NICKNAME = re.compile(
    r"""(?P<first>[^"“”()]+?)\s+(?:["“](?P<quoted>[^"“”]+)["”]|['‘](?P<single>[^'‘’]+)['’]|\((?P<bracketed>[^()]+)\))\s+(?P<last>[^"“”()]+)"""
)
_CALLED = {
    name: [other.capitalize() for group in lexicon.NICKNAMES if name in group for other in group]
    for name in chain.from_iterable(lexicon.NICKNAMES)
}
_NAME_WORD = re.compile(r"[^\W\d_][\w'’-]+")
_INITIAL = re.compile(r"[^\W\d_]\.?")
_LEADING_INITIAL = re.compile(r"[A-Z]\.?")
_TWO_INITIALS = re.compile("[A-Z]{2}")
_PATRONYMIC = re.compile(
    "(?:ович|евич|ьич|ич|овна|евна|ична|івна|ївна|[oe]vi(?:ch|č)|[iy]ich|[oey]vna|ichna)$"
)
_FEMININE = ("а", "я")
_SUFFIXES = frozenset(("Jr", "Jr.", "Sr", "Sr.", "Junior", "Senior", "II", "III", "IV", "V"))
_NOT_BEHIND_TITLES = lexicon.NOT_IN_PERSONS - lexicon.NAME_PARTICLES
_LORD = re.compile(r"(?P<first>[A-Z]\w+), (?P<title>Lord|Lady|Sir|Dame) (?P<last>[A-Z]\w+)")
_PEERAGE = re.compile(
    r"(?P<name>[^,]+),? (?:\d+(?:st|nd|rd|th) )?(?:Baronet\b.*|(?:Baron(?:ess)?|Earl|Duke|Duchess|Marquess|Marquis|Viscount(?:ess)?|Count(?:ess)?)"
    r" (?:of )?[A-Z].*)"
)


def regnal(text: str) -> Iterator[str]:
    """Henry VIII <-> Henry the Eighth."""
    if (found := _REGNAL.fullmatch(text)) and found["number"] in REGNAL:
        yield f"{found['name']} the {ordinal_words(REGNAL[found['number']]).capitalize()}"
    if (found := _SPELLED.fullmatch(text)) and found["ordinal"].casefold() in ORDINALS:
        number = ORDINALS[found["ordinal"].casefold()]
        yield from (f"{found['name']} {roman}" for roman, value in REGNAL.items() if value == number)


def regnal_in(language: str) -> Callable[[str], Iterator[str]]:
    """Return the rule that writes a ruler's number as an ordinal of a language, and the other way: Пётр I <-> Пётр Первый."""
    masculine, feminine = lexicon.RULERS[language], lexicon.QUEENS.get(language, ("", ""))

    def ruler_by_ordinal(text: str) -> Iterator[str]:
        name, _, last = text.rstrip(".").rpartition(" ")
        between, ordinals = feminine if name.endswith(_FEMININE) and feminine[1] else masculine
        words = ordinals.split()
        if name and REGNAL.get(last, len(words) + 1) <= len(words):
            yield f"{name} {between}{words[REGNAL[last] - 1]}"
        elif name.endswith(between.rstrip()) and last in words:
            yield f"{name.removesuffix(between.rstrip()).rstrip()} {roman(words.index(last) + 1).upper()}"

    return ruler_by_ordinal


def without_title(text: str) -> Iterator[str]:
    """Sir Isaac Newton -> Isaac Newton; Queen Elizabeth II -> Elizabeth II. What is left is a full name or has its number."""
    title, _, rest = text.partition(" ")
    words = rest.split(" ")
    if (
        is_title(title)
        and len(words) > 1
        and words[0][:1].isupper()
        and all(map(_is_named, words))
        and _NOT_BEHIND_TITLES.isdisjoint(map(str.casefold, words))
    ):
        yield rest


def is_title(word: str) -> bool:
    """Return whether a word may stand before a person's name without being part of it: "Sir", "Dr."."""
    return word.strip(".").casefold() in lexicon.TITLES


def _is_named(word: str) -> bool:
    return word[:1].isupper() or word in lexicon.NAME_PARTICLES


def without_peerage(text: str) -> Iterator[str]:
    """Arthur Wellesley, 1st Duke of Wellington -> Arthur Wellesley; Alfred, Lord Tennyson -> Alfred Tennyson."""
    if found := _LORD.fullmatch(text):
        yield from (f"{found[part]} {found['last']}" for part in ("first", "title"))
    if (found := _PEERAGE.fullmatch(text)) and " " in found["name"]:
        yield found["name"]


def nickname_in_quotes(text: str) -> Iterator[str]:
    """Dwayne "The Rock" Johnson -> Dwayne Johnson; William "Bill" Gates -> Bill Gates."""
    if found := _NICKNAME.fullmatch(text):
        called = found["quoted"] or found["single"] or found["bracketed"]
        yield f"{found['first']} {found['last']}"
        if called.isalpha() and called.istitle():
            yield f"{called} {found['last'].split()[-1]}"


def without_patronymic(text: str) -> Iterator[str]:
    """Фёдор Михайлович Достоевский -> Фёдор Достоевский, in either order; Pyotr Ilyich Tchaikovsky -> Pyotr Tchaikovsky."""
    words = text.replace(",", "").split()
    if len(words) != 3:
        return
    for at, (first, last) in ((1, (0, 2)), (2, (1, 0))):
        if _PATRONYMIC.search(words[at]):
            yield f"{words[first]} {words[last]}"
            yield f"{words[last]} {words[first]}"


def has_patronymic(name: str) -> bool:
    """Return whether a name of three words has a patronymic, without which it must not be given another."""
    return name.count(" ") == 2 and any(map(_PATRONYMIC.search, name.split()[1:]))


def surname_first(text: str) -> Iterator[str]:
    """Ахматова Анна -> Анна Ахматова: Cyrillic lists people so, without a comma; Bartók Béla -> Béla Bartók."""
    words = text.split()
    if len(words) == 2 and all(map(_is_name_word, words)):
        yield f"{words[1]} {words[0]}"


def initials(text: str) -> Iterator[str]:
    """J. P. Morgan -> JP Morgan -> J P Morgan."""
    words = text.replace(".", ". ").split()
    letters = 0
    while letters < len(words) and _LEADING_INITIAL.fullmatch(words[letters]):
        letters += 1
    if 1 < letters < len(words):
        yield " ".join(("".join(word[0] for word in words[:letters]), *words[letters:]))
    if len(words) > 1 and _TWO_INITIALS.fullmatch(words[0]):
        yield " ".join((*words[0], *words[1:]))


def _is_name_word(word: str) -> bool:
    return len(word) > 2 and word[0].isupper() and _NAME_WORD.fullmatch(word) is not None


def is_particle(word: str) -> bool:
    """Return whether a word joins the parts of a last name: "van", "de"."""
    return word.casefold() in lexicon.PARTICLES


def _is_initial(word: str) -> bool:
    return _INITIAL.fullmatch(word) is not None


def may_be_person(entity: Entity) -> bool:
    """Return whether an entity is a person by its type, or without one, nothing in its name speaks against it."""
    if entity.type is not None:
        return entity.type.casefold() in lexicon.PERSON_TYPES
    return lexicon.NOT_IN_PERSONS.isdisjoint(re.findall(r"\w+", entity.name.casefold()))


def is_full_name(words: Sequence[str]) -> bool:
    """Return whether words look like a first and a last name, perhaps with a name or initials between."""
    middle = words[1:-1]
    if not (
        len(words) > 1
        and len(middle) <= MIDDLE_NAMES
        and _is_name_word(words[-1])
        and _is_name_word(words[0])
    ):
        return False
    if len(middle) == 1 and not (
        _is_name_word(middle[0]) or _is_initial(middle[0]) or is_particle(middle[0])
    ):
        return False
    return len(middle) < 2 or all(map(_is_initial, middle))


def inverted(text: str) -> str | None:
    """Return "Marie Curie" for "Curie, Marie", None where the comma cannot be that of a person's name.

    >>> inverted("Gogh, Vincent van"), inverted("King, Martin Luther, Jr."), inverted("Sammy Davis, Jr.")
    ('Vincent van Gogh', 'Martin Luther King Jr.', None)
    """
    if "," not in text:
        return None
    last, given, suffix = (*(part.split() for part in text.split(",", 2)), [], [])[:3]
    if not (
        _may_be_part(last) and _may_be_part(given[::-1]) and len(suffix) <= 1 and all(map(is_suffix, suffix))
    ):
        return None
    return None if all(map(is_suffix, given)) else " ".join(given + last + suffix)


def _may_be_part(words: Sequence[str]) -> bool:
    """Return whether words are one to three capitalised ones, a particle first perhaps."""
    names = words[1:] if len(words) > 1 and is_particle(words[0]) else words
    return 1 <= len(words) <= 3 and all(word[0].isupper() for word in names)


def is_suffix(word: str) -> bool:
    """Return whether a word tells a son from his father, behind their name: "Jr.", "III"."""
    return word in _SUFFIXES


def begins_with_initial(words: Sequence[str]) -> bool:
    """Return whether words look like a name of which the first is given by its initial, or all but the last are."""
    middle = words[1:-1]
    return (
        len(words) > 1
        and len(words[0]) <= LONGEST_INITIAL
        and _is_initial(words[0])
        and _is_name_word(words[-1])
        and len(middle) <= MIDDLE_NAMES
        and (all(map(_is_initial, middle)) or is_full_name(words[1:]))
    )


def nicknames(first: str) -> Iterator[str]:
    """Yield a first name and its short or full forms."""
    yield from dict.fromkeys([first, *_CALLED.get(first.casefold(), ())])


def last_name(person: Entity) -> tuple[str, str]:
    """Return the last name of a person with an alias of one word, and the given names with what these are called, folded; else nothing.

    >>> last_name(Entity("William Jefferson Clinton", ("Clinton",)))
    ('clinton', 'william bill billy will jefferson')
    """
    if all(" " in alias for alias in person.aliases):
        return "", ""
    words = (inverted(person.name) or person.name).split()
    if not is_full_name(words):
        return "", ""
    return folded(words[-1]), folded(" ".join(called for word in words[:-1] for called in nicknames(word)))


def is_common(last: str) -> bool:
    """Return whether so many people bear a last name that a middle name makes another person: John Quincy Adams is not John Adams."""
    return last.casefold() in lexicon.COMMON_LAST_NAMES
