"""Each reward against the mean and the spread of the others, as NeMo-RL does it."""

from collections.abc import Sequence
from math import fsum, sqrt

from reward_service.core.types import Estimator


def leave_one_out_std(rewards: Sequence[float], estimator: Estimator) -> list[float]:
    """Standardise each reward by the rest of its group.

        Aᵢ = (Rᵢ − mean_{j≠i} Rⱼ) / (std_{j≠i} Rⱼ + ε)   where the others differ
        Aᵢ =  Rᵢ − mean_{j≠i} Rⱼ                          where they are all equal

    The second line is NeMo-RL's; where one rollout differs from all others it makes its advantage jump from a large one to
    its distance.

    Args:
        rewards: R, shape (G,), G >= 2, not all equal.
        estimator: its `ddof` and `epsilon`.

    Returns:
        A, shape (G,). The time grows with G times the number of different rewards.
    """
    # Equal rewards leave the same others behind, and `fsum` does not mind their order; 0.0 and -0.0 are two values here.
    firsts = {reward.hex(): n for n, reward in reversed(list(enumerate(rewards)))}
    advantage = {
        value: _against(rewards[n], [*rewards[:n], *rewards[n + 1 :]], estimator)
        for value, n in firsts.items()
    }
    return [advantage[reward.hex()] for reward in rewards]


def _against(reward: float, others: Sequence[float], estimator: Estimator) -> float:
    mean = fsum(others) / len(others)
    if max(others) == min(others):
        return reward - mean
    std = sqrt(fsum((other - mean) ** 2 for other in others) / (len(others) - estimator.ddof))
    return (reward - mean) / (std + estimator.epsilon)
