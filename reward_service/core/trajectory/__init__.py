"""From a recorded rollout to segments: who wrote which text, whether the format holds, and what the answer is.

    record -> container -> turns -> dialect -> blocks -> safety net -> segments

- `values`: what is handed from one to the next
- `containers`: who speaks, by the record
- `dialects`: what the policy's own text is, by its marks
- `marks`: text between marks -> blocks
- `roles`: who writes under a role
- `calls`: what a tool call says
- `endings`: tokens that are no text
- `reading`: turns and a dialect -> blocks with their meaning
- `net`: what may never be a thought
- `grammars`: format verdicts over blocks

Steps come already cut. Text of a tool response or of the question never becomes a thought.
"""

from collections.abc import Iterable, Iterator
from functools import partial
from typing import NamedTuple, assert_never

from reward_service.core.answers import unwrap
from reward_service.core.trajectory.calls import answer_in, named_call, tool_call_text
from reward_service.core.trajectory.containers import CONTAINERS, MESSAGES, PLAIN, SHORT_FORMS, messages
from reward_service.core.trajectory.containers.messages.spans import conversation as traced_messages
from reward_service.core.trajectory.containers.messages.spans import is_traced
from reward_service.core.trajectory.dialects import DEFAULT_DIALECT, DIALECTS
from reward_service.core.trajectory.grammars import GRAMMARS
from reward_service.core.trajectory.net import hide
from reward_service.core.trajectory.reading import AnswerRules, Read, read, read_string
from reward_service.core.trajectory.values import (
    FOREIGN_MARKUP,
    NO_THOUGHTS,
    RESPONSES_IN_POLICY_TURN,
    UNKNOWN_PARTS,
    UNKNOWN_ROLE,
    Author,
    Block,
    Transcript,
    UnparsableRollout,
)
from reward_service.core.types import Messages, Reading, Segment, SegmentKind, Steps, Text

PARSER_VERSION = 3
BALANCED = "balanced"
AS_MARKED = AnswerRules()
_as_segment = partial(tuple.__new__, Segment)  # half the time of naming the class
THOUGHT, RESPONSE = SegmentKind.THOUGHT, SegmentKind.TOOL_RESPONSE
FORMATS = (*CONTAINERS, *SHORT_FORMS)
"""What `format` may say of text: a container, or the short form of a dialect in `plain`."""
FLAGS = (FOREIGN_MARKUP, UNKNOWN_ROLE, UNKNOWN_PARTS, RESPONSES_IN_POLICY_TURN, NO_THOUGHTS)

__all__ = [
    "CONTAINERS",
    "DEFAULT_DIALECT",
    "DIALECTS",
    "FLAGS",
    "FORMATS",
    "GRAMMARS",
    "MESSAGES",
    "NO_THOUGHTS",
    "PARSER_VERSION",
    "PLAIN",
    "SHORT_FORMS",
    "AnswerRules",
    "Parsed",
    "UnparsableRollout",
    "is_traced",
    "parse",
    "tool_call_text",
    "traced_messages",
]


class Parsed(NamedTuple):
    """One rollout, read; a named tuple, as there is one a rollout."""

    segments: tuple[Segment, ...]
    format_error: str | None
    """What the policy got wrong; None where the format holds or was not asked of this input."""
    answer: str | None = None
    """The last answer, without the notation around it; None where the rollout gives none."""
    flags: tuple[str, ...] = ()
    """What could not be read, in the order of `FLAGS`."""
    is_balanced: bool = True
    """Whether the grammar `balanced` finds no error; true of steps, which have no marks."""


