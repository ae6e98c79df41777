"""`entity-index propose`, `take` and `report`: what of the index's commands needs rollouts, rewards and the matcher."""

import asyncio
import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import lru_cache
from pathlib import Path
from typing import IO, Annotated

import typer

from entity_index.cli import (
    ReaderName,
    Rules,
    Source,
    print_json,
    print_table,
    progress_bar,
    read,
    shape_of,
    written,
)
from entity_index.errors import InvalidRecord, UnreadableInput
from entity_index.extract import Tagger, finder, gazetteer
from entity_index.lint import Pay, lint, why_unmeetable
from entity_index.propose.corpus import read_corpus, remembering
from entity_index.propose.names import names_in
from entity_index.propose.run import SOURCES, Ask, Plan, Proposed, RowShape, propose, retaken, to_json
from entity_index.propose.values import Finder, Told, plainly
from entity_index.readers import mapped
from entity_index.readers.containers import values_of
from entity_index.readers.rows import Refusal, Row
from entity_index.spelling import folded
from entity_index.types import Entity, Question
from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.lines import Line
from reward_service.cli.lint import judge_of
from reward_service.cli.rollouts import AUTO, BadOption, FileOptions, read_rollouts, reader_named
from reward_service.core.matching import compile_question
from reward_service.core.matching.forms import derive
from reward_service.core.profiles import Profile, shipped
from reward_service.core.scoring import measure
from reward_service.core.types import Outcome, RolloutFacts, SegmentKind
from reward_service.serve.errors import BadBackends
from reward_service.serve.sources.backends import FLAVOURS, Backend
from reward_service.serve.sources.backends import load as backends_of
from reward_service.serve.sources.chat import ChatServer
from reward_service.serve.sources.wire import ModelReply

PROFILE = "egrpo"
AT_LEAST, MOST = 0.5, 6
CONFIDENCES = (0.7, 0.5, 0.3)
UNJUDGED = "questions without a judge's list"
ROLE = "judge"
REPLY_TOKENS = 512
REMEMBERED = 20_000  # names; those of a corpus come again and again


@lru_cache(REMEMBERED)
def forms(entity: Entity) -> tuple[str, ...]:
    """Return the folded forms that the matcher derives from an entity."""
    return tuple(form.folded for form in derive(Question("", entities=(entity,))))


class Rollouts:
    """The rollouts of a file, found by their question's id or text."""

    def __init__(self, path: Path, reader: str) -> None:
        try:
            recording = read_rollouts([path], FileOptions(reader=reader))
        except (BadLine, BadOption) as error:
            raise UnreadableInput(f"{path}: {error}") from error
        self.said = recording.said()
        self.found = 0
        """Rollouts that were found, each time they were asked for."""
        self._by_id: dict[str, list[Line]] = defaultdict(list)
        self._by_text: dict[str, list[Line]] = defaultdict(list)
        for line in recording.lines:
            if line.question_id is not None:
                self._by_id[line.question_id].append(line)
            if line.asked or line.prompt:
                self._by_text[folded(line.asked or line.prompt or "")].append(line)

    def facts_of(self, question: Question, profile: Profile) -> list[RolloutFacts]:
        """Measure the rollouts of a question, with their segments; those that cannot be measured are left out."""
        lines = self._by_text.get(folded(question.text)) or self._by_id.get(question.question_id or "", [])
        numbered = (replace(line.rollout, rollout_id=line.rollout.rollout_id or line.place) for line in lines)
        measured = (measure(rollout, question, profile, explain=True) for rollout in numbered)
        return [facts for facts in measured if facts.evidence is not None and facts.outcome is not None]

    def told(self, question: Question) -> tuple[Told, ...]:
        """Return what the rollouts of a question read and thought."""
        facts = self.facts_of(question, shipped()[PROFILE])
        self.found += len(facts)
        return tuple(map(_told, facts))


def _told(facts: RolloutFacts) -> Told:
    kinds = {SegmentKind.THOUGHT: True, SegmentKind.TOOL_RESPONSE: False}
    segments = facts.evidence.segments if facts.evidence else ()
    steps = tuple((kinds[one.kind], one.text) for one in segments if one.kind in kinds)
    return Told(facts.rollout_id, facts.outcome is Outcome.CORRECT, steps)


