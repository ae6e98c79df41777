"""What an answer says beside its answer, taken off: "Ann Bell (born Ann Lee)", "Sir Ann Bell", "Ann Bell, because she ...".

Only what comes first is the answer. What an agent adds is never compared with a gold answer, so that adding a second candidate
earns nothing; where it takes the answer back, nothing is taken off. Of "United Nations (UN)" both are taken, because the letters
show that they are the same.

Each rule is a function from text to texts, applied to everything the rules before it gave.
"""

import re
from collections.abc import Callable, Iterator

from entity_index.usable import FUNCTION_WORDS
from reward_service.core.checkers.forms import without_title
from reward_service.core.checkers.tables import (
    CORRECTIONS,
    DOUBTS,
    HEDGES,
    NEGATIONS,
    NO_ADDED_TITLES,
    UNSURE,
)

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
MAX_CHARS = 2_000
"""A longer answer stays as it is."""
MAX_WORDS = 12
"""Words of a name with a title."""
SPEAKING = re.compile(r"[^\W\d_]+")
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


RULES: tuple[Callable[[str], Iterator[str]], ...] = (
    without_labelled,
    without_told,
    without_other_names,
    of_letters,
    without_added_title,
    without_nickname,
    without_place_word,
)


def trimmed(text: str) -> list[str]:
    """Return what a plain answer says with one or more additions taken off; empty where there are none."""
    if len(text) > MAX_CHARS:
        return []
    found = {text: None}
    for rule in RULES:
        found |= dict.fromkeys(new.strip() for old in list(found) for new in rule(old) if new.strip())
    return list(found)[1:]


def without_year(text: str) -> str:
    """Return a plain answer without years in parentheses: Grand Hotel (1932) -> Grand Hotel."""
    return YEAR.sub("", text)
