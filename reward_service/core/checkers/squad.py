"""SQuAD's two measures, to the letter (arXiv:1606.05250, evaluation script): papers report their numbers with them.

Nothing is read into an answer here: `1.5` is `15` for SQuAD, and a curly quote makes a right answer wrong.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence

_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalize_answer(text: str) -> str:
    """Normalise an answer as SQuAD's evaluation does: lower case, no punctuation, no articles, single spaces.

    >>> normalize_answer("The  Beatles!")
    'beatles'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, golds: Sequence[str]) -> bool:
    """Return whether the answer equals a gold answer after normalisation.

    An answer that normalises to nothing is compared as it stands: "the" is not "a", and "?" is not "!".
    """
    normalized = normalize_answer(answer)
    if not normalized:
        return bool(answer.strip()) and answer.strip() in (gold.strip() for gold in golds)
    return any(normalized == normalize_answer(gold) for gold in golds)


def token_f1(answer: str, gold: str) -> float:
    """Return the F1 of the words two answers share, counted with multiplicity, in [0, 1]."""
    own, wanted = normalize_answer(answer).split(), normalize_answer(gold).split()
    common = sum((Counter(own) & Counter(wanted)).values())
    return 2 * common / (len(own) + len(wanted)) if common else 0.0


def f1(answer: str, golds: Sequence[str], threshold: float) -> bool:
    """Return whether the answer reaches the threshold of word F1 with a gold answer."""
    return any(token_f1(answer, gold) >= threshold for gold in golds)
