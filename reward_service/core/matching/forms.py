"""Forms: the spellings of an entity that a careful reader would take for it.

Rules rewrite a spelling into others; each is a function from text to texts, applied in the order of `RULES` to everything the
rules before it made. A form is what a spelling folds to, with a guard on the original text where the fold forgets too much.

- A form of under two characters, of nothing but a function word, or of digits that stood among words in the name, is rejected.
- A derived form that two entities of the question share is nobody's, except a name without its parenthesis: whoever writes
  "Beauty and the Beast" means one of the films.
- All-caps names of up to three letters and short names with symbols ("US", "C++") need their own spelling in the text.
- A derived form of one word needs a capital: "Blur (band)" is "Blur", not "blur".
- Persons (by type, else by the look of the name) may have middle names added or initials spelled out: `middle` says where.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from enum import StrEnum

from entity_index.folding import fold, is_hangul, stands_alone
from entity_index.spelling import folded as folded_text
from entity_index.types import Entity
from reward_service.core.matching import lexicon

MAX_FORMS = 64  # of one spelling; the rules multiply
SHORT = 3  # letters


class Guard(StrEnum):
    """What the original text has to show where a folded form stands."""

    NONE = "none"
    CAPITAL = "capital"
    """It begins with a capital."""
    COMMA = "comma"
    """It has a comma: "Curie, Marie"."""
    VERBATIM = "verbatim"
    """It is the spelling, to the letter."""


@dataclass(frozen=True, slots=True)
class Form:
    """One spelling to look for."""

    entity: int
    """Position in the question's entities."""
    spelling: str
    folded: str
    alias: bool
    """Whether it comes from an alias, not from the name."""
    guard: Guard = Guard.NONE
    middle: bool = False
    """Whether capitalised words may stand between its first and last word; an initial between them must begin one of them."""


def _words(text: str) -> list[str]:
    return re.findall(r"[^\s,]+", text)


def without_parenthesis(text: str) -> Iterator[str]:
    """Kenny Brown (footballer) -> Kenny Brown."""
    yield re.sub(r"\s*[(（][^()（）]*[)）]\s*$", "", text)


def without_qualifier(text: str) -> Iterator[str]:
    """Marlborough, New Hampshire -> Marlborough."""
    head, comma, tail = text.rpartition(",")
    if comma and fold(tail).text in lexicon.PLACES:
        yield head


def without_article(text: str) -> Iterator[str]:
    """The Dressmaker -> Dressmaker."""
    if text.startswith("The "):
        yield text[4:]


def ampersand(text: str) -> Iterator[str]:
    """Procter & Gamble <-> Procter and Gamble."""
    yield text.replace("&", " and ")
    yield text.replace(" and ", " & ")


def plural(text: str) -> Iterator[str]:
    """Torpedo boat <-> Torpedo boats, Ribosome <-> Ribosomes; only where the last word could be a common noun."""
    last = text.rpartition(" ")[2]
    if not re.fullmatch("[A-Z][a-z]{5,}" if last == text else "[a-z]{3,}", last):
        return
    if last.endswith("s"):
        yield text[:-1]
    elif last.endswith("y") and last[-2] not in "aeiou":
        yield text[:-1] + "ies"
    else:
        yield text + ("es" if last.endswith(("ch", "sh", "x", "z")) else "s")


def without_legal_form(text: str) -> Iterator[str]:
    """Apple Inc. -> Apple; Middlesbrough F.C. -> Middlesbrough."""
    words = _words(text)
    if len(words) > 1 and fold(words[-1]).text.replace(" ", "") in lexicon.LEGAL_FORMS:
        yield " ".join(words[:-1])


_DATES = (
    re.compile(r"(?P<day>\d{1,2})(?:st|nd|rd|th)? (?:of )?(?P<month>[A-Z]\w+),? (?P<year>\d{4})"),
    re.compile(r"(?P<month>[A-Z]\w+) (?P<day>\d{1,2})(?:st|nd|rd|th)?,? (?P<year>\d{4})"),
    re.compile(r"(?P<year>\d{4})-(?P<month>0[1-9]|1[0-2])-(?P<day>\d\d)"),
)


