"""RLOO: each reward against the mean of the others (arXiv:2402.14740)."""

from collections.abc import Sequence
from math import fsum

from reward_service.core.types import Estimator


def rloo(rewards: Sequence[float], _estimator: Estimator) -> list[float]:
    """Compare each reward with the mean of the others.

        Aᵢ = Rᵢ − (ΣR − Rᵢ) / (G − 1) = (Rᵢ − mean R) · G / (G − 1)

    Args:
        rewards: R, shape (G,), G >= 2.

    Returns:
        A, shape (G,).
    """
    total = fsum(rewards)
    others = len(rewards) - 1
    return [reward - (total - reward) / others for reward in rewards]
