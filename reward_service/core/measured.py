"""Signals measured from the text of a rollout, each a number that counts or compares and knows no group.

`MEASURES` has a function for each name in `reward_service.core.signals.MEASURED`; plug-ins are given by the caller. A profile
that reads none of them has none measured. None is a quantity that the question does not have; a number that cannot be told is
left out.
"""

from collections.abc import Callable, Collection, Mapping
from math import isfinite
from types import MappingProxyType
from typing import NamedTuple

from entity_index.types import Question
from reward_service.core.checkers.squad import token_f1
from reward_service.core.matching import NEVER, GroupText, Matching, answer_shown, can_be_shown
from reward_service.core.trajectory import Parsed
from reward_service.core.trajectory.turns import turns_of
from reward_service.core.types import RolloutView, Row, SegmentKind

MEASURED_VERSION = 1
"""What the numbers mean; part of the engine."""
RESPONSE = SegmentKind.TOOL_RESPONSE


Plugin = Callable[[RolloutView], float]
"""A function from a rollout to a finite number. It must return the same number for the same rollout."""


class PluginFailed(Exception):
    """A plug-in raised, or returned no finite number; the message quotes nothing of the rollout."""


class Measurable(NamedTuple):
    """What one rollout is measured from."""

    parsed: Parsed
    matching: Matching
    question: Question
    shown: int | None = None
    """Segment that first shows a gold answer, `NEVER` if none does; None if that was not looked for or cannot be told."""


class Measure(NamedTuple):
    """How one number is measured."""

    tell: Callable[[Measurable], float | None]
    """None: the question has no such quantity."""
    can_tell: Callable[[Measurable], bool] = lambda _one: True


class TurnMeasure(NamedTuple):
    """How a number per turn is measured."""

    tell: Callable[[Measurable], Row]
    can_tell: Callable[[Measurable], bool]


def _f1(one: Measurable) -> float:
    return max(token_f1(one.parsed.answer or "", gold) for gold in one.question.answers)


def _answer_seen(one: Measurable) -> int | None:
    return None if one.shown is None else int(one.shown < NEVER)


def _answer_seen_can_be_told(one: Measurable) -> bool:
    return one.shown is not None or (bool(one.question.answers) and not can_be_shown(one.question))


def _number_of(one: Measurable, kind: SegmentKind) -> int:
    return sum(segment.kind is kind for segment in one.parsed.segments)


def _retrieved(one: Measurable) -> int:
    return sum(segment.kind is RESPONSE and bool(segment.text.strip()) for segment in one.parsed.segments)


MEASURES: Mapping[str, Measure] = MappingProxyType(
    {
        "f1": Measure(_f1, lambda one: bool(one.question.answers)),
        "format_valid": Measure(lambda one: int(one.parsed.is_balanced)),
        "answered": Measure(lambda one: int(bool((one.parsed.answer or "").strip()))),
        "answer_seen": Measure(_answer_seen, _answer_seen_can_be_told),
        "named_before_seen": Measure(lambda one: one.matching.early),
        "retrieved": Measure(_retrieved),
        "tool_calls": Measure(lambda one: _number_of(one, SegmentKind.TOOL_CALL)),
        "turns": Measure(lambda one: len(turns_of(one.parsed.segments))),
    }
)


def _answer_seen_turn(one: Measurable) -> Row:
    turns = turns_of(one.parsed.segments)
    if one.shown is None:
        return (None,) * len(turns)
    return tuple(int(one.shown in turn) for turn in turns)


TURN_MEASURES: Mapping[str, TurnMeasure] = MappingProxyType(
    {"answer_seen_turn": TurnMeasure(_answer_seen_turn, _answer_seen_can_be_told)}
)


def shown_in(read: GroupText, question: Question, names: Collection[str]) -> list[int | None]:
    """Return the segment of each rollout that first shows a gold answer; None throughout if no name needs it."""
    if not {"answer_seen", "answer_seen_turn"}.isdisjoint(names) and can_be_shown(question):
        return answer_shown(read, question)
    return [None] * len(read.rollouts)


def measured(one: Measurable, names: Collection[str]) -> dict[str, float | None]:
    """Return the numbers of one rollout, by name; a number that cannot be told is left out."""
    return {name: MEASURES[name].tell(one) for name in names if MEASURES[name].can_tell(one)}


def measured_turns(one: Measurable, names: Collection[str]) -> dict[str, Row]:
    """Return the numbers per turn of one rollout, by name; what cannot be told is left out."""
    return {name: TURN_MEASURES[name].tell(one) for name in names if TURN_MEASURES[name].can_tell(one)}


def plugged(one: Measurable, plugins: Mapping[str, Plugin]) -> dict[str, float]:
    """Return the numbers that plug-ins give one rollout, by name.

    Raises:
        PluginFailed: a plug-in raised, or returned no finite number.
    """
    question = one.question
    view = RolloutView(
        one.parsed.segments,
        one.parsed.answer,
        question.text,
        question.answers,
        tuple(entity.name for entity in question.entities),
    )
    return {name: _told(name, plugin, view) for name, plugin in plugins.items()}


def _told(name: str, plugin: Plugin, view: RolloutView) -> float:
    try:
        number = float(plugin(view))
    except Exception as error:  # whatever it raises, this rollout is unscored and the group goes on
        raise PluginFailed(f"{name}: the plug-in failed with {type(error).__name__}") from error
    if not isfinite(number):
        raise PluginFailed(f"{name}: the plug-in returned no finite number")
    return number