def asking(path: Path) -> Ask:
    """Return what asks the server of a backends file that has the role `judge`.

    Raises:
        UnreadableInput: the file cannot be read, or no server has that role.
    """
    try:
        having = [one for one in backends_of(path) if ROLE in one.names and one.flavour in FLAVOURS]
    except BadBackends as error:
        raise UnreadableInput(str(error)) from error
    if not having:
        raise UnreadableInput(f"{path}: no chat server has the role {ROLE}")
    return lambda prompts: asyncio.run(_replies(having[0], prompts))


async def _replies(backend: Backend, prompts: Sequence[str]) -> list[str | None]:
    server, free = ChatServer(backend), asyncio.Semaphore(backend.concurrency)

    async def reply(prompt: str) -> str | None:
        message = {"role": "user", "content": prompt}
        body = {
            "model": backend.names[ROLE],
            "messages": [message],
            "temperature": 0,
            "max_tokens": REPLY_TOKENS,
        }
        async with free:
            said = await server.complete(body, timeout_s=backend.timeout_s)
        return said.text if isinstance(said, ModelReply) else None

    try:
        return list(await asyncio.gather(*map(reply, prompts)))
    finally:
        await server.close()


At = Annotated[
    float, typer.Option("--at-least", min=0, max=1, help="Least confidence of an entity that is taken.")
]
Most = Annotated[int, typer.Option("--most", min=1, help="Most entities of a question.")]
Out = Annotated[
    Path, typer.Option("--out", dir_okay=False, help="JSON Lines file to write, as input for `build`.")
]
RolloutFile = Annotated[
    Path | None,
    typer.Option(
        "--rollouts", exists=True, help="Recorded rollouts of these questions, in any known format."
    ),
]
RolloutReader = Annotated[
    str,
    typer.Option(
        "--rollouts-reader", callback=reader_named, help="System that wrote the rollouts; auto detects it."
    ),
]
Sources = Annotated[
    list[str] | None,
    typer.Option(
        "--from",
        metavar="SOURCE",
        help=f"{', '.join(SOURCES)}; default: all that have something to look at.",
    ),
]
Passages = Annotated[
    list[str] | None,
    typer.Option(
        "--passages", metavar="PATH", help="Path of passages or titles in the input, such as context."
    ),
]
Corpus = Annotated[
    Path | None, typer.Option("--corpus", exists=True, help="Documents to search: rows of {title, text}.")
]
AliasFile = Annotated[
    Path | None,
    typer.Option(
        "--aliases", exists=True, dir_okay=False, help='Known spellings: lines of {"name", "aliases"}.'
    ),
]
Judge = Annotated[
    Path | None,
    typer.Option(
        "--judge",
        metavar="BACKENDS",
        exists=True,
        dir_okay=False,
        help="Backends file: its server for the role `judge` lists names, and passages have to confirm them.",
    ),
]
Pipeline = Annotated[
    str | None,
    typer.Option(
        "--spacy",
        metavar="NAME",
        help="spaCy pipeline that finds names (default: capitals and quotation marks).",
    ),
]
Gazetteer = Annotated[
    Path | None,
    typer.Option(
        "--gazetteer", dir_okay=False, exists=True, help="File of names to search for, one per line."
    ),
]


def propose_command(  # noqa: PLR0913  # one option each, as it is typed
    source: Source,
    *,
    out: Out,
    reader: ReaderName = "jsonl",
    rules: Rules = None,
    wanted: Sources = None,
    passages: Passages = None,
    corpus: Corpus = None,
    rollouts: RolloutFile = None,
    rollouts_reader: RolloutReader = AUTO,
    aliases: AliasFile = None,
    backends: Judge = None,
    pipeline: Pipeline = None,
    names: Gazetteer = None,
    at_least: At = AT_LEAST,
    most: Most = MOST,
) -> None:
    """Propose entities that lie between a question and its answer, with evidence and a confidence."""
    told = None if rollouts is None else Rollouts(rollouts, rollouts_reader)
    plan = Plan(
        sources={
            name: SOURCES[name]
            for name in _chosen(wanted, has_documents=bool(passages or corpus), has_rollouts=told is not None)
        },
        forms=forms,
        passages=_paths(passages),
        corpus=None if corpus is None else read_corpus(corpus),
        told=told.told if told else lambda _: (),
        aliases=_aliases(aliases),
        find=remembering(_finder(pipeline, names)),
        ask=None if backends is None else asking(backends),
    )
    reading = RowShape(shape_of(reader, rules))
    with progress_bar() as progress, written(out) as file:
        found = propose(read(source, reading, progress=progress), reading, plan)
        counts = _write(found, file, at_least=at_least, most=most)
    if told is not None:
        counts["rollouts of these questions"] = told.found
    if backends is None:
        del counts[UNJUDGED]
    print_table(counts.items(), "", "")


