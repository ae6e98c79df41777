"""Estimators over all groups of a training step. Each is wrong on a part of the batch: it would divide by another spread.

They apply only where the whole batch is in one call, so a run that is assembled group by group cannot use them.
"""

# B: groups in the batch, G: rollouts in a group, which may differ between groups

from collections.abc import Callable, Mapping, Sequence
from math import fsum, sqrt
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.spread import centred, is_flat, standardized, std_of
from reward_service.core.types import Estimator

WHITENING = 1e-8  # verl, masked_whiten: added to the variance


class BatchRollout(NamedTuple):
    """What a batch estimator reads of one scored rollout."""

    reward: float
    length: int = 1
    """Tokens that the policy wrote, at least 1."""
    terms: Mapping[str, float] = MappingProxyType({})
    """By term: its value before it is weighted."""


Batch = Sequence[Sequence[BatchRollout]]


def batch_std(batch: Batch, estimator: Estimator, _weights: Mapping[str, float]) -> list[list[float]]:
    """Centre each group, and divide by the spread of the whole batch: (R - group mean) / (std + ε) (TRL, scale_rewards=batch).

    TRL's ε is 1e-4.
    """
    rewards = [one.reward for group in batch for one in group]
    below = estimator.epsilon + (0.0 if is_flat(rewards) else std_of(_deviations(rewards), estimator.ddof))
    return [[d / below if d else 0.0 for d in centred([one.reward for one in group])] for group in batch]


def reinforce_plus_plus_baseline(
    batch: Batch, _estimator: Estimator, _weights: Mapping[str, float]
) -> list[list[float]]:
    """Centre each group, and whiten over all tokens of the batch (REINFORCE++-baseline, arXiv:2501.03262; verl)."""
    return _whitened([centred([one.reward for one in group]) for group in batch], batch)


def gdpo(batch: Batch, estimator: Estimator, weights: Mapping[str, float]) -> list[list[float]]:
    """Standardise each term within its group, add them up by weight, whiten over all tokens (GDPO, arXiv:2601.05242; verl)."""
    return _whitened(_summed(batch, estimator, weights), batch)


def gdpo_trl(batch: Batch, estimator: Estimator, weights: Mapping[str, float]) -> list[list[float]]:
    """Do as `gdpo`, but standardise the sums over the batch's rollouts (TRL, normalize_then_sum). TRL's ε is 1e-4."""
    sums = _summed(batch, estimator, weights)
    return _in_groups(standardized([value for group in sums for value in group], estimator), sums)


BATCH_ESTIMATORS: Mapping[str, Callable[[Batch, Estimator, Mapping[str, float]], list[list[float]]]] = (
    MappingProxyType(
        {
            "batch_std": batch_std,
            "reinforce_plus_plus_baseline": reinforce_plus_plus_baseline,
            "gdpo": gdpo,
            "gdpo_trl": gdpo_trl,
        }
    )
)
"""Each takes the scored rollouts of all groups, the estimator, and the weight of each term; and returns A in that shape."""

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {"reinforce_plus_plus_baseline": ("length",), "gdpo": ("length",)}
)
"""Fields of the facts that a batch estimator weighs rollouts by."""


def _deviations(values: Sequence[float]) -> list[float]:
    mean = fsum(values) / len(values)
    return [value - mean for value in values]


def _summed(batch: Batch, estimator: Estimator, weights: Mapping[str, float]) -> list[list[float]]:
    """Return Σₖ wₖ · z(termₖ), each z within its group."""
    return [
        [
            fsum(parts)
            for parts in zip(*(_weighted(group, name, estimator, weights) for name in weights), strict=True)
        ]
        for group in batch
    ]


def _weighted(
    group: Sequence[BatchRollout], name: str, estimator: Estimator, weights: Mapping[str, float]
) -> list[float]:
    return [weights[name] * z for z in standardized([one.terms[name] for one in group], estimator)]


def _whitened(values: Sequence[Sequence[float]], batch: Batch) -> list[list[float]]:
    """Return (x - mean) / √(var + 1e-8) over tokens; a group of zeros has nothing to learn from and keeps them."""
    flat = [value for group in values for value in group]
    tokens = [one.length for group in batch for one in group]
    total = sum(tokens)
    mean = fsum(n * value for n, value in zip(tokens, flat, strict=True)) / total
    squares = fsum(n * (value - mean) ** 2 for n, value in zip(tokens, flat, strict=True))
    std = sqrt(squares / max(total - 1, 1) + WHITENING)
    return [[(value - mean) / std if any(group) else 0.0 for value in group] for group in values]


def _in_groups(flat: Sequence[float], groups: Sequence[Sequence[float]]) -> list[list[float]]:
    values = iter(flat)
    return [[next(values) for _ in group] for group in groups]
