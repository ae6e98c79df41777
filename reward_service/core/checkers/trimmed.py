"""What an answer says beside its answer, taken off: "Ann Bell (born Ann Lee)", "Sir Ann Bell", "Ann Bell, because she ...".

Only what comes first is the answer. What an agent adds is never compared with a gold answer, so that adding a second candidate
earns nothing; where it takes the answer back, nothing is taken off. Of "United Nations (UN)" both are taken, because the letters
show that they are the same.

Each rule is a function from text to texts, applied to everything the rules before it gave.
"""

import re
from collections.abc import Callable, Iterator

from entity_index.spelling import folded
from entity_index.usable import FUNCTION_WORDS
from reward_service.core.checkers.forms import without_title
from reward_service.core.checkers.golds import items
from reward_service.core.checkers.reading import begins_with_amount
from reward_service.core.checkers.tables import (
    CARDINALS,
    CHANGING,
    CLASSES_OF,
    CORRECTIONS,
    DESCRIBING,
    DOUBTS,
    HEDGES,
    KIN,
    NEGATIONS,
    NO_ADDED_TITLES,
    UNSURE,
)
from reward_service.core.matching import lexicon

LABELLED = re.compile(
    r"\n\W{0,6}(?:explanation|reasoning|reason|rationale|justification|evidence|confidence(?: level| score)?|sources?|references?)"
    r"\b\W{0,4}:.*",
    re.IGNORECASE | re.DOTALL,
)
# A further sentence tells of the answer: "It was ...", but not "It is Perth".
TOLD = re.compile(
    r"(?<=[\w)\"'])(?:,? because |[.!]?\n+(?=(?:It|He|She|They|This)\b)|[.!] (?=(?:It|He|She|They|This) )).*",
    re.DOTALL,
)
RENAMES = re.compile(r"\W*(?:It|He|She|They|This)(?:'s| is| was| are| were) (?:the |an? )?[A-Z0-9]")
AS = r"(?:(?:also|better|best|commonly|formerly|previously|originally|professionally|popularly|sometimes|now) )?(?:known|called|titled|billed|credited) (?:as )?"
OTHER_NAME = (
    rf"(?:{AS}|a\.?k\.?a\.? |formerly |originally |born |née |né |nicknamed |alias |stage name |real name )"
)
IN_PARENTHESES = re.compile(rf"\s?\({OTHER_NAME}[^()]{{1,120}}\)", re.IGNORECASE)
BEHIND_COMMA = re.compile(rf"(?<=\w), {OTHER_NAME}[^\n]{{1,200}}\Z", re.IGNORECASE)
NICKNAME = re.compile(r"""(?<=\w) (?:"[A-Z][^"\n]{1,40}"|'[A-Z][^'\n]{1,40}') (?=[A-Z])""")
LED = re.compile(r"(?:in|at|on) (?!The )(?=[A-Z])")
SHORTENED = re.compile(r"([^()\n]{2,120}) \(([^()\n]{2,120})\)")
YEAR = re.compile(
    r"\s?\((?:c\. ?)?\d{4}(?:\s?-\s?\d{2,4})?(?: (?:film|movie|novel|book|album|song|play|TV series))?\)"
)
IN_NOTES = re.compile(
    r"\s?[(\[](?:source|sources|confidence|certainty|probability|according to|see|ref|reference|via|from (?=wikipedia))\b[^()\[\]\n]{0,200}[)\]]",
    re.IGNORECASE,
)
SURELY = re.compile(
    r"(?:definitely|certainly|clearly|obviously|surely|undoubtedly)[,:]? (?=\S)", re.IGNORECASE
)
# What counts exactly: before a number, and behind it.
EXACTLY = re.compile(
    r"(?:exactly|precisely|just|only|(?:a )?(?:grand )?total(?: of)?|in total|altogether)[,:]? (?=\S)",
    re.IGNORECASE,
)
IN_TOTAL = re.compile(r",? (?:exactly|precisely|in total|altogether|in all)\Z", re.IGNORECASE)
OPTION = re.compile(r"(?:option|choice|answer choice|letter) \(?([A-Z])\)?", re.IGNORECASE)
NUMBERED = re.compile(r"(?:[-*\u2022\u00b7]|1[.)]) (?=[A-Z\"'])")
CONTRASTED = re.compile(
    r"(?<=[\w)\"'.])(?:[,;]|,? (?:and|but)| -|(?= \()) \(?(?:and |but )?not (?=(?:the |in )?[A-Z0-9])[^,;()\n]{1,80}\)?\Z"
)
NATION = (
    r"(?:(?:[A-Z][a-z]+(?:[^m]an|ish|ese)|German|Roman|French|Dutch|Greek|Swiss|Czech|Welsh)(?:-[a-z]+)? )?"
)
TELLING_NOUN = rf"(?:the |an? )(?={NATION}[a-z])"
APPOSED = re.compile(
    rf"(?<=[\w)])(?:,| -) (?:who|which|whose|whom|where|when|according to|as per|{TELLING_NOUN}(?!.*\b(?:answer|is|are)\b))[^\n]*\Z"
)
# A number, and how it came about.
OCCASION = re.compile(r"(\S+), (?:on|in|at|during|when|while|with|after|as|making|including) [^\d\n]+")
COUNTED_OUT = re.compile(r"[:,] | - | \(")
MAX_BEHIND_COUNT = 3
"""Words between a count and what is counted out: "two small moons: ..."."""
DESCRIBED = re.compile(
    rf"(?:[Tt]he )?{NATION}(?P<kind>(?!\w+ of )[a-z]+ (?:and )?)?(?P<role>(?!of )[a-z]+)(?P<of> of)?,? (?=[A-Z\"'\u0400-\u042f])|(?:г|гор|город)\.? (?=[\u0410-\u042f])"
)
DATED = re.compile(r"(?<=\w) (?:in|on) (?:[A-Z][a-z]+ )?(?:\d{1,2},? )?(?:[A-Z][a-z]+ )?\d{4}(?:-\d{2,4})?\Z")
LEAST_SENTENCE = 4
PATRONYMIC = re.compile(r"(?<=\w) \w+(?:ович|евич|ьич|овна|евна|ична|ovich|evich|yich|ovna|evna) (?=\w)")
LEGAL_FORM = re.compile(
    r",? (?:F\.?C\.?|A\.?F\.?C\.?|Inc|Ltd|LLC|PLC|plc|Corp|GmbH|Limited|Incorporated)\.?\Z"
)
CITY_IN_HAN = re.compile(r"(?<=[\u4e00-\u9fff]{2})市\Z")
STATES = {letters: state for state, letters in lexicon.STATES.items()}
CONTAINED = re.compile(r",\s?([^,()\n]{2,40})\Z|\s?\(([^,()\n]{2,40})\)\Z")
MAX_CHARS = 2_000
"""A longer answer stays as it is."""
MAX_TEXTS = 24
"""Each rule may double the texts; more additions than that are no answer."""
MAX_WORDS = 12
"""Words of a name with a title."""
SPEAKING = re.compile(r"[^\W\d_]+")
SPOKEN = re.compile(r"\w+")
NOT_DESCRIBING = NEGATIONS | CHANGING | KIN | FUNCTION_WORDS | {"like", "former"}
TAKES_BACK = NEGATIONS | HEDGES | DOUBTS | UNSURE | CORRECTIONS


