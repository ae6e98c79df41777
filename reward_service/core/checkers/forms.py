"""Forms of a gold answer: what a careful reader would also take for it.

The matcher's forms of a name count, and the rules below, which hold for gold answers only: an agent's answer is compared as
it stands. Each rule is a function from text to texts, applied to everything the rules before it gave.

- "Edinburgh, Scotland" may be "Edinburgh"; of a list of three or more nothing is dropped, nor where a part is a number.
- "by mid-1988" may be "mid-1988"; "before 1988" stays what it is.
- "190,000 employees" may be "190,000"; a unit, a percent sign and a currency never go.
- "King Edward II" may be "Edward II"; Ernesto "Che" Guevara may be "Che Guevara"; "Howard Elliott Ashman" may be "Howard
  Ashman", so "John Adams" is taken for "John Quincy Adams"; "Clive Staples Lewis" may be "C. S. Lewis".
- Acronyms of four letters or more.
"""

import re
from collections.abc import Callable, Iterator
from itertools import compress
from operator import not_

from entity_index.spelling import folded
from entity_index.types import Entity, Question
from entity_index.usable import FUNCTION_WORDS
from reward_service.core.checkers.reading import key_in_words, key_of, plain, read, tokens
from reward_service.core.checkers.tables import LEADS, NO_COUNTED
from reward_service.core.checkers.tokens import is_number
from reward_service.core.matching import lexicon
from reward_service.core.matching.forms import derive

MAX_FORMS = 48
MAX_FORMED = 200
"""Characters. A longer gold answer is a text and not a name: it has no other forms, which would take a time of their own."""
LEAST_ACRONYM = 4
TIMES_OF_DAY = (("12:00", "noon", "12 noon", "midday"), ("00:00", "midnight", "12 midnight"))
QUOTED = re.compile(r"""["(]([^"()]{2,40})[")]|(?<=\s)'([^"'()]{2,40})'(?=\s)""")
NAME_WORD = re.compile(r"[^\W\d_][\w'’-]+\.?")


def without_lead(text: str) -> Iterator[str]:
    """By mid-1988 -> mid-1988; from around 1520 -> around 1520 -> 1520."""
    words = text.split()
    begin = 0
    while begin < len(words) - 1 and words[begin].lower().strip(".") in LEADS:
        begin += 1
        yield " ".join(words[begin:])


def without_article(text: str) -> Iterator[str]:
    """The University of Oxford -> University of Oxford, whose other forms then count."""
    if text[:4].lower() == "the ":
        yield text[4:]


def possessive(text: str) -> Iterator[str]:
    """The People's Party -> The Peoples Party, as a policy writes it that leaves signs out."""
    yield text.replace("'s", "s")


def are_two_places(text: str) -> bool:
    """Return whether a text names two places by a comma, none of which lies in the other: Norway, Sweden."""
    places = tuple(map(folded, text.split(",")))
    return len(places) == 2 and lexicon.PLACES.issuperset(places) and lexicon.exclude(*places)


def without_qualifier(text: str) -> Iterator[str]:
    """Edinburgh, Scotland -> Edinburgh."""
    head, comma, tail = text.partition(",")
    is_list = "," in tail or re.search(r"\b(?:and|or)\b|&", text)
    is_name = tail.split() and tail.split()[0].strip(".").lower() in lexicon.TITLES  # "Fleming, Sir John"
    if (
        comma
        and not is_list
        and not is_name
        and not are_two_places(text)
        and not re.search(r"\d", text)
        and head[:1].isupper()
        and tail.strip()[:1].isupper()
    ):
        yield head.strip()


def without_places(text: str) -> Iterator[str]:
    """Richard Flanagan, Tasmania, Australia -> Richard Flanagan."""
    parts = text.split(",") if not are_two_places(text) else []
    while len(parts) > 1 and folded(parts[-1]) in lexicon.PLACES:
        parts.pop()
        yield ",".join(parts)


def of_waters(text: str) -> Iterator[str]:
    """River Thames -> Thames River, Thames; Lake Victoria -> Victoria Lake; New York City -> New York."""
    first, _, rest = text.removeprefix("the ").removeprefix("The ").partition(" ")
    if first in ("River", "Lake") and rest:
        yield f"{rest} {first}"
    if first == "River" and rest[:1].isupper():
        yield rest
    *name, last = text.split() or [""]
    if last in ("River", "Lake") and name:
        yield " ".join((last, *name))
    if (folded(" ".join(name)), last.lower()) in lexicon.SAME_PLACE:
        yield " ".join(name)


def of_the_day(text: str) -> Iterator[str]:
    """Noon -> midday, 12:00; 00:00 -> midnight."""
    yield from next((times for times in TIMES_OF_DAY if text.lower() in times), ())


def alternatives(text: str) -> Iterator[str]:
    """Akrotiri or Dhekelia -> Akrotiri, Dhekelia; only names, so "Believe It or Not" stays whole."""
    parts = [part.strip(" ,") for part in re.split(r"\bor\b", text)]
    if len(parts) > 1 and all(part[:1].isupper() and folded(part) not in FUNCTION_WORDS for part in parts):
        yield from parts


