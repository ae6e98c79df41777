"""The spellings that a careful reader takes for the same name.

A rule rewrites a spelling into others. Rules are applied in the order of `RULES`, each to all spellings that the rules before it produced. They
read capitals, so a name in small letters is read with capitals first.

Most rules have nothing to say about most names. Each therefore says what it needs to find in a word; which rules a word calls for is kept,
as names are made of few words.
"""

import html
import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import lru_cache, partial, reduce
from itertools import chain
from operator import or_
from types import MappingProxyType
from typing import NamedTuple

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
from reward_service.core.matching.numerals import (
    BY_WRITING,
    CARDINALS,
    LARGE_IN_WORDS,
    ORDINALS,
    REGNAL,
    WHOLE,
    large_in_words,
    large_of,
    numbers_in,
    ordinal_words,
    ordinals_in,
    roman,
    words_of,
)
from reward_service.core.matching.persons import (
    initials,
    is_title,
    nickname_in_quotes,
    regnal,
    regnal_in,
    surname_first,
    without_patronymic,
    without_peerage,
    without_title,
)
from reward_service.core.matching.quantities import (
    amounts,
    dates,
    dates_elsewhere,
    dates_in_digits,
    days,
    eras,
    events,
    is_date,
    is_month,
    is_weekday,
    money_in_full,
    months,
    thousands,
    without_weekday,
    year_ranges,
)

MAX_FORMS = 64  # of one spelling; the rules multiply
CACHED_WORDS = 1 << 14
_AMERICAN = {american: british for british, american in lexicon.BRITISH.items()}
_NO_PLURAL = lexicon.OPENERS | lexicon.PLACES
_STATES_OF = {code: state for state, code in lexicon.STATES.items()}
_UMLAUTS = {"ä": "ae", "ö": "oe", "ø": "oe", "ü": "ue", "å": "aa"}
_UMLAUTS |= {letter.upper(): written.capitalize() for letter, written in _UMLAUTS.items()}
_LAST_NUMERALS = {"V": "5", "5": "V", "X": "10", "10": "X"}  # behind one word they may be initials: Malcolm X
_MARKS = ":,;"  # after a number in a name: Star Trek II: The Wrath of Khan
_WITH_UMLAUT = re.compile(f"[{''.join(_UMLAUTS)}]")
_LATIN_WORD = re.compile("[A-Za-z]+")
_AMPERSAND = re.compile(r"\s*(?:&amp;|&|\band\b|(?<= )(?:['‘’][nN]['’]?|[nN]['’])(?= ))\s*")
_ACRONYM = re.compile(r"\b[A-Z]{2,6}\b(?!\.)")
_ACRONYM_WITH_DOTS = re.compile(r"\b(?:[A-Z]\.){2,}")
_UNIVERSITY_OF = re.compile(r"University of (?P<place>[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)?)")
_SHORT_UNIVERSITY = re.compile(r"^(?:Univ|U)(?:\.|\b)(?= of [A-Z])")
_CAMPUS = re.compile(
    r"(?P<university>University of [A-Z][\w'’. -]+?)(?:, | at | ?[-–—] ?)(?P<campus>[A-Z][\w'’. -]+)"
)
_VERSUS = re.compile(r"(?<= )(?:versus|vs\.?|v\.)(?= [A-Z])")
_BEHIND_DIGITS = re.compile(r"(?<=\d)-?(?=[^\W\d_])")
_PARENTHESIS, _CLOSES = re.compile(r"\s*[(（][^()（）]*[)）]\s*$"), re.compile("[)）]")
_TWO_NAMES = re.compile(r"(?P<outer>[^()]+?) \((?P<inner>[^()]+)\)")
_HYPHEN = re.compile(r"(?<=[^\W\d_])[-‐‑](?=[^\W\d_])")
_SLASH = re.compile(r"(?<=\b[A-Z][A-Z])/(?=[A-Z][A-Z]\b)")
_INNER_CAPITAL = re.compile(r"(?<=[a-z]{2})(?=[A-Z][a-z]{2})")
_BESIDE_DIGITS = re.compile(r"(?<=[^\W\d_])[ -]?(?=\d)")
# From the digit back, as most names have none: behind a letter and not at the end, or behind two letters.
_LETTERS_AND_DIGITS = re.compile(
    r"\d(?:(?:(?<=[^\W\d_]\d)|(?<=[^\W\d_]\W\d))(?!$)|(?<=[^\W\d_]{2}\d)|(?<=[^\W\d_]{2}\W\d))"
)
_LARGE = re.compile(r"[1-9]\d\d|[1-9]\d?,?000|[1-9]00,?000")
_COMMON_NOUN = re.compile("[a-z]{3,}")
_SINGLE_NOUN = re.compile("[A-Z][a-z]{5,}")
_WAR = re.compile(r"(?P<war>[A-Z]\w+ War) (?P<number>\w+)")
_ORDINAL_WAR = re.compile(r"(?P<ordinal>[A-Z][a-z]+) (?P<war>[A-Z]\w+ War)")
_POSSESSIVE = re.compile(r"(?<=[^\W\d_])['’]s\b")
_DECADE = re.compile(r"(?:[Tt]he )?(?P<years>\d{3}0)['’]?s")
_SIBILANTS = ("ch", "sh", "ss", "x", "z")
_OTHER_ENDINGS: Mapping[str, tuple[str, ...]] = {
    **{singular: (plural, f"{singular}s") for singular, plural in lexicon.IRREGULAR_PLURALS.items()},
    **{
        plural: (singular, plural.removesuffix("s")) for singular, plural in lexicon.IRREGULAR_PLURALS.items()
    },
    **{f"{vowel}y": (f"{vowel}ys",) for vowel in "aeiou"},
    **{end: (f"{end}es",) for end in _SIBILANTS},
    **{f"{end}es": (end, f"{end}e") for end in _SIBILANTS},
    "y": ("ies",),
    "ies": ("y", "ie"),
    "s": ("",),
    "": ("s",),
}
"""Endings of nouns, the most telling first, and what they may be in the other number."""
_WORLD_WAR = re.compile(
    r"\bWorld War (?P<number>I{1,3}|[123]|One|Two|Three)\b|\bWW ?(?P<short>I{1,3}|[123])\b"
    r"|\b(?P<ordinal>First|Second|Third|1st|2nd|3rd) World War\b"
)
_PLACE_UNIVERSITY = re.compile(r"(?P<place>[A-Z][\w'’.-]+(?: [A-Z][\w'’.-]+)?) University")


