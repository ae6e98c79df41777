"""Forms: the spellings of an entity that a careful reader would take for it.

`spellings` rewrites a name into others. A form is what a spelling folds to, with a guard on the original text where the fold forgets
too much.

- A form of under two characters, of a function word, or of digits that stood among words in the name, is rejected.
- A derived form that two entities of the question share belongs to neither, except a name without its parenthesis: a text with
  "Beauty and the Beast" means one of the films.
- All-caps names of up to three letters and short names with symbols ("US", "C++") need their own spelling in the text.
- A derived form of one word needs a capital: "Blur (band)" is "Blur", not "blur". A name that is a common opener of sentences needs a
  capital that is not the sentence's.
- Persons (by type, else by the look of the name) may have middle names added or initials spelled out: `middle` says which.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from enum import IntEnum, StrEnum
from typing import NamedTuple

from entity_index.folding import fold, is_hangul, stands_alone
from entity_index.spelling import folded as folded_text
from entity_index.types import Entity, Question
from entity_index.usable import is_usable
from reward_service.core.matching import lexicon
from reward_service.core.matching.inflection import PATRONYMICS, STEMMED, InflectedWord, inflected_name
from reward_service.core.matching.languages import of_name, of_question
from reward_service.core.matching.longer import NEVER, Unfinished, continued, qualifier
from reward_service.core.matching.persons import (
    begins_with_initial,
    has_patronymic,
    inverted,
    is_common,
    is_full_name,
    is_particle,
    is_suffix,
    last_name,
    may_be_person,
    nicknames,
)
from reward_service.core.matching.spellings import spellings, without_parenthesis

SHORT = 3  # letters
LONG_NUMBER = 5  # digits: what is shorter may be a year
MARKS = "《》〈〉「」『』“”·・‧•"
"""Signs around and inside a name that say nothing about it."""
IN_NUMBERS = ",.-–/: "
POSSESSIVES = ("'s", "’s")
ARTICLE = "the "


class Guard(StrEnum):
    """What the original text has to show where a folded form stands."""

    NONE = "none"
    CAPITAL = "capital"
    """It begins with a capital."""
    COMMA = "comma"
    """It has a comma: "Curie, Marie"."""
    TITLE = "title"
    """It begins with a capital that is not the sentence's: "the novel First"."""
    ALONE = "alone"
    """It is no part of a longer word of Han or katakana."""
    POSSESSIVE = "possessive"
    """The 's that the fold drops follows: Macy's is not Macy, nor the 1990's 1990."""
    VERBATIM = "verbatim"
    """It is the spelling, to the letter."""


class Middle(IntEnum):
    """What may stand between the first and the last word of a form; what stands there in the form must begin it."""

    NOTHING = 0
    NICKNAME = 1
    """A nickname in quotes: Dwayne "The Rock" Johnson."""
    NAMES = 2
    """Capitalised words, too."""


class Form(NamedTuple):
    """One spelling to look for."""

    entity: int
    """Position in the question's entities."""
    spelling: str
    folded: str
    alias: bool
    """Whether it comes from an alias, not from the name."""
    guard: Guard = Guard.NONE
    middle: Middle = Middle.NOTHING
    continued: int = NEVER
    """What behind it or before it makes a longer name of it, as bits (`longer`)."""
    place: str = ""
    """What qualifies the name, folded, if the form leaves it out: Oregon of Portland, Oregon."""
    given: str = ""
    """The given names, folded, if the form is a person's last name alone: marie of Curie."""
    words: tuple[InflectedWord, ...] = ()
    """Its words, if they may be inflected; none otherwise."""

    @property
    def unfinished(self) -> Unfinished:
        """What it needs not to be part of."""
        return Unfinished(self.folded, self.continued, self.place, self.given)


# Asked for every form: a name of a module costs a quarter of a member of an enumeration.
_NONE, _CAPITAL, _VERBATIM, _NOTHING = Guard.NONE, Guard.CAPITAL, Guard.VERBATIM, Middle.NOTHING
_ENDS_IN_KATAKANA = re.compile("[\u30a1-\u30ff]$")
_SHORT_HAN = re.compile("[\u3400-\u9fff]{1,3}")


PersonSpelling = tuple[str, Guard, Middle]


def person_spellings(words: Sequence[str]) -> Iterable[PersonSpelling]:
    """Return the spellings of a person's name with their guard and what may be added in the middle.

    Robert F. Kennedy Jr. -> Robert Kennedy Jr; George Smith Patton -> George S Patton; F. Scott Fitzgerald -> Scott Fitzgerald.
    """
    if is_suffix(words[-1]):
        return _with_suffix(words[:-1], words[-1].strip("."))
    if is_full_name(words):
        return _full_name_spellings(words)
    return _initial_spellings(words) if begins_with_initial(words) else ()


def _with_suffix(words: Sequence[str], suffix: str) -> Iterator[PersonSpelling]:
    if len(words) > 1:
        for text, guard, middle in person_spellings(words):
            yield f"{text} {suffix}", guard, middle if text.count(" ") > 1 else Middle.NOTHING


