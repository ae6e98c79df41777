"""A name inside a longer one: "Kansas City" is no mention of Kansas, nor "New Mexico" of Mexico, nor "Orica House" of Orica.

Only what a table knows counts: class words behind a name, and places whose name is another's with a word before it. A capital alone
says little: headings and queries set any word behind a name ("Tom Hanks Filmography").
"""

import re

from entity_index.folding import fold
from reward_service.core.matching import lexicon

LOOK_BACK = 16  # bytes before a name in which the word before it stands
LOOK_AHEAD = 24
_BEHIND = re.compile(r"[ -](?P<word>[A-Z][A-Za-z]{1,14}(?:\.[A-Z]\.)?)(?![A-Za-z])")
_BEFORE = re.compile(r"(?<![\w'’-])(?P<word>[A-Z][a-z]{1,13}) \Z")
LAST_WORDS = frozenset(name.partition(" ")[2] for name in lexicon.LONGER_PLACES)
"""Places of which a word before them makes another, folded."""


def may_go_on(spelling: str) -> bool:
    """Return whether a form is of the kind that longer names begin with: one or two capitalised words, none of them a class word."""
    words = spelling.split(" ")
    return (
        len(words) <= 2
        and all(map(_is_capitalised, words))
        and lexicon.CLASSES.isdisjoint(map(str.lower, words))
    )


def _is_capitalised(word: str) -> bool:
    return word.isalpha() and word[0].isupper()


def goes_on(name: str, after: str) -> bool:
    """Return whether a class word right behind a name makes a longer one of it.

    >>> goes_on("kansas", " City is"), goes_on("kansas", " city is"), goes_on("new york", " City is")
    (True, False, False)
    """
    found = _BEHIND.match(after)
    return (
        found is not None
        and found["word"].lower() in lexicon.CLASSES
        and (name, found["word"]) not in lexicon.SAME_PLACE
    )


def began(name: str, before: str) -> bool:
    """Return whether the word before a name makes another place of it.

    >>> began("mexico", "in New "), began("mexico", "in new "), began("italy", "in Northern ")
    (True, False, False)
    """
    found = _BEFORE.search(before)
    return found is not None and f"{found['word'].lower()} {name}" in lexicon.LONGER_PLACES


def overlaps_pinned(before: str, name: str, after: str) -> bool:
    """Return whether a pinned place takes a name of Han in, or begins before it and reaches into it: 東京 in 東京都 leaves no 京都.

    >>> overlaps_pinned("在東", "京都", "的"), overlaps_pinned("在", "京都", "的"), overlaps_pinned("在", "北海", "道")
    (True, False, True)
    """
    run = _in_han(before)[-lexicon.LONGEST_PINNED + 1 :]
    text = run + name + _in_han(after)
    return any(
        text.startswith(place, at) and at + len(place) > len(run) + (len(name) if at == len(run) else 0)
        for at in range(len(run) + 1)
        for place in lexicon.PINNED_HAN.get(text[at], ())
    )


def _in_han(text: str) -> str:
    return fold(text).text.replace(" ", "")