def compatible(text: str) -> Iterator[str]:
    """ＷＨＯ -> WHO."""
    yield unicodedata.normalize("NFKC", text)


def without_parenthesis(text: str) -> Iterator[str]:
    """Kenny Brown (footballer) -> Kenny Brown."""
    yield _PARENTHESIS.sub("", text) if _CLOSES.search(text) else text


def acronym_in_parenthesis(text: str) -> Iterator[str]:
    """North Atlantic Treaty Organization (NATO) -> NATO; NATO (North Atlantic Treaty Organization) -> the name in full."""
    if not (found := _TWO_NAMES.fullmatch(text)):
        return
    for short, long in (found.group("inner", "outer"), found.group("outer", "inner")):
        initials_of = "".join(word[0] for word in re.split("[ -]", long) if word[:1].isupper())
        if short.isupper() and short.replace(".", "") == initials_of:
            yield found["inner"]


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
    """Procter & Gamble <-> Procter and Gamble <-> Procter &amp; Gamble; Rock 'n' Roll <-> Rock and Roll."""
    yield html.unescape(text)
    joined = _AMPERSAND.sub(" & ", text)
    if "&" in joined:
        yield from (joined, joined.replace("&", "and"), joined.replace("&", "&amp;"))
        if joined.count(" ") == 2 and text.count(" ") == 2:
            yield joined.replace("&", "'n'")