def takes_back(text: str) -> bool:
    """Return whether what follows an answer may deny or doubt it."""
    return not TAKES_BACK.isdisjoint(word.lower() for word in SPEAKING.findall(text))


def without_labelled(text: str) -> Iterator[str]:
    """Kyoto, then on a line of its own "Explanation: ..." -> Kyoto."""
    if "\n" in text and (found := LABELLED.search(text)):
        yield text[: found.start()]


def without_told(text: str) -> Iterator[str]:
    """Kyoto, because it was the capital -> Kyoto; Kyoto. It was the capital. -> Kyoto."""
    found = TOLD.search(text)
    if found and not takes_back(found[0]) and not RENAMES.match(found[0].lstrip(".!\n ")):
        yield text[: found.start()]


def without_other_names(text: str) -> Iterator[str]:
    """Muhammad Ali (born Cassius Clay) -> Muhammad Ali; "Ali, also known as Clay" -> Ali."""
    bare = BEHIND_COMMA.sub("", IN_PARENTHESES.sub("", text))
    if bare != text:
        yield bare


def of_letters(text: str) -> Iterator[str]:
    """United Nations (UN) -> United Nations, UN; WHO (World Health Organization) -> both."""
    found = SHORTENED.fullmatch(text.rstrip("."))
    if found and (_shortens(found[2], found[1]) or _shortens(found[1], found[2])):
        yield from found.groups()


