"""How the segments of a group lie in one buffer: the thoughts and tool responses of each rollout, in order, rollout after rollout.

So "earlier in the rollout" is "before it in the buffer".
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from reward_service.core.matching.arrays import Mask, Positions
from reward_service.core.matching.fold import FoldedText
from reward_service.core.types import Segment, SegmentKind

READ = (SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE)


@dataclass(frozen=True)
class Layout:
    """The segments that are read, one column each."""

    texts: list[str]
    rollout: Positions
    """Which rollout each segment belongs to."""
    position: Positions
    """Where in its rollout each segment stands."""
    is_thought: Mask
    """Thoughts are searched, tool responses are compared with."""

    @classmethod
    def of(cls, rollouts: Sequence[Sequence[Segment]]) -> "Layout":
        """Lay out a group."""
        read = [
            (segment.text, number, position, segment.kind is SegmentKind.THOUGHT)
            for number, rollout in enumerate(rollouts)
            for position, segment in enumerate(rollout)
            if segment.kind in READ
        ]
        numbers = np.array([row[1:3] for row in read], dtype=np.int64).reshape(-1, 2)
        return cls(
            [row[0] for row in read],
            numbers[:, 0],
            numbers[:, 1],
            np.array([row[3] for row in read], dtype=np.bool_),
        )

    @cached_property
    def may_copy(self) -> Mask:
        """Which segments are thoughts with a tool response before them in their rollout."""
        responses = (~self.is_thought).cumsum()
        first = self.rollout.searchsorted(self.rollout)
        before = (responses - ~self.is_thought)[first]
        copies: Mask = self.is_thought & (responses > before)
        return copies

    @cached_property
    def raw_start(self) -> Positions:
        """Where each segment begins in `FoldedText.raw`, in which segments are three characters apart."""
        lengths = np.array([len(text) + 3 for text in self.texts], dtype=np.int64)
        return lengths.cumsum() - lengths + 2


@dataclass(frozen=True)
class GroupText:
    """The rollouts of a group as they are searched, folded once for everything that is looked for in them."""

    rollouts: Sequence[Sequence[Segment]]
    max_chars: int
    """A rollout with more characters of thoughts and tool responses is left out."""

    @cached_property
    def too_long_R(self) -> Mask:
        """Which rollouts are left out."""
        sizes = [sum(len(segment.text) for segment in rollout) for rollout in self.rollouts]
        return np.array([size > self.max_chars for size in sizes], dtype=np.bool_)

    @cached_property
    def layout(self) -> Layout:
        """Where their segments are in the text."""
        kept = zip(self.rollouts, self.too_long_R, strict=True)
        return Layout.of([() if too_long else rollout for rollout, too_long in kept])

    @cached_property
    def folded(self) -> FoldedText:
        """Their thoughts and tool responses; most of the time of matching is spent here."""
        return FoldedText(self.layout.texts)
