"""From rows of a data set to questions with proposals, streamed: a batch of questions is held at a time."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import islice
from types import MappingProxyType
from typing import Any, NamedTuple, TypeAlias

from entity_index import codec
from entity_index.errors import InvalidRecord
from entity_index.propose import documents, judge, rollouts, structure
from entity_index.propose.combined import Forms, combined, sources_of
from entity_index.propose.corpus import Corpus, passages_in
from entity_index.propose.names import names_in
from entity_index.propose.spellings import with_aliases
from entity_index.propose.values import Finder, Material, Passage, Proposal, Source, Told
from entity_index.readers.containers import Shape
from entity_index.readers.fields import opened
from entity_index.readers.mapped import Step, find, parse
from entity_index.readers.rows import Refusal, Row
from entity_index.types import Entity, Question

SOURCES: Mapping[str, Source] = MappingProxyType(
    {"documents": documents.propose, "rollouts": rollouts.propose, "structure": structure.propose}
)
CLAIMS = tuple(
    parse(f"**.{name}[]") for name in ("claims", "evidences", "predicates", "edges", "formalization")
)
BATCH = 64
PASSAGES = 10  # that a corpus gives a question
Ask: TypeAlias = Callable[[Sequence[str]], Sequence[str | None]]
"""Sends prompts to a language model and returns its replies; None where there is none."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Where proposals come from."""

    sources: Mapping[str, Source]
    """By name; see `SOURCES`."""
    forms: Forms
    passages: Sequence[tuple[Step, ...]] = ()
    """Where in a row its passages are."""
    corpus: Corpus | None = None
    told: Callable[[Question], tuple[Told, ...]] = lambda _: ()
    """Returns the rollouts of a question."""
    aliases: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Further spellings by plain name."""
    find: Finder = names_in
    ask: Ask | None = None
    """Asks a language model; None leaves it out."""


class Proposed(NamedTuple):
    """A question and the names proposed for it, the surest first."""

    question: Question
    proposals: tuple[Proposal, ...]
    is_unjudged: bool = False
    """Whether a model was asked and gave no list."""

    def taken(self, *, at_least: float, most: int) -> Question:
        """Return the question with the surest proposals as its entities.

        Args:
            at_least: confidence, in [0, 1].
            most: entities.
        """
        kept = [one for one in self.proposals if one.confidence >= at_least][:most]
        return replace(self.question, entities=tuple(map(_entity, kept)))


class RowShape:
    """A shape that also remembers the row it has just read."""

    def __init__(self, shape: Shape) -> None:
        self._shape = shape
        self.row: Mapping[str, object] = {}

    def __call__(self, row: Mapping[str, object]) -> Question:
        """Return the question of one object."""
        self.row = row
        return self._shape(row)


def propose(rows: Iterable[Row | Refusal], reading: RowShape, plan: Plan) -> Iterator[Refusal | Proposed]:
    """Propose entities for each row.

    Args:
        rows: what a reader makes of its input with `reading` as the shape, lazily.
        reading: the shape.
        plan: where proposals come from.
    """
    materials = _materials(rows, reading, plan)
    while batch := list(islice(materials, BATCH)):
        found = _with_passages(batch, plan)
        judged = iter(_judged([one for one in found if isinstance(one, Material)], plan.ask))
        for one in found:
            yield one if isinstance(one, Refusal) else _proposed(one, next(judged), plan)


def _materials(rows: Iterable[Row | Refusal], reading: RowShape, plan: Plan) -> Iterator[Refusal | Material]:
    for row in rows:
        if isinstance(row, Refusal):
            yield row
        else:
            passages = tuple(one for path in plan.passages for one in passages_in(find(reading.row, path)))
            yield Material(
                row.question, passages, plan.told(row.question), tuple(_claims(reading.row)), plan.find
            )


def _claims(row: Mapping[str, object]) -> Iterator[str]:
    for path in CLAIMS:
        for found in find(row, path) or ():  # type: ignore[attr-defined]  # a path with ** finds a list
            for claim in found:
                words = opened(claim)
                if isinstance(words, str | list):
                    yield words if isinstance(words, str) else " ".join(map(str, words))


def _with_passages(batch: Sequence[Refusal | Material], plan: Plan) -> Sequence[Refusal | Material]:
    """Add what the corpus has for the questions of a batch."""
    asking = [one for one in batch if isinstance(one, Material)]
    if plan.corpus is None or not asking:
        return batch
    asked = [" ".join((one.question.text, *one.question.answers)) for one in asking]
    found: Iterator[tuple[Passage, ...]] = iter(plan.corpus.search(asked, PASSAGES))
    return [
        replace(one, passages=one.passages + next(found)) if isinstance(one, Material) else one
        for one in batch
    ]


def _judged(materials: Sequence[Material], ask: Ask | None) -> list[Sequence[Proposal] | None]:
    """Return what a model lists for each question; None where it gave no list."""
    if ask is None:
        return [()] * len(materials)
    replies = ask([judge.prompt(one) for one in materials])
    return [_listed(reply, one) for reply, one in zip(replies, materials, strict=True)]


def _listed(reply: str | None, material: Material) -> Sequence[Proposal] | None:
    try:
        return None if reply is None else judge.proposals(reply, material)
    except ValueError:
        return None


def _proposed(material: Material, judged: Sequence[Proposal] | None, plan: Plan) -> Proposed:
    said = [one for source in plan.sources.values() for one in source(material)]
    found = combined([*said, *(judged or ())], plan.forms)
    return Proposed(material.question, tuple(with_aliases(found, material, plan.aliases)), judged is None)


def _entity(one: Proposal) -> Entity:
    return Entity(one.name, tuple(alias for alias, _ in one.aliases), one.entity_id, distance=one.distance)


def to_json(one: Proposed, *, at_least: float, most: int) -> dict[str, object]:
    """Return a line of a file of proposals: the question with the entities taken, as `build` reads it, and all proposals."""
    question = codec.to_json(one.taken(at_least=at_least, most=most))
    return question | {"proposals": [_proposal(proposal) for proposal in one.proposals]}


def retaken(line: Any, *, at_least: float, most: int) -> dict[str, Any] | InvalidRecord:
    """Return a line of a file of proposals with other proposals taken as entities."""
    match line:
        case {"question": str(), "proposals": [*found]} if all(map(_is_proposal, found)):
            kept = [one for one in found if one["confidence"] >= at_least][:most]
            return {**line, "entities": [_written(one) for one in kept]}
        case InvalidRecord():
            return line
        case _:
            return InvalidRecord("not a line that `propose` wrote")


def _is_proposal(value: object) -> bool:
    return (
        isinstance(value, dict)
        and isinstance(value.get("name"), str)
        and isinstance(value.get("confidence"), float | int)
    )


def _written(one: Mapping[str, Any]) -> dict[str, object]:
    """Return a written proposal as an entity."""
    aliases = [alias["alias"] for alias in one.get("aliases", ())]
    kept = {name: one[name] for name in ("id", "distance") if name in one}
    return {"name": one["name"], **kept} | ({"aliases": aliases} if aliases else {})


def _proposal(one: Proposal) -> dict[str, object]:
    said: dict[str, object] = {
        "name": one.name,
        "confidence": round(one.confidence, 3),
        "sources": sources_of(one.evidence),
        "aliases": [{"alias": alias, "from": origin} for alias, origin in one.aliases],
        "evidence": [{"source": e.source, "where": e.where, "quote": e.quote} for e in one.evidence],
    }
    known = {"distance": one.distance, "id": one.entity_id}
    return said | {name: value for name, value in known.items() if value is not None}
