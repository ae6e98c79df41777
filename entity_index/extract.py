"""Entities for data sets that have none: named in chosen fields, found by a spaCy pipeline or from a gazetteer.

Any installed pipeline will do (`en_core_web_trf` on the GPU that is chosen, or on the first one if there is one); without one a gazetteer of names is looked for,
whatever their case. A gazetteer has one name a line, or one object: {"name", "aliases", "type", "id"}.

Rows stream through in batches; several processes take batches in turn, and results come back in the order of the rows.
Text is bounded before spaCy sees it: its tokenizer is quadratic in runs without a space, so runs are split, and long texts
are cut at a space. What a batch adds to spaCy's vocabulary is forgotten with it.

What is found is a proposal: numbers are left out, names that may not be searched for too. Look it over with `lint`.
"""

import json
import os
import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from dataclasses import dataclass, replace
from functools import cache
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from entity_index.errors import InvalidRecord, UnreadableInput
from entity_index.readers.containers import Shape
from entity_index.readers.jsonl import to_entity
from entity_index.readers.mapped import Step, find
from entity_index.readers.rows import Refusal, Row
from entity_index.types import Entity, Question
from entity_index.usable import identity, why_unusable

if TYPE_CHECKING:
    from spacy.language import Language

MAX_RUN = 128  # characters without a space: 8,000 of them take 20 s, cut in pieces 0.03 s
PIECE = 20_000  # characters that are worked on at once
BATCH = 100_000  # characters that a process takes at once: enough not to notice the taking, few enough that none ends long after the others
NUMBERS = frozenset({"CARDINAL", "ORDINAL", "PERCENT", "QUANTITY", "TIME"})
UNTYPED = "NAME"  # spaCy has no entities without a type
RUN = re.compile(rf"\S{{{MAX_RUN}}}(?=\S)")


@dataclass(frozen=True, slots=True)
class Tagger:
    """What finds entities; loaded once in each process."""

    pipeline: str | None = None
    """Name or folder of a spaCy pipeline; None for the gazetteer alone."""
    gazetteer: Path | None = None
    language: str = "en"
    """Of the tokenizer, where there is no pipeline."""
    labels: frozenset[str] = frozenset()
    """Types to keep; all but numbers where there are none."""
    device: str = "auto"
    """`auto` is the first GPU if there is one; or `cpu`, `cuda`, `cuda:N`."""

    def keeps(self, label: str) -> bool:
        """Return whether entities of a type are kept."""
        return label in self.labels if self.labels else label not in NUMBERS


class Found(NamedTuple):
    """A name that was found, and its type."""

    name: str
    label: str


class TextShape:
    """A shape that also remembers the texts of the row it has just read."""

    def __init__(self, shape: Shape, paths: Sequence[tuple[Step, ...]]) -> None:
        self._shape = shape
        self._paths = paths
        self.texts: list[str] = []

    def __call__(self, row: Mapping[str, object]) -> Question:
        """Return the question of one object."""
        question = self._shape(row)
        self.texts = [text for path in self._paths for text in _strings(find(row, path))]
        return question


def extract(
    rows: Iterable[Row | Refusal], reading: TextShape, tagger: Tagger, *, processes: int = 1
) -> Iterator[Row | Refusal]:
    """Add the entities that appear in the texts of each row to those it has.

    Args:
        rows: what a reader makes of its lines with `reading` as the shape, lazily.
        reading: the shape.
        tagger: what finds entities.
        processes: how many work at once; with a GPU one is right.

    Raises:
        UnreadableInput: the pipeline or gazetteer cannot be read.
    """
    aliases = {entity.name: entity for entity in gazetteer(tagger.gazetteer)}
    batches = _batched(_with_texts(rows, reading))
    for batch, found in _tagged(batches, tagger, processes):
        for (row, texts), names in zip(batch, found, strict=True):
            if isinstance(row, Row) and texts:
                question = replace(row.question, entities=_joined(row.question.entities, names, aliases))
                yield replace(row, question=question)
            else:
                yield row


def bounded(text: str) -> Iterator[str]:
    """Yield a text in pieces whose runs without a space are bounded; long runs of signs name nothing and are left out."""
    text = RUN.sub(_parted, text)
    start = 0
    while len(text) - start > PIECE:
        end = text.rfind(" ", start, start + PIECE) + 1 or start + PIECE
        yield text[start:end]
        start = end
    yield text[start:]


def _parted(run: re.Match[str]) -> str:
    return f"{run[0]} " if any(map(str.isalnum, run[0])) else " "


Item = tuple[Row | Refusal, tuple[str, ...]]


def _strings(value: object) -> Iterator[str]:
    """Yield the strings in a value, however deep."""
    if isinstance(value, str):
        yield value
    elif isinstance(value, Mapping):
        for item in value.values():
            yield from _strings(item)
    elif isinstance(value, list):
        for item in value:
            yield from _strings(item)


def _with_texts(rows: Iterable[Row | Refusal], reading: TextShape) -> Iterator[Item]:
    for row in rows:
        yield row, tuple(reading.texts) if isinstance(row, Row) else ()


def _batched(items: Iterable[Item]) -> Iterator[list[Item]]:
    """Yield items in lists that end with the item that fills them; an item without a text takes room too."""
    batch, size = [], 0
    for item in items:
        batch.append(item)
        size += 1 + sum(map(len, item[1]))
        if size >= BATCH:
            yield batch
            batch, size = [], 0
    if batch:
        yield batch