def parse(source: Text | Messages | Steps, grammar: str, rules: AnswerRules | None = None) -> Parsed:
    """Return one rollout as segments, with its format verdict and its answer.

    Args:
        source: the rollout as it was sent.
        grammar: a name in `GRAMMARS`.
        rules: where the profile looks for the answer; None: between the dialect's marks, or in the last text.

    Returns:
        Its segments in order, the format verdict, the answer, and what could not be read.

    Raises:
        UnparsableRollout: the record itself is broken, which is the caller's doing and not the policy's.
    """
    rules = rules or AS_MARKED
    match source:
        case Steps():
            return _cut_already(source, rules)
        case Text():
            name = SHORT_FORMS.get(source.format)
            if name or source.format == PLAIN:
                dialect = name or source.reading.dialect or DEFAULT_DIALECT
                return _judged(read_string(source.text, dialect, source.reading, rules), grammar, rules)
            transcript = CONTAINERS[source.format](source.text)
            return _parse(transcript, source.reading, source.reading.dialect, grammar, rules=rules)
        case Messages():
            transcript = messages(source.messages[source.prompt_messages :])
            return _parse(transcript, source.reading, source.reading.dialect, grammar, rules=rules)
        case _:
            assert_never(source)


def _parse(
    transcript: Transcript, reading: Reading, dialect: str | None, grammar: str, *, rules: AnswerRules
) -> Parsed:
    done = read(transcript, dialect or transcript.dialect or DEFAULT_DIALECT, reading, rules)
    return _judged(done, grammar, rules, thoughts_count=not transcript.roles_lost)


def _judged(done: Read, grammar: str, rules: AnswerRules, *, thoughts_count: bool = True) -> Parsed:
    segments = tuple(_segments(done, thoughts_count=thoughts_count))
    format_error = GRAMMARS[grammar](done.written)
    is_balanced = (format_error if grammar == BALANCED else GRAMMARS[BALANCED](done.written)) is None
    return _parsed(segments, format_error, rules, done.flags, is_balanced=is_balanced)


def _parsed(
    segments: tuple[Segment, ...],
    format_error: str | None,
    rules: AnswerRules,
    flags: set[str],
    *,
    is_balanced: bool = True,
) -> Parsed:
    has_thoughts, answer = False, None
    for kind, text in segments:
        if kind is THOUGHT:
            has_thoughts = has_thoughts or not (not text or text.isspace())
        elif kind is SegmentKind.ANSWER:
            answer = text
    if not has_thoughts:
        flags = flags | {NO_THOUGHTS}
    said = None if answer is None else unwrap(answer, rules.kinds)
    told = tuple(filter(flags.__contains__, FLAGS)) if flags else ()
    return Parsed(segments, format_error, said, told, is_balanced)


def _segments(done: Read, *, thoughts_count: bool) -> list[Segment]:
    """Return what is left as segments: no stray marks, and no response of the policy's own making."""
    segments: list[Segment] = []
    for turn in done.turns:
        own = turn.author is Author.POLICY and not done.counts_own_responses
        for blocks in turn.texts:
            segments += [
                _as_segment((block.kind, block.text))
                for block in blocks
                if block.kind is not None and (block.opened or block.text)
                if thoughts_count or block.kind is not THOUGHT
                if not (own and block.kind is RESPONSE and block.is_marked)
            ]
    return segments


def _given_by_a_tool(step: Segment, rules: AnswerRules) -> str | None:
    """Return the answer that a step gives as a call of a finishing tool."""
    if step.kind is not SegmentKind.TOOL_CALL or not rules.tools:
        return None
    name, _, arguments = step.text.partition(" ")
    return answer_in(named_call(name, arguments), rules.tools)


def _cut_already(source: Steps, rules: AnswerRules) -> Parsed:
    """Take steps as they were cut; what is between marks of calls or responses inside their thoughts is left out.

    The call of a finishing tool is the answer here too.
    """
    flags: set[str] = set()

    def left(segments: Iterable[Segment]) -> Iterator[Segment]:
        for segment in segments:
            if segment.kind is not SegmentKind.THOUGHT:
                answer = _given_by_a_tool(segment, rules)
                yield segment if answer is None else Segment(SegmentKind.ANSWER, answer)
                continue
            blocks, is_foreign = hide([Block(segment.kind, segment.text, is_marked=False)], DEFAULT_DIALECT)
            flags.update({FOREIGN_MARKUP} if is_foreign else ())
            yield from (Segment(segment.kind, block.text) for block in blocks)

    segments = tuple(left(source.segments))
    return _parsed(segments, None, rules, flags)
