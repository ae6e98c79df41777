"""Rewards of one group -> advantages of its rollouts.

- `grpo`: (R - mean) / (std + epsilon)
- `dr_grpo`: R - mean
- `rloo`: R - mean of the others
- `leave_one_out_std`: (R - mean of the others) / (std of the others + epsilon)
- `presets`: trainers' own, by name

Pure functions over one group, in plain floats: means and variances use `math.fsum`, which is exact, so no order of the
rollouts changes a bit. A group of one, and a group whose rewards are all equal, has advantage exactly 0.
"""

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType

from reward_service.core.advantages.dr_grpo import dr_grpo
from reward_service.core.advantages.grpo import grpo
from reward_service.core.advantages.leave_one_out_std import leave_one_out_std
from reward_service.core.advantages.presets import PRESETS
from reward_service.core.advantages.rloo import rloo
from reward_service.core.types import Estimator

__all__ = ["ESTIMATORS", "PRESETS", "advantages", "named_estimator"]

ESTIMATORS: Mapping[str, Callable[[Sequence[float], Estimator], list[float]]] = MappingProxyType(
    {"grpo": grpo, "dr_grpo": dr_grpo, "rloo": rloo, "leave_one_out_std": leave_one_out_std}
)


def named_estimator(name: str) -> Estimator:
    """Return an estimator with its default parameters, or the one that a trainer computes itself.

    Args:
        name: a name in `ESTIMATORS` or in `PRESETS`.
    """
    return PRESETS[name] if name in PRESETS else Estimator(name)


def advantages(rewards: Sequence[float | None], estimator: Estimator) -> list[float | None]:
    """Estimate the advantages of one group; a rollout without a reward neither votes nor gets one.

    Args:
        rewards: R, shape (G,); None where the rollout is unscored.
        estimator: which one, with its parameters.

    Returns:
        A, shape (G,), None exactly where the reward is None.
    """
    scored = [reward for reward in rewards if reward is not None]
    flat = len(scored) < 2 or max(scored) == min(scored)
    values = iter([0.0] * len(scored) if flat else ESTIMATORS[estimator.type](scored, estimator))
    return [None if reward is None else next(values) for reward in rewards]
