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

    language: str | None = None
    """The language the question and its names are written in, BCP 47; None where the data set does not say."""