def without_counted(text: str) -> Iterator[str]:
    """190,000 employees -> 190,000; twelve angry men -> twelve."""
    own = tokens(text)
    counted = [token.text for token in own[1:]]
    if (
        not 1 <= len(counted) <= 2
        or not is_number(own[0])
        or not all(token.written.islower() for token in own[1:])
    ):
        return
    if counted[-1].endswith("s") or counted[-1] in NO_COUNTED:
        yield text[: -len(" ".join(text.split()[-len(counted) :]))].strip()


def without_title(text: str) -> Iterator[str]:
    """King Edward II -> Edward II; Sir Elton John -> Elton John. One word alone keeps its title."""
    words = text.split()
    begin = 0
    while (
        begin < len(words) - 2
        and words[begin].strip(".").lower() in lexicon.TITLES
        and words[begin][0].isupper()
    ):
        begin += 1
        if words[begin].lower() not in ("of", "the", "and"):
            yield " ".join(words[begin:])


def nickname(text: str) -> Iterator[str]:
    """Reginald Martinez "Reggie" Jackson -> Reginald Martinez Jackson, Reggie Jackson."""
    found = QUOTED.search(text)
    if found and found.start() and found.end() < len(text):
        yield f"{text[: found.start()]} {text[found.end() :]}"
        called = found[1] or found[2]
        if not called.startswith("The "):
            yield f"{called} {text[found.end() :]}"


def _parts_of_person(text: str) -> tuple[list[str], str] | None:
    """Return the given names and the last name of three words or more that may be a person's; else None."""
    words = text.split()
    titled = len(words) > 3 and words[0].strip(".").lower() in lexicon.TITLES
    given, last = words[titled:-1], words[-1:]
    while len(given) > 1 and given[-1].lower() in lexicon.PARTICLES:
        last.insert(0, given.pop())
    if not 2 <= len(given) <= 3 or not all(map(_is_name_word, [*given, last[-1]])):
        return None
    return given, " ".join(last)


def _is_name_word(word: str) -> bool:
    capital = word[0].isupper() and NAME_WORD.fullmatch(word) is not None
    return capital and word.lower().strip(".") not in (lexicon.NOT_IN_PERSONS | FUNCTION_WORDS)


def without_middle(text: str) -> Iterator[str]:
    """Howard Elliott Ashman -> Howard Ashman; Sir Nicholas Raymond Winterton -> Sir Nicholas Winterton."""
    if parts := _parts_of_person(text):
        given, last = parts
        title = text[: text.index(given[0])]
        yield f"{title}{given[0]} {last}"


def initials(text: str) -> Iterator[str]:
    """Clive Staples Lewis -> C S Lewis, Clive S Lewis."""
    if parts := _parts_of_person(text):
        given, last = parts
        yield " ".join((*(name[0] for name in given), last))
        yield " ".join((given[0], *(name[0] for name in given[1:]), last))


def spelling_out(text: str) -> re.Pattern[str] | None:
    """Return what an answer looks like, folded, that spells out the initials of a person: C. S. Lewis, Franklin D. Roosevelt.

    None where there is no initial, or nothing beside one but a last name: "D. Trump" may be anyone.
    """
    *given, last = text.replace(".", ". ").split() or [""]
    short = [re.fullmatch(r"[A-Z]\.", name) is not None for name in given]
    if (
        len(given) < 2
        or not any(short)
        or not all(map(_is_name_word, [last, *compress(given, map(not_, short))]))
    ):
        return None
    names = [
        f"{name[0].lower()}[^ ]+" if cut else re.escape(folded(name))
        for name, cut in zip(given, short, strict=True)
    ]
    return re.compile(" ".join((*names, re.escape(folded(last)))))


def acronym(text: str) -> Iterator[str]:
    """Old School Reference and Index Compilation -> OSRIC."""
    for words in (re.findall(r"[^\W\d_][\w']*", text), re.findall(r"[^\W\d_][\w'-]*", text)):
        capitals = [word for word in words if word[0].isupper()]
        if all(word.lower() in FUNCTION_WORDS for word in words if word.islower()):
            shorts = ("".join(word[0] for word in telling).upper() for telling in (words, capitals))
            yield from (short for short in shorts if len(short) >= LEAST_ACRONYM)


RULES: tuple[Callable[[str], Iterator[str]], ...] = (
    without_lead,
    without_article,
    possessive,
    of_waters,
    of_the_day,
    alternatives,
    without_qualifier,
    without_places,
    without_counted,
    nickname,
    without_title,
    without_middle,
    initials,
    acronym,
)


def forms(gold: str) -> list[str]:
    """Return the spellings of a gold answer, itself first, none twice."""
    found = dict.fromkeys([plain(gold).strip(), read(gold)])
    if len(gold) > MAX_FORMED:
        return [form for form in found if form]
    for rule in RULES:
        found |= dict.fromkeys(" ".join(new.split()) for old in list(found) for new in rule(old))
    own = [form for form in found if form][:MAX_FORMS]
    return list(
        dict.fromkeys(
            [
                *own,
                *(
                    form.spelling
                    for one in own
                    if not are_two_places(one)
                    for form in derive(Question("", entities=(Entity(one),)))
                ),
            ]
        )
    )


def keys(gold: str) -> frozenset[str]:
    """Return what an answer's reading may equal."""
    return frozenset((*(key_of(plain(form)) for form in forms(gold)), key_in_words(plain(gold)))) - {""}
