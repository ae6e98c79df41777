"""The ground truth of one question, as values.

A question carries the answers a rollout is checked against and the entities its thoughts are searched for.
Spellings to look for are not stored: they are derived when a question is compiled for matching.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Entity:
    """One ground-truth entity."""

    name: str
    """The name as the data set spells it."""

    aliases: tuple[str, ...] = ()
    """Other reviewed spellings of the same thing, in the data set's order."""

    entity_id: str | None = None
    """The data set's own id (a Wikidata or page id); None where it has none."""

    type: str | None = None
    """The data set's own type (person, place, ...); None where it has none."""

    distance: int | None = None
    """Steps between it and the answer, >= 0, where the data set says so; nothing is computed from it yet."""


CHECKER_KINDS = ("number", "date", "list", "boolean", "name", "text")
"""What a question may say its answer is."""


@dataclass(frozen=True, slots=True)
class Criterion:
    """One statement that an answer is checked against."""

    statement: str
    """What holds of a good answer, or of a bad one if the weight is negative; for C-GRPO with placeholders `<E0>`, `<E1>`, ..."""

    weight: float = 1.0
    """How much it counts; negative for a fault."""


@dataclass(frozen=True, slots=True)
class Question:
    """One question with its gold answers and ground-truth entities."""

    text: str
    """The question as the agent read it."""

    answers: tuple[str, ...] = ()
    """Gold answers; any of them counts as correct."""

    entities: tuple[Entity, ...] = ()
    """E_q of the E-GRPO paper, in the data set's order."""

    question_id: str | None = None
    """The key in its data set; None for a question sent inline."""

    checker: str | None = None
    """How its answer is compared, one of `CHECKER_KINDS`; None leaves it to the profile. Under `list` all `answers` are asked for."""

    language: str | None = None
    """Language of the question and its names, BCP 47; None if the data set does not say."""

    rubrics: tuple[Criterion, ...] = ()
    """Criteria for judges, in the data set's order."""

    def __post_init__(self) -> None:
        """Refuse an unknown checker."""
        if self.checker is not None and self.checker not in CHECKER_KINDS:
            raise ValueError(f"checker must be one of {', '.join(CHECKER_KINDS)}, got {self.checker!r:.40}")
