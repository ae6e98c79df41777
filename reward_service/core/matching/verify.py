"""The guarded fuzzy rule: whether a window of whole tokens is a form with a few edits.

- Levenshtein distance at most k, k by the length of the form (`forms.allowed_edits`).
- The numbers are the same, in the same order, and none is cut in two.
- Hangul differs in its spaces only.
- As many tokens as the form, each within its own few edits (`forms.token_edits`) of its counterpart and no other word (`are_two`); or the same text when
  spaces are removed.

Ratios, partial ratios and token sets never decide: they accept a date with one digit changed, "UN" in "run", or any subset of
the tokens, and the policy finds that out.
"""

import re

import numpy as np
from rapidfuzz.distance import Levenshtein

from entity_index.folding import is_hangul
from reward_service.core.matching.arrays import Positions
from reward_service.core.matching.fold import FoldedText
from reward_service.core.matching.forms import token_edits
from reward_service.core.matching.index import Index
from reward_service.core.matching.lexicon import ALSO_GIVEN_NAMES, COMMON_LAST_NAMES, GIVEN_NAMES, SCALES
from reward_service.core.matching.numerals import BY_WRITING
from reward_service.core.matching.scan import FUZZY, Spans, Windows, in_longer_names, uncut


def _numbers(text: str) -> list[str]:
    """Return the runs of digits: "1.5 million" is not "15 million"."""
    return "".join(char if char.isnumeric() else " " for char in text).split()


def _tokens_agree(form: str, window: str) -> bool:
    pairs = zip(form.split(" "), window.split(" "), strict=True)
    return all(own == other or _is_misspelt(own, other) for own, other in pairs)


def _is_misspelt(own: str, other: str) -> bool:
    """Return whether a token is another with a few edits, and not a word of its own."""
    most = token_edits(own)
    return Levenshtein.distance(own, other, score_cutoff=most) <= most and not are_two(own, other)


def are_two(own: str, other: str) -> bool:
    """Return whether two tokens are different words, not one misspelt: they begin differently, or are both numbers or names of persons.

    >>> are_two("nolan", "dolan"), are_two("million", "billion"), are_two("xxiii", "xxii"), are_two("daniel", "daniela")
    (True, True, True, True)
    >>> are_two("spielberg", "speilberg"), are_two("johann", "johan")
    (False, False)
    """
    if {own, other} <= NUMBER_WORDS or not _begin_alike(own, other):
        return True
    known = {own, other} & PERSONS
    return bool(known) and (_ends_apart(own, other) or (len(known) > 1 and _sound(own) != _sound(other)))


def _ends_apart(own: str, other: str) -> bool:
    """Return whether one token is the other with an ending that makes another name of it: Juliana, Roberts."""
    longer, shorter = (own, other) if len(own) > len(other) else (other, own)
    return longer[:-1] == shorter and longer[-1] in NAME_ENDINGS


def _begin_alike(own: str, other: str) -> bool:
    """Return whether two tokens begin with the same sound, or one with a letter more that is hardly heard: Wladimir, oesophagus."""
    longer, shorter = (own, other) if len(own) > len(other) else (other, own)
    first = {own[0], other[0]}
    return any(first <= alike for alike in ALIKE) or len(first) == 1 or _is_silent(longer, shorter)


def _is_silent(longer: str, shorter: str) -> bool:
    return longer[0] in HARDLY_HEARD and longer[1:] == shorter


def _sound(name: str) -> str:
    """Return a name without what is written and not heard: a letter once for twice, no h at the end."""
    return _TWICE.sub(r"\1", name).removesuffix("h")


NUMBER_WORDS = BY_WRITING.keys() | SCALES.keys()
PERSONS = GIVEN_NAMES | ALSO_GIVEN_NAMES | COMMON_LAST_NAMES
NAME_ENDINGS = "aeos"
HARDLY_HEARD = "aeiouyhdl"
ALIKE = tuple(map(frozenset, ("ckqsz", "gijy", "vw")))
"""Letters that names in other alphabets are written with, one for another, at the beginning."""
_TWICE = re.compile(r"(.)\1")


def fuzzy_distance(form: str, window: str, *, edits: int) -> int | None:
    """Return the edit distance between a form and a window of whole tokens, None where the window is not the form.

    >>> fuzzy_distance("benedict of nursia", "bendict of nursia", edits=1)
    1
    >>> fuzzy_distance("1966 atlantic hurricane season", "1967 atlantic hurricane season", edits=3)
    """
    distance = Levenshtein.distance(form, window, score_cutoff=edits)
    if distance > edits or _numbers(form) != _numbers(window):
        return None
    if form.replace(" ", "") == window.replace(" ", ""):
        return distance
    if any(map(is_hangul, form)):
        return None
    return distance if form.count(" ") == window.count(" ") and _tokens_agree(form, window) else None


def fuzzy_spans(text: FoldedText, index: Index, windows: Windows) -> Spans:
    """Return which windows are their phrase with one to k edits. Degenerate text repeats the same few, which are decided once."""
    known: dict[tuple[int, bytes], int | None] = {}
    distances = []
    for number, start, end in zip(
        windows.phrase.tolist(), windows.start.tolist(), windows.end.tolist(), strict=True
    ):
        key = (number, text.data[start:end])
        if key not in known:
            phrase = index.phrases[number]
            known[key] = fuzzy_distance(phrase.text, key[1].decode(), edits=phrase.edits)
        distances.append(known[key] or 0)
    distance = np.array(distances, dtype=np.int64)
    found = distance > 0
    if not found.any():
        return Spans.none()
    found[found] = uncut(text, index, windows[found])
    spans = _unguarded(index, windows[found], distance[found])
    return spans[~in_longer_names(text, index, spans)]


def _unguarded(index: Index, windows: Windows, distance: Positions) -> Spans:
    """Return the spans of the forms behind the windows that no guard binds to their exact spelling."""
    at, (form,) = index.owners.join(windows.phrase)
    free = ~index.guarded[form]
    at, form = at[free], form[free]
    return Spans(form, np.full(len(form), FUZZY), distance[at], windows.start[at], windows.end[at])
