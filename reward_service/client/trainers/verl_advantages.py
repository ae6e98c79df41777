"""verl 0.9: the service's advantages on tokens, for `place_advantages: true`.

    VERL_USE_EXTERNAL_MODULES=reward_service.client.trainers.verl_advantages
    algorithm.adv_estimator=reward_service

verl imports that module in every process. Its agent loop puts one number on the last token of a rollout, so its record of a
rollout learns to take one for each token; and the estimator that keeps them is registered.
"""

from collections.abc import Callable
from functools import wraps
from typing import Any

from reward_service.client.placing import placed_advantages

ESTIMATOR = "reward_service"


def with_lists(output: type[Any]) -> type[Any]:
    """Make verl's `AgentLoopOutput` take a score that is a list, one number for each token; returns the same class."""
    plain: Callable[[Any], dict[str, Any]] = output.as_dict

    @wraps(plain)
    def as_dict(self: Any) -> dict[str, Any]:
        score = self.reward_score
        if not isinstance(score, list):
            return plain(self)
        said = plain(self.model_copy(update={"reward_score": 0.0}))
        said["rm_scores"][: len(score)] = said["rm_scores"].new_tensor(score)
        return said

    output.as_dict = as_dict
    return output


def install() -> None:
    """Do it in this process, if verl is installed."""
    try:
        from verl.experimental.agent_loop.agent_loop import AgentLoopOutput  # noqa: PLC0415  # only in verl
        from verl.trainer.ppo.core_algos import register_adv_est  # noqa: PLC0415
    except ModuleNotFoundError:
        return
    register_adv_est(ESTIMATOR)(placed_advantages)
    with_lists(AgentLoopOutput)


install()
