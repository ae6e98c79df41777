"""Is the answer right? Checkers compare a rollout's answer with the gold answers; any gold answer will do.

- `exact_match`: equal after SQuAD's normalisation
- `f1`: enough words in common with a gold answer
- `cover`: a gold answer stands in the answer, spelled as the matcher would find an entity

`exact_match` and `f1` punish a right answer in a full sentence; `cover` accepts it, and accepts a hedge ("Paris or Rome") too.
"""

import re
import string
from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from entity_index.folding import fold
from entity_index.types import Entity, Question
from entity_index.usable import FUNCTION_WORDS
from reward_service.core.matching import MatchSpec, compile_question, match_group
from reward_service.core.types import Segment, SegmentKind

Checker = Callable[[str, Sequence[str], float], bool]

# Only spellings matter here: no question, no regions, nothing to mask.
_COVERING = MatchSpec(mask_question=False, pasted_words=None, listed_mentions=None)
_PUNCTUATION = str.maketrans("", "", string.punctuation)
_ARTICLES = re.compile(r"\b(a|an|the)\b")


def normalize_answer(text: str) -> str:
    """Normalise an answer as SQuAD's evaluation does: lower case, no punctuation, no articles, single spaces.

    >>> normalize_answer("The  Beatles!")
    'beatles'
    """
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def exact_match(answer: str, golds: Sequence[str], _threshold: float) -> bool:
    """Return whether the answer equals a gold answer after normalisation (arXiv:1606.05250, evaluation script).

    An answer that normalises to nothing is compared as it stands: "the" is not "a", and "?" is not "!".
    """
    normalized = normalize_answer(answer)
    if not normalized:
        return bool(answer.strip()) and answer.strip() in (gold.strip() for gold in golds)
    return any(normalized == normalize_answer(gold) for gold in golds)


def token_f1(answer: str, gold: str) -> float:
    """Return the F1 of the words two answers share, counted with multiplicity (arXiv:1606.05250), in [0, 1]."""
    own, wanted = normalize_answer(answer).split(), normalize_answer(gold).split()
    common = sum((Counter(own) & Counter(wanted)).values())
    return 2 * common / (len(own) + len(wanted)) if common else 0.0


def f1(answer: str, golds: Sequence[str], threshold: float) -> bool:
    """Return whether the answer reaches the threshold of word F1 with a gold answer."""
    return any(token_f1(answer, gold) >= threshold for gold in golds)


def cover(answer: str, golds: Sequence[str], threshold: float) -> bool:
    """Return whether a gold answer stands in the answer: folded, on token boundaries, with the matcher's guarded edits.

    A function word ("yes", "who") has to be the whole answer.
    """
    folded = f" {fold(answer).text} "
    telling = {fold(gold).text for gold in golds} - {""} - FUNCTION_WORDS
    if any(f" {gold} " in folded for gold in telling) or exact_match(answer, golds, threshold):
        return True
    question = Question("", entities=tuple(Entity(gold) for gold in golds))
    (found,) = match_group([[Segment(SegmentKind.THOUGHT, answer)]], compile_question(question, _COVERING))
    return found.matched > 0


CHECKERS: Mapping[str, Checker] = MappingProxyType({"exact_match": exact_match, "f1": f1, "cover": cover})
