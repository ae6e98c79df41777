"""Names in a text, by how they are written: no model, no list, one pass.

A name is a run of words that begin with a capital, joined by blanks, hyphens or the small words that names contain ("University of
Tromby", "Vincent van Gogh"), with the numbers in it ("Apollo 11"), or a title in quotation marks. A run with
"and", "in" or the like may be one name or two, so both readings are given, as is a name without the article or the sentence's first
word that it begins with.
A single word that only ever opens a sentence is not a name. Scripts without capitals have only the quoted names: give those a
pipeline or a gazetteer.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple

from entity_index.usable import FUNCTION_WORDS, why_unusable

WORD = re.compile(r"\w+(?:['’.&-]\w+)*")
QUOTED = re.compile(r"[《「『“\"«]([^《》「」『』“”\"«»\n]{2,60})[》」』”\"»]")
BINDS = frozenset(
    [
        "of",
        "the",
        "de",
        "del",
        "della",
        "di",
        "da",
        "do",
        "dos",
        "la",
        "le",
        "les",
        "van",
        "von",
        "der",
        "den",
        "zu",
        "el",
        "ibn",
        "bin",
    ]
)
MAY_PART = frozenset(["and", "y", "e", "et", "for", "in", "on", "at", "to"])
ARTICLES = frozenset({"The", "A", "An"})
ENDS_SENTENCE = re.compile(r"[.!?:;\n\r]")
MOST_WORDS = 8


class Word(NamedTuple):
    """One word of a text."""

    text: str
    before: str
    """What stands between it and the word before it; a full stop at the start of the text."""
    start: int
    end: int

    @property
    def is_capital(self) -> bool:
        """Whether it begins with a capital letter."""
        return self.text[0].isupper()

    @property
    def opens(self) -> bool:
        """Whether a sentence begins with it."""
        return ENDS_SENTENCE.search(self.before) is not None


def names_in(text: str) -> list[str]:
    """Return the names in a text, each once, in the order in which they are found: runs of capitals, then quoted ones.

    >>> names_in("The glider was made by Liv Dahl of Nordvik Aero. She flew the Skylark.")
    ['Liv Dahl of Nordvik Aero', 'Skylark']
    """
    runs = list(_runs(_words(text)))
    within = {word.text for run in runs for word in run if not word.opens}
    named = (name for run in runs for name in _readings(run, text, within))
    quoted = (title.strip(" .,;") for title in QUOTED.findall(text) if _is_title(title))
    return [name for name in dict.fromkeys((*named, *quoted)) if why_unusable(name) is None]


def _words(text: str) -> list[Word]:
    words: list[Word] = []
    end = 0
    for found in WORD.finditer(text):
        words.append(Word(found[0], text[end : found.start()] if words else ".", *found.span()))
        end = found.end()
    return words


def _runs(words: list[Word]) -> Iterator[list[Word]]:
    """Yield runs of words that may be a name; each begins with a capital and ends with one or with a number."""
    n = 0
    while n < len(words):
        run = _run(words, n) if words[n].is_capital else []
        if run:
            yield run
        n += len(run) or 1


def _run(words: list[Word], first: int) -> list[Word]:
    last = first
    for n in range(first + 1, min(first + MOST_WORDS, len(words))):
        word = words[n]
        if not _joins(word.before, words[n - 1].text):
            break
        if word.is_capital or (word.text.isdecimal() and last == n - 1):
            last = n
        elif word.text not in BINDS and word.text not in MAY_PART:
            break
    return words[first : last + 1]


def _joins(between: str, before: str) -> bool:
    """Whether two words can be of one name, by what stands between them: a blank, a hyphen, the stop of an initial."""
    return between in {" ", "-", " & "} or (between == ". " and len(before) == 1)


def _readings(run: list[Word], text: str, within: set[str]) -> Iterator[str]:
    """Yield what a run may name: all of it, and its parts."""
    for part in [run, *_parts(run)]:
        named = _without_opener(part)
        if named and not (len(named) == 1 and named[0].opens and named[0].text not in within):
            yield text[named[0].start : named[-1].end]
        if _may_go_without_first(named, within):
            yield text[named[1].start : named[-1].end]


def _may_go_without_first(run: list[Word], within: set[str]) -> bool:
    """Whether the first word may be no part of the name: an article, or a word that is capital because it opens a sentence."""
    if len(run) < 2 or not run[1].is_capital:
        return False
    return run[0].text in ARTICLES or (len(run) > 2 and run[0].opens and run[0].text not in within)


def _parts(run: list[Word]) -> list[list[Word]]:
    cuts = [n for n, word in enumerate(run) if word.text in MAY_PART]
    if not cuts:
        return []
    return [run[a + 1 : b] for a, b in zip([-1, *cuts], [*cuts, len(run)], strict=True) if b > a + 1]


def _without_opener(run: list[Word]) -> list[Word]:
    """Return a run without the function word that it begins with because a sentence does."""
    if (
        len(run) > 1
        and run[0].opens
        and run[0].text not in ARTICLES
        and run[0].text.lower() in FUNCTION_WORDS
    ):
        return run[next((n for n, word in enumerate(run) if n and word.is_capital), len(run)) :]
    return run


def _is_title(quoted: str) -> bool:
    return any(map(str.isupper, quoted)) or not quoted.isascii()
