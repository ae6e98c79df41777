"""What adapters share whose trainer hands over whole groups: one call a group, and validation rollouts one by one.

Each call opens its own connection: trainers run adapters in loops that come and go, and a group is worth a connection.
"""

import json
import uuid
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from reward_service.client.aio import AsyncClient
from reward_service.client.calls import OnError
from reward_service.client.options import Options
from reward_service.client.values import GroupRewards, RolloutReward
from reward_service.types import Messages, Rollout, Text


def client_of(options: Options, on_error: OnError = "raise") -> AsyncClient:
    """Return a client for one call, or for a few."""
    return AsyncClient(options.url, api_key=options.api_key, patience=options.patience, on_error=on_error)


async def train(
    options: Options, groups: Sequence[tuple[Mapping[str, Any], list[Rollout]]], on_error: OnError = "raise"
) -> list[GroupRewards]:
    """Score whole groups, each with the row of data it is about; one result a group, in order."""
    if not groups:
        return []
    asked = [options.group(uuid.uuid4().hex, row, rollouts) for row, rollouts in groups]
    async with client_of(options, on_error) as client:
        return await client.score_groups(asked, profile=options.profile)


async def evaluate(
    options: Options, rollouts: Sequence[tuple[Mapping[str, Any], Rollout]], on_error: OnError = "raise"
) -> list[RolloutReward]:
    """Score rollouts by their outcome alone, each as a group of its own."""
    groups = await train(options, [(row, [rollout]) for row, rollout in rollouts], on_error)
    return [outcome_only(group.rollouts[0]) for group in groups]


def outcome_only(paid: RolloutReward) -> RolloutReward:
    """Pay 1 for a correct rollout and 0 for another; one without a reward stays without."""
    reward = None if paid.reward is None else float(paid.outcome == "correct")
    return replace(paid, reward=reward, advantage=None, normalized_match_rate=None)


def is_training(options: Options, row: Mapping[str, Any]) -> bool:
    """Return whether a row is of the training split; without the column, all are."""
    return row.get(options.split_key) in (None, options.train_split)


def columns_of(label: str | None, options: Options) -> dict[str, Any]:
    """Read a label, the one column some trainers pass on: a JSON object with columns, or the question's id."""
    try:
        columns = json.loads(label or "")
    except ValueError:
        columns = None
    return columns if isinstance(columns, dict) else {options.question_key: label}


def source_of(said: str | Sequence[Mapping[str, Any]], options: Options) -> Text | Messages:
    """Return a rollout as it was handed over: text, or chat messages."""
    return Text(said, options.format) if isinstance(said, str) else Messages(tuple(said))
