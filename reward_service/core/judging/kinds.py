"""The kinds of things that a judge can be asked, and the number that comes of each.

    verdict    is the answer right?                                    a label
    rubric     which criteria of the question does the answer meet?    weighted share of those met
    degrees    how far does the answer meet each criterion?            weighted share by degrees
    entities   which names does a report give to <E0>, <E1>, ...?      nothing by itself
    support    which statements, with those names, do the pages say?   share of statements that <E0> reaches through supported ones
    thoughts   how much does each thought move the search forward?     mean
    samples    what do drawn answers say, with and without the pages?  nothing by itself
    gain       do these answers entail a gold answer?                  what the pages add to it (InfoReasoner)
    equivalence does the answer mean the same as a gold answer?        a label, or that it is unsure
    score      what does a reward model give?                          its score as it is

The last three, but not `samples`, are scores of models for one or two texts. A rollout without an answer, or whose outcome is an error, is asked nothing: its number is 0, which is the policy's doing.
"""

import json
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import islice
from math import fsum
from types import MappingProxyType
from typing import Any, Literal, NamedTuple, TypeAlias, cast

from entity_index.types import Question
from reward_service.core.judging.asks import Answered, Ask, Given, Value, ask_of
from reward_service.core.judging.replies import (
    CORRECT,
    INCORRECT,
    LABELS,
    PLACEHOLDER,
    SCORE,
    read_holds,
    read_names,
    read_ratings,
    read_samples,
    read_score,
    read_verdict,
)
from reward_service.core.judging.templates import templates, texts_of
from reward_service.core.types import Asker, RolloutStatus

MAX_GOLDS = 8
FORWARD, BACKWARD, BOTH = "forward", "backward", "both"
DIRECTIONS = (BOTH, FORWARD)
RETRIEVED_WORDS = 4096
MAX_THOUGHTS, THOUGHT_CHARS = 64, 4000
START = "E0"
FailedStatus: TypeAlias = Literal[RolloutStatus.JUDGE_FAILED, RolloutStatus.BACKEND_FAILED]
Answers = Mapping[str, Given]
"""By the key of their ask."""


class Case(NamedTuple):
    """What a judge may be asked about one rollout."""

    question: Question
    askers: tuple[Asker, ...]
    """Those to ask; one that another comes `after` stands before it."""
    answer: str
    """As it is presented."""
    thoughts: tuple[str, ...] = ()
    pages: str = ""
    """The pages that the answer cites and the agent has seen, as JSON."""
    retrieved: str = ""
    """All that tools responded."""


Number = Callable[[Asker, Case, Mapping[str, Any], Mapping[str, Any]], float]
"""The signal of a case, from the values of all asks together and what the asker's `after` found."""


class AskKind(NamedTuple):
    """One kind of asker."""

    asks: Callable[[Asker, Case, Mapping[str, Any]], list[Ask]]
    """The asks about a case; the mapping has the names that the asker's `after` found."""
    read: Callable[[str, Mapping[str, str]], Value]
    """Reads a reply, or raises `UnreadableReply`."""
    schema: Callable[[Mapping[str, str]], dict[str, Any]]
    """JSON schema of the reply, from the fields of the ask."""
    number: Number | None = None
    """None if it gives no signal."""
    reads_question: bool = False
    """Whether that number needs more than those values: the question's criteria, or its gold answers."""
    needs_rubrics: bool = False
    decides: Callable[[Asker, Mapping[str, Any]], str | None] | None = None
    """The verdict, from the scores; None within it: unsure. None: it is no verdict by scores."""
    is_scored: bool = False
    """Whether it is asked of a model that scores texts; others are asked of a model that writes."""
    is_raw: bool = False
    """Whether the score is the model's own number, and not a probability."""
    failed: FailedStatus = RolloutStatus.JUDGE_FAILED
    """Status of a rollout if it has no answer."""


def _verdict(asker: Asker, case: Case, _names: Mapping[str, Any]) -> list[Ask]:
    golds = json.dumps(case.question.answers[:MAX_GOLDS], ensure_ascii=False)
    return [ask_of(asker, question=case.question.text, golds=golds, answer=case.answer)]