def _write(found: Iterable[Refusal | Proposed], file: IO[str], *, at_least: float, most: int) -> Counter[str]:
    """Write a line per question, and return what was counted."""
    names = ("questions", "proposals", "entities taken", "questions without an entity", UNJUDGED)
    counts = Counter(dict.fromkeys((*names, *map(_at, CONFIDENCES)), 0))
    for one in found:
        if isinstance(one, Refusal):
            counts[f"refused: {one.reason}"] += 1
            continue
        line = to_json(one, at_least=at_least, most=most)
        file.write(json.dumps(line, ensure_ascii=False) + "\n")
        taken = len(one.taken(at_least=at_least, most=most).entities)
        counts.update({"questions": 1, "proposals": len(one.proposals), "entities taken": taken})
        counts["questions without an entity"] += not taken
        counts[UNJUDGED] += one.is_unjudged
        surest = next((proposal.confidence for proposal in one.proposals), 0.0)
        counts.update({_at(confidence): surest >= confidence for confidence in CONFIDENCES})
    return counts


def _at(confidence: float) -> str:
    return f"questions with a proposal of {confidence} or more"


def take_command(
    source: Annotated[
        Path, typer.Argument(exists=True, metavar="PROPOSALS", help="A file that `propose` wrote.")
    ],
    *,
    out: Out,
    at_least: At = AT_LEAST,
    most: Most = MOST,
) -> None:
    """Take other proposals of a file as entities, without looking for them again."""
    counts = Counter(dict.fromkeys(("questions", "entities taken", "questions without an entity"), 0))
    with written(out) as file:
        for one in values_of(source):
            line = retaken(one.value, at_least=at_least, most=most)
            if isinstance(line, InvalidRecord):
                counts[f"refused: {line}"] += 1
                continue
            file.write(json.dumps(line, ensure_ascii=False) + "\n")
            counts.update({"questions": 1, "entities taken": len(line["entities"])})
            counts["questions without an entity"] += not line["entities"]
    print_table(counts.items(), "", "")


@dataclass
class EntityReport:
    """How much a data set's entities can teach, under one profile."""

    questions: int = 0
    entities: int = 0
    hidden: int = 0
    """Entities that the question does not name and that are no answer: those that can be rewarded."""
    by_hidden: Counter[int] = field(default_factory=Counter)
    """Questions by their number of hidden entities."""
    rollouts: int = 0
    seen: int = 0
    """Hidden entities of questions that have rollouts."""
    named: Counter[str] = field(default_factory=Counter)
    """Of these: `ever` by any rollout, `by correct` and `by wrong` ones."""
    to_drop: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    """Ids of questions that teach nothing, by reason."""
    policies: Mapping[str, Pay] = field(default_factory=dict)

    def take_in(self, question: Question, profile: Profile, rollouts: Iterable[RolloutFacts]) -> None:
        """Count a question and its rollouts."""
        hidden = compile_question(question, profile.measure.matching).entities
        self.questions += 1
        self.entities += len(question.entities)
        self.hidden += hidden
        self.by_hidden[hidden] += 1
        if not hidden:
            self.to_drop["no entity to find"].append(question.question_id or "")
        if not question.answers or all(map(why_unmeetable, question.answers)):
            self.to_drop["no answer that can be met"].append(question.question_id or "")
        self._rollouts(hidden, list(rollouts))

    def to_json(self) -> dict[str, object]:
        """Return all of it as JSON values."""
        return {**vars(self), "policies": {policy: pay._asdict() for policy, pay in self.policies.items()}}

    def _rollouts(self, hidden: int, rollouts: list[RolloutFacts]) -> None:
        self.rollouts += len(rollouts)
        self.seen += hidden if rollouts else 0
        for name, outcomes in (
            ("ever", set(Outcome)),
            ("by correct", {Outcome.CORRECT}),
            ("by wrong", {Outcome.WRONG}),
        ):
            found = {
                match.entity
                for one in rollouts
                if one.outcome in outcomes and one.evidence
                for match in one.evidence.matches
            }
            self.named[name] += len(found)


