"""Checks before anything is measured: refuse calls, groups and questions that exceed a limit or cannot be used.

The checks use only sizes and counts. Every refusal gives the path of the part of the call that the caller can fix.
"""

from collections.abc import Sequence, Sized
from typing import Any, NamedTuple, assert_never

from entity_index.types import Question
from reward_service.core.types import Messages, Rollout, RolloutFacts, Steps, Text, Unreadable
from reward_service.serve.config import Settings
from reward_service.serve.errors import DuplicateRolloutId, EmptyGroup, InvalidRequest, LimitExceeded

DUPLICATE = "ids must be unique within a group"


# What measuring costs, in characters of a rollout: a step or message of its own, and a character of a question that is new here.
STEP_CHARS = 64
QUESTION_CHARS = 32


def check_call(rollouts: Sequence[int], settings: Settings) -> None:
    """Refuse a call with too many groups, or too many rollouts in all of them.

    Args:
        rollouts: how many each group has.
        settings: the limits.

    Raises:
        InvalidRequest: there are more than `max_groups` or `max_call_rollouts`.
    """
    if len(rollouts) > settings.max_groups:
        raise InvalidRequest(f"a call may have at most {settings.max_groups} groups", path="/groups")
    if sum(rollouts) > settings.max_call_rollouts:
        raise InvalidRequest(f"a call may have at most {settings.max_call_rollouts} rollouts", path="/groups")


def check_group(rollouts: Sequence[Rollout], question: Question, settings: Settings, path: str) -> int:
    """Refuse a group that cannot be scored; return how much work it is, in characters of a rollout.

    Args:
        rollouts: its rollouts, not yet parsed.
        question: its ground truth.
        settings: the limits.
        path: JSON Pointer to the group.

    Raises:
        EmptyGroup, DuplicateRolloutId, LimitExceeded: with the path of what is wrong.
    """
    check_size(rollouts, settings, path)
    work = _check_rollouts(rollouts, settings, path)
    return work + QUESTION_CHARS * _check_question(question, settings, f"{path}/question")


def check_size(rollouts: Sequence[object], settings: Settings, path: str) -> None:
    """Refuse a group without rollouts, or with too many.

    Raises:
        EmptyGroup: it has none.
        LimitExceeded: it has more than `max_rollouts`.
    """
    if not rollouts:
        raise EmptyGroup("a group needs at least one rollout", path=f"{path}/rollouts")
    if len(rollouts) > settings.max_rollouts:
        raise LimitExceeded(
            f"a group may have at most {settings.max_rollouts} rollouts", path=f"{path}/rollouts"
        )


def check_facts(facts: Sequence[RolloutFacts], settings: Settings, path: str) -> None:
    """Refuse the facts of a group that no rollout within the limits could have.

    Raises:
        EmptyGroup, DuplicateRolloutId, LimitExceeded: with the path of what is wrong.
    """
    check_size(facts, settings, path)
    check_unique([one.rollout_id for one in facts], path)
    if facts[0].entities > settings.max_entities:
        raise LimitExceeded(
            f"a question may have at most {settings.max_entities} entities", path=f"{path}/entities"
        )
    for n, one in enumerate(facts):
        check_signals(one, settings, f"{path}/rollouts/{n}")
        if max(one.mentions, one.grounded) > settings.max_rollout_chars:
            raise LimitExceeded("a rollout has fewer characters than that", path=f"{path}/rollouts/{n}")


def check_signals(one: Rollout | RolloutFacts, settings: Settings, path: str) -> None:
    """Refuse a rollout with too many signals, or with signals of more turns than it can have.

    Raises:
        LimitExceeded: it has more than `max_signals` of a kind, or a row of more than `max_steps` turns and one.
    """
    if not (one.signals or one.turn_signals or one.anchor):
        return
    for name, signals in (("signals", one.signals), ("turn_signals", one.turn_signals)):
        if len(signals) > settings.max_signals:
            raise LimitExceeded(
                f"a rollout may have at most {settings.max_signals} {name}", path=f"{path}/{name}"
            )
    rows: dict[str, Sized] = {f"turn_signals/{name}": row for name, row in one.turn_signals.items()}
    for name, row in {**rows, "anchor": one.anchor}.items():
        if len(row) > settings.max_steps + 1:
            raise LimitExceeded(
                f"a rollout may have at most {settings.max_steps} turns", path=f"{path}/{name}"
            )


