"""Trainers' own advantages by name: which estimator, with which parameters, each trainer computes itself."""

from collections.abc import Mapping
from types import MappingProxyType

from reward_service.core.types import Estimator

PRESETS: Mapping[str, Estimator] = MappingProxyType(
    {
        # verl/trainer/ppo/core_algos.py: compute_grpo_outcome_advantage
        "verl": Estimator("grpo", ddof=1, epsilon=1e-6),
        # openrlhf/trainer/ppo_utils/experience_maker.py: group_norm
        "openrlhf": Estimator("grpo", ddof=1, epsilon=1e-9),
        # trl/trainer/grpo_trainer.py: scale_rewards="group"
        "trl": Estimator("grpo", ddof=1, epsilon=1e-4),
        # nemo_rl/algorithms/utils.py: calculate_baseline_and_std_per_prompt
        "nemo_rl": Estimator("leave_one_out_std", ddof=1, epsilon=1e-6),
        # open_instruct: advantage_normalization_type="standard", numpy's std
        "open_instruct": Estimator("grpo", ddof=0, epsilon=1e-8),
    }
)
