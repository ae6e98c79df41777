"""From a recorded rollout to segments: who wrote which text, whether the format holds, and what the answer is.

- `tagged`: tagged text -> blocks
- `react`: ReAct text -> blocks
- `turns`: chat written as one string -> chat messages
- `formats`: the table of text formats
- `grammars`: format verdicts over blocks
- `messages`: OpenAI chat messages -> segments

Steps come already cut. Text of a tool response or of the question never becomes a thought.
"""

from dataclasses import dataclass
from typing import assert_never

from reward_service.core.trajectory.formats import FORMATS, BlockFormat, TurnFormat
from reward_service.core.trajectory.grammars import GRAMMARS
from reward_service.core.trajectory.messages import UnparsableRollout, parse_messages, tool_call_text
from reward_service.core.types import Messages, Segment, SegmentKind, Steps, Text

PARSER_VERSION = 1

__all__ = ["FORMATS", "GRAMMARS", "PARSER_VERSION", "Parsed", "UnparsableRollout", "parse", "tool_call_text"]


@dataclass(frozen=True, slots=True)
class Parsed:
    """One rollout, read."""

    segments: tuple[Segment, ...]
    format_error: str | None
    """What the policy got wrong; None where the format holds or was not asked of this input."""

    @property
    def answer(self) -> str | None:
        """The last answer, stripped; None where the rollout gives none."""
        answers = (segment.text for segment in reversed(self.segments) if segment.kind is SegmentKind.ANSWER)
        return next((text.strip() for text in answers), None)


def _parse_text(source: Text, grammar: str) -> Parsed:
    match FORMATS[source.format]:
        case BlockFormat(cut, call_error):
            blocks = list(cut(source.text))
            segments = tuple(Segment(one.kind, one.text) for one in blocks if one.kind and one.is_segment)
            return Parsed(segments, GRAMMARS[grammar](blocks, call_error))
        case TurnFormat(turns):
            return _parse_messages(Messages(tuple(turns(source.text))), grammar)
        case other:
            assert_never(other)


def _parse_messages(source: Messages, grammar: str) -> Parsed:
    segments, error = parse_messages(source.messages)
    return Parsed(tuple(segments), None if grammar == "none" else error)


def parse(source: Text | Messages | Steps, grammar: str) -> Parsed:
    """Read one rollout.

    Args:
        source: the rollout as it was sent.
        grammar: a name in `GRAMMARS`. It judges text; of messages, and of text that is chat, only unfinished tags are held against the policy.

    Returns:
        Its segments in order and the format verdict.

    Raises:
        UnparsableRollout: the record itself is broken, which is the caller's doing and not the policy's.
    """
    match source:
        case Text():
            return _parse_text(source, grammar)
        case Messages():
            return _parse_messages(source, grammar)
        case Steps():
            return Parsed(source.segments, None)
        case _:
            assert_never(source)
