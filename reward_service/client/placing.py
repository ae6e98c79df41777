"""Advantages on tokens, for trainers that take advantages from outside.

The service's turns are told apart by tool responses, as spans of tokens are: the policy's first span after another's begins
a turn. What others wrote has advantage 0; trainers mask it anyway.
"""

import logging
from collections.abc import Iterable, Sequence
from typing import Any

from reward_service.client.groups import RolloutReward
from reward_service.client.spans import Tokenizer, text_of

log = logging.getLogger("reward_service.client")

Spans = Sequence[tuple[bool, Sequence[int]]]


def by_token(spans: Spans, tokenizer: Tokenizer, paid: RolloutReward) -> list[float]:
    """Return one advantage per token of all spans, times the weight of the filters.

    If the service counts other turns than the spans do, or the profile has no rule for turns, every token of the policy has
    the rollout's advantage. Without an advantage all are 0.
    """
    turns = _turns(spans, tokenizer)
    of_turns = advantages_of(paid, max(turns, default=-1) + 1)
    return [
        of_turns[turn] if is_own else 0.0
        for (is_own, ids), turn in zip(spans, turns, strict=True)
        for _ in ids
    ]


def advantages_of(paid: RolloutReward, turns: int) -> list[float]:
    """Return an advantage for each of so many turns, times the weight of the filters; 0 where there is none.

    Args:
        paid: the rollout's result.
        turns: how many there are where the advantages go.
    """
    if paid.advantage is None:
        return [0.0] * turns
    weight = 1.0 if paid.weight is None else paid.weight
    if paid.turn_advantages is not None and len(paid.turn_advantages) == turns:
        return [weight * advantage for advantage in paid.turn_advantages]
    if paid.turn_advantages is not None:
        log.warning(
            "rollout %s: the service counts %s turns and the trainer %s; all of them get the rollout's advantage",
            paid.rollout_id,
            len(paid.turn_advantages),
            turns,
        )
    return [weight * paid.advantage] * turns


def placed_advantages(token_level_rewards: Any, response_mask: Any, **_: object) -> tuple[Any, Any]:
    """Return advantages and returns where the rewards of tokens are advantages already: they are kept, on the policy's tokens.

    An advantage estimator for verl and SkyRL, to be registered there by a name.
    """
    advantages = token_level_rewards * response_mask
    return advantages, advantages


def _turns(spans: Spans, tokenizer: Tokenizer) -> list[int]:
    """Return the turn of each span; blank ones begin none, and what comes before the policy's first belongs to it."""
    turns: list[int] = []
    turn, is_answered = 0, False
    has_spoken = False
    for is_own, ids in spans:
        is_blank = not text_of(ids, tokenizer).strip()
        if is_own and is_answered and not is_blank:
            turn += 1
        if not is_blank:
            is_answered = has_spoken and not is_own
            has_spoken |= is_own
        turns.append(turn)
    return turns


def cut(values: Iterable[float], lengths: Sequence[int]) -> list[list[float]]:
    """Return values in rows of these lengths."""
    rest = iter(values)
    return [[next(rest) for _ in range(length)] for length in lengths]
