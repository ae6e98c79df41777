"""Checks of a data set, to run before training on it.

Every check counts something of something and has a limit for the share; one table holds them all. Four policies are paid as
well: one that names everything, one that says nothing, one that copies the question, and a perfect one. A data set on which
copying pays teaches copying. How a rollout is paid is an argument: here it is the paper's formula over folded spellings; the
service lints with the profile it serves.

One question is held at a time, and the spellings of at most a million, to find those that several entities share.
"""

import unicodedata
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from itertools import chain
from typing import NamedTuple, TypeAlias

from entity_index.build import WORRYING_SHARE
from entity_index.clean import Searched, clean
from entity_index.errors import InvalidRecord
from entity_index.packed import is_packed
from entity_index.readers.rows import Refusal, Row
from entity_index.spelling import folded
from entity_index.types import Entity, Question
from entity_index.usable import MIN_FOLDED, identity, why_unusable

ALPHA = 0.3  # of the paper
EXAMPLES = 5
MAX_SPELLINGS = 1_000_000
OTHERS = 150  # names of other questions that a policy recites which says everything
EXAMPLE_CHARS = 80
MAX_ANSWER_CHARS = 1000  # about 150 words; agents answer in fewer
# What tables write where there is no answer.
NO_ANSWERS = frozenset({"nan", "null", "n a"})
SHORT = 3
# Words that appear in texts about anything, so that naming them is no evidence; folded.
GENERIC_WORDS = """
actor actress album animal army article artist author award band bank battle bird book border bridge brother building capital
castle century character child church city club coach college company continent country county date daughter day death
director district dog election emperor empire event family father festival film fish flag food football game general god
government group hall history home horse hospital house husband island king lake language law leader library list man map
market minister month moon mother mountain movie museum music name nation novel number ocean office opera painter park party
people person place planet player poem poet politician president prince princess prison queen region religion river road
school scientist sea season series ship singer sister society son song sport station street sun system team temple theatre
title town tree tribe tv university village war water wife winner woman word work world writer year
monday tuesday wednesday thursday friday saturday sunday
january february march april june july august september october november december
one two three four five six seven eight nine ten hundred thousand million first second third
"""
GENERIC = frozenset(GENERIC_WORDS.split())
SAYS = ("names everything", "says nothing", "copies the question", "perfect")


class Check(NamedTuple):
    """One thing that may be wrong."""

    name: str
    of: str
    """What the share is of: questions, entities or spellings."""
    limit: float
    """The largest share that is fine."""
    why: str


CHECKS = (
    Check("no answers", "questions", 0.0, "a rollout cannot be correct"),
    Check(
        "packed answer", "questions", 0.0, "one string contains several answers; ingest reads it as a list"
    ),
    Check("unmeetable answer", "questions", 0.0, "no answer of an agent can equal it"),
    Check("no entities", "questions", 0.1, "the question has no entity reward"),
    Check(
        "unusable spelling", "spellings", 0.01, "it folds to nothing, to one character or to a function word"
    ),
    Check(
        "unusable entity",
        "spellings",
        0.01,
        "its name cannot be searched for, so its aliases do not count either",
    ),
    Check("short spelling", "spellings", 0.02, "it folds to three letters or fewer and occurs in many texts"),
    Check("generic spelling", "spellings", 0.02, "it is a common word or a bare number"),
    Check("shared in a question", "questions", 0.01, "one mention earns credit for two entities"),
    Check(
        "shared between questions",
        "spellings",
        0.05,
        "one spelling is shared by entities with different names",
    ),
    Check("entity in the question", "entities", WORRYING_SHARE, "copying the question earns credit for it"),
    Check("all entities in the question", "questions", 0.1, "none is left after masking"),
    Check("entity equals the answer", "entities", WORRYING_SHARE, "it is rewarded twice"),
    Check(
        "entities only an echo earns",
        "entities",
        WORRYING_SHARE,
        "repeating the question names them, in some spelling",
    ),
    Check("rate cannot reach 1", "questions", 0.01, "even naming every entity does not match all of them"),
)
BY_NAME = {check.name: check for check in CHECKS}


class Payout(NamedTuple):
    """The match counts and the reward of one rollout."""

    matched: int
    entities: int
    """Number of the question's entities that are left after masking."""
    reward: float


Judge: TypeAlias = Callable[[Question, Sequence[str], str], Payout]
"""Scores a rollout by its question, thoughts and answer, as if the best rollout of its group had matched everything."""


