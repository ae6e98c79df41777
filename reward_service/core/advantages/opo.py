"""OPO: rewards against the baseline of least variance, the mean weighted by length (arXiv:2505.23585)."""

from collections.abc import Sequence
from math import fsum

from reward_service.core.types import Estimator


def opo(rewards: Sequence[float], _estimator: Estimator, length: Sequence[int]) -> list[float]:
    """Subtract the length-weighted mean.

        Aᵢ = Rᵢ − Σⱼ lⱼ Rⱼ / Σⱼ lⱼ

    Do not use it with a loss that already divides by each rollout's length.

    Args:
        rewards: R, shape (G,), G >= 2, not all equal.
        length: l, the rollouts' tokens that the policy wrote, each at least 1.

    Returns:
        A, shape (G,).
    """
    baseline = fsum(n * reward for n, reward in zip(length, rewards, strict=True)) / sum(length)
    return [reward - baseline for reward in rewards]
