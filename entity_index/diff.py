"""What changed between two versions, found by walking both in the order of their ids; one record of each is held at a time."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TypeAlias

from entity_index.codec import decode, key
from entity_index.stores.protocols import EntityStore
from entity_index.types import Question

EXAMPLES = 5

Pair: TypeAlias = tuple[str, bytes]


@dataclass(slots=True)
class Change:
    """How many questions one thing happened to."""

    count: int = 0
    examples: list[str] = field(default_factory=list)
    """The ids of the first of them."""

    def add(self, question_id: str) -> None:
        """Count a question."""
        self.count += 1
        if len(self.examples) < EXAMPLES:
            self.examples.append(question_id)


@dataclass(slots=True)
class Difference:
    """What became of the questions of one version in another."""

    same: int = 0
    added: Change = field(default_factory=Change)
    removed: Change = field(default_factory=Change)
    text_changed: Change = field(default_factory=Change)
    answers_changed: Change = field(default_factory=Change)
    entities_changed: Change = field(default_factory=Change)
    entities_added: int = 0
    """Names that are new in a question that both versions have."""
    entities_removed: int = 0


def diff(old: EntityStore, new: EntityStore) -> Difference:
    """Compare two versions.

    Raises:
        CorruptIndex: something that differs cannot be read.
    """
    found = Difference()
    for before, after in _aligned(old.records(), new.records()):
        if before is None and after is not None:
            found.added.add(after[0])
        elif after is None and before is not None:
            found.removed.add(before[0])
        elif before == after:
            found.same += 1
        elif before is not None and after is not None:
            _compare(_question(before), _question(after), found)
    return found


def _question(pair: Pair) -> Question:
    at, record = pair
    return decode(record, question_id=at)


def _compare(before: Question, after: Question, found: Difference) -> None:
    at = str(before.question_id)
    if before.text != after.text:
        found.text_changed.add(at)
    if (before.answers, before.checker) != (after.answers, after.checker):
        found.answers_changed.add(at)
    if before.entities != after.entities:
        found.entities_changed.add(at)
    old, new = ({entity.name for entity in question.entities} for question in (before, after))
    found.entities_added += len(new - old)
    found.entities_removed += len(old - new)


def _aligned(old: Iterator[Pair], new: Iterator[Pair]) -> Iterator[tuple[Pair | None, Pair | None]]:
    before, after = next(old, None), next(new, None)
    while before is not None or after is not None:
        if after is None or (before is not None and key(before[0]) < key(after[0])):
            yield before, None
            before = next(old, None)
        elif before is None or key(after[0]) < key(before[0]):
            yield None, after
            after = next(new, None)
        else:
            yield before, after
            before, after = next(old, None), next(new, None)