def plural(text: str) -> Iterator[str]:
    """Torpedo boat <-> Torpedo boats, Gray wolf <-> Gray wolves; only where the last word could be a common noun: not Australia."""
    last = text.rpartition(" ")[2]
    noun = _SINGLE_NOUN if last == text else _COMMON_NOUN
    if not noun.fullmatch(last) or text.casefold() in _NO_PLURAL:
        return
    ending = next(filter(last.endswith, _OTHER_ENDINGS))
    yield from (text[: len(text) - len(ending)] + other for other in _OTHER_ENDINGS[ending])


def without_legal_form(text: str) -> Iterator[str]:
    """Apple Inc. -> Apple; Middlesbrough F.C. -> Middlesbrough; Nintendo Co., Ltd. -> Nintendo Co -> Nintendo."""
    words = text.replace(",", " ").split()
    while len(words) > 1 and _is_legal_form(words.pop()):
        yield " ".join(words)


def _is_legal_form(word: str) -> bool:
    return folded(word).replace(" ", "") in lexicon.LEGAL_FORMS


def hyphens(text: str) -> Iterator[str]:
    """X-Men -> X Men -> XMen; e-mail -> email; AC/DC -> ACDC; YouTube -> You Tube."""
    if _HYPHEN.search(text):
        yield from (_HYPHEN.sub(" ", text), _HYPHEN.sub("", text))
    yield _SLASH.sub("", text)
    yield _INNER_CAPITAL.sub(" ", text)


def possessives(text: str) -> Iterator[str]:
    """Pan's Labyrinth -> Pans Labyrinth; Sotheby's -> Sothebys."""
    yield _POSSESSIVE.sub("s", text)


def decades(text: str) -> Iterator[str]:
    """1990s <-> 1990's."""
    if found := _DECADE.fullmatch(text):
        yield from (f"{found['years']}{end}" for end in ("s", "'s"))


def digits_apart(text: str) -> Iterator[str]:
    """F-16 <-> F16 <-> F 16; Apollo 11 <-> Apollo11; 3D <-> 3-D. U2 is no U-2."""
    if _LETTERS_AND_DIGITS.search(text):
        yield from _joined_by_each(_BESIDE_DIGITS.split(text))
    if " " not in text:
        yield from _joined_by_each(_BEHIND_DIGITS.split(text))


def _joined_by_each(parts: Sequence[str]) -> tuple[str, ...]:
    return " ".join(parts), "".join(parts), "-".join(parts)


def wars(text: str) -> Iterator[str]:
    """World War II <-> Second World War; World War II -> WWII."""
    if (found := _WAR.fullmatch(text)) and (number := WHOLE.get(found["number"].casefold())):
        yield f"{ordinal_words(number).capitalize()} {found['war']}"
    if (found := _ORDINAL_WAR.fullmatch(text)) and (number := ORDINALS.get(found["ordinal"].casefold())):
        yield from (f"{found['war']} {written}" for written in (roman(number).upper(), str(number)))
    if found := _WORLD_WAR.search(text):
        number = _number_of_war(found["number"] or found["short"] or found["ordinal"])
        yield from (_WORLD_WAR.sub(written, text, 1) for written in _world_wars(number))


def _number_of_war(written: str) -> int:
    low = written.lower()
    return WHOLE.get(low) or ORDINALS.get(low) or int(low[0])


def _world_wars(number: int) -> Iterator[str]:
    """Yield what the first or the second world war is called."""
    latin = roman(number).upper()
    yield from (f"World War {written}" for written in (latin, str(number), words_of(number).capitalize()))
    yield f"{ordinal_words(number).capitalize()} World War"
    yield from (f"WW{between}{written}" for between in ("", " ") for written in (latin, str(number)))


def numerals(text: str) -> Iterator[str]:
    """Rocky II <-> Rocky 2; Second World War <-> 2nd World War."""
    words = text.split(" ")
    if len(words) == 1 or is_date(text):
        return
    at = 0
    if len(words) > 2 and words[-1] in _LAST_NUMERALS:
        yield " ".join((*words[:-1], _LAST_NUMERALS[words[-1]]))
    for marked in words:
        word = marked.rstrip(_MARKS)
        others = BY_WRITING.get(word.casefold(), ())
        if others and (at == 0 or word.isalpha() or not word.isupper()):
            before, behind = text[:at], text[at + len(word) :]
            yield from (before + other + behind for other in others)
        at += len(marked) + 1