@dataclass(slots=True)
class CheckHits:
    """The questions that fail one check."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    """The first of them, each as `question id: what is wrong`."""

    def add(self, question: Question, what: str = "", *, times: int = 1) -> None:
        """Count a hit, or several of one question."""
        self.count += times
        if times and len(self.examples) < EXAMPLES:
            self.examples.append(f"{question.question_id}: {what}" if what else str(question.question_id))


class Pay(NamedTuple):
    """What a policy earns on average, over questions that have entities."""

    match_rate: float
    reward: float


@dataclass(frozen=True, slots=True)
class LintReport:
    """What was found."""

    totals: dict[str, int]
    """Questions, entities and spellings."""
    findings: dict[str, CheckHits]
    policies: dict[str, Pay]
    refused: dict[str, int]
    """Rows that are no questions, by reason."""

    def share(self, name: str) -> float:
        """Return the share that a check was hit by, in [0, 1]."""
        total = self.totals[BY_NAME[name].of]
        return self.findings[name].count / total if total else 0.0

    def over(self, limits: dict[str, float]) -> list[str]:
        """Return the checks whose share is over its limit; `limits` overrides those of the table."""
        return [
            check.name for check in CHECKS if self.share(check.name) > limits.get(check.name, check.limit)
        ]


def textbook(question: Question, thoughts: Sequence[str], answer: str) -> Payout:
    """Pay a rollout as the paper does, with spellings found on token boundaries after folding."""
    thought = Searched("\n".join(thoughts))
    matched = sum(any(map(thought.has, _spellings(entity))) for entity in question.entities)
    correct = folded(answer) in {folded(gold) for gold in question.answers} - {""}
    count = len(question.entities)
    return Payout(matched, count, 1.0 if correct else ALPHA * matched / max(1, count))


def lint(rows: Iterable[Row | Refusal | Question], *, judge: Judge = textbook) -> LintReport:
    """Look a data set over.

    Args:
        rows: what a reader made of its lines, or the questions of a version.
        judge: how a rollout is paid.
    """
    found = _Found(judge)
    for row in rows:
        match row:
            case Refusal(reason=reason):
                found.refused[reason] += 1
            case Row(question=question) | (Question() as question):
                found.take_in(question)
    return found.report()


def _spellings(entity: Entity) -> tuple[str, ...]:
    return (entity.name, *entity.aliases)


def _is_short(spelling: str) -> bool:
    plain = folded(spelling)
    return MIN_FOLDED <= len(plain) <= SHORT and plain.isascii() and plain.isalpha()


def is_generic(spelling: str) -> bool:
    """Whether a spelling is a word that texts about anything have, or a bare number."""
    plain = folded(spelling)
    return plain in GENERIC or (plain.isdecimal() and len(plain) <= SHORT + 1)


@dataclass(slots=True)
class _Found:
    """Counts on the way; turns into a report at the end."""

    judge: Judge
    totals: Counter[str] = field(default_factory=Counter)
    findings: dict[str, CheckHits] = field(
        default_factory=lambda: {check.name: CheckHits() for check in CHECKS}
    )
    refused: Counter[str] = field(default_factory=Counter)
    rates: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SAYS, 0.0))
    rewards: dict[str, float] = field(default_factory=lambda: dict.fromkeys(SAYS, 0.0))
    paid: int = 0
    owners: dict[int, int] = field(default_factory=dict)
    """Which name a spelling stands for, both as hashes."""
    shared: set[int] = field(default_factory=set)
    others: deque[str] = field(default_factory=lambda: deque(maxlen=OTHERS))

    def take_in(self, raw: Question) -> None:
        try:
            question = clean(raw).question
        except InvalidRecord as error:
            self.refused[str(error)] += 1
            return
        self._spellings(raw)
        self._answers(raw, question)
        self._entities(question)
        self._policies(question)
        self.others.extend(entity.name for entity in question.entities)

    def _spellings(self, raw: Question) -> None:
        for entity in raw.entities:
            if why := why_unusable(entity.name):
                self.findings["unusable entity"].add(raw, f"{entity.name!r} {why}")
            for spelling in _spellings(entity):
                self.totals["spellings"] += 1
                if why := why_unusable(spelling):
                    self.findings["unusable spelling"].add(raw, f"{spelling!r} {why}")
                elif _is_short(spelling):
                    self.findings["short spelling"].add(raw, repr(spelling))
                elif is_generic(spelling):
                    self.findings["generic spelling"].add(raw, repr(spelling))

    def _answers(self, raw: Question, question: Question) -> None:
        if packed := [answer for answer in raw.answers if is_packed(answer)]:
            self.findings["packed answer"].add(question, repr(packed[0])[:EXAMPLE_CHARS])
        unmet = [why for answer in question.answers if (why := why_unmeetable(answer))]
        if unmet and (question.checker == "list" or len(unmet) == len(question.answers)):
            self.findings["unmeetable answer"].add(question, unmet[0])

    def _entities(self, question: Question) -> None:
        self.totals["questions"] += 1
        self.totals["entities"] += len(question.entities)
        answers = {folded(answer) for answer in question.answers} - {""}
        asked, standing = Searched(question.text), 0
        for entity in question.entities:
            if asked.has(entity.name):
                standing += 1
                self.findings["entity in the question"].add(question, repr(entity.name))
            if not answers.isdisjoint(folded(spelling) for spelling in _spellings(entity)):
                self.findings["entity equals the answer"].add(question, repr(entity.name))
            self._own(question, entity)
        if not question.answers:
            self.findings["no answers"].add(question)
        if not question.entities:
            self.findings["no entities"].add(question)
        elif standing == len(question.entities):
            self.findings["all entities in the question"].add(question)
        if twice := _twice(question):
            self.findings["shared in a question"].add(question, repr(twice))

    def _own(self, question: Question, entity: Entity) -> None:
        """Remember which name each spelling stands for, and find those that stand for another one too."""
        name = hash(identity(entity.name))
        for spelling in _spellings(entity):
            at = hash(identity(spelling))
            if at not in self.owners and len(self.owners) >= MAX_SPELLINGS:
                continue
            if self.owners.setdefault(at, name) != name and at not in self.shared:
                self.shared.add(at)
                self.findings["shared between questions"].add(question, repr(spelling))

    def _policies(self, question: Question) -> None:
        if not question.entities:
            return
        names = [entity.name for entity in question.entities]
        said: tuple[tuple[Sequence[str], str], ...] = (
            ((", ".join(chain(self.others, names)),), ""),
            (("I do not know.",), ""),
            ((question.text,), ""),
            ([f"I found {name} there." for name in names], next(iter(question.answers), "")),
        )
        self.paid += 1
        for policy, (thoughts, answer) in zip(SAYS, said, strict=True):
            verdict = self.judge(question, thoughts, answer)
            self.rewards[policy] += verdict.reward
            rate = verdict.matched / verdict.entities if verdict.entities else 0.0
            self.rates[policy] += rate
            if policy == "perfect" and verdict.matched < verdict.entities:
                self.findings["rate cannot reach 1"].add(question)
            if policy == "copies the question":
                # What a profile masks it takes for an echo; what it leaves and pays is one too.
                echoes = len(question.entities) - verdict.entities + verdict.matched
                self.findings["entities only an echo earns"].add(question, f"{echoes} of them", times=echoes)

    def report(self) -> LintReport:
        count = max(1, self.paid)
        return LintReport(
            totals={of: self.totals[of] for of in ("questions", "entities", "spellings")},
            findings=self.findings,
            policies={says: Pay(self.rates[says] / count, self.rewards[says] / count) for says in SAYS},
            refused=dict(self.refused.most_common()),
        )


def why_unmeetable(answer: str) -> str | None:
    """Return why no agent's answer can equal a gold one; None where one can."""
    if len(answer) > MAX_ANSWER_CHARS:
        return f"it has {len(answer)} characters"
    if not folded(answer) and not any(unicodedata.category(char)[0] == "S" for char in answer):
        return f"{answer!r} folds to nothing"
    if is_packed(answer):
        return f"{answer!r:.{EXAMPLE_CHARS}} is a list that cannot be read"
    return f"{answer!r} names nothing" if folded(answer) in NO_ANSWERS else None


