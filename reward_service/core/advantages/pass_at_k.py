"""pass@k: only the best rollout of a group is moved, by its lead over the second (arXiv:2503.19595; verl, grpo_passk)."""

from collections.abc import Sequence

from reward_service.core.spread import centred, std_of
from reward_service.core.types import Estimator


def pass_at_k(rewards: Sequence[float], estimator: Estimator) -> list[float]:
    """Pay the best rollout for its lead.

        A_best = (R_best − R_second) / (std R + ε);   0 for the others, and for all where two are best

    Do not use it where all but one rollout should learn too: nothing is pushed down.

    Args:
        rewards: R, shape (G,), G >= 2, not all equal.
        estimator: its `ddof` and `epsilon`.

    Returns:
        A, shape (G,).
    """
    second, best = sorted(rewards)[-2:]
    lead = (best - second) / (std_of(centred(rewards), estimator.ddof) + estimator.epsilon)
    return [lead if reward == best else 0.0 for reward in rewards]
