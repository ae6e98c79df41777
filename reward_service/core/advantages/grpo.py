"""GRPO: rewards standardised within the group (arXiv:2402.03300, Eq. 4.1.1; E-GRPO, arXiv:2510.24694, Eq. 4)."""

from collections.abc import Sequence
from math import fsum, sqrt

from reward_service.core.types import Estimator


def grpo(rewards: Sequence[float], estimator: Estimator) -> list[float]:
    """Standardise rewards within one group.

        Aᵢ = (Rᵢ − mean R) / (std R + ε),    std R = √( Σ(Rᵢ − mean R)² / (G − ddof) )

    Args:
        rewards: R, shape (G,), G >= 2, not all equal.
        estimator: its `ddof` and `epsilon` are ε and ddof. No paper states them; the defaults are verl's.

    Returns:
        A, shape (G,).
    """
    mean = fsum(rewards) / len(rewards)
    deviations = [reward - mean for reward in rewards]
    std = sqrt(fsum(d * d for d in deviations) / (len(rewards) - estimator.ddof))
    return [d / (std + estimator.epsilon) for d in deviations]