def _shortens(letters: str, name: str) -> bool:
    """Return whether letters are those that the words of a name begin with, little words left out or not."""
    bare, words = letters.replace(".", ""), re.findall(r"[^\W\d_][\w'-]*", name)
    telling = [word for word in words if word.lower() not in FUNCTION_WORDS]
    return bare.isupper() and bare in ("".join(word[0] for word in some).upper() for some in (words, telling))


def without_added_title(text: str) -> Iterator[str]:
    """Sir Ian McKellen -> Ian McKellen; "Mrs. John Smith" is another person than John Smith."""
    words = text.split()
    if 0 < len(words) <= MAX_WORDS and words[0].strip(".").lower() not in NO_ADDED_TITLES:
        yield from without_title(text)


def without_nickname(text: str) -> Iterator[str]:
    """Dwayne "The Rock" Johnson -> Dwayne Johnson."""
    if NICKNAME.search(text):
        yield NICKNAME.sub(" ", text)


def without_place_word(text: str) -> Iterator[str]:
    """In Paris, in lower case -> Paris; with a capital it may be a title."""
    if found := LED.match(text):
        yield text[found.end() :]


def without_notes(text: str) -> Iterator[str]:
    """Kyoto (source: Wikipedia), Kyoto (confidence: 95%) -> Kyoto."""
    if "(" in text or "[" in text:
        yield from _without(IN_NOTES, text)


def _without(pattern: re.Pattern[str], text: str) -> Iterator[str]:
    """Yield a text without the first match; nothing where there is none."""
    if found := pattern.search(text):
        yield f"{text[: found.start()]} {text[found.end() :]}".strip()


def without_assurance(text: str) -> Iterator[str]:
    """Definitely Kyoto -> Kyoto."""
    if found := SURELY.match(text):
        yield text[found.end() :]


def exact(text: str) -> Iterator[str]:
    """Exactly 200, a total of 200, 200 in total -> 200."""
    if found := EXACTLY.match(text):
        yield from filter(begins_with_amount, (text[found.end() :],))
    yield from filter(begins_with_amount, _without(IN_TOTAL, text))


def of_choice(text: str) -> Iterator[str]:
    """Option B, choice (B) -> B."""
    if found := OPTION.fullmatch(text.rstrip(".")):
        yield found[1]


def without_number(text: str) -> Iterator[str]:
    """1. Kyoto -> Kyoto."""
    if found := NUMBERED.match(text):
        yield text[found.end() :]


def without_contrast(text: str) -> Iterator[str]:
    """Kyoto, not Nara -> Kyoto."""
    if " not " in text or "(not " in text:
        yield from _without(CONTRASTED, text.rstrip(". "))


def without_apposition(text: str) -> Iterator[str]:
    """Ann Bell, the English novelist -> Ann Bell; "The Lion, the Witch" stays, and so do small lists."""
    found = APPOSED.search(text) if (text[:1].isupper() or text[:1].isdigit()) else None
    if found and not takes_back(found[0]):
        yield text[: found.start()]


def without_occasion(text: str) -> Iterator[str]:
    """1912, on its maiden voyage -> 1912."""
    found = OCCASION.fullmatch(text) if text[:1].isdigit() else None
    if found and not takes_back(found[0]):
        yield found[1]


