"""Verdicts that err at given rates, to measure in training what an imperfect checker costs.

Only answers can be misjudged: a rollout with a format error, or one that was cut off, keeps its outcome. The chance
depends on the seed, the group and the rollout alone, so a resumed run draws the same errors.
"""

import random
from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

from reward_service.client import GroupRewards, Outcome, RolloutReward
from reward_service.trainer.rewards import Asked, R_co


class ErrorRates(NamedTuple):
    """How often a checker errs, each in [0, 1]."""

    false_rejects: float = 0.0
    """Share of correct answers that are called wrong."""
    false_accepts: float = 0.0
    """Share of wrong answers that are called correct."""


def with_errors(
    asked: Sequence[Asked[R_co]], checked: Sequence[GroupRewards], rates: ErrorRates, *, seed: int
) -> list[Asked[R_co]]:
    """Return the groups with a verdict for every answer, some of them changed.

    Args:
        asked: the groups.
        checked: what the service said of them, in the same order.
        rates: how often a verdict is changed.
        seed: the same seed changes the same verdicts.
    """
    return [
        replace(one, verdicts=_judged(group, rates, random.Random(f"verdicts {seed} {one.group_id}")))  # noqa: S311  # repeatable chance
        for one, group in zip(asked, checked, strict=True)
    ]


def _judged(group: GroupRewards, rates: ErrorRates, chance: random.Random) -> tuple[Outcome | None, ...]:
    return tuple(_verdict(rollout, rates, chance.random()) for rollout in group.rollouts)


def _verdict(rollout: RolloutReward, rates: ErrorRates, draw: float) -> Outcome | None:
    """Return the verdict on one rollout; None leaves it as it is."""
    match rollout.outcome:
        case "correct":
            return Outcome.WRONG if draw < rates.false_rejects else Outcome.CORRECT
        case "wrong":
            return Outcome.CORRECT if draw < rates.false_accepts else Outcome.WRONG
        case _:
            return None
