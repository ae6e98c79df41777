"""MaxRL: centred rewards divided by the group's mean, so that rare successes count more (SkyRL, ppo_utils.py)."""

from collections.abc import Sequence
from math import fsum

from reward_service.core.types import Estimator


def maxrl(rewards: Sequence[float], estimator: Estimator) -> list[float]:
    """Divide by the mean reward.

        Aᵢ = (Rᵢ − mean R) / (mean R + ε);   0 where mean R + ε is 0

    Made for rewards of 0 and 1. Do not use it with negative rewards: where the mean is below 0, every sign turns around.

    Args:
        rewards: R, shape (G,), G >= 2, not all equal.
        estimator: its `epsilon`.

    Returns:
        A, shape (G,).
    """
    mean = fsum(rewards) / len(rewards)
    below = mean + estimator.epsilon
    return [(reward - mean) / below if below else 0.0 for reward in rewards]
