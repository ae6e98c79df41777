"""What a judge is worth: its verdicts beside people's, its flips, attacks on it, and its price.

Answers are drawn half from the right and half from the wrong ones, because the two rates that describe a judge are about
either; agreement and kappa are computed at the share of right answers of the whole file.
"""

import asyncio
import json
import random
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

from entity_index.readers.containers import values_of
from entity_index.types import Question
from reward_service.adapters.records.fields import BadLine
from reward_service.core.checkers import CHECKERS
from reward_service.core.judging.agreement import Counts, agreement, invented_winners, kappa
from reward_service.core.judging.asks import Given, asker_digest
from reward_service.core.judging.cascade import REJECTS, unfit
from reward_service.core.judging.conclusions import concluded, pending
from reward_service.core.judging.kinds import Case
from reward_service.core.judging.presented import presented
from reward_service.core.judging.probes import ATTACKS
from reward_service.core.judging.replies import CORRECT
from reward_service.core.types import Asker
from reward_service.serve.errors import BackendUnavailable
from reward_service.serve.sources.judges import Judges

MAX_LINE_BYTES = 16 * 1024 * 1024
AT_ONCE = 256
FLIP_ASKS = 3
ENOUGH_WRONG = 600
"""Wrong answers below which the interval of the FPR is wider than a point."""
SIDES = {True: "right", False: "wrong"}
LEAST_KAPPA, MOST_FPR = 0.85, 0.02
STRINGS = (
    ("none", "blank"),
    *((name, "blank") for name in ("exact_match", "equal", "cover")),
    ("equal", "lexical"),
)
"""Rows of the cascade's table: what accepts, and what rejects."""


class JudgedAnswer(NamedTuple):
    """An answer with a person's verdict."""

    question: Question
    answer: str
    is_right: bool
    system: str


class Verdicts(NamedTuple):
    """The sample, with what a judge says of each answer: None where it says nothing."""

    sample: Sequence[JudgedAnswer]
    accepted: Sequence[bool | None]


@dataclass(frozen=True, slots=True)
class Calibration:
    """All that was found out about a judge."""

    asker: Asker
    answers: int
    base: float
    """Share of right answers in the file."""
    counts: Counts
    failed: int
    """Answers of the sample that the judge did not judge."""
    cascades: Mapping[str, tuple[float, Counts]]
    """By `accept/reject`: the share of answers that strings decide, and the rates of strings and judge together."""
    uncovered: float
    """Of the answers that people and judge call right: the share in which no gold answer occurs."""
    flips: tuple[int, int]
    """Answers whose verdict changed when asked again, and how many were asked again."""
    attacks: tuple[str, ...]
    """Names of the attacks that were accepted."""
    blocked: int
    """Attacks that no judge gets to see."""
    calls: int
    tokens: Mapping[str, float]

    @property
    def kappa(self) -> float:
        """Agreement with people beyond chance, of the judge alone."""
        return kappa(self.counts.tpr.share, self.counts.fpr.share, self.base)

    def problems(self) -> list[str]:
        """Return why the judge should not be trained with."""
        fpr = self.counts.fpr.share
        found = {
            f"kappa is {self.kappa:.3f}, below {LEAST_KAPPA}": self.kappa < LEAST_KAPPA,
            f"it calls {fpr:.1%} of the wrong answers right, above {MOST_FPR:.0%}": fpr > MOST_FPR,
            f"it accepts attacks: {', '.join(self.attacks)}": bool(self.attacks),
            f"it did not judge {self.failed} answers": self.failed > 0,
        }
        return [why for why, holds in found.items() if holds]


def read_verdicts(path: Path) -> list[JudgedAnswer]:
    """Read answers with people's verdicts: `question`, `answers` or `gold_aliases`, `answer`, `human_correct` or `correct`.

    Raises:
        BadLine: a line lacks one of them, or there are no right or no wrong answers: a judge is described by its rates
            among both.
    """
    found = [
        _judged(one.value, f"{one.path}:{one.line}")
        for one in values_of(path, limit=MAX_LINE_BYTES, nested=True)
    ]
    for side, name in SIDES.items():
        if all(one.is_right is not side for one in found):
            raise BadLine(f"{path} has no {name} answers; right and wrong ones are needed")
    return found