def _rubric(asker: Asker, case: Case, _names: Mapping[str, Any]) -> list[Ask]:
    labelled = _labelled("C", [one.statement for one in case.question.rubrics])
    return [
        ask_of(asker, question=case.question.text, answer=case.answer, statements=part)
        for part in _parts(labelled, asker.max_items)
    ]


def _entities(asker: Asker, case: Case, _names: Mapping[str, Any]) -> list[Ask]:
    statements = _labelled("S", [one.statement for one in case.question.rubrics])
    (whole,) = _parts(statements, len(statements))
    return [ask_of(asker, question=case.question.text, answer=case.answer, statements=whole)]


def _support(asker: Asker, case: Case, names: Mapping[str, Any]) -> list[Ask]:
    filled = {label: _filled(text, names) for label, text in _statements(case).items()}
    named = {label: text for label, text in filled.items() if text is not None} if case.pages else {}
    return [ask_of(asker, pages=case.pages, statements=part) for part in _parts(named, asker.max_items)]


def _thoughts(asker: Asker, case: Case, _names: Mapping[str, Any]) -> list[Ask]:
    labelled = _labelled("T", case.thoughts)
    return [
        ask_of(asker, question=case.question.text, statements=part)
        for part in _parts(labelled, asker.max_items)
    ]


def _samples(asker: Asker, case: Case, _found: Mapping[str, Any]) -> list[Ask]:
    """Return the asks for answers with all that was retrieved, and with nothing; none where nothing was."""
    contexts = (case.retrieved, "") if case.retrieved else ()
    return [ask_of(asker, question=case.question.text, pages=pages) for pages in contexts]


def _gain(asker: Asker, case: Case, samples: Mapping[str, Any]) -> list[Ask]:
    drawn = dict.fromkeys(text for answers in samples.values() for text in answers)
    return list(dict.fromkeys(ask for text in drawn for ask in _entailments(asker, case, text).values()))


def _entailments(asker: Asker, case: Case, sample: str) -> dict[tuple[str, str], Ask]:
    """Return the asks whether a sample entails each gold answer, and the other way round, by gold answer and direction."""
    pairs = {(gold, FORWARD): (sample, gold) for gold in case.question.answers[:MAX_GOLDS]}
    if asker.directions == BOTH:
        pairs |= {(gold, BACKWARD): (gold, sample) for gold in case.question.answers[:MAX_GOLDS]}
    return {
        key: _texts(asker, question=case.question.text, premise=one, hypothesis=other)
        for key, (one, other) in pairs.items()
    }


def _equivalence(asker: Asker, case: Case, _found: Mapping[str, Any]) -> list[Ask]:
    return [
        _texts(asker, question=case.question.text, answer=case.answer, gold=gold)
        for gold in case.question.answers[:MAX_GOLDS]
    ]


def _score(asker: Asker, case: Case, _found: Mapping[str, Any]) -> list[Ask]:
    return [_texts(asker, question=case.question.text, answer=case.answer)]


def _texts(asker: Asker, **fields: str) -> Ask:
    return ask_of(asker, **texts_of(templates()[asker.template], fields))


def _labelled(letter: str, texts: Sequence[str]) -> dict[str, str]:
    return {f"{letter}{n}": text for n, text in enumerate(texts, start=1)}


def _statements(case: Case) -> dict[str, str]:
    return _labelled("S", [one.statement for one in case.question.rubrics])


def _parts(labelled: Mapping[str, str], size: int) -> list[str]:
    """Return labelled texts as JSON objects of at most so many."""
    left = iter(labelled.items())
    parts = iter(lambda: dict(islice(left, size)), {})
    return [json.dumps(part, ensure_ascii=False) for part in parts]


def _filled(statement: str, names: Mapping[str, Any]) -> str | None:
    """Return a statement with the names in their places; None where one is missing."""
    if any(names.get(place) is None for place in PLACEHOLDER.findall(statement)):
        return None
    return PLACEHOLDER.sub(lambda found: str(names[found[1]]), statement)


