"""A name inside a longer one: "Kansas City" is no mention of Kansas, nor "New Mexico" of Mexico, nor "Orica House" of Orica.

Only what a table knows counts: class words behind a name, and places whose name is another's with a word before it. A capital alone
says little: headings and queries set any word behind a name ("Tom Hanks Filmography").

A place named without what qualifies it is another's where another qualifies it: "Portland, Maine" is no mention of Portland, Oregon.
"""

import re

from entity_index.folding import fold
from entity_index.spelling import folded
from reward_service.core.matching import lexicon

LOOK_BACK = 32  # bytes before a name in which the word before it stands
LOOK_AHEAD = 40
_BEHIND = re.compile(
    rf"[ -](?:(?:{'|'.join(lexicon.INNER_CLASSES)}) ){{0,2}}(?P<word>[A-Z][A-Za-z]{{1,14}}(?:\.[A-Z]\.)?)(?![A-Za-z])"
)
_BEFORE = re.compile(r"(?<![\w'’-])(?P<words>(?:[A-Z][a-z]{1,13} )?[A-Z][a-z]{1,13}) \Z")
_QUALIFIED = re.compile(r" ?[,(] ?(?P<place>[A-Z][A-Za-z.]*(?: [A-Z][A-Za-z.]*){0,2})")
_ENDS = re.compile(r"(?<=[a-z])\.(?= |\Z)")
LAST_WORDS = frozenset(
    " ".join(words[at:]) for words in map(str.split, lexicon.LONGER_PLACES) for at in range(1, len(words))
)
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


def is_part(name: str, before: str, after: str, *, open_ended: bool, place: str) -> bool:
    """Return whether a name is part of a longer one, by what stands before and after it, or names another place than what qualifies it.

    Args:
        name: the name, folded.
        before: the original text before it, at least `LOOK_BACK` of it.
        after: the original text behind it, at least `LOOK_AHEAD` of it.
        open_ended: whether longer names begin with such a name.
        place: what qualifies it, folded, where it is named without that; else nothing.
    """
    if place and is_elsewhere(place, after):
        return True
    return open_ended and (goes_on(name, after) or began(name, before))


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
    words = found["words"].lower().split() if found else []
    return any(" ".join((*words[at:], name)) in lexicon.LONGER_PLACES for at in range(len(words)))


def is_elsewhere(place: str, after: str) -> bool:
    """Return whether what qualifies a name in the text says that it is in another place than `place`, folded.

    >>> is_elsewhere("oregon", ", Maine"), is_elsewhere("oregon", ", OR"), is_elsewhere("oregon", ", USA"), is_elsewhere("texas", ", France")
    (True, False, False, True)
    """
    found = _QUALIFIED.match(after)
    return found is not None and any(lexicon.exclude(place, other) for other in _places(found["place"]))


def _places(written: str) -> list[str]:
    """Return the longest place that words begin with, folded; none where they begin with none."""
    words = _ENDS.split(written)[0].split()
    begun = (" ".join(words[:count]) for count in range(len(words), 0, -1))
    known = [place for words in begun if (place := place_of(words)) in lexicon.COUNTRY_OF]
    return [place for place in known[:1] if place not in lexicon.ALSO_IN_LISTS]


def place_of(written: str) -> str:
    """Return a place as the tables write it: a postal code is its state."""
    return folded(_STATES_OF.get(written, written))


def qualifier(name: str) -> str:
    """Return the place that qualifies a name after a comma, folded; nothing where none does.

    >>> qualifier("Portland, OR"), qualifier("Gogh, Vincent van")
    ('oregon', '')
    """
    _, comma, tail = name.rpartition(", ")
    place = place_of(tail) if comma else ""
    return place if place in lexicon.COUNTRY_OF else ""


_STATES_OF = {code: state for state, code in lexicon.STATES.items()}


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
