"""What a row of the table of dialects says."""

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Protocol

from reward_service.core.trajectory.calls import CallReader, calls_apart, json_call
from reward_service.core.trajectory.marks import Mark, Marks, scan_blocks
from reward_service.core.trajectory.values import Block
from reward_service.core.types import SegmentKind

CALL = SegmentKind.TOOL_CALL
PROMPT = re.compile(
    r"\s{0,9}(?:Answer the given question\b|You are a helpful assistant\b|The User asks a question\b|A conversation between User and)"
    r".{0,6000}?(?:\b(?:Question|User):[^\n<]*(?:\n\s{0,9}Assistant:)?|\bAssistant:)",
    re.DOTALL | re.IGNORECASE,
)
"""The prompt that recorders of one string leave before the rollout; it quotes the marks it asks for. So begin those of
Search-R1, ZeroSearch, AutoRefine, R1-Searcher and ASearcher, and no policy does."""


class Cut(Protocol):
    """Cuts a text of the policy into blocks."""

    def __call__(self, text: str, *, in_thought: bool = False) -> Iterable[Block]:
        """Return the blocks in order."""


@dataclass(frozen=True)
class Dialect:
    """How one family of agents marks its own text."""

    marks: Marks
    """Its marks; a dialect of labels lists here only what is written between marks."""
    lists: tuple[str, ...] = ()
    """What opens its marks that may hold several calls."""
    labels: Cut | None = None
    """Cuts text that is written with labels; None: the marks say everything."""
    read_call: CallReader = json_call
    bad_call: str = "tool call is not a JSON object with name and arguments"
    """The format error of a call that is not sound."""
    thought_open: bool = False
    """The template opens the first thought, so the text begins inside it."""
    has_free_text: bool = False
    """Also in one string, text outside any mark is a thought, and the last of it the answer."""
    answers_itself: bool = False
    """The environment writes tool responses into the policy's own turn."""
    user_answers: bool = False
    """A user turn after a call is the tool's response."""
    of_others: tuple[Mark, ...] = ()
    """Marks of responses that mean something in turns of other authors alone."""
    response_label: Callable[[str], str | None] | None = None
    """Returns the response in a turn of the environment that marks it with a label; None where it has none."""

    def cut(self, text: str, *, in_thought: bool = False) -> Iterable[Block]:
        """Cut a text of the policy into blocks, in order."""
        if self.labels is not None:
            return self.labels(text, in_thought=in_thought)
        blocks = scan_blocks(text, self.marks, in_thought=in_thought)
        for block in blocks if self.lists else ():
            if block.kind is CALL and text.endswith(self.lists, 0, block.at):
                return [one for block in blocks for one in self._apart(text, block)]
        return blocks

    def _apart(self, text: str, block: Block) -> list[Block]:
        """Return the calls of a block, each as a block of its own."""
        if block.kind is not CALL or not text.endswith(self.lists, 0, block.at):
            return [block]
        return [block._replace(text=said, call=call) for said, call in calls_apart(block.text)]

    @cached_property
    def response_marks(self) -> tuple[Mark, ...]:
        """The marks of its responses in turns of other authors."""
        return (*self.marks.of(SegmentKind.TOOL_RESPONSE), *self.of_others)

    @cached_property
    def _marks_of_others(self) -> Marks:
        return replace(self.marks, spelled=(*self.marks.spelled, *self.of_others))

    def responses(self, text: str) -> list[Block] | None:
        """Return the responses between marks in a turn of the environment; None where it holds no mark of one."""
        for mark in self.response_marks:
            if mark.opens in text:
                break
        else:
            return None
        blocks = self.cut(text) if self.labels else scan_blocks(text, self._marks_of_others)
        return [block for block in blocks if block.kind is SegmentKind.TOOL_RESPONSE]

    @property
    def data_marks(self) -> tuple[Mark, ...]:
        """The marks of its calls and responses."""
        return self.marks.of(CALL, SegmentKind.TOOL_RESPONSE)