def _date(text: str) -> tuple[int, str, str] | None:
    for pattern in _DATES:
        if found := pattern.fullmatch(text):
            month = found["month"]
            return (
                int(found["day"]),
                lexicon.MONTHS[int(month) - 1] if month.isdigit() else month,
                found["year"],
            )
    return None


def dates(text: str) -> Iterator[str]:
    """12 March 1989 <-> March 12, 1989 <-> 12th of March 1989 <-> 1989-03-12."""
    date = _date(text)
    if date is None or date[1] not in lexicon.MONTHS:
        return
    day, month, year = date
    suffix = "th" if 10 < day < 14 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    for written in (str(day), f"{day}{suffix}"):
        yield from (f"{written} {month} {year}", f"{month} {written}, {year}", f"{written} of {month} {year}")
    yield f"{year}-{lexicon.MONTHS.index(month) + 1:02}-{day:02}"


def numbers(text: str) -> Iterator[str]:
    """1,000,000 <-> 1000000; Rocky II <-> Rocky 2; Second World War..."""
    yield re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    yield re.sub(r"\b\d{5,}\b", lambda found: f"{int(found[0]):,}", text)
    words = [] if _date(text) else text.split(" ")
    for at, word in enumerate(words):
        roman = word.isupper() and word.isalpha()
        for group in lexicon.NUMERALS:
            if word.casefold() in group and (roman or at == 0 or not word.isupper()) and len(words) > 1:
                yield from (" ".join((*words[:at], other, *words[at + 1 :])) for other in group)


def initials(text: str) -> Iterator[str]:
    """J. P. Morgan -> JP Morgan -> J P Morgan."""
    words = text.replace(".", ". ").split()
    letters = 0
    while letters < len(words) and re.fullmatch(r"[A-Z]\.?", words[letters]):
        letters += 1
    if 1 < letters < len(words):
        yield " ".join(("".join(word[0] for word in words[:letters]), *words[letters:]))
    if len(words) > 1 and re.fullmatch("[A-Z]{2}", words[0]):
        yield " ".join((*words[0], *words[1:]))


RULES: tuple[Callable[[str], Iterator[str]], ...] = (
    without_parenthesis,
    without_qualifier,
    without_legal_form,
    without_article,
    ampersand,
    dates,
    numbers,
    plural,
    initials,
)


def spellings(text: str) -> list[str]:
    """Return a spelling and everything the rules make of it, without repetition."""
    found = {text: None}
    for rule in RULES:
        made = [" ".join(new.split()) for old in found for new in rule(old)]
        found |= dict.fromkeys(spelling for spelling in made if spelling)
    return list(found)[:MAX_FORMS]


def _is_name_word(word: str) -> bool:
    return len(word) > 2 and word[0].isupper() and re.fullmatch(r"[^\W\d_][\w'’-]+", word) is not None


def is_person(words: Sequence[str], entity: Entity) -> bool:
    """Return whether these words are a first and a last name, perhaps with one between, and nothing speaks against a person."""
    middle = words[1:-1]
    if len(middle) > 1 or not all(_is_name_word(word) for word in (words[0], words[-1])):
        return False
    if middle and not (_is_name_word(middle[0]) or re.fullmatch(r"[^\W\d_]\.?", middle[0])):
        return False
    if entity.type is not None:
        return entity.type.casefold() in lexicon.PERSON_TYPES
    return not lexicon.NOT_IN_PERSONS & set(re.findall(r"\w+", entity.name.casefold()))


def inverted(text: str) -> str | None:
    """Return "Marie Curie" for "Curie, Marie", None where the comma cannot be that of a person's name."""
    words = [part.split() for part in text.split(",")]
    if len(words) != 2 or not all(
        1 <= len(part) <= 3 and all(word[0].isupper() for word in part) for part in words
    ):
        return None
    return " ".join(words[1] + words[0])


def _nicknames(first: str) -> Iterator[str]:
    groups = [group for group in lexicon.NICKNAMES if first.casefold() in group]
    yield from dict.fromkeys([first, *(other.capitalize() for group in groups for other in group)])


