"""Checks before anything is measured: refuse calls, groups and questions that exceed a limit or cannot be used.

The checks use only sizes and counts. Every refusal gives the path of the part of the call that the caller can fix.
"""

from collections.abc import Sequence
from typing import Any, assert_never

from entity_index.types import Question
from entity_index.usable import why_unusable
from reward_service.core.types import Messages, Rollout, Steps, Text, Unreadable
from reward_service.serve.config import Settings
from reward_service.serve.errors import (
    DuplicateRolloutId,
    EmptyGroup,
    InvalidRequest,
    LimitExceeded,
    UnusableEntity,
)

DUPLICATE = "ids must be unique within a group"


def check_groups(count: int, settings: Settings) -> None:
    """Refuse a call with too many groups.

    Raises:
        InvalidRequest: there are more than `max_groups`.
    """
    if count > settings.max_groups:
        raise InvalidRequest(f"a call may have at most {settings.max_groups} groups", path="/groups")


def check_group(rollouts: Sequence[Rollout], question: Question, settings: Settings, path: str) -> int:
    """Refuse a group that cannot be scored; return how many characters its rollouts have.

    Args:
        rollouts: its rollouts, not yet parsed.
        question: its ground truth.
        settings: the limits.
        path: JSON Pointer to the group.

    Raises:
        EmptyGroup, DuplicateRolloutId, LimitExceeded, UnusableEntity: with the path of what is wrong.
    """
    check_not_empty(rollouts, path)
    chars = _check_rollouts(rollouts, settings.max_rollout_chars, path)
    if len(rollouts) > settings.max_rollouts:
        raise LimitExceeded(
            f"a group may have at most {settings.max_rollouts} rollouts", path=f"{path}/rollouts"
        )
    check_entities(question, settings.max_entities, f"{path}/question/entities")
    return chars


def check_not_empty(rollouts: Sequence[object], path: str) -> None:
    """Refuse a group without rollouts.

    Raises:
        EmptyGroup: it has none.
    """
    if not rollouts:
        raise EmptyGroup("a group needs at least one rollout", path=f"{path}/rollouts")


def check_unique(rollout_ids: Sequence[str], path: str) -> None:
    """Refuse a group in which two rollouts share an id.

    Raises:
        DuplicateRolloutId: two do.
    """
    if len(set(rollout_ids)) < len(rollout_ids):
        raise DuplicateRolloutId(DUPLICATE, path=f"{path}/rollouts")


def check_entities(question: Question, limit: int, path: str) -> None:
    """Refuse entities that would match nothing, or anything, and more than `limit` of them or of their spellings.

    Raises:
        UnusableEntity, LimitExceeded: with the path of the entity.
    """
    if len(question.entities) > limit:
        raise LimitExceeded(f"a question may have at most {limit} entities", path=path)
    for n, entity in enumerate(question.entities):
        if why := why_unusable(entity.name):
            raise UnusableEntity(f"the name {why}", path=f"{path}/{n}/name")
        if len(entity.aliases) > limit:
            raise LimitExceeded(f"an entity may have at most {limit} aliases", path=f"{path}/{n}/aliases")


def rollout_chars(rollout: Rollout) -> int:
    """Return how many characters of text a rollout carries."""
    match rollout.source:
        case Text(text=text):
            return len(text)
        case Steps(segments):
            return sum(len(segment.text) for segment in segments)
        case Messages(messages=messages):
            return _chars(messages)
        case Unreadable():
            return 0
        case _:
            assert_never(rollout.source)


def _check_rollouts(rollouts: Sequence[Rollout], limit: int, path: str) -> int:
    """Refuse the first rollout that repeats an id or is too long; return the characters of all."""
    seen: set[str] = set()
    total = 0
    for n, rollout in enumerate(rollouts):
        if rollout.rollout_id in seen:
            raise DuplicateRolloutId(DUPLICATE, path=f"{path}/rollouts/{n}/rollout_id")
        if (chars := rollout_chars(rollout)) > limit:
            raise LimitExceeded(f"a rollout may have at most {limit} characters", path=f"{path}/rollouts/{n}")
        seen.add(rollout.rollout_id)
        total += chars
    return total


def _chars(value: Sequence[object]) -> int:
    """Count the characters of the strings in a JSON value."""
    found = 0
    containers: list[Any] = [value]
    for container in containers:  # it grows as it is read
        for item in container.values() if type(container) is dict else container:
            if type(item) is str:
                found += len(item)
            elif type(item) is dict or type(item) is list:
                containers.append(item)
    return found