def _twice(question: Question) -> str | None:
    """Return a spelling that two entities of a question share; None where there is none."""
    seen: set[str] = set()
    for entity in question.entities:
        own = {identity(spelling) for spelling in _spellings(entity)}
        if not own.isdisjoint(seen):
            return next(iter(sorted(own & seen)))
        seen |= own
    return None


def facts(report: LintReport, limits: dict[str, float]) -> Iterator[tuple[str, int, str, str, str, str]]:
    """Yield the rows of a table: check, count, share, limit, verdict, examples."""
    over = set(report.over(limits))
    for check in CHECKS:
        finding = report.findings[check.name]
        yield (
            check.name,
            finding.count,
            f"{report.share(check.name):.1%} of {check.of}",
            f"{limits.get(check.name, check.limit):.0%}",
            "over" if check.name in over else "",
            "; ".join(finding.examples[:2]),
        )


def to_json(report: LintReport, limits: dict[str, float]) -> dict[str, object]:
    """Return the report as JSON values."""
    return {
        "totals": report.totals,
        "refused": report.refused,
        "checks": {
            check.name: {
                "count": report.findings[check.name].count,
                "of": check.of,
                "share": report.share(check.name),
                "limit": limits.get(check.name, check.limit),
                "why": check.why,
                "examples": report.findings[check.name].examples,
            }
            for check in CHECKS
        },
        "policies": {name: pay._asdict() for name, pay in report.policies.items()},
        "over": report.over(limits),
    }
