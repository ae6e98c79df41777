"""Chat written as one string by a model's chat template, cut into turns by its special tokens.

A template is a table of regions that are not the policy's prose (turns of others, calls, thoughts), and of the tokens that
begin and end the policy's turn. The text begins inside the policy's turn, which the prompt has opened, unless a token says
otherwise. A region ends at its own end and nowhere before, whatever it says. After an end token there is no author until the
next turn begins.
"""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from functools import cached_property

from reward_service.core.trajectory.calls import CallReader
from reward_service.core.trajectory.roles import Speaker, role_of
from reward_service.core.trajectory.values import UNKNOWN_ROLE, Author, Call, Part, Transcript, Turn
from reward_service.core.types import SegmentKind

RESPONSE = SegmentKind.TOOL_RESPONSE
ReadCall = Callable[[str], list[Call]]

# What may come before the first turn and says nothing.
_BEGINNINGS = re.compile(
    r"\s*(?:\[gMASK\]<sop>|<\|begin_of_text\|>|<bos>|<s>|<[｜|](?:hy_)?begin[▁_]of[▁_]sentence[｜|]>|<\|startoftext\|>|<BOS_TOKEN>|\]~!b\[)+",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Region:
    """A stretch that is not the policy's prose. Patterns leave out the template's leading character."""

    opens: str
    """A regular expression; a group `role` names who writes."""
    closes: tuple[str, ...]
    """Regular expressions, any of which ends it."""
    leaves: bool = False
    """What ends it is a mark of its own, and is read again."""
    author: Author | None = None
    """None: the role in the opening mark says it, or the kind."""
    kind: SegmentKind | None = None
    """What it is in the policy's own turn."""
    read: ReadCall | None = None
    """Reads the calls in it, where it is one."""
    several: Callable[[str], Iterable[str]] | None = None
    """Tells its responses apart, where another author writes several into it."""
    resumes: bool = False
    """The policy goes on right behind it."""


@dataclass(frozen=True)
class Template:
    """How a chat template marks turns."""

    regions: tuple[Region, ...]
    starts: str
    """What opens the policy's turn."""
    ends: str
    """What closes it."""
    lead: str = "<"
    """The character every mark of it begins with."""
    finish: Callable[[str], list[Part]] | None = None
    """Looks into the policy's prose for calls that no token marks."""
    roles: Callable[[str], Speaker] = field(default=role_of)
    read_call: CallReader | None = None
    """Reads the calls that the default dialect marks."""
    dialect: str | None = None
    """The dialect that its model always writes, where it is not the default one."""

    @cached_property
    def pattern(self) -> re.Pattern[str]:
        """Any of its marks; which one the name of the group says."""
        marks = [
            f"(?P<r{n}>{region.opens.replace('?P<role>', f'?P<role{n}>')})"
            for n, region in enumerate(self.regions)
        ]
        every = "|".join([*marks, f"(?P<starts>{self.starts})", f"(?P<ends>{self.ends})"])
        return re.compile(f"{re.escape(self.lead)}(?:{every})")

    @cached_property
    def closing(self) -> tuple[re.Pattern[str], ...]:
        """What ends each region."""
        return tuple(re.compile("|".join(region.closes)) for region in self.regions)

    @property
    def data_marks(self) -> tuple[tuple[str, tuple[str, ...]], ...]:
        """What opens and what closes each stretch that is no thought, as regular expressions."""
        return tuple(
            (re.escape(self.lead) + region.opens.replace("?P<role>", "?:"), region.closes)
            for region in self.regions
            if region.kind is not SegmentKind.THOUGHT
        )

    def cut(self, text: str) -> Transcript:
        """Cut a text into turns."""
        return _Cutting(text, self).transcript()


class _Cutting:
    """One pass over a text."""

    def __init__(self, text: str, template: Template) -> None:
        self.text, self.template = text, template
        beginning = _BEGINNINGS.match(text)
        self.at = beginning.end() if beginning else 0
        self.is_spoken = beginning is None
        """Whether the policy may be writing here; a text that begins with its prompt says when it does."""
        self.turns: list[Turn] = []
        self.parts: list[Part] = []
        self.flags: set[str] = set()

    def transcript(self) -> Transcript:
        """Return the turns in order, at least one of the policy's, and a flag for each role that is unknown."""
        while mark := self.template.pattern.search(self.text, self.at):
            self._prose(mark.start())
            self.at = mark.end()
            match mark.lastgroup:
                case "starts":
                    self._end_turn(mark[0])
                    self.is_spoken = True
                case "ends":
                    self._end_turn(mark[0])
                    self.is_spoken = False
                case _:
                    self._region(mark)
        self._prose(len(self.text))
        self._end_turn()
        turns = tuple(self.turns) or (Turn(Author.POLICY, ()),)
        return Transcript(
            turns, frozenset(self.flags), dialect=self.template.dialect, read_call=self.template.read_call
        )

    def _prose(self, end: int) -> None:
        """Keep the policy's text up to here; text between turns has no author."""
        said = self.text[self.at : end]
        if self.is_spoken and said.strip():
            finish = self.template.finish
            self.parts += [Part(None, said)] if finish is None else finish(said)

    def _end_turn(self, token: str = "") -> None:
        if self.parts:
            self.parts[-1] = self.parts[-1]._replace(end=token)
            self.turns.append(Turn(Author.POLICY, tuple(self.parts)))
            self.parts = []

    def _region(self, mark: re.Match[str]) -> None:
        number = next(n for n in range(len(self.template.regions)) if mark[f"r{n}"] is not None)
        region = self.template.regions[number]
        end = self.template.closing[number].search(self.text, self.at)
        said = self.text[self.at : end.start() if end else len(self.text)]
        self.at = len(self.text) if end is None else end.start() if region.leaves else end.end()
        if region.read is not None:
            self.parts += [Part(region.kind, said, call) for call in region.read(said)]
        elif region.kind is None:
            name = mark[f"role{number}"] if region.author is None else ""
            self._turn_of_another(region, name, said)
        else:
            self.parts.append(Part(region.kind, said))

    def _turn_of_another(self, region: Region, name: str, said: str) -> None:
        self._end_turn()
        role = Speaker(region.author) if region.author else self.template.roles(name)
        if role.author is Author.UNKNOWN:
            self.flags.add(UNKNOWN_ROLE)
        apart = [] if region.several is None else [Part(RESPONSE, one) for one in region.several(said)]
        self.turns.append(Turn(role.author, tuple(apart) or (Part(role.kind, said),)))
        self.is_spoken = region.resumes