def report_command(
    source: Source,
    *,
    reader: ReaderName = "jsonl",
    rules: Rules = None,
    rollouts: RolloutFile = None,
    rollouts_reader: RolloutReader = AUTO,
    profile: Annotated[str, typer.Option(help="Name of the profile that pays.")] = PROFILE,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> None:
    """Say how much a data set's entities can teach: hidden, ever named, what four policies earn, what to drop."""
    if profile not in shipped():
        raise typer.BadParameter(f"{profile!r} is none of {', '.join(shipped())}")
    told = None if rollouts is None else Rollouts(rollouts, rollouts_reader)
    with progress_bar() as progress:
        rows = read(source, shape_of(reader, rules), progress=progress)
        found = report_of(rows, shipped()[profile], told)
    if as_json:
        print_json(found.to_json())
    else:
        print_table(_lines(found), "", "")


def report_of(rows: Iterable[Row | Refusal], profile: Profile, told: Rollouts | None) -> EntityReport:
    """Look a data set over in one pass."""
    found = EntityReport()

    def counted() -> Iterator[Row | Refusal]:
        for row in rows:
            if isinstance(row, Row):
                found.take_in(row.question, profile, told.facts_of(row.question, profile) if told else ())
            yield row

    found.policies = lint(counted(), judge=judge_of(profile)).policies
    return found


def _lines(found: EntityReport) -> Iterator[tuple[str, str]]:
    yield "questions", str(found.questions)
    yield "entities a question", f"{found.entities / max(1, found.questions):.2f}"
    yield "hidden entities a question", f"{found.hidden / max(1, found.questions):.2f}"
    yield "hidden, share of entities", f"{found.hidden / max(1, found.entities):.1%}"
    for count, questions in sorted(found.by_hidden.items()):
        yield f"questions with {count} hidden", f"{questions} ({questions / found.questions:.1%})"
    if found.seen:
        yield "rollouts", str(found.rollouts)
        for who, count in found.named.items():
            yield f"hidden entities named, {who}", f"{count} of {found.seen} ({count / found.seen:.1%})"
    for policy, pay in found.policies.items():
        yield (
            f"a policy that {policy}" if policy != "perfect" else "a perfect policy",
            f"reward {pay.reward:.3f}",
        )
    for why, ids in found.to_drop.items():
        yield f"to drop: {why}", f"{len(ids)}: {', '.join(ids[:5])}"


def _chosen(wanted: list[str] | None, *, has_documents: bool, has_rollouts: bool) -> list[str]:
    """Return the sources to ask: those named, or those that have something to look at.

    Raises:
        BadOption: a source is none, or has nothing to look at.
    """
    there = {"documents": has_documents, "rollouts": has_rollouts, "structure": True}
    needs = {"documents": "--passages or --corpus", "rollouts": "--rollouts"}
    for name in wanted or ():
        if name not in SOURCES:
            raise typer.BadParameter(f"--from must be one of {', '.join(SOURCES)}, got {name!r}")
        if not there[name]:
            raise typer.BadParameter(f"--from {name} needs {needs[name]}")
    return (
        [name for name in SOURCES if name in wanted] if wanted else [name for name in SOURCES if there[name]]
    )


def _paths(passages: list[str] | None) -> list[tuple[mapped.Step, ...]]:
    try:
        return [mapped.parse(path) for path in passages or ()]
    except ValueError as error:
        raise typer.BadParameter(str(error), param_hint="--passages") from error


def _aliases(path: Path | None) -> dict[str, tuple[str, ...]]:
    """Return the spellings of a file by plain name; a redirect each line names the same thing many times."""
    known: dict[str, tuple[str, ...]] = defaultdict(tuple)
    for entity in gazetteer(path):
        known[plainly(entity.name)] += entity.aliases
    return dict(known)


def _finder(pipeline: str | None, names: Path | None) -> Finder:
    return names_in if pipeline is None and names is None else finder(Tagger(pipeline, names))


COMMANDS: Mapping[str, Callable[..., None]] = {
    "propose": propose_command,
    "take": take_command,
    "report": report_command,
}
"""What `entity-index` offers beside its own commands."""
