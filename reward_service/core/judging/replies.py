r"""What a model replied: a value, or nothing that can be relied on.

A reply is read once more here, whatever schema its server promised to hold it to. It is unreadable rather than guessed
at: a verdict counts only as the object that was asked for, or as the last line. Verdicts elsewhere (in the reasoning, in
an answer that the reply quotes) decide nothing; two that differ make it unreadable. The examples are replies that
published parsers misread:

>>> read_label("<think>Alice said</think>B")
'incorrect'
>>> read_label("reasoning: the response says 'correct: yes'. \ncorrect: no")
'incorrect'
>>> read_label("No, that was yesterday")
'incorrect'
"""

import json
import re
import unicodedata
from collections.abc import Iterator, Mapping
from math import exp, fsum, isfinite
from typing import Any

from entity_index.spelling import folded
from reward_service.core.judging.asks import Value

CORRECT, INCORRECT, NOT_ATTEMPTED = "correct", "incorrect", "not_attempted"
LABELS = (CORRECT, INCORRECT, NOT_ATTEMPTED)
SAID = {
    **dict.fromkeys(("correct", "yes", "true", "right", "a"), CORRECT),
    **dict.fromkeys(("incorrect", "no", "false", "wrong", "b"), INCORRECT),
    **dict.fromkeys(("not_attempted", "not attempted", "c"), NOT_ATTEMPTED),
}
LABEL = r"(?P<label>not[_ ]attempted|incorrect|correct|yes|no|true|false|right|wrong|[abc])"
SUBJECT = (
    r"(?:(?:final|overall|my)\s+)?(?:verdict|answer|judge?ment|grade|correct(?:ness)?|conclusion|result)"
)
EDGE = r"[\s\"'*_`#>().\[\]!]*"
VERDICT = re.compile(rf"{EDGE}(?:{SUBJECT}{EDGE}[:=])?{EDGE}{LABEL}{EDGE}", re.IGNORECASE)
"""A line that is a verdict and nothing else."""
FIRST_WORD = re.compile(
    r"\s*(?P<label>yes|no|correct|incorrect|true|false|wrong)\s*[,.;:!]\s(?P<rest>.*)", re.IGNORECASE
)
LAST_WORD = re.compile(
    rf"(?P<rest>.*\w)[,;]\s+(?:so\s+|thus\s+|therefore\s+|hence\s+)?{LABEL}[.!]?\s*", re.IGNORECASE
)
TELLING = re.compile(
    r"\b(?:incorrect|correct|yes|no|true|false|right|wrong|not|never|neither|nor|cannot|without|A|B|C)\b|n't\b"
)
"""Words that could say something else than the first or last word of a sentence does."""
CONFIDENCE = re.compile(rf"{EDGE}confidence{EDGE}[:=].*", re.IGNORECASE)
FENCE = "```"
MOST_CHARS_OF_A_VERDICT = 200  # of its line; a longer one says more than a verdict
PLACEHOLDER = re.compile(r"<(E\d+)>")
MOST_BRACES = 64  # an object is tried at each of them
NO_NAMES = frozenset({"", "null", "none", "n/a", "unknown"})


class UnreadableReply(ValueError):
    """A reply that says nothing that can be relied on. The message quotes nothing of it."""


def read_verdict(reply: str, said: Mapping[str, str]) -> Value:
    """Return one of `LABELS`.

    Args:
        reply: the content of the model's message.
        said: the fields of the ask; what the judge says it compared has to appear in the answer.

    Raises:
        UnreadableReply: it is no verdict.
    """
    tail = after_thought(reply)
    found = last_object(tail)
    return read_label(tail) if found is None else _label_of(found, said["answer"])


def read_holds(reply: str, said: Mapping[str, str]) -> Value:
    """Return true or false for each statement.

    Raises:
        UnreadableReply: labels are missing or added, or a value is neither true nor false.
    """
    found = _mapping(reply, set(json.loads(said["statements"])))
    if not all(isinstance(value, bool) for value in found.values()):
        raise UnreadableReply("every value must be true or false")
    return found


def read_names(reply: str, said: Mapping[str, str]) -> Value:
    """Return a name or None for each placeholder of the statements.

    Raises:
        UnreadableReply: placeholders are missing or added, or a value is neither a name nor null.
    """
    found = _mapping(reply, set(PLACEHOLDER.findall(said["statements"])))
    for value in found.values():
        if value is not None and (not isinstance(value, str) or value.strip().lower() in NO_NAMES):
            raise UnreadableReply("every value must be a name or null")
    return found


def read_ratings(reply: str, said: Mapping[str, str]) -> Value:
    """Return a number in [0, 1] for each statement.

    Raises:
        UnreadableReply: labels are missing or added, or a value is no number in [0, 1].
    """
    found = _mapping(reply, set(json.loads(said["statements"])))
    if any(isinstance(value, bool) or not isinstance(value, int | float) for value in found.values()):
        raise UnreadableReply("every value must be a number")
    if not all(0 <= value <= 1 for value in found.values()):
        raise UnreadableReply("every number must be in [0, 1]")
    return {label: float(value) for label, value in found.items()}


SCORE = "score"


