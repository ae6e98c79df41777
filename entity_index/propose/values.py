"""What sources of proposals are given and what they give back."""

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import TypeAlias

from entity_index.clean import TRAILING_PARENTHESES
from entity_index.lint import is_generic
from entity_index.propose.names import names_in
from entity_index.spelling import folded
from entity_index.types import Question
from entity_index.usable import why_unusable

Finder: TypeAlias = Callable[[str], Collection[str]]
"""Finds the names in a text, in their order."""

QUOTE_CHARS = 160
REMEMBERED = 20_000  # texts: the passages and names of a corpus come again and again
NO_NAMES = frozenset({"yes", "no"})  # answers that occur in any text


@dataclass(frozen=True, slots=True)
class Passage:
    """A piece of a document."""

    text: str
    title: str = ""
    relevance: float = 1.0
    """How well it fits the question, in [0, 1]; 1 for a passage that the data set names itself."""


@dataclass(frozen=True, slots=True)
class Told:
    """What one rollout read and thought, in order."""

    rollout_id: str
    correct: bool
    steps: tuple[tuple[bool, str], ...]
    """Whether it is a thought (else a tool response), and its text."""


@dataclass(frozen=True)
class Material:
    """What is known about one question."""

    question: Question
    passages: tuple[Passage, ...] = ()
    rollouts: tuple[Told, ...] = ()
    claims: tuple[str, ...] = ()
    """Statements of the data set about its entities."""
    find: Finder = names_in

    @cached_property
    def asked(self) -> str:
        """The question, folded, with a space at both ends."""
        return padded(self.question.text)

    @cached_property
    def names(self) -> tuple[str, ...]:
        """Names in the question, folded."""
        return tuple(dict.fromkeys(plainly(name) for name in self.find(self.question.text)))

    @cached_property
    def answers(self) -> tuple[str, ...]:
        """Gold answers that are names, folded."""
        plain = (folded(answer) for answer in self.question.answers)
        return tuple(f" {answer} " for answer in plain if answer and answer not in NO_NAMES)

    def allows(self, name: str) -> bool:
        """Whether a name may be proposed: it can be searched for, is no answer, and the question does not say it already."""
        return is_telling(name) and not self.gives(name)

    def gives(self, name: str) -> bool:
        """Whether the question says a name already, or it is an answer."""
        plain = padded(TRAILING_PARENTHESES.sub("", name))
        return all(f" {word} " in self.asked for word in plain.split()) or any(
            answer in plain or plain in answer for answer in self.answers
        )


def is_telling(name: str) -> bool:
    """Whether a name can be searched for and means one thing."""
    return why_unusable(name) is None and not is_generic(name)


@dataclass(frozen=True, slots=True)
class Reason:
    """Why a name was proposed."""

    source: str
    """A name in `SOURCES`."""
    where: str
    """The passage or rollout, as its title or id."""
    quote: str = ""
    """The text around the name, at most `QUOTE_CHARS` characters."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """A name that may be an entity of a question."""

    name: str
    confidence: float
    """In (0, 1). It orders the proposals of a source; the sources' scales are not the same."""
    evidence: tuple[Reason, ...]
    aliases: tuple[tuple[str, str], ...] = ()
    """Other spellings, each with where it comes from."""
    distance: int | None = None
    """Steps between it and the answer, where the source knows them."""
    entity_id: str | None = None
    """The data set's id."""


Source: TypeAlias = Callable[[Material], Sequence[Proposal]]


@lru_cache(REMEMBERED)
def padded(text: str) -> str:
    """Return a text folded, with a space at both ends, so that ` name ` is found on token boundaries."""
    return f" {folded(text)} "


@lru_cache(REMEMBERED)
def plainly(name: str) -> str:
    """Return a name as texts spell it: folded, without a trailing disambiguator and a leading article, with spaces around it."""
    spelling = folded(TRAILING_PARENTHESES.sub("", name)) or folded(name)
    return f" {spelling.removeprefix('the ')} "


def quote(text: str, name: str) -> str:
    """Return the text around a name, on one line."""
    at = max(0, text.casefold().find(name.casefold()) - QUOTE_CHARS // 3)
    return " ".join(text[at : at + QUOTE_CHARS].split())
