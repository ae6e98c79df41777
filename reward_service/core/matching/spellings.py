"""The spellings that a careful reader takes for the same name.

A rule rewrites a spelling into others. Rules are applied in the order of `RULES`, each to all spellings that the rules before it produced. They
read capitals, so a name in small letters is read with capitals first.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from types import MappingProxyType

from entity_index.spelling import folded
from reward_service.core.matching import lexicon
from reward_service.core.matching.eastern import (
    arabic_prefixes,
    han_numerals,
    hebrew_prefixes,
    kana_v,
    nasals,
    one_space,
    without_spaces,
)
from reward_service.core.matching.numerals import BY_WRITING, ORDINALS, REGNAL, WHOLE, ordinal_words, roman
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
    days,
    eras,
    events,
    is_date,
    months,
    thousands,
    year_ranges,
)

MAX_FORMS = 64  # of one spelling; the rules multiply
_AMERICAN = {american: british for british, american in lexicon.BRITISH.items()}
_CLOSING = frozenset(")）")
_STATES_OF = {code: state for state, code in lexicon.STATES.items()}
_UMLAUTS = {"ä": "ae", "ö": "oe", "ü": "ue", "Ä": "Ae", "Ö": "Oe", "Ü": "Ue"}
_LATIN_WORD = re.compile("[A-Za-z]+")
_AMPERSAND = re.compile(r"\s*(?:&amp;|&|\band\b)\s*")
_ACRONYM = re.compile(r"\b[A-Z]{2,6}\b(?!\.)")
_ACRONYM_WITH_DOTS = re.compile(r"\b(?:[A-Z]\.){2,}")
_UNIVERSITY_OF = re.compile(r"University of (?P<place>[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)?)")
_VERSUS = re.compile(r"(?<= )(?:versus|vs\.?|v\.)(?= [A-Z])")
_BEHIND_DIGITS = re.compile(r"(?<=\d)-?(?=[^\W\d_])")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐‑](?=[^\W\d_])")
_INNER_CAPITAL = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z]{2})")
_BESIDE_DIGITS = re.compile(r"(?<=[^\W\d_])[ -]?(?=\d)")
_WAR = re.compile(r"(?P<war>[A-Z]\w+ War) (?P<number>\w+)")
_ORDINAL_WAR = re.compile(r"(?P<ordinal>[A-Z][a-z]+) (?P<war>[A-Z]\w+ War)")
_WORLD_WAR = re.compile(r"\bWorld War (?P<number>I{1,3}|[123])\b")
_PLACE_UNIVERSITY = re.compile(r"(?P<place>[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)?) University")


def compatible(text: str) -> Iterator[str]:
    """ＷＨＯ -> WHO."""
    yield unicodedata.normalize("NFKC", text)


def without_parenthesis(text: str) -> Iterator[str]:
    """Kenny Brown (footballer) -> Kenny Brown."""
    yield text if _CLOSING.isdisjoint(text) else re.sub(r"\s*[(（][^()（）]*[)）]\s*$", "", text)


def without_qualifier(text: str) -> Iterator[str]:
    """Marlborough, New Hampshire -> Marlborough; Boston, Massachusetts <-> Boston, MA."""
    head, comma, tail = text.rpartition(",")
    if comma and (folded(tail) in lexicon.PLACES or tail.strip() in lexicon.STATES.values()):
        yield head
    for table in (lexicon.STATES, _STATES_OF):
        if comma and tail.strip() in table:
            yield f"{head}, {table[tail.strip()]}"


def qualifier_with_in(text: str) -> Iterator[str]:
    """Alexandra Park, Oldham -> Alexandra Park in Oldham."""
    head, comma, tail = text.partition(", ")
    if comma and "," not in tail and re.fullmatch(r"[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)*", tail):
        yield f"{head} in {tail}"


def without_article(text: str) -> Iterator[str]:
    """The Dressmaker -> Dressmaker; A Beautiful Mind -> Beautiful Mind, but a single word keeps its "A"."""
    article, _, rest = text.partition(" ")
    if article == "The" or (article in ("A", "An") and " " in rest):
        yield rest


def versus(text: str) -> Iterator[str]:
    """Kramer vs. Kramer <-> Kramer versus Kramer <-> Kramer v. Kramer."""
    yield from (_VERSUS.sub(written, text) for written in ("versus", "vs", "v"))


def ampersand(text: str) -> Iterator[str]:
    """Procter & Gamble <-> Procter and Gamble <-> Procter &amp; Gamble."""
    yield html.unescape(text)
    if "&" in text or "and" in text:
        joined = _AMPERSAND.sub(" & ", text)
        yield from (joined, joined.replace("&", "and"), joined.replace("&", "&amp;"))


def plural(text: str) -> Iterator[str]:
    """Torpedo boat <-> Torpedo boats, Ribosome <-> Ribosomes; only where the last word could be a common noun: not Australia."""
    last = text.rpartition(" ")[2]
    if text.casefold() in lexicon.OPENERS | lexicon.PLACES or not re.fullmatch(
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


def hyphens(text: str) -> Iterator[str]:
    """X-Men -> X Men -> XMen; e-mail -> email; YouTube -> You Tube."""
    if _HYPHEN.search(text):
        yield from (_HYPHEN.sub(" ", text), _HYPHEN.sub("", text))
    yield _INNER_CAPITAL.sub(" ", text)


def digits_apart(text: str) -> Iterator[str]:
    """F-16 <-> F16 <-> F 16; Apollo 11 <-> Apollo11; 3D <-> 3-D. U2 is no U-2."""
    if re.search(r"[^\W\d_]\W?\d(?!$)|[^\W\d_]{2}\W?\d", text):
        yield from (_BESIDE_DIGITS.sub(between, text) for between in (" ", "", "-"))
    if " " not in text:
        yield from (_BEHIND_DIGITS.sub(between, text) for between in (" ", "", "-"))


def wars(text: str) -> Iterator[str]:
    """World War II <-> Second World War; World War II -> WWII."""
    if (found := _WAR.fullmatch(text)) and (number := WHOLE.get(found["number"].casefold())):
        yield f"{ordinal_words(number).capitalize()} {found['war']}"
    if (found := _ORDINAL_WAR.fullmatch(text)) and (number := ORDINALS.get(found["ordinal"].casefold())):
        yield from (f"{found['war']} {written}" for written in (roman(number).upper(), str(number)))
    if found := _WORLD_WAR.search(text):
        yield from (_WORLD_WAR.sub(f"WW{between}{found['number']}", text) for between in ("", " "))


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
    parts = re.split("([ -])", text)
    last = len(parts) - 1
    others = [
        _other_length(part, lexicon.ABBREVIATIONS_AT_END if at == last else lexicon.ABBREVIATIONS)
        for at, part in enumerate(parts)
    ]
    if last and others != parts:
        for at in range(len(parts)):
            yield "".join((*parts[:at], others[at], *parts[at + 1 :]))
        yield "".join(others)


def _other_length(word: str, table: Mapping[str, str]) -> str:
    """Return a capitalised word in full for its abbreviation, or abbreviated; any other as it is."""
    plain = word.strip(".").casefold()
    short = next((short for short, long in table.items() if long == plain), None)
    other = table.get(plain, short)
    return other.capitalize() if other and word[0].isupper() else word


def acronyms(text: str) -> Iterator[str]:
    """F.B.I. <-> FBI; U.S. Navy <-> US Navy <-> United States Navy."""
    yield _ACRONYM_WITH_DOTS.sub(lambda found: found[0].replace(".", ""), text) if "." in text else text
    if " " not in text or text != text.upper():
        yield _ACRONYM.sub(_dotted, text)
    for long, shorts in lexicon.COUNTRIES.items():
        if long in text:
            yield from (text.replace(long, short) for short in shorts)
        yield from (
            text.replace(short, long)
            for short in shorts
            if text == short or (short in text and re.search(rf"\b{re.escape(short)} \w", text))
        )


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
        "hi": (nasals,),
        "ja": (han_numerals, kana_v),
        "ko": (without_spaces, one_space),
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
    versus,
    ampersand,
    hyphens,
    digits_apart,
    without_peerage,
    nickname_in_quotes,
    without_patronymic,
    without_title,
    regnal,
    dates,
    days,
    eras,
    months,
    year_ranges,
    events,
    amounts,
    thousands,
    wars,
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
    numbered = re.sub(r"(?<=\w )[IVX][ivx]+\b", lambda found: found[0].upper(), capital)
    return re.sub(
        r"(?<=[ -])(?:And|At|By|For|From|In|Of|On|Or|The|To|With)\b", lambda found: found[0].lower(), numbered
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
