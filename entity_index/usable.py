"""The one rule which names may be searched for; ingest and questions sent inline both ask it.

A name that is empty, or folds to nothing, would be found everywhere or nowhere. A function word occurs in every
English sentence: "It" (the novel) would credit each rollout that writes "it". One folded character is no evidence
either, unless the raw spelling carries more ("C++", "C#"): the matcher demands that spelling.
"""

from entity_index.folding import is_mark
from entity_index.spelling import folded

MIN_FOLDED = 2
# Determiners, pronouns, prepositions, conjunctions, auxiliaries and negations of English, as folding spells them.
WORDS = """
a an the this that these those
i me my mine myself you your yours yourself yourselves he him his himself she her hers herself it its itself
we us our ours ourselves they them their theirs themselves who whom whose which what
about above across after against along among around as at before behind below beneath beside between beyond by
despite down during except for from in inside into like near of off on onto out outside over past per since
than through throughout to toward towards under until up upon via with within without
and but or nor so yet if because although though unless while whereas whether when where why how
am is are was were be been being have has had having do does did doing done will would shall should can could
may might must
not no yes all any both each either neither every few many more most much less least none one other another
some such same own then there here now also too very just only even ever never again once
"""
FUNCTION_WORDS = frozenset(WORDS.split())
LONGEST_FUNCTION_WORD = max(map(len, FUNCTION_WORDS))


def is_usable(name: str) -> bool:
    """Return whether a name or alias may be searched for."""
    return len(folded(name)) > LONGEST_FUNCTION_WORD or why_unusable(name) is None


def why_unusable(name: str) -> str | None:
    """Return why a name or alias must not be searched for; None where it may.

    The reasons complete a sentence and carry no value, so that they can be counted.

    >>> why_unusable("The")
    'is a function word'
    >>> why_unusable("C++")
    """
    spelling = folded(name)
    if spelling in FUNCTION_WORDS and not name.isupper():
        return "is a function word"
    if len(spelling) >= MIN_FOLDED:
        return None
    if not spelling:
        return "folds to nothing" if name.strip() else "is empty"
    return None if _is_telling(name) else "folds to a single character"


def identity(name: str) -> str:
    """Return what all spellings of a usable name share: its folding, or its raw spelling where folding leaves too little.

    "C++" and "C#" both fold to "c" and stay two names.
    """
    spelling = folded(name)
    return name.strip() if len(spelling) < MIN_FOLDED else spelling


def _is_telling(name: str) -> bool:
    visible = [char for char in name if char.isprintable() and char != " " and not is_mark(char)]
    return len(visible) >= MIN_FOLDED and any(char.isalnum() for char in visible)
