"""Dr. GRPO: rewards centred within the group, not divided by the spread (arXiv:2503.20783)."""

from collections.abc import Sequence
from math import fsum

from reward_service.core.types import Estimator


def dr_grpo(rewards: Sequence[float], _estimator: Estimator) -> list[float]:
    """Centre rewards within one group.

        Aᵢ = Rᵢ − mean R

    The length part of Dr. GRPO is a matter of the trainer's loss.

    Args:
        rewards: R, shape (G,), G >= 1.

    Returns:
        A, shape (G,).
    """
    mean = fsum(rewards) / len(rewards)
    return [reward - mean for reward in rewards]