def person_spellings(words: Sequence[str]) -> Iterator[tuple[str, Guard, bool]]:
    """Yield the spellings of a person's name with their guard and whether middle names may be added.

    Jeffrey R. MacDonald -> Jeffrey MacDonald; George Smith Patton -> George S Patton; Bob Gibson -> Robert Gibson;
    Marie Curie -> Curie, Marie.
    """
    middle = words[1].strip(".") if len(words) == 3 else ""
    middles = {"": [""], middle: [middle, ""]} if len(middle) < 2 else {middle: [middle, middle[0]]}
    last = words[-1]
    for first in _nicknames(words[0]):
        for between in middles[middle]:
            given = f"{first} {between}".strip()
            yield f"{given} {last}", Guard.NONE, between == middle and len(middle) < 2
            yield f"{last}, {given}", Guard.COMMA, False


def _guard(spelling: str, folded: str, *, derived: bool) -> Guard | None:
    """Return what the original text has to show where this form stands; None rejects the form."""
    letters = folded.replace(" ", "")
    symbols = any(not (char.isalnum() or char.isspace()) for char in spelling)
    if 0 < len(letters) <= SHORT and len(spelling) > 1 and (symbols or spelling.isupper()):
        return Guard.VERBATIM
    if len(folded) < 2 or folded in lexicon.FUNCTION_WORDS or (derived and folded.isdigit()):
        return None
    if " " not in folded and (derived or len(folded) <= SHORT) and spelling[0].isupper():
        return Guard.CAPITAL
    return Guard.NONE


def _drafts(position: int, entity: Entity) -> Iterator[tuple[Form, bool]]:
    """Yield the forms of one entity, the name's before the aliases', each with whether sharing it makes it nobody's."""
    for source in (entity.name, *entity.aliases):
        for spelling in spellings(source):
            upright = inverted(spelling) or spelling
            written: list[tuple[str, Guard, bool]] = [
                (spelling, Guard.NONE, False),
                (upright, Guard.NONE, False),
            ]
            if len(words := _words(upright)) > 1 and is_person(words, entity):
                written.extend(person_spellings(words))
            for text, guard, middle in written:
                folded, derived = folded_text(text), text != source
                plain = text in without_parenthesis(source)
                needed = _guard(text, folded, derived=derived)
                if needed is not None:
                    form = Form(
                        position,
                        text,
                        folded,
                        source is not entity.name,
                        guard if guard != Guard.NONE else needed,
                        middle,
                    )
                    yield form, derived and not plain


def derive(entities: Sequence[Entity]) -> list[Form]:
    """Return the forms of all entities of a question, each entity's in order of preference, none twice."""
    drafts = [draft for position, entity in enumerate(entities) for draft in _drafts(position, entity)]
    owners: dict[str, set[int]] = {}
    for form, _ in drafts:
        owners.setdefault(form.folded, set()).add(form.entity)
    forms: dict[tuple[int, str, str], Form] = {}
    for form, shareless in drafts:
        if shareless and len(owners[form.folded]) > 1:
            continue
        key = (form.entity, form.folded, form.spelling if form.guard is Guard.VERBATIM else "")
        known = forms.setdefault(key, form)
        guard = Guard.NONE if Guard.NONE in (form.guard, known.guard) else known.guard
        forms[key] = replace(known, middle=known.middle or form.middle, guard=guard)
    return list(forms.values())


def allowed_edits(folded: str, *, most: int) -> int:
    """Return k: how many edits a fuzzy match of this form may have.

    0 below 10 characters, else a tenth of the length, at most `most`; 0 for scripts without spaces, for Hangul, for forms of
    digits only, and where no token is long enough to be misspelled.
    """
    spaced = folded.isascii() or not any(stands_alone(char) or is_hangul(char) for char in folded)
    if not spaced or folded.replace(" ", "").isdigit():
        return 0
    return min(most, len(folded) // 10)


def token_edits(token: str) -> int:
    """Return how many edits one token may have: 0 below 5 characters, 1 below 9, else 2."""
    return 0 if len(token) < 5 else 1 if len(token) < 9 else 2
