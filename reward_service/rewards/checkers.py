"""Is the answer right? Checkers compare a rollout's answer with the gold answers; any gold answer will do.

- `exact_match`: equal after SQuAD's normalisation
"""

import re
import string
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

Checker = Callable[[str, Sequence[str]], bool]

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalize_answer(text: str) -> str:
    """Normalise an answer as SQuAD's evaluation does: lower case, no punctuation, no articles, single spaces.

    >>> normalize_answer("The  Beatles!")
    'beatles'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, golds: Sequence[str]) -> bool:
    """Return whether the answer equals a gold answer after normalisation (arXiv:1606.05250, evaluation script).

    An answer that normalises to nothing is compared as it stands: "the" is not "a", and "?" is not "!".
    """
    normalized = normalize_answer(answer)
    if not normalized:
        return bool(answer.strip()) and answer.strip() in (gold.strip() for gold in golds)
    return any(normalized == normalize_answer(gold) for gold in golds)


CHECKERS: Mapping[str, Checker] = MappingProxyType({"exact_match": exact_match})
