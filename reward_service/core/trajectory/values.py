"""The values a rollout becomes on its way from a record to segments.

A container turns the record into turns: who wrote what, and what each piece is where the record itself says so. A dialect
turns the policy's own text into blocks. Both know nothing of each other.
"""

from collections.abc import Callable
from enum import StrEnum
from typing import Any, NamedTuple

from reward_service.core.types import SegmentKind

FOREIGN_MARKUP = "foreign_markup"
UNKNOWN_ROLE = "unknown_role"
UNKNOWN_PARTS = "unknown_parts"
RESPONSES_IN_POLICY_TURN = "responses_in_policy_turn"
NO_THOUGHTS = "no_thoughts"


class UnparsableRollout(ValueError):  # names what it is about
    """The caller's record of the rollout cannot be read; nothing the policy did."""


class Author(StrEnum):
    """Who wrote a turn. Only the policy earns, only a tool grounds."""

    POLICY = "policy"
    TOOL = "tool"
    PROMPT = "prompt"
    UNKNOWN = "unknown"


class Call(NamedTuple):
    """A tool call as far as it can be read."""

    name: str | None
    arguments: Any
    """Parsed where they are JSON, else as they were written."""
    sound: bool = True
    """Whether it has a name and readable arguments."""


class Part(NamedTuple):
    """A piece of a turn."""

    kind: SegmentKind | None
    """What the record says it is; None: text that the dialect reads."""
    text: str
    call: Call | None = None
    """The call, where the kind is a tool call and the container has read it."""
    end: str = ""
    """The token that ended it, which is no text but may close a mark."""


class Turn(NamedTuple):
    """What one author wrote at a time."""

    author: Author
    parts: tuple[Part, ...]


class Transcript(NamedTuple):
    """A record with its authors told apart."""

    turns: tuple[Turn, ...]
    flags: frozenset[str] = frozenset()
    has_roles: bool = True
    """False: one string without authors, in which only marks tell a page from a thought."""
    roles_lost: bool = False
    """The record once had roles and they can no longer be told apart: nothing in it may earn."""
    dialect: str | None = None
    """The dialect this kind of record is always written in, where there is one."""
    read_call: "Callable[[str], Call] | None" = None
    """How its template spells a marked call, where not as the default dialect does."""


class Block(NamedTuple):
    """A piece of the policy's own text: marked, or outside any mark. A named tuple, as a call of a megabyte makes a thousand."""

    kind: SegmentKind | None
    """None: text outside any mark."""
    text: str
    opened: bool = True
    """False: a closing mark without its opening mark."""
    closed: bool = True
    """False: an opening mark without its closing mark, or one opened twice."""
    at: int = 0
    """Where it begins in the text it was cut from."""
    is_marked: bool = True
    """False: a field, a message or the place of the text says what it is, and no mark."""
    call: Call | None = None

    @property
    def is_blank_thought(self) -> bool:
        """Whether it is a whole thought that says nothing, as between two calls inside one thought."""
        return self.kind is SegmentKind.THOUGHT and self.closed and not self.text.strip()
