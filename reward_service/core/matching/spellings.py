"""The spellings that a careful reader takes for the same name, whoever or whatever bears it.

A rule rewrites a spelling into others. Rules are applied in the order of `RULES` to everything the rules before made of a name. They
read capitals, so a name in small letters is read with capitals first.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from itertools import chain
from types import MappingProxyType

from entity_index.spelling import folded
from reward_service.core.matching import lexicon
from reward_service.core.matching.eastern import (
    arabic_prefixes,
    han_numerals,
    hebrew_prefixes,
    kana_v,
    without_spaces,
)
from reward_service.core.matching.numerals import BY_WRITING, REGNAL
from reward_service.core.matching.persons import (
    initials,
    nickname_in_quotes,
    regnal,
    surname_first,
    without_patronymic,
    without_peerage,
    without_title,
)
from reward_service.core.matching.quantities import (
    amounts,
    dates,
    events,
    is_date,
    months,
    thousands,
    year_ranges,
)

MAX_FORMS = 64  # of one spelling; the rules multiply
_AMERICAN = {american: british for british, american in lexicon.BRITISH.items()}
_SHORT_FOR = tuple(
    {long: [short for short in table if table[short] == long] for long in table.values()}
    for table in (lexicon.ABBREVIATIONS, lexicon.ABBREVIATIONS_AT_END)
)
_ABBREVIATED = frozenset(
    chain.from_iterable(
        (*table, *table.values()) for table in (lexicon.ABBREVIATIONS, lexicon.ABBREVIATIONS_AT_END)
    )
)
_CLOSING = frozenset(")）")
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
_LATIN_WORD = re.compile("[A-Za-z]+")
_AMPERSAND = re.compile(r"\s*(?:&amp;|&|\band\b)\s*")
_ACRONYM = re.compile(r"\b[A-Z]{2,6}\b(?!\.)")
_ACRONYM_WITH_DOTS = re.compile(r"\b(?:[A-Z]\.){2,}")
_UNIVERSITY_OF = re.compile(r"University of (?P<place>[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)?)")
_PLACE_UNIVERSITY = re.compile(r"(?P<place>[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)?) University")


def compatible(text: str) -> Iterator[str]:
    """ＷＨＯ -> WHO."""
    yield unicodedata.normalize("NFKC", text)


def without_parenthesis(text: str) -> Iterator[str]:
    """Kenny Brown (footballer) -> Kenny Brown."""
    yield text if _CLOSING.isdisjoint(text) else re.sub(r"\s*[(（][^()（）]*[)）]\s*$", "", text)


def without_qualifier(text: str) -> Iterator[str]:
    """Marlborough, New Hampshire -> Marlborough."""
    head, comma, tail = text.rpartition(",")
    if comma and folded(tail) in lexicon.PLACES:
        yield head


def qualifier_with_in(text: str) -> Iterator[str]:
    """Alexandra Park, Oldham -> Alexandra Park in Oldham."""
    head, comma, tail = text.partition(", ")
    if (
        comma
        and "," not in tail
        and " " in head
        and re.fullmatch(r"[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)*", tail)
    ):
        yield f"{head} in {tail}"


def without_article(text: str) -> Iterator[str]:
    """The Dressmaker -> Dressmaker."""
    if text.startswith("The "):
        yield text[4:]


def ampersand(text: str) -> Iterator[str]:
    """Procter & Gamble <-> Procter and Gamble <-> Procter &amp; Gamble."""
    yield html.unescape(text)
    if "&" in text or "and" in text:
        joined = _AMPERSAND.sub(" & ", text)
        yield from (joined, joined.replace("&", "and"), joined.replace("&", "&amp;"))


def plural(text: str) -> Iterator[str]:
    """Torpedo boat <-> Torpedo boats, Ribosome <-> Ribosomes; only where the last word could be a common noun."""
    last = text.rpartition(" ")[2]
    if text.casefold() in lexicon.OPENERS or not re.fullmatch(
        "[A-Z][a-z]{5,}" if last == text else "[a-z]{3,}", last
    ):
        return
    if last.endswith("s"):
        yield text[:-1]
    elif last.endswith("y") and last[-2] not in "aeiou":
        yield text[:-1] + "ies"
    else:
        yield text + ("es" if last.endswith(("ch", "sh", "x", "z")) else "s")


def without_legal_form(text: str) -> Iterator[str]:
    """Apple Inc. -> Apple; Middlesbrough F.C. -> Middlesbrough."""
    head, _, last = text.replace(",", " ").rstrip().rpartition(" ")
    if head and folded(last).replace(" ", "") in lexicon.LEGAL_FORMS:
        yield head


def numerals(text: str) -> Iterator[str]:
    """Rocky II <-> Rocky 2; Second World War <-> 2nd World War."""
    words = text.split(" ")
    if len(words) == 1 or BY_WRITING.keys().isdisjoint(text.casefold().split(" ")):
        return
    for at, word in enumerate(words):
        roman = word.isupper() and word.isalpha()
        others = BY_WRITING.get(word.casefold())
        if others and (roman or at == 0 or not word.isupper()) and not is_date(text):
            yield from (" ".join((*words[:at], other, *words[at + 1 :])) for other in others)


def abbreviations(text: str) -> Iterator[str]:
    """St. Louis <-> Saint Louis; Mt. Everest <-> Mount Everest; Warner Bros. <-> Warner Brothers."""
    words = text.split(" ")
    if len(words) > 1 and not _ABBREVIATED.isdisjoint(text.casefold().replace(".", "").split(" ")):
        at_end = len(words) - 1
        for at, word in enumerate(words):
            table = lexicon.ABBREVIATIONS_AT_END if at == at_end else lexicon.ABBREVIATIONS
            plain = word.strip(".").casefold()
            for other in (table.get(plain), *_SHORT_FOR[at == at_end].get(plain, ())):
                if other and word[0].isupper():
                    yield " ".join((*words[:at], other.capitalize(), *words[at + 1 :]))


def acronyms(text: str) -> Iterator[str]:
    """F.B.I. <-> FBI; U.S. Navy <-> US Navy <-> United States Navy."""
    yield _ACRONYM_WITH_DOTS.sub(lambda found: found[0].replace(".", ""), text) if "." in text else text
    if " " not in text or text != text.upper():
        yield _ACRONYM.sub(_dotted, text)
    for long, shorts in lexicon.COUNTRIES.items():
        if long in text and text != long:
            yield from (text.replace(long, short) for short in shorts)
        yield from (text.replace(short, long) for short in shorts if short in text and _leads(short, text))


def _leads(short: str, text: str) -> bool:
    return re.search(rf"\b{re.escape(short)} \w", text) is not None


def _dotted(found: re.Match[str]) -> str:
    return found[0] if found[0] in REGNAL else "".join(f"{letter}." for letter in found[0])


def british_and_american(text: str) -> Iterator[str]:
    """Theatre Royal <-> Theater Royal; The Color Purple <-> The Colour Purple."""
    words = set(map(str.lower, _LATIN_WORD.findall(text)))
    for table in (lexicon.BRITISH, _AMERICAN):
        yield text if words.isdisjoint(table) else _LATIN_WORD.sub(partial(_in_case, table=table), text)


def _in_case(found: re.Match[str], *, table: Mapping[str, str]) -> str:
    other = table.get(found[0].lower(), found[0])
    return other.capitalize() if found[0][0].isupper() and other != found[0] else other


def umlauts(text: str) -> Iterator[str]:
    """Jürgen Müller -> Juergen Mueller."""
    yield re.sub("[äöüÄÖÜ]", lambda found: _UMLAUTS[found[0]], text)


def umlauts_in_german(text: str) -> Iterator[str]:
    """Juergen Mueller -> Jürgen Müller, where the language is German."""
    yield re.sub("(?<![aeqAEQ])(?:[aou]e|[AOU]e)", lambda found: found[0][0], text)


def universities(text: str) -> Iterator[str]:
    """University of Oxford <-> Oxford University, except where these are two."""
    of, plain = _UNIVERSITY_OF.fullmatch(text), _PLACE_UNIVERSITY.fullmatch(text)
    if of and of["place"].casefold() not in lexicon.TWO_UNIVERSITIES:
        yield f"{of['place']} University"
    if plain and plain["place"].casefold() not in lexicon.TWO_UNIVERSITIES:
        yield f"University of {plain['place']}"


Rule = Callable[[str], Iterator[str]]
BY_LANGUAGE: Mapping[str, tuple[Rule, ...]] = MappingProxyType(
    {
        "ar": (arabic_prefixes,),
        "de": (umlauts_in_german,),
        "he": (hebrew_prefixes,),
        "ja": (han_numerals, kana_v),
        "ko": (without_spaces,),
        "ru": (surname_first,),
        "uk": (surname_first,),
        "zh": (han_numerals,),
    }
)
RULES: tuple[Rule, ...] = (
    compatible,
    without_parenthesis,
    without_qualifier,
    qualifier_with_in,
    without_legal_form,
    without_article,
    ampersand,
    without_peerage,
    nickname_in_quotes,
    without_patronymic,
    without_title,
    regnal,
    dates,
    months,
    year_ranges,
    events,
    amounts,
    thousands,
    numerals,
    universities,
    abbreviations,
    acronyms,
    british_and_american,
    umlauts,
    plural,
    initials,
)


def with_capitals(text: str) -> str:
    """Return a name in small letters with the capitals it should have; any other as it is.

    >>> with_capitals("dwight d. eisenhower")
    'Dwight D. Eisenhower'
    """
    if text != text.lower() or text == text.upper():
        return text
    capital = re.sub(r"(?<![\w'’])[^\W\d_]", lambda found: found[0].upper(), text)
    return re.sub(
        r"(?<=[ -])(?:And|At|By|For|From|In|Of|On|Or|The|To|With)\b", lambda found: found[0].lower(), capital
    )


def spellings(text: str, *, language: str, is_usable: Callable[[str], bool]) -> list[str]:
    """Return a spelling and everything the rules make of it, without repetition; what is not usable makes nothing."""
    found = dict.fromkeys((text, with_capitals(text)))
    seen: set[str] = set()
    for rule in (*RULES, *BY_LANGUAGE.get(language, ())):
        made = []
        for old in (
            found
        ):  # a loop, as most rules make nothing of most names: comprehensions cost half as much again
            for new in rule(old):
                if new not in seen:
                    seen.add(new)
                    made.append(" ".join(new.split()))
        if made:
            usable = (
                spelling for spelling in made if spelling and spelling not in found and is_usable(spelling)
            )
            found |= dict.fromkeys(usable)
    return list(found)[:MAX_FORMS]