def _weighted(_asker: Asker, case: Case, degrees: Mapping[str, Any], _names: Mapping[str, Any]) -> float:
    """Return Σ weight · degree over all positive weight, clipped to [0, 1].

    A criterion holds to a degree in [0, 1]; true and false are 1 and 0. A fault has a negative weight.
    """
    weights = {f"C{n}": one.weight for n, one in enumerate(case.question.rubrics, start=1)}
    met = fsum(weight * degrees.get(label, 0) for label, weight in weights.items())
    best = fsum(weight for weight in weights.values() if weight > 0)
    return min(max(met / best, 0.0), 1.0) if best else 0.0


def _reachable(_asker: Asker, case: Case, holds: Mapping[str, Any], _names: Mapping[str, Any]) -> float:
    """Return the share of statements that are supported and linked to <E0> through supported statements (CaRR's rule)."""
    places = {label: set(PLACEHOLDER.findall(text)) for label, text in _statements(case).items()}
    left = {label for label in places if holds.get(label)}
    reached, count = {START}, 0
    while linked := {label for label in left if places[label] & reached}:
        left -= linked
        count += len(linked)
        reached |= set().union(*(places[label] for label in linked))
    return count / len(places)


def _mean(_asker: Asker, _case: Case, ratings: Mapping[str, Any], _names: Mapping[str, Any]) -> float:
    return fsum(ratings.values()) / len(ratings) if ratings else 0.0


def _only(_asker: Asker, _case: Case, scores: Mapping[str, Any], _found: Mapping[str, Any]) -> float:
    """Return the score of the only ask."""
    [score] = scores.values()
    return float(score)


def _information_gain(
    asker: Asker, case: Case, scores: Mapping[str, Any], samples: Mapping[str, Any]
) -> float:
    """Return how much more the answers with the pages say a gold answer than those without, in [-1, 1]; 0 without pages."""
    supported = [_supported(asker, case, scores, drawn) for drawn in samples.values()]
    return supported[0] - supported[1] if supported else 0.0


def _supported(asker: Asker, case: Case, scores: Mapping[str, Any], drawn: Mapping[str, float]) -> float:
    """Return the entailment of the gold answer that the drawn answers entail most, in the mean by their weights."""
    entailed = {
        text: {key: float(scores[ask.key]) for key, ask in _entailments(asker, case, text).items()}
        for text in drawn
    }
    return max(
        fsum(
            weight * max(score for (of, _), score in entailed[text].items() if of == gold)
            for text, weight in drawn.items()
        )
        for gold in case.question.answers[:MAX_GOLDS]
    )


def _same(asker: Asker, scores: Mapping[str, Any]) -> str | None:
    best = max(map(float, scores.values()))
    if best >= asker.accept_from:
        return CORRECT
    lowest = asker.accept_from if asker.reject_below is None else asker.reject_below
    return INCORRECT if best < lowest else None


def _object(properties: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "type": "object",
        "properties": dict(properties),
        "required": list(properties),
        "additionalProperties": False,
    }


def _verdict_schema(_said: Mapping[str, str]) -> dict[str, Any]:
    return _object(
        {
            "extracted": {"type": ["string", "null"]},
            "reason": {"type": "string"},
            "verdict": {"type": "string", "enum": list(LABELS)},
        }
    )


def _each(kind: Mapping[str, Any]) -> Callable[[Mapping[str, str]], dict[str, Any]]:
    return lambda said: _object(dict.fromkeys(json.loads(said["statements"]), kind))


def _names_schema(said: Mapping[str, str]) -> dict[str, Any]:
    places = sorted(set(PLACEHOLDER.findall(said["statements"])))
    return _object({place: {"type": ["string", "null"]} for place in places})


def _nothing(_said: Mapping[str, str]) -> dict[str, Any]:
    """Samples are free text."""
    return {}