def _tagged(
    batches: Iterable[list[Item]], tagger: Tagger, processes: int
) -> Iterator[tuple[list[Item], list[list[Found]]]]:
    if processes == 1:
        nlp = _load(tagger)
        for batch in batches:
            yield batch, _tag(nlp, tagger, [texts for _, texts in batch])
        return
    # Spawned, because a thread that is forked away (a progress bar's) can hold a lock for ever.
    with ProcessPoolExecutor(processes, mp_context=get_context("spawn")) as pool:
        flying: deque[tuple[list[Item], Future[list[list[Found]]]]] = deque()
        for batch in batches:
            flying.append((batch, pool.submit(_work, tagger, [texts for _, texts in batch])))
            if len(flying) > 2 * processes:
                done, future = flying.popleft()
                yield done, future.result()
        for done, future in flying:
            yield done, future.result()


def _work(tagger: Tagger, batch: list[tuple[str, ...]]) -> list[list[Found]]:
    """Tag a batch in a process of the pool, which loads the pipeline for its first one; what cannot be loaded is raised to the caller."""
    return _tag(_loaded(tagger), tagger, batch)


def _tag(nlp: "Language", tagger: Tagger, batch: Sequence[Sequence[str]]) -> list[list[Found]]:
    pieces = [(piece, n) for n, texts in enumerate(batch) for text in texts for piece in bounded(text)]
    found: list[list[Found]] = [[] for _ in batch]
    with nlp.memory_zone():
        for doc, n in nlp.pipe(pieces, as_tuples=True):
            found[n] += [
                Found(entity.ent_id_ or " ".join(entity.text.split()), entity.label_)
                for entity in doc.ents
                if tagger.keeps(entity.label_)
            ]
    return found


def _joined(
    present: Iterable[Entity], found: Iterable[Found], known: Mapping[str, Entity]
) -> tuple[Entity, ...]:
    """Return the entities there were and those that were found, each name once."""
    entities = {identity(entity.name): entity for entity in present}
    for name, label in found:
        if why_unusable(name) is None:
            entities.setdefault(identity(name), known.get(name) or Entity(name, type=label or None))
    return tuple(entities.values())


def _load(tagger: Tagger) -> "Language":
    try:
        import spacy  # noqa: PLC0415  # an extra, and slow to import
    except ModuleNotFoundError as error:
        raise UnreadableInput("extract needs spaCy: pip install 'reward-service[extract]'") from error
    _choose_device(tagger.device)
    if tagger.pipeline is None:
        nlp = spacy.blank(tagger.language)
    else:
        try:
            nlp = spacy.load(tagger.pipeline, exclude=["lemmatizer", "textcat"])
        except (OSError, ValueError) as error:
            raise UnreadableInput(
                f"the pipeline {tagger.pipeline} cannot be loaded: {str(error).splitlines()[0]}"
            ) from error
    if tagger.gazetteer is not None:
        ruler = nlp.add_pipe(
            "entity_ruler", config={"phrase_matcher_attr": "LOWER", "overwrite_ents": True}, last=True
        )
        ruler.add_patterns(_patterns(tagger.gazetteer))  # type: ignore[attr-defined]  # of the entity ruler
    return nlp


def _choose_device(name: str) -> None:
    """Let spaCy compute on a device.

    Raises:
        UnreadableInput: there is no such GPU, or no CuPy to use it with.
    """
    import spacy  # noqa: PLC0415  # an extra, and slow to import

    if name == "auto":
        spacy.prefer_gpu()  # type: ignore[attr-defined]  # re-exported from thinc
    elif name == "cpu":
        spacy.require_cpu()  # type: ignore[attr-defined]  # re-exported from thinc
    else:
        try:
            spacy.require_gpu(int(name.partition(":")[2] or 0))  # type: ignore[attr-defined]  # re-exported from thinc
        except ValueError as error:
            raise UnreadableInput(f"spaCy cannot use {name}: {error}") from None


_loaded = cache(_load)


def _patterns(path: Path) -> list[dict[str, str]]:
    return [
        {"label": entity.type or UNTYPED, "pattern": spelling, "id": entity.name}
        for entity in gazetteer(path)
        for spelling in (entity.name, *entity.aliases)
        if why_unusable(spelling) is None
    ]


def gazetteer(path: Path | None) -> Iterator[Entity]:
    """Yield the entities of a gazetteer.

    Raises:
        UnreadableInput: a line is no name and no entity.
    """
    if path is None:
        return
    with path.open(encoding="utf-8") as lines:
        for number, line in enumerate(lines, start=1):
            if not line.isspace():
                try:
                    yield to_entity(json.loads(line) if line.lstrip().startswith("{") else line.strip())
                except (ValueError, InvalidRecord) as error:
                    raise UnreadableInput(f"line {number} of {path} is not an entity: {error}") from error


def finder(tagger: Tagger) -> Callable[[str], list[str]]:
    """Return a function that finds the names in a text, each once, in their order.

    Raises:
        UnreadableInput: the pipeline or gazetteer cannot be read.
    """
    nlp = _load(tagger)

    def find(text: str) -> list[str]:
        [found] = _tag(nlp, tagger, [[text]])
        return list(dict.fromkeys(one.name for one in found))

    return find


def cores() -> int:
    """Return how many processes are right here."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1
