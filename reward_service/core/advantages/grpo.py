"""GRPO: rewards standardised within the group (arXiv:2402.03300, Eq. 4.1.1; E-GRPO, arXiv:2510.24694, Eq. 4)."""

from collections.abc import Sequence

from reward_service.core.spread import standardized
from reward_service.core.types import Estimator


def grpo(rewards: Sequence[float], estimator: Estimator) -> list[float]:
    """Standardise rewards within one group.

        Aᵢ = (Rᵢ − mean R) / (max(std R, floor) + ε),    std R = √( Σ(Rᵢ − mean R)² / (G − ddof) )

    Without a floor, groups whose rewards hardly differ get advantages as large as any other group's. The floor
    `one_success` limits them to the scale that one correct rollout sets; it is ours, not a paper's.

    Args:
        rewards: R, shape (G,).
        estimator: its `ddof`, `epsilon` (ε) and `floor`. No paper states ddof and ε; the defaults are verl's.

    Returns:
        A, shape (G,).
    """
    return standardized(rewards, estimator)