HOLDS = _each({"type": "boolean"})
RATING = _each({"type": "number", "minimum": 0, "maximum": 1})
VERDICT, ENTITIES, SUPPORT = "verdict", "entities", "support"
SAMPLES, GAIN, EQUIVALENCE = "samples", "gain", "equivalence"
SCORES: Mapping[str, Any] = MappingProxyType(
    {"read": read_score, "schema": _nothing, "is_scored": True, "failed": RolloutStatus.BACKEND_FAILED}
)
KINDS: Mapping[str, AskKind] = MappingProxyType(
    {
        VERDICT: AskKind(_verdict, read_verdict, _verdict_schema),
        "rubric": AskKind(_rubric, read_holds, HOLDS, _weighted, reads_question=True, needs_rubrics=True),
        "degrees": AskKind(_rubric, read_ratings, RATING, _weighted, reads_question=True, needs_rubrics=True),
        ENTITIES: AskKind(_entities, read_names, _names_schema, needs_rubrics=True),
        SUPPORT: AskKind(_support, read_holds, HOLDS, _reachable, reads_question=True, needs_rubrics=True),
        "thoughts": AskKind(_thoughts, read_ratings, RATING, _mean),
        SAMPLES: AskKind(_samples, read_samples, _nothing, failed=RolloutStatus.BACKEND_FAILED),
        GAIN: AskKind(_gain, number=_information_gain, reads_question=True, **SCORES),
        EQUIVALENCE: AskKind(_equivalence, decides=_same, **SCORES),
        "score": AskKind(_score, number=_only, is_raw=True, **SCORES),
    }
)


def kind_name(asker: Asker) -> str:
    """Return the name of an asker's kind."""
    return templates()[asker.template].kind


def kind_of(asker: Asker) -> AskKind:
    """Return the kind of an asker."""
    return KINDS[kind_name(asker)]


URL = re.compile(r"https?://[^\s)\]>\"']+")
RESULT = re.compile(r"^(?=\[\d+\] Title:)", re.MULTILINE)
MAX_CITED = 200
"""Addresses that are looked for in what the agent has seen."""
MAX_PAGES, PAGES_CHARS = 20, 200_000


def cited_pages(answer: str, responses: Iterable[str]) -> str:
    """Return the pages that an answer cites and the agent has seen, as JSON; empty if there are none.

    A page is what tool responses say where they contain its address; of a list of search results, the result with the
    address. At most 20 pages and 200,000 characters of them, in the order in which the answer cites them.
    """
    cited = islice(dict.fromkeys(url.rstrip(".,;:") for url in URL.findall(answer)), MAX_CITED)
    blocks = [block for response in responses for block in RESULT.split(response) if "://" in block]
    pages: list[dict[str, str]] = []
    left = PAGES_CHARS
    for url in cited:
        seen = "\n".join(dict.fromkeys(block.strip() for block in blocks if url in block))[:left]
        if seen and len(pages) < MAX_PAGES:
            pages.append({"url": url, "text": seen})
            left -= len(seen)
    return json.dumps(pages, ensure_ascii=False) if pages else ""


def retrieved_text(responses: Iterable[str]) -> str:
    """Return all tool responses as one text of at most 4,096 words, as InfoReasoner cuts it."""
    return " ".join(" ".join(responses).split()[:RETRIEVED_WORDS])


def thoughts_of(texts: Iterable[str]) -> tuple[str, ...]:
    """Return the thoughts that are rated: the first 64, each cut to 4,000 characters."""
    told = (text.strip()[:THOUGHT_CHARS] for text in texts)
    return tuple(islice(filter(None, told), MAX_THOUGHTS))


def values_of(asks: Sequence[Ask], answers: Answers) -> dict[str, Any]:
    """Return what the answers to the parts of a list say, by label; of scores and samples, by the key of the ask. All have one."""
    merged: dict[str, Any] = {}
    for ask in asks:
        value = cast("Mapping[str, Any]", cast("Answered", answers[ask.key]).value)
        if kind_of(ask.asker).is_scored:
            merged[ask.key] = value[SCORE]
        elif kind_name(ask.asker) == SAMPLES:
            merged[ask.key] = value
        else:
            merged.update(value)
    return merged