def without_counted_out(text: str) -> Iterator[str]:
    """Two moons: Phobos and Deimos -> two moons, because two are named."""
    found = COUNTED_OUT.search(text)
    said = SPOKEN.findall(text[: found.start()])[-1 - MAX_BEHIND_COUNT :] if found else []
    counts = {int(word) if word.isdecimal() else CARDINALS.get(word.lower(), 0) for word in said} - {0, 1}
    named = len(items(text[found.end() :].rstrip(")."))) if found and counts else 0
    if found and named in counts and not takes_back(text[found.end() :]):
        yield text[: found.start()]


def without_description(text: str) -> Iterator[str]:
    """The English novelist Ann Bell -> Ann Bell; the city of Kyoto -> Kyoto."""
    found = DESCRIBED.match(text)
    if found is None or not NOT_DESCRIBING.isdisjoint((found["kind"] or "").split()[:1]):
        return
    if found["role"] is None or found["role"] in (CLASSES_OF if found["of"] else DESCRIBING):
        yield text[found.end() :]


def without_date(text: str) -> Iterator[str]:
    """It was written by Ann Bell in 1871 -> It was written by Ann Bell; "Summer in 1871" stays."""
    found = DATED.search(text.rstrip("."))
    if found and text.count(" ", 0, found.start()) >= LEAST_SENTENCE - 1:
        yield text[: found.start()]


def without_patronymic(text: str) -> Iterator[str]:
    """Лев Николаевич Толстой -> Лев Толстой."""
    yield from _without(PATRONYMIC, text)


def without_legal_form(text: str) -> Iterator[str]:
    """Fulham F.C. -> Fulham; 京都市 -> 京都."""
    yield from _without(LEGAL_FORM, text)
    if not text.isascii():
        yield from _without(CITY_IN_HAN, text)


Rule = Callable[[str], Iterator[str]]
RULES: tuple[tuple[frozenset[str], Rule], ...] = tuple(
    (frozenset(signs), rule)
    for signs, rule in (
        ("\n", without_labelled),
        (".!\nb", without_told),
        ("(,", without_other_names),
        ("(", of_letters),
        ("", without_added_title),
        ("\"'", without_nickname),
        ("", without_place_word),
        ("([", without_notes),
        ("", without_assurance),
        ("", exact),
        ("", of_choice),
        ("-*\u2022\u00b7.)", without_number),
        ("", without_contrast),
        (",-", without_apposition),
        (",", without_occasion),
        (":,-(", without_counted_out),
        ("", without_description),
        ("0123456789", without_date),
        ("vвн", without_patronymic),
        ("", without_legal_form),
    )
)
"""What a text must have one of for a rule to apply, and the rule; most answers have next to nothing."""


def trimmed(text: str) -> list[str]:
    """Return what a plain answer says with one or more additions taken off; empty where there are none."""
    if len(text) > MAX_CHARS:
        return []
    signs = frozenset(text)
    found = [text]
    for needed, rule in RULES:
        if needed and needed.isdisjoint(signs):
            continue
        added = (new.strip() for old in found for new in rule(old))
        found = [*found, *filter(None, added)][:MAX_TEXTS]
    return found[1:]


def _place(text: str) -> str:
    """Return the name of a place, folded; that of a state for its two letters."""
    return folded(STATES.get(text.strip(), text))


def without_place(text: str) -> Iterator[str]:
    """Yield a plain answer without the places that contain it: Seattle, Washington, USA -> Seattle, Washington -> Seattle.

    "Paris, Texas" stays: what is known to lie elsewhere is another place.
    """
    while (found := CONTAINED.search(text)) and (container := _place(found[1] or found[2])) in lexicon.PLACES:
        text = text[: found.start()].strip()
        head = folded(text)
        if head in lexicon.PLACES and lexicon.exclude(head, container):
            return
        yield text


def without_year(text: str) -> str:
    """Return a plain answer without years in parentheses: Grand Hotel (1932) -> Grand Hotel."""
    return YEAR.sub("", text)
