"""What adapters share whose trainer hands over whole groups: one call a group, and validation rollouts one by one.

A client is opened for each batch: trainers run adapters in loops that come and go. No call is larger than a group, so no
batch is too large for the service, and replicas share it.
"""

import asyncio
import json
import uuid
from collections.abc import Coroutine, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any, TypeVar

from reward_service.client.aio import AsyncClient
from reward_service.client.calls import OnError
from reward_service.client.groups import Group, GroupRewards, RolloutReward
from reward_service.client.options import NoReward, Options
from reward_service.core.types import Messages, Rollout, Text

T = TypeVar("T")
Row = Mapping[str, Any]
# Calls at once for one batch: enough to keep a few replicas busy, few enough not to be told to come later.
AT_ONCE = 32
# Of an evaluation: some profiles must be told one, and an outcome does not depend on it.
ANY_PROGRESS = 1.0


def client_of(options: Options, on_error: OnError = "raise", *, connections: int = 4096) -> AsyncClient:
    """Return a client for the calls of one batch."""
    return AsyncClient(
        options.url,
        api_key=options.api_key,
        api_key_file=options.api_key_file,
        patience=options.patience,
        on_error=on_error,
        connections=connections,
    )


async def together(calls: Sequence[Coroutine[Any, Any, T]]) -> list[T]:
    """Await calls that run at once; where one fails, the others end before its error is raised."""
    tasks = [asyncio.ensure_future(call) for call in calls]
    try:
        return await asyncio.gather(*tasks)
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)


def blocking(call: Coroutine[Any, Any, T]) -> T:
    """Return what a call returns, for code that is not async, whether or not a loop runs in its thread."""
    with ThreadPoolExecutor(1) as thread:
        return thread.submit(asyncio.run, call).result()


async def train(
    options: Options,
    groups: Sequence[tuple[Row, Sequence[Rollout]]],
    on_error: OnError = "raise",
    *,
    estimator: str | Mapping[str, Any] | None = None,
    progress: float | None = None,
) -> list[GroupRewards]:
    """Score whole groups, each with the row of data it is about; one result a group, in order."""
    asked = [options.group(uuid.uuid4().hex, row, list(rollouts)) for row, rollouts in groups]
    async with client_of(options, on_error, connections=AT_ONCE) as client:

        async def score(group: Group) -> GroupRewards:
            [scored] = await client.score_groups(
                [group], profile=options.profile, estimator=estimator, progress=progress
            )
            return scored

        return await together([score(group) for group in asked])


async def evaluate(
    options: Options, rollouts: Sequence[tuple[Row, Rollout]], on_error: OnError = "raise"
) -> list[RolloutReward]:
    """Score rollouts by their outcome alone, each as a group of its own."""
    alone = [(row, [rollout]) for row, rollout in rollouts]
    groups = await train(options, alone, on_error, progress=ANY_PROGRESS)
    return [outcome_only(group.rollouts[0]) for group in groups]


async def pay(
    options: Options,
    groups: Sequence[tuple[Row, Sequence[Rollout]]],
    on_error: OnError = "raise",
    *,
    training: bool | None = None,
    step: int | None = None,
) -> list[list[RolloutReward]]:
    """Pay groups of training as groups, and the rollouts of all others by their outcome; in order.

    Args:
        options: whom to ask, and how.
        groups: rollouts, each group with the row of data it is about.
        on_error: how to treat rewards that cannot be obtained.
        training: whether all of them are training; None reads it in each row.
        step: of the training; None where the trainer does not say it.
    """
    trains = [is_training(options, row) if training is None else training for row, _ in groups]
    whole = [group for group, is_one in zip(groups, trains, strict=True) if is_one]
    alone = [
        (row, one)
        for (row, rollouts), is_one in zip(groups, trains, strict=True)
        for one in rollouts
        if not is_one
    ]
    scored = iter(await train(options, whole, on_error, progress=options.progress(step)))
    evaluated = iter(await evaluate(options, alone, on_error))
    return [
        list(next(scored).rollouts) if is_one else [next(evaluated) for _ in rollouts]
        for (_, rollouts), is_one in zip(groups, trains, strict=True)
    ]


def reward_of(paid: RolloutReward) -> float:
    """Return a reward, for trainers whose word for a missing one is an exception.

    Raises:
        NoReward: there is none.
    """
    if paid.reward is None:
        raise NoReward(f"rollout {paid.rollout_id}: {paid.status} {paid.detail or ''}".strip())
    return paid.reward


def outcome_only(paid: RolloutReward) -> RolloutReward:
    """Pay 1 for a correct rollout and 0 for another; one without a reward stays without."""
    reward = None if paid.reward is None else float(paid.outcome == "correct")
    return replace(paid, reward=reward, advantage=None, normalized_match_rate=None)


def is_training(options: Options, row: Row) -> bool:
    """Return whether a row is of the training split; without the column, all are."""
    return options.split_key is None or row.get(options.split_key) in (None, options.train_split)


def columns_of(label: Any, options: Options) -> dict[str, Any]:
    """Read a label, the one column some trainers pass on: columns as an object or its JSON, or the question's id."""
    if isinstance(label, Mapping):
        return dict(label)
    try:
        columns = json.loads(label) if isinstance(label, str) else None
    except ValueError:
        columns = None
    return columns if isinstance(columns, dict) else {options.question_key: label}


def source_of(said: str | Sequence[Mapping[str, Any]], options: Options) -> Text | Messages:
    """Return a rollout as it was handed over: text, or chat messages."""
    if isinstance(said, str):
        return Text(said, options.format, options.reading)
    return Messages(tuple(said), reading=options.reading)
