"""Shorthand for the unit tests of matching."""

from entity_index.types import Entity, Question
from reward_service.core.matching import (
    Matching,
    MatchSpec,
    MentionNames,
    compile_question,
    match_group,
)
from reward_service.core.profiles import shipped
from reward_service.core.types import Segment, SegmentKind

EGRPO, EGRPO_GUARDED, EGRPO_PAPER = (
    shipped()[name].measure.matching for name in ("egrpo", "egrpo-guarded", "egrpo-paper")
)


def thought(text: str) -> Segment:
    return Segment(SegmentKind.THOUGHT, text)


def tool(text: str) -> Segment:
    return Segment(SegmentKind.TOOL_RESPONSE, text)


def asked(
    *names: str, text: str = "", answers: tuple[str, ...] = (), aliases: tuple[str, ...] = ()
) -> Question:
    return Question(text, answers, tuple(Entity(name, aliases) for name in names))


def match(
    question: Question, *segments: Segment, spec: MatchSpec = EGRPO, names: MentionNames | None = None
) -> Matching:
    return match_group([segments], compile_question(question, spec), explain=True, names=names)[0]