def check_unique(rollout_ids: Sequence[str], path: str) -> None:
    """Refuse a group in which two rollouts share an id.

    Raises:
        DuplicateRolloutId: two do.
    """
    if len(set(rollout_ids)) < len(rollout_ids):
        raise DuplicateRolloutId(DUPLICATE, path=f"{path}/rollouts")


def check_entities(question: Question, limit: int, path: str) -> None:
    """Refuse more than `limit` entities, or more aliases than that for one of them.

    Raises:
        LimitExceeded: with the path of the entity.
    """
    if len(question.entities) > limit:
        raise LimitExceeded(f"a question may have at most {limit} entities", path=path)
    for n, entity in enumerate(question.entities):
        if len(entity.aliases) > limit:
            raise LimitExceeded(f"an entity may have at most {limit} aliases", path=f"{path}/{n}/aliases")


class Extent(NamedTuple):
    """How much of something there is."""

    chars: int
    """Characters of text."""
    steps: int
    """Steps; of messages, every value in their lists and objects."""


def extent(rollout: Rollout, *, most: int) -> Extent:
    """Return how much text a rollout carries, in how many steps; it stops counting soon after `most` steps."""
    match rollout.source:
        case Text(text=text):
            return Extent(len(text), 1)
        case Steps(segments):
            return Extent(sum(len(segment.text) for segment in segments), len(segments))
        case Messages(messages=messages):
            return _extent(messages, most)
        case Unreadable():
            return Extent(0, 0)
        case _:
            assert_never(rollout.source)


def _check_question(question: Question, settings: Settings, path: str) -> int:
    """Refuse a question that is too long, or whose entities cannot be used; return how many characters it has."""
    if len(question.answers) > settings.max_entities:
        raise LimitExceeded(
            f"a question may have at most {settings.max_entities} answers", path=f"{path}/answers"
        )
    check_entities(question, settings.max_entities, f"{path}/entities")
    names = sum(len(name) for entity in question.entities for name in (entity.name, *entity.aliases))
    rubrics = sum(len(one.statement) for one in question.rubrics)
    chars = len(question.text) + sum(map(len, question.answers)) + names + rubrics
    if chars > settings.max_question_chars:
        raise LimitExceeded(
            f"a question may have at most {settings.max_question_chars} characters", path=path
        )
    return chars


def _check_rollouts(rollouts: Sequence[Rollout], settings: Settings, path: str) -> int:
    """Refuse the first rollout that repeats an id or is too long; return how much work all are."""
    seen: set[str] = set()
    work = 0
    for n, rollout in enumerate(rollouts):
        at = f"{path}/rollouts/{n}"
        if rollout.rollout_id in seen:
            raise DuplicateRolloutId(DUPLICATE, path=f"{at}/rollout_id")
        chars, steps = extent(rollout, most=settings.max_steps)
        if chars > settings.max_rollout_chars:
            raise LimitExceeded(
                f"a rollout may have at most {settings.max_rollout_chars} characters", path=at
            )
        if steps > settings.max_steps:
            raise LimitExceeded(f"a rollout may have at most {settings.max_steps} steps", path=at)
        check_signals(rollout, settings, at)
        seen.add(rollout.rollout_id)
        work += chars + STEP_CHARS * (1 + steps)
    return work


def _extent(messages: Sequence[object], most: int) -> Extent:
    """Count the characters of the strings in a JSON value, and its values."""
    chars = steps = 0
    containers: list[Any] = [messages]
    for container in containers:  # it grows as it is read
        steps += len(container)
        if steps > most:
            break
        for item in container.values() if type(container) is dict else container:
            if type(item) is str:
                chars += len(item)
            elif type(item) is dict or type(item) is list:
                containers.append(item)
    return Extent(chars, steps)
