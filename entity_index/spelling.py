"""A text as folding spells it, without the way back: what ingest compares, millions of times.

`folding.fold` is the definition. For ASCII, most of what is ingested, its rules are three substitutions and twenty
times faster; a property test holds the two together.
"""

import re
from functools import lru_cache

from entity_index.folding import BEFORE_ELIDED, ELIDED, GLUED, fold

POSSESSIVE = re.compile(r"(?<=[a-z0-9])['`]+s(?![a-z0-9])")
ELISION = re.compile(rf"(?<![a-z0-9'`])({'|'.join(sorted(ELIDED))})['`](?=[{BEFORE_ELIDED}])")
APOSTROPHES = re.compile(r"['`]+")
HAS_GLUED = re.compile("[0-9]{4}[A-Z][a-z]")
WITHOUT_SIGNS = {code: char if (char := chr(code)).isalnum() else " " for code in range(128)}


LONGEST_KEPT = 1024  # characters: no name is longer; an answer or a token may be


def folded(text: str) -> str:
    """Return `fold(text).text`.

    >>> folded("Schindler's List (1993)")
    'schindler list 1993'
    """
    return _kept(text) if len(text) <= LONGEST_KEPT else _folded(text)


def _folded(text: str) -> str:
    if not text.isascii():
        return fold(text).text
    return _folded_ascii((GLUED.sub(" ", text) if HAS_GLUED.search(text) else text).lower())


_kept = lru_cache(maxsize=1024)(_folded)  # a name is asked for several times while its record is cleaned


def _folded_ascii(lower: str) -> str:
    if "'" in lower or "`" in lower:
        lower = APOSTROPHES.sub("", POSSESSIVE.sub("", ELISION.sub(r"\1 ", lower)))
    return " ".join(lower.translate(WITHOUT_SIGNS).split())