def read_score(reply: str, _said: Mapping[str, str]) -> Value:
    """Return the score of a model, under the name `score`.

    Raises:
        UnreadableReply: it is no finite number.
    """
    score = json.loads(reply)
    if not isinstance(score, float) or not isfinite(score):
        raise UnreadableReply("the score is no finite number")
    return {SCORE: score}


def read_samples(reply: str, _said: Mapping[str, str]) -> Value:
    """Return the answers that a model has drawn, each with its weight; the weights add up to 1.

    An answer weighs what its tokens' mean log-probability says against the others'. Equal answers are one.

    Args:
        reply: a JSON list of pairs: a text, and the mean of its tokens' log-probabilities.

    Raises:
        UnreadableReply: there are none, or one has no text or no log-probability.
    """
    drawn = json.loads(reply)
    for text, mean in drawn:
        if not isinstance(text, str) or not isinstance(mean, float) or not isfinite(mean):
            raise UnreadableReply("a sample has no text or no log-probability")
    if not drawn:
        raise UnreadableReply("there are no samples")
    best = max(mean for _, mean in drawn)
    parts = [(text.strip(), exp(mean - best)) for text, mean in drawn]
    whole = fsum(part for _, part in parts)
    texts = dict.fromkeys(text for text, _ in parts)
    return {one: fsum(part for text, part in parts if text == one) / whole for one in texts}


def after_thought(reply: str) -> str:
    """Return a reply without the thought before it.

    Raises:
        UnreadableReply: the thought has no end, or nothing comes after it.
    """
    _, ended, tail = reply.rpartition("</think>")
    if "<think>" in (tail if ended else reply):
        raise UnreadableReply("the reply ends inside a thought")
    if not tail.strip():
        raise UnreadableReply("the reply is empty")
    return tail.strip()


def last_object(tail: str) -> dict[str, Any] | None:
    """Return the JSON object that a reply is, or ends with; None if it does not end with one.

    Raises:
        UnreadableReply: there are several that differ, or a key occurs twice.
    """
    if tail.count("{") > MOST_BRACES:
        raise UnreadableReply("the reply has too many braces")
    text = tail.removesuffix(FENCE).rstrip()
    found = list(_objects(text))
    if not found or found[-1][1] != len(text):
        return None
    if any(one != found[-1][0] for one, _ in found):
        raise UnreadableReply("the reply has several objects")
    return found[-1][0]


def read_label(reply: str) -> str:
    """Return the label that the last line of a reply gives.

    Raises:
        UnreadableReply: the last line is no verdict, or another line is a different one.
    """
    tail = unicodedata.normalize("NFKC", after_thought(reply))
    lines = [line for line in tail.splitlines() if line.strip() and not CONFIDENCE.fullmatch(line)]
    verdicts = [_verdict_in(line) for line in lines] or [None]
    labels = {_label(found["label"]) for found in verdicts if found is not None}
    if verdicts[-1] is None:
        return _in_a_sentence(lines)
    if len(labels) > 1:
        raise UnreadableReply("the reply has two verdicts")
    return labels.pop()


def _verdict_in(line: str) -> re.Match[str] | None:
    return VERDICT.fullmatch(line) if len(line) <= MOST_CHARS_OF_A_VERDICT else None


def _in_a_sentence(lines: list[str]) -> str:
    """Return the label that a reply of one line begins or ends with, if no other word of it could say something else.

    Raises:
        UnreadableReply: it says nothing clear.
    """
    found = (FIRST_WORD.fullmatch(lines[0]) or LAST_WORD.fullmatch(lines[0])) if len(lines) == 1 else None
    if found is None or TELLING.search(found["rest"]):
        raise UnreadableReply("the last line is no verdict")
    return _label(found["label"])


def _label(word: str) -> str:
    return SAID[word.lower()]


def _label_of(found: Mapping[str, Any], answer: str) -> str:
    label, extracted = found.get("verdict"), found.get("extracted")
    if found.keys() != {"extracted", "reason", "verdict"} or label not in LABELS:
        raise UnreadableReply("the object is not the one that was asked for")
    if not isinstance(extracted, str | None) or not isinstance(found["reason"], str):
        raise UnreadableReply("the object has values of other types")
    # A judge that answers the question itself quotes what the answer does not say.
    if extracted is None and label == CORRECT:
        raise UnreadableReply("a right answer must be quoted")
    if extracted is not None and folded(extracted) not in folded(answer):
        raise UnreadableReply("the quotation is not in the answer")
    return str(label)


def _mapping(reply: str, labels: set[str]) -> dict[str, Any]:
    found = last_object(after_thought(reply))
    if found is None or found.keys() != labels:
        raise UnreadableReply("the reply is not an object with every label as a key")
    return found


def _objects(text: str) -> Iterator[tuple[dict[str, Any], int]]:
    """Yield the outermost JSON objects of a text, and where each ends."""
    decoder = json.JSONDecoder(object_pairs_hook=_unique)
    at = text.find("{")
    while at >= 0:
        try:
            found, end = decoder.raw_decode(text, at)
        except (json.JSONDecodeError, RecursionError):
            end = at + 1
        else:
            yield found, end
        at = text.find("{", end)


def _unique(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    document = dict(pairs)
    if len(document) < len(pairs):
        raise UnreadableReply("a key occurs twice")
    return document
