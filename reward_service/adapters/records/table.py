"""What a row of the table of readers says: which fields of a line mean what, and how its transcript is written."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Any, TypeAlias

from reward_service.core.trajectory import DEFAULT_DIALECT, PLAIN

Row: TypeAlias = "Mapping[str, Any]"

FIELDS = (
    "group", "rollout", "question", "question_id", "answers", "entities", "messages", "text", "steps", "prompt",
    "prompt_messages", "outcome", "stop", "step",
)  # fmt: skip
"""What a line can say; `signals.NAME` beside them."""
SIGNALS = "signals."
ROLLOUTS = "rollouts"
"""Where a line holds several rollouts: a list, of which each is one."""


def alone(row: Row) -> Iterable[Row]:
    """Return a line that is one rollout."""
    return (row,)


def as_found(row: Row, found: Mapping[str, Any]) -> Mapping[str, Any]:  # noqa: ARG001  # what a row's `refine` takes
    """Return what the paths found, as it is."""
    return found


@dataclass(frozen=True, slots=True)
class Reader:
    """How the files of one system are read."""

    writes: str
    """What writes such files."""
    keys: tuple[frozenset[str], ...]
    """A line of its kind has all fields of one of these sets."""
    paths: Mapping[str, str]
    """A field, and where it is: paths apart by spaces, of which the first that finds something counts."""
    format: str = PLAIN
    """The container of its text; a list is always `messages`."""
    dialect: str = DEFAULT_DIALECT
    stops: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
    """Its own words for why sampling ended, in the API's words."""
    rows: Callable[[Row], Iterable[Row]] = alone
    """The rollouts of one line."""
    refine: Callable[[Row, Mapping[str, Any]], Mapping[str, Any]] = as_found
    """What its lines say in a way that no path finds."""
    groups_of_a_step: bool = False
    """Its groups are of one step already; else a group that comes in several steps is one in each."""
    follows_text: bool = True
    """Policies of many kinds write such files: container and dialect may be detected from the first rollouts."""

    def knows(self, row: Row) -> bool:
        """Return whether a line is of its kind."""
        return any(keys <= row.keys() for keys in self.keys)