def large_numbers(text: str) -> Iterator[str]:
    """101 Dalmatians <-> One Hundred and One Dalmatians; 20,000 Leagues <-> Twenty Thousand Leagues."""
    head, _, rest = text.partition(" ")
    if rest and _LARGE.fullmatch(head):
        yield from (f"{written} {rest}" for written in large_in_words(int(head.replace(",", ""))))
    if (found := LARGE_IN_WORDS.match(text)) and (number := large_of(found)) is not None:
        yield f"{number}{text[found.end() :]}"


def abbreviations(text: str) -> Iterator[str]:
    """St. Louis <-> Saint Louis; Mt. Everest <-> Mount Everest; Warner Bros. <-> Warner Brothers."""
    parts = re.split("([ -])", text)
    others = [
        *(_other_length(part, _OTHERS) for part in parts[:-1]),
        _other_length(parts[-1], _OTHERS_AT_END),
    ]
    if len(parts) > 1:
        for at, (part, other) in enumerate(zip(parts, others, strict=True)):
            if part != other:
                yield "".join((*parts[:at], other, *parts[at + 1 :]))
        yield "".join(others)


def _both_lengths(table: Mapping[str, str]) -> dict[str, str]:
    return {long: short for short, long in reversed(tuple(table.items()))} | dict(table)


_OTHERS = _both_lengths(lexicon.ABBREVIATIONS)
_OTHERS_AT_END = _both_lengths(lexicon.ABBREVIATIONS_AT_END)


def _other_length(word: str, others: Mapping[str, str]) -> str:
    """Return a capitalised word in full for its abbreviation, or abbreviated; any other as it is."""
    other = others.get(word.strip(".").casefold())
    return other.capitalize() if other and word[0].isupper() else word


def _has_two_lengths(word: str) -> bool:
    parts = [part.strip(".").casefold() for part in word.split("-")]
    return any(part in _OTHERS or part in _OTHERS_AT_END for part in parts)


def acronyms(text: str) -> Iterator[str]:
    """F.B.I. <-> FBI; U.S. Navy <-> US Navy <-> United States Navy."""
    yield _ACRONYM_WITH_DOTS.sub(lambda found: found[0].replace(".", ""), text)
    if " " not in text or text != text.upper():
        yield _ACRONYM.sub(_dotted, text)
    for long, shorts in lexicon.COUNTRIES.items():
        yield from (text.replace(long, short) for short in shorts if long in text)
        yield from (
            text.replace(short, long)
            for short in shorts
            if text == short or (short in text and re.search(rf"\b{re.escape(short)} \w", text))
        )


def _dotted(found: re.Match[str]) -> str:
    return found[0] if found[0] in REGNAL else "".join(f"{letter}." for letter in found[0])


def british_and_american(text: str) -> Iterator[str]:
    """Theatre Royal <-> Theater Royal; The Color Purple <-> The Colour Purple."""
    yield from (
        _LATIN_WORD.sub(partial(_in_case, table=table), text) for table in (lexicon.BRITISH, _AMERICAN)
    )


def _has_two_writings(word: str) -> bool:
    words = map(str.lower, _LATIN_WORD.findall(word))
    return any(part in lexicon.BRITISH or part in _AMERICAN for part in words)


def _in_case(found: re.Match[str], *, table: Mapping[str, str]) -> str:
    other = table.get(found[0].lower(), found[0])
    return other.capitalize() if found[0][0].isupper() and other != found[0] else other


def umlauts(text: str) -> Iterator[str]:
    """Jürgen Müller -> Juergen Mueller; Tromsø -> Tromsoe; Århus -> Aarhus."""
    yield _WITH_UMLAUT.sub(lambda found: _UMLAUTS[found[0]], text)


def double_a(text: str) -> Iterator[str]:
    """Aalborg -> Ålborg, where the language writes that."""
    yield text.replace("Aa", "Å").replace("aa", "å")