def _initial_spellings(words: Sequence[str]) -> Iterator[PersonSpelling]:
    """Yield the spellings of a name that begins with an initial: C. S. Lewis -> Lewis, C. S."""
    yield f"{words[-1]}, {' '.join(words[:-1])}", Guard.COMMA, Middle.NOTHING
    if is_full_name(words[1:]) and not is_common(words[-1]):
        yield " ".join(words[1:]), Guard.NONE, Middle.NOTHING


def _full_name_spellings(words: Sequence[str]) -> Iterator[PersonSpelling]:
    """Yield the spellings of a first and a last name, perhaps with others between.

    Jeffrey R. MacDonald -> Jeffrey MacDonald; George Smith Patton -> George S Patton, G S Patton; Bob Gibson -> Robert Gibson;
    Marie Curie -> Curie, Marie; Vincent van Gogh -> van Gogh, Vincent.
    """
    last, own = words[-1], " ".join(word.strip(".") for word in words[1:-1])
    most = Middle.NAMES if own or not is_common(last) else Middle.NICKNAME
    for first in nicknames(words[0]):
        for between in _middles(own):
            given = f"{first} {between}".strip()
            yield f"{given} {last}", Guard.NONE, most if between == own else Middle.NOTHING
            yield f"{last}, {given}", Guard.COMMA, Middle.NOTHING
        if is_particle(own):
            yield f"{own} {last}, {first}", Guard.COMMA, Middle.NOTHING
    if own and not is_particle(own):
        letters = [word[0] for word in (words[0], *own.split())]
        yield from ((f"{between.join(letters)} {last}", Guard.NONE, Middle.NOTHING) for between in (" ", ""))


def _middles(own: str) -> tuple[str, ...]:
    """Return what may stand between a first and a last name: a single initial may go, names may shrink to initials."""
    short = " ".join(word[0] for word in own.split())
    return (own, "") if len(own) == 1 else tuple(dict.fromkeys((own, short)))


def _goes_on(spelling: str) -> bool:
    """Return whether a name ends in Han that may go on to a longer name, or in katakana, which always does."""
    return _ENDS_IN_KATAKANA.search(spelling) is not None or _SHORT_HAN.fullmatch(spelling) is not None


def _is_cased(char: str) -> bool:
    return char.lower() != char.upper()


def _signs(spelling: str) -> str:
    return "".join(char for char in spelling if not (char.isalnum() or char.isspace() or char in MARKS))


def _is_short(folded: str) -> bool:
    return 0 < len(folded.replace(" ", "")) <= SHORT


def _is_peculiar(spelling: str) -> bool:
    """Return whether a spelling is in capitals or has signs, of which the fold keeps nothing."""
    return len(spelling) > 1 and (spelling.isupper() or _signs(spelling) != "")


def _guard(spelling: str, folded: str, *, own: str, derived: bool) -> Guard | None:
    """Return what the original text has to show where this form stands; None rejects the form.

    Args:
        spelling: the form as it is written.
        folded: the same, folded.
        own: the entity's own name or alias that it comes from, folded.
        derived: whether it is a name other than that.
    """
    if len(folded) < 2 * SHORT and _is_short(folded) and _is_peculiar(spelling):
        return Guard.VERBATIM
    if spelling.endswith(POSSESSIVES) and (" " not in folded or folded[-1].isdigit()):
        return Guard.POSSESSIVE
    if folded[:1].isdigit() and (letters := folded.replace(" ", "")).isdigit():
        is_rejected = derived and len(letters) < LONG_NUMBER
        return Guard.VERBATIM if _signs(spelling).strip(IN_NUMBERS) else None if is_rejected else _NONE
    if folded in lexicon.OPENERS:
        return Guard.TITLE
    if not spelling.isascii() and _goes_on(spelling):
        return Guard.ALONE
    if (
        (" " not in folded or (folded.startswith(ARTICLE) and folded.count(" ") == 1))
        and _is_cased(spelling[0])
        and (_is_narrower(folded, own) or (len(folded) <= SHORT and spelling[0].isupper()))
    ):
        return _CAPITAL
    return _NONE


def _written(spelling: str, *, of_person: bool) -> Iterator[PersonSpelling]:
    """Yield a spelling, and those of the person whose name it may be, with their guard and what may be added in the middle."""
    yield spelling, _NONE, _NOTHING
    upright = inverted(spelling) or spelling
    if upright is not spelling:
        yield upright, Guard.NONE, Middle.NOTHING
    if of_person and len(words := upright.replace(",", " ").split()) > 1 and words[-1][0].isupper():
        yield from person_spellings(words)


def _is_narrower(folded: str, own: str) -> bool:
    """Return whether a form leaves out a word of the name: "blur" of "blur (band)", but not "xmen" of "x men"."""
    return folded.count(" ") < own.count(" ") and folded.replace(" ", "") != own.replace(" ", "")