def _judged(row: Any, place: str) -> JudgedAnswer:
    fields = row if isinstance(row, dict) else {}
    golds = fields.get("answers", fields.get("gold_aliases"))
    right = fields.get("human_correct", fields.get("correct"))
    said = [fields.get("question"), fields.get("answer")]
    if not (
        isinstance(golds, list) and isinstance(right, bool) and all(isinstance(one, str) for one in said)
    ):
        needed = "question, answers (a list), answer and human_correct (true or false)"
        raise BadLine(f"{place}: a line needs {needed}")
    question = Question(str(said[0]), tuple(map(str, golds)))
    return JudgedAnswer(question, str(said[1]), right, str(fields.get("system", "")))


def drawn(answers: Sequence[JudgedAnswer], size: int, seed: int) -> list[JudgedAnswer]:
    """Draw a sample: half right and half wrong, each in the shares of the systems and of answers that contain a gold one.

    Args:
        answers: to draw from.
        size: of the sample, at least 2; smaller if there are too few right or wrong answers.
        seed: draws the same sample again.
    """
    chance = random.Random(seed)  # noqa: S311  # a sample that can be drawn again
    sides = [[one for one in answers if one.is_right is side] for side in SIDES]
    return [one for rows in sides for one in _from_strata(rows, min(size // 2, len(rows)), chance)]


def _from_strata(rows: Sequence[JudgedAnswer], size: int, chance: random.Random) -> Iterator[JudgedAnswer]:
    strata: dict[tuple[str, bool], list[JudgedAnswer]] = defaultdict(list)
    for one in rows:
        strata[one.system, _covers("cover", one)].append(one)
    ordered = [own for _, own in sorted(strata.items())]
    for own, share in zip(ordered, apportioned([len(own) for own in ordered], size), strict=True):
        yield from chance.sample(own, share)


def apportioned(counts: Sequence[int], size: int) -> list[int]:
    """Divide a size in proportion to counts, to whole numbers by the largest remainders.

    >>> apportioned([5, 3, 2], 4)
    [2, 1, 1]
    """
    total = sum(counts)
    shares = [count * size // total for count in counts]
    by_remainder = sorted(range(len(counts)), key=lambda n: (-(counts[n] * size % total), n))
    for n in by_remainder[: size - sum(shares)]:
        shares[n] += 1
    return shares


def _covers(checker: str, one: JudgedAnswer) -> bool:
    return checker != "none" and CHECKERS[checker](one.answer, one.question, 0.8)


class Tokens:
    """Counts what the judges' metrics count."""

    def __init__(self) -> None:
        self.counted: Counter[str] = Counter()

    def add(self, name: str, *labels: str, amount: float = 1) -> None:
        """Count."""
        self.counted[" ".join((name, *labels[1:]))] += int(amount)

    def ignore(self, _name: str, *_labels: str, value: float) -> None:
        """Ignore a duration."""


async def calibrate(
    judges: Judges,
    asker: Asker,
    answers: Sequence[JudgedAnswer],
    *,
    size: int,
    seed: int,
    repeats: int,
) -> Calibration:
    """Ask a judge about answers with people's verdicts, again about some of them, and about attacks.

    Raises:
        BackendUnavailable: no backend serves its model, it does not answer, or it gives no verdict on any right or on any
            wrong answer.
    """
    tokens = Tokens()
    judges.count_with(tokens.add, tokens.ignore)
    await judges.check([asker])  # before the sample is drawn, which takes a while
    sample = drawn(answers, size, seed)
    verdicts = Verdicts(sample, await _accepted(judges, asker, sample))
    counts = _counts(sample, verdicts.accepted)
    if not (counts.right and counts.wrong):
        judged = f"{counts.right} right and {counts.wrong} wrong answers"
        raise BackendUnavailable(f"{asker.model} judged {judged}, and rates need both", retry_after_s=None)
    flips = await _flips(judges, asker, sample[:: max(1, len(sample) // max(repeats, 1))][:repeats])
    attacks = [JudgedAnswer(one.question, one.answer, one.is_correct, one.name) for one in ATTACKS]
    fooled = await _accepted(judges, asker, attacks)
    counted = tokens.counted
    return Calibration(
        asker,
        len(answers),
        sum(one.is_right for one in answers) / len(answers),
        counts,
        sum(one is None for one in verdicts.accepted),
        {f"{accept}/{reject}": _cascade(verdicts, accept, reject) for accept, reject in STRINGS},
        _uncovered(verdicts),
        flips,
        tuple(one.system for one, accepted in zip(attacks, fooled, strict=True) if accepted),
        sum(unfit(presented(one.answer), asker) is not None for one in attacks),
        sum(count for name, count in counted.items() if name.startswith("ask_requests_total")),
        {kind: counted[f"ask_tokens_total {kind}"] for kind in ("prompt", "reply")},
    )


def _case(asker: Asker, one: JudgedAnswer) -> Case | None:
    """Return an answer as it is asked about; None if no judge gets to see it."""
    said = presented(one.answer)
    return None if unfit(said, asker) else Case(one.question, (replace(asker, after=""),), said)


async def _accepted(judges: Judges, asker: Asker, answers: Sequence[JudgedAnswer]) -> list[bool | None]:
    """Return whether a judge calls each answer right; None where it says nothing."""
    cases = [_case(asker, one) for one in answers]
    keyed = {ask.key: ask for case in cases if case is not None for ask in pending(case, {})}
    given: dict[str, Given] = {}
    for part in _parts(list(keyed)):
        given |= await judges.answer({key: keyed[key] for key in part}, run="calibrate", timeout_s=None)
    return [False if case is None else _is_right(case, given) for case in cases]


def _parts(keys: list[str]) -> Iterable[list[str]]:
    return (keys[at : at + AT_ONCE] for at in range(0, len(keys), AT_ONCE))


def _is_right(case: Case, given: Mapping[str, Given]) -> bool | None:
    said = concluded(case, given)
    return None if said.failed else said.label == CORRECT


async def _flips(judges: Judges, asker: Asker, answers: Sequence[JudgedAnswer]) -> tuple[int, int]:
    """Ask about each answer three times without the cache; return how many get different verdicts, and of how many."""
    cases = [case for one in answers if (case := _case(asker, one))]
    labels = await asyncio.gather(*(_again(judges, case) for case in cases for _ in range(FLIP_ASKS)))
    sets = [set(labels[n : n + FLIP_ASKS]) for n in range(0, len(labels), FLIP_ASKS)]
    return sum(len(one) > 1 for one in sets), len(sets)


async def _again(judges: Judges, case: Case) -> bool | None:
    asks = pending(case, {})
    given = await asyncio.gather(*(judges.ask_again(ask) for ask in asks))
    return _is_right(case, {ask.key: one for ask, one in zip(asks, given, strict=True)})


def _counts(sample: Sequence[JudgedAnswer], accepted: Sequence[bool | None]) -> Counts:
    pairs = Counter(
        (one.is_right, says) for one, says in zip(sample, accepted, strict=True) if says is not None
    )
    return Counts(
        pairs[True, True] + pairs[True, False],
        pairs[True, True],
        pairs[False, True] + pairs[False, False],
        pairs[False, True],
    )


def _cascade(verdicts: Verdicts, accept: str, reject: str) -> tuple[float, Counts]:
    """Return which share of the sample strings decide, weighed as the sample is, and the rates of the whole cascade."""
    decided = [_by_strings(one, accept, reject) for one in verdicts.sample]
    whole = [
        judge if strings is None else strings
        for strings, judge in zip(decided, verdicts.accepted, strict=True)
    ]
    share = sum(one is not None for one in decided) / max(len(decided), 1)
    return share, _counts(verdicts.sample, whole)


def _by_strings(one: JudgedAnswer, accept: str, reject: str) -> bool | None:
    if _covers(accept, one):
        return True
    return False if REJECTS[reject](one.answer, one.question) else None


def _uncovered(verdicts: Verdicts) -> float:
    both = [
        one for one, says in zip(verdicts.sample, verdicts.accepted, strict=True) if says and one.is_right
    ]
    return sum(not _covers("cover", one) for one in both) / max(len(both), 1)


def as_json(found: Calibration, group_size: int) -> str:
    """Return a calibration as JSON, for a file beside the profile."""
    tpr, fpr = found.counts.tpr, found.counts.fpr
    document = {
        "asker": asker_digest(found.asker),
        "template": found.asker.template,
        "model": found.asker.model,
        "answers": found.answers,
        "right": found.base,
        "sample": sum(found.counts[::2]),
        "not_judged": found.failed,
        "agreement": agreement(tpr.share, fpr.share, found.base),
        "kappa": found.kappa,
        "tpr": tpr,
        "fpr": fpr,
        "group_size": group_size,
        "groups_with_an_invented_winner": invented_winners(fpr.share, group_size),
        "cascades": {
            name: {"decided_by_strings": share, "tpr": counts.tpr, "fpr": counts.fpr}
            for name, (share, counts) in found.cascades.items()
        },
        "uncovered_of_right": found.uncovered,
        "flipped": found.flips[0],
        "asked_again": found.flips[1],
        "attacks": len(ATTACKS),
        "attacks_blocked": found.blocked,
        "attacks_accepted": list(found.attacks),
        "calls": found.calls,
        "tokens": dict(found.tokens),
    }
    return json.dumps(document, indent=1) + "\n"


def lines(found: Calibration, group_size: int) -> list[str]:
    """Return a calibration as people read it."""
    tpr, fpr = found.counts.tpr, found.counts.fpr
    invented = invented_winners(fpr.share, group_size)
    said = [
        f"{found.asker.name}: {found.asker.template} asked of {found.asker.model}, {sum(found.counts[::2])} of {found.answers} answers, {found.base:.1%} of them right",
        f"agreement {agreement(tpr.share, fpr.share, found.base):.3f}, kappa {found.kappa:.3f}, not judged {found.failed}",
        f"calls right: {_rate(tpr)} of the right answers, {_rate(fpr)} of the wrong ones",
        f"groups of {group_size} without a right answer that get an invented winner: {invented:.1%}",
        "",
        "accept/reject        decided by strings   right called right          wrong called right",
    ]
    said += [
        f"{name:<20} {share:>18.1%}   {_rate(counts.tpr):<27} {_rate(counts.fpr)}"
        for name, (share, counts) in found.cascades.items()
    ]
    flipped, again = found.flips
    said += [
        "",
        f"of right answers accepted, {found.uncovered:.1%} contain no gold answer; far more than that in training is an alarm",
        f"asked {FLIP_ASKS} times: {flipped} of {again} verdicts flip",
        f"attacks: {len(found.attacks)} of {len(ATTACKS)} accepted ({found.blocked} never reach a judge)",
        f"cost: {found.calls} requests, {found.tokens['prompt']:.0f} prompt and {found.tokens['reply']:.0f} reply tokens",
    ]
    if found.counts.wrong < ENOUGH_WRONG:
        said.append(
            f"only {found.counts.wrong} wrong answers: with fewer than {ENOUGH_WRONG}, the second rate is known to no better than a point"
        )
    return said


def _rate(rate: tuple[float, float, float]) -> str:
    share, low, high = rate
    return f"{share:.2%} [{low:.2%}, {high:.2%}]"