def umlauts_in_german(text: str) -> Iterator[str]:
    """Juergen Mueller -> Jürgen Müller, where the language is German."""
    yield re.sub("(?<![aeqAEQ])(?:[aou]e|[AOU]e)", lambda found: found[0][0], text)


def university_in_full(text: str) -> Iterator[str]:
    """Univ. of Michigan, U of Michigan -> University of Michigan."""
    yield _SHORT_UNIVERSITY.sub("University", text)


def campuses(text: str) -> Iterator[str]:
    """University of Texas at Austin <-> University of Texas, Austin."""
    if found := _CAMPUS.fullmatch(text):
        yield from (f"{found['university']}{between}{found['campus']}" for between in (" at ", ", "))


def universities(text: str) -> Iterator[str]:
    """University of Oxford <-> Oxford University, except where these are two; University of Oxford -> U of Oxford, Univ. of Oxford."""
    if text.startswith("University of "):
        yield from (f"{short}{text.removeprefix('University')}" for short in ("U", "Univ."))
    of, plain = _UNIVERSITY_OF.fullmatch(text), _PLACE_UNIVERSITY.fullmatch(text)
    if of and of["place"].casefold() not in lexicon.TWO_UNIVERSITIES:
        yield f"{of['place']} University"
    if plain and plain["place"].casefold() not in lexicon.TWO_UNIVERSITIES:
        yield f"University of {plain['place']}"


Rewrite = Callable[[str], Iterator[str]]


class SpellingRule(NamedTuple):
    """How a spelling becomes others."""

    rewrite: Rewrite
    """From a spelling to others, the same one among them or not."""
    needs: Callable[[str], object]
    """Whether a word is of the kind without which the rule has nothing to say; words are parted by single spaces."""


def _has(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern).search