def _drafts(position: int, entity: Entity, asked: str) -> Iterator[tuple[Form, Sequence[str]]]:
    """Yield the forms of one entity, the name's before the aliases', each with those that other entities may share, folded.

    An entity whose name cannot be searched for has none, whatever its aliases: ingest drops it as a whole too.
    """
    if not is_usable(entity.name):
        return
    of_person = may_be_person(entity)
    last, given = last_name(entity) if of_person else ("", "")
    for source in filter(is_usable, (entity.name, *entity.aliases)):
        own, plain = map(folded_text, (source, *without_parenthesis(source)))
        shareable = own, plain, plain.removeprefix(ARTICLE)
        place = qualifier(source) if "," in source else ""
        most = Middle.NICKNAME if of_person and has_patronymic(source) else Middle.NAMES
        is_number = own.replace(" ", "").isdigit()
        for spelling in spellings(source, language=of_name(source, asked), is_usable=is_usable):
            for text, guard, middle in _written(spelling, of_person=of_person):
                folded = folded_text(text)
                needed = _guard(text, folded, own=own, derived=not is_number and folded != own)
                if needed is not None:
                    lost = place if place and not folded.endswith(place) and "," not in text else ""
                    form = Form(
                        position,
                        text,
                        folded,
                        source is not entity.name,
                        needed if guard is _NONE else guard,
                        middle if folded.count(" ") == own.count(" ") else min(middle, most),
                        continued(text, of_person=of_person and folded == own),
                        lost,
                        given if folded == last else "",
                    )
                    yield form, shareable


def derive(question: Question) -> list[Form]:
    """Return the forms of all entities of a question, each entity's in order of preference, none twice."""
    asked = of_question(question)
    drafts = [
        draft
        for position, entity in enumerate(question.entities)
        for draft in _drafts(position, entity, asked)
    ]
    first: dict[str, int] = {}
    shared = {form.folded for form, _ in drafts if first.setdefault(form.folded, form.entity) != form.entity}
    forms: dict[tuple[int, str, str], Form] = {}
    for form, shareable in drafts:
        if form.folded in shared and form.folded not in shareable:
            continue
        key = (form.entity, form.folded, form.spelling if form.guard is _VERBATIM else "")
        known = forms.setdefault(key, form)
        if known is form:
            continue
        guard = Guard.NONE if Guard.NONE in (form.guard, known.guard) else known.guard
        middle = max(known.middle, form.middle)
        if (guard, middle) != (known.guard, known.middle):
            forms[key] = known._replace(middle=middle, guard=guard)
    return _inflected(list(forms.values()), asked)


def _words_of(form: Form, asked: str) -> tuple[InflectedWord, ...]:
    if form.guard is not _NONE and form.guard is not _CAPITAL:
        return ()
    language = of_name(form.spelling, asked)
    if language not in STEMMED:
        return ()
    whole = fold(form.spelling)
    tokens = [whole.span(found.start(), found.end()) for found in re.finditer("[^ ]+", whole.text)]
    return inflected_name([form.spelling[start:end] for start, end in tokens], language)


def _inflected(forms: Sequence[Form], asked: str) -> list[Form]:
    """Return the forms with their inflected words, except where these could be another entity's."""
    words = [_words_of(form, asked) for form in forms]
    beginning: dict[str, list[int]] = {}
    for number, own in enumerate(words):
        for known in own[0].known if own else ():
            beginning.setdefault(known, []).append(number)

    def is_shared(mine: int) -> bool:
        others = (other for known in words[mine][0].known for other in beginning[known])
        return any(
            forms[mine].entity != forms[other].entity and _may_be_the_same(words[mine], words[other])
            for other in others
        )

    inflected = [
        form if not words[at] or is_shared(at) else form._replace(words=words[at])
        for at, form in enumerate(forms)
    ]
    return [*inflected, *_with_patronymics(inflected)]


def _with_patronymics(forms: Sequence[Form]) -> Iterator[Form]:
    """Yield the names that may have a patronymic, inflected as they are, between their two words: Льва Николаевича Толстого."""
    for form in forms:
        if form.middle is Middle.NAMES and len(form.words) == 2 and form.words[0].language in PATRONYMICS:
            first, last = form.words
            yield form._replace(words=(first, PATRONYMICS[first.language], last))


def _may_be_the_same(one: Sequence[InflectedWord], other: Sequence[InflectedWord]) -> bool:
    return len(one) == len(other) and all(
        not mine.known.isdisjoint(theirs.known) for mine, theirs in zip(one, other, strict=True)
    )


def allowed_edits(folded: str, *, most: int) -> int:
    """Return k: how many edits a fuzzy match of this form may have.

    0 below 10 characters, else a tenth of the length, at most `most`; 0 for scripts without spaces, for forms of digits only, and where
    no token is long enough to be misspelled. Those of Hangul have to be spaces.
    """
    if len(folded) <= SHORT or (folded[0].isdigit() and folded.replace(" ", "").isdigit()):
        return 0
    if folded.isascii():
        return min(most, len(folded) // 10)
    if any(map(stands_alone, folded)):
        return 0
    if any(map(is_hangul, folded)):
        return min(most, len(folded) // SHORT) if len(folded) > SHORT else 0
    return min(most, len(folded) // 10)


def token_edits(token: str) -> int:
    """Return how many edits one token may have: 0 below 5 characters, 1 below 9, else 2."""
    return 0 if len(token) < 5 else 1 if len(token) < 9 else 2
