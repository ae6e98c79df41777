"""Rewards of one group -> advantages of its rollouts.

- `grpo`: (R - mean) / (std + epsilon), with an optional floor under the std
- `dr_grpo`: R - mean
- `rloo`: R - mean of the others
- `leave_one_out_std`: (R - mean of the others) / (std of the others + epsilon)
- `opo`: R - mean weighted by length
- `maxrl`: (R - mean) / (mean + epsilon)
- `pass_at_k`: the best rollout's lead over the second
- `tree_grpo`: GRPO over the group plus GRPO over each tree
- `of_outcome`: `raft`, `reinforce_rej` and `disco_b`, which read outcomes instead of rewards
- `batch`: `batch_std`, `reinforce_plus_plus_baseline`, `gdpo` and `gdpo_trl`, over all groups of a training step
- `presets`: trainers' own, by name
- `turns`: advantages of turns, by the rules of a profile

Pure functions in plain floats: means and variances use `math.fsum`, which is exact, so no order of the rollouts changes a
bit. For every estimator of rewards, a group of one, and a group whose rewards are all equal, has advantage exactly 0.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from types import MappingProxyType
from typing import Any, NamedTuple

from reward_service.core.advantages.batch import BATCH_ESTIMATORS
from reward_service.core.advantages.batch import NEEDS as BATCH_NEEDS
from reward_service.core.advantages.dr_grpo import dr_grpo
from reward_service.core.advantages.grpo import grpo
from reward_service.core.advantages.leave_one_out_std import leave_one_out_std
from reward_service.core.advantages.maxrl import maxrl
from reward_service.core.advantages.of_outcome import disco_b, raft, reinforce_rej
from reward_service.core.advantages.opo import opo
from reward_service.core.advantages.pass_at_k import pass_at_k
from reward_service.core.advantages.presets import PRESETS
from reward_service.core.advantages.rloo import rloo
from reward_service.core.advantages.tree_grpo import tree_grpo
from reward_service.core.spread import ONE_SUCCESS, divisor, is_flat
from reward_service.core.types import Estimator, RolloutFacts

__all__ = [
    "BATCH_ESTIMATORS",
    "ESTIMATORS",
    "PRESETS",
    "advantages",
    "check_estimator",
    "check_one_group",
    "needs_of",
    "overridden",
]


class Rule(NamedTuple):
    """An estimator of one group."""

    estimate: Callable[..., list[float]]
    """Takes the rewards, the estimator, and one sequence for each field of facts it needs."""
    needs: tuple[str, ...] = ()
    """Fields of `RolloutFacts`; a rollout without one of them cannot be compared with its group."""
    parameters: tuple[str, ...] = ()
    """Fields of `Estimator` that it uses."""
    divisor: Callable[[Sequence[float], Estimator], float] | None = None
    """What a difference of rewards is divided by, which is the same for the whole group; None where it is not."""


def _one(_rewards: Sequence[float], _estimator: Estimator) -> float:
    return 1.0


ESTIMATORS: Mapping[str, Rule] = MappingProxyType(
    {
        "grpo": Rule(grpo, parameters=("ddof", "epsilon", "floor"), divisor=divisor),
        "dr_grpo": Rule(dr_grpo, divisor=_one),
        "rloo": Rule(rloo, divisor=_one),
        "leave_one_out_std": Rule(leave_one_out_std, parameters=("ddof", "epsilon")),
        "opo": Rule(opo, needs=("length",), divisor=_one),
        "maxrl": Rule(maxrl, parameters=("epsilon",)),
        "pass_at_k": Rule(pass_at_k, parameters=("ddof", "epsilon")),
        "tree_grpo": Rule(tree_grpo, needs=("tree",), parameters=("ddof", "epsilon", "floor")),
        "raft": Rule(raft, needs=("outcome",)),
        "reinforce_rej": Rule(reinforce_rej, needs=("outcome",)),
        "disco_b": Rule(disco_b, needs=("outcome",)),
    }
)


def overridden(default: Estimator, named: Mapping[str, Any] | None) -> Estimator:
    """Return the estimator of a call.

    Args:
        default: the profile's.
        named: the fields of `Estimator` that the call names; None keeps the profile's. With the profile's type, all other
            fields stay the profile's, so that a floor is not dropped in silence; with another type they are the defaults.
    """
    if named is None:
        return default
    same = named.get("type", Estimator().type) == default.type
    return replace(default, **named) if same else Estimator(**named)


def check_one_group(name: str) -> None:
    """Refuse an estimator that a group alone cannot be given.

    Raises:
        ValueError: it needs the whole batch.
    """
    if name in BATCH_ESTIMATORS:
        raise ValueError(
            f"{name} needs all groups of a training step at once, which only POST /v1/groups/score and POST /v1/rewards "
            "have: name it there as the estimator of the call"
        )


def check_estimator(estimator: Estimator) -> None:
    """Refuse parameters outside their range, and a floor where there is no standard deviation to put it under.

    Raises:
        ValueError: with the field's name first.
    """
    floor = estimator.floor
    if floor is None:
        return
    if isinstance(floor, str) and floor != ONE_SUCCESS:
        raise ValueError(f"floor must be null, a number or {ONE_SUCCESS}, got {floor!r}")
    if not isinstance(floor, str) and floor < 0:
        raise ValueError(f"floor must be at least 0, got {floor}")
    rule = ESTIMATORS.get(estimator.type)
    if rule is None or "floor" not in rule.parameters:
        raise ValueError(f"floor has no effect on {estimator.type}, got {floor!r}")


def needs_of(estimator: Estimator) -> tuple[str, ...]:
    """Return the fields of the facts by which an estimator compares rollouts."""
    rule = ESTIMATORS.get(estimator.type)
    return BATCH_NEEDS.get(estimator.type, ()) if rule is None else rule.needs


def advantages(
    rewards: Sequence[float | None], estimator: Estimator, *, facts: Sequence[RolloutFacts] = ()
) -> list[float | None]:
    """Estimate the advantages of one group; a rollout without a reward neither votes nor gets one.

    Args:
        rewards: R, shape (G,); None where the rollout is unscored.
        estimator: which one, with its parameters.
        facts: shape (G,); may be left out if the estimator reads nothing but rewards.

    Returns:
        A, shape (G,), None exactly where the reward is None.
    """
    rule = ESTIMATORS[estimator.type]
    scored = [reward for reward in rewards if reward is not None]
    if is_flat(scored) and "outcome" not in rule.needs:
        values = iter([0.0] * len(scored))
    else:
        votes = (
            [one for one, reward in zip(facts, rewards, strict=True) if reward is not None]
            if rule.needs
            else []
        )
        columns = [[getattr(one, name) for one in votes] for name in rule.needs]
        values = iter(rule.estimate(scored, estimator, *columns))
    return [None if reward is None else next(values) for reward in rewards]