BY_LANGUAGE: Mapping[str, tuple[Rewrite, ...]] = MappingProxyType(
    {
        "ar": (arabic_prefixes,),
        "da": (double_a,),
        "he": (hebrew_prefixes,),
        "hi": (nasals,),
        "hu": (surname_first,),
        "ja": (han_numerals, kana_v),
        "ko": (without_spaces, one_space),
        "nb": (double_a,),
        "no": (double_a,),
        "zh": (han_numerals,),
    }
    | {
        language: (
            *((surname_first,) if language in ("ru", "uk") else ()),
            *((umlauts_in_german,) if language == "de" else ()),
            *(numbers_in(language),),
            *((ordinals_in(language),) if language in lexicon.ORDINALS else ()),
            *((regnal_in(language),) if language in lexicon.RULERS else ()),
        )
        for language in lexicon.NUMBERS
    }
)
RULES: tuple[SpellingRule, ...] = (
    SpellingRule(compatible, _has("[^!-~]")),
    SpellingRule(acronym_in_parenthesis, _has(r"\)$")),
    SpellingRule(without_parenthesis, _has("[)）]")),
    SpellingRule(without_qualifier, _has(",")),
    SpellingRule(qualifier_with_in, _has(",$")),
    SpellingRule(without_legal_form, lambda word: any(map(_is_legal_form, word.split(",")))),
    SpellingRule(without_article, {"A", "An", "The"}.__contains__),
    SpellingRule(versus, {"v.", "versus", "vs", "vs."}.__contains__),
    SpellingRule(ampersand, _has(r"&|\band\b|^(?:['‘’][nN]|[nN]['’])")),
    SpellingRule(hyphens, _has(f"{_HYPHEN.pattern}|{_SLASH.pattern}|{_INNER_CAPITAL.pattern}")),
    SpellingRule(possessives, _has("['’]s")),
    SpellingRule(decades, _has(r"^\d{3}0['’]?s$")),
    SpellingRule(digits_apart, _has(r"\d")),
    SpellingRule(
        without_peerage,
        _has("^(?:Lord|Lady|Sir|Dame|Baron|Earl|Duke|Duchess|Marquess|Marquis|Viscount|Count)"),
    ),
    SpellingRule(nickname_in_quotes, _has("""^["“'‘(]""")),
    SpellingRule(without_patronymic, _has("ич$|вна$|чна$|(?:[oey]v|[iy])i?ch$|[oe]vna$|ichna$")),
    SpellingRule(without_title, is_title),
    SpellingRule(regnal, _has("^(?:[IVX]+|the)$")),
    SpellingRule(without_weekday, is_weekday),
    SpellingRule(dates_in_digits, _has(r"\d[/.-]\d{4}$")),
    SpellingRule(dates, _has(r"\d{4}")),
    SpellingRule(dates_elsewhere, _has(r"\d{4}")),
    SpellingRule(days, is_month),
    SpellingRule(eras, _has(r"^(?:BCE?|CE|AD|B\.C|A\.D|C\.E)")),
    SpellingRule(months, _has(r"\d{4}")),
    SpellingRule(year_ranges, _has(r"\d\d[-–/]\d\d")),
    SpellingRule(events, _has(r"\d{4}")),
    SpellingRule(money_in_full, _has(r"^[$€£]\d")),
    SpellingRule(amounts, _has(rf"\d|^[$€£]?(?:{'|'.join(filter(str.isalpha, CARDINALS))})")),
    SpellingRule(large_numbers, _has(r"\d00$|^[1-9]\d\d$|(?i:^(?:hundred|thousand)$)")),
    SpellingRule(thousands, _has(r"\d{4}|\d,\d{3}")),
    SpellingRule(wars, _has(r"^(?:War|WW)")),
    SpellingRule(
        numerals, lambda word: word in _LAST_NUMERALS or word.rstrip(_MARKS).casefold() in BY_WRITING
    ),
    SpellingRule(university_in_full, _has(r"^U(?:niv)?\.?$")),
    SpellingRule(universities, {"University"}.__contains__),
    SpellingRule(campuses, {"University"}.__contains__),
    SpellingRule(abbreviations, _has_two_lengths),
    SpellingRule(acronyms, _has(r"\b[A-Z]{2,6}\b|(?:[A-Z]\.){2}|United")),
    SpellingRule(british_and_american, _has_two_writings),
    SpellingRule(umlauts, _WITH_UMLAUT.search),
    SpellingRule(plural, _has("^[A-Za-z][a-z]{2,}$")),
    SpellingRule(initials, _has(r"^[A-Z](?:\.|[A-Z]?$)")),
)
REWRITES = tuple(rule.rewrite for rule in RULES)
_ALL_RULES = -1
_OF_LANGUAGES = -1 << len(RULES)  # their rules follow, and are applied to every spelling


@lru_cache(maxsize=CACHED_WORDS)
def _rules_of_word(word: str) -> int:
    """Return which rules a word calls for, a bit for each; all of them for white space other than single spaces."""
    if word.split() != [word]:
        return _ALL_RULES
    return sum(1 << at for at, rule in enumerate(RULES) if rule.needs(word))


def rules_of(spelling: str) -> int:
    """Return which rules may make others of a spelling: bit i is set for rule i of `RULES`, and all bits beyond are."""
    rules = _OF_LANGUAGES
    for word in spelling.split(" "):
        rules |= _rules_of_word(word)
    return rules


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
    """Return a spelling and what the rules make of it, at most `MAX_FORMS` without repetition; what is not usable makes nothing."""
    rewrites = (*REWRITES, *BY_LANGUAGE.get(language, ()))
    found = {spelling: rules_of(spelling) for spelling in dict.fromkeys((text, with_capitals(text)))}
    called, later = reduce(or_, found.values()), (1 << len(rewrites)) - 1
    seen: set[str] = set()
    while left := called & later:
        rule = left & -left  # the lowest bit
        later &= -2 * rule
        calling = [old for old, rules in found.items() if rules & rule]
        for made in chain.from_iterable(map(rewrites[rule.bit_length() - 1], calling)):
            if made in seen:
                continue
            seen.add(made)
            new = " ".join(made.split())
            if len(found) == MAX_FORMS:
                return list(found)
            if new and new not in found and is_usable(new):
                found[new] = rules_of(new)
                called |= found[new]
    return list(found)
