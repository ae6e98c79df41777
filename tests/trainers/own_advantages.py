"""Trainers' own advantages of groups of rewards, by the code of the trainer itself, one function a trainer.

Each works in its trainer's environment. As a program (`own_advantages.py verl < groups > advantages`) it reads groups of
one size as JSON and writes what the trainer makes of them; benchmarks/presets.py compares.
"""

import ast
import json
import os
import sys
import tempfile
from itertools import chain
from pathlib import Path
from types import SimpleNamespace
from unittest.mock import patch

Groups = list[list[float]]


def verl(groups: Groups) -> Groups:
    import numpy as np
    import torch
    from verl.trainer.ppo.core_algos import compute_grpo_outcome_advantage

    size = len(groups[0])
    index = np.repeat(np.arange(len(groups)), size)
    rewards = torch.tensor(groups).reshape(-1, 1)
    own, _ = compute_grpo_outcome_advantage(rewards, torch.ones_like(rewards), index)
    return own.reshape(-1, size).tolist()


def openrlhf(groups: Groups) -> Groups:
    import placeholders

    placeholders.install("vllm", "deepspeed", "flash_attn")
    import torch
    from openrlhf.trainer.ppo_utils import experience_maker
    from openrlhf.trainer.ppo_utils.samples_generator import SamplesGenerator

    def experience(reward, n):
        said = {"prompt": "p", "label": "l", "observation_tokens": [1, 2, 3, 4], "action_ranges": [(2, 4)]}
        said |= {"rollout_log_probs": None, "reward": reward, "scores": reward, "extra_logs": {}}
        made = SamplesGenerator._process_response_into_experience(SimpleNamespace(), said, max_len=64)
        made.index, made.kl = [n], torch.zeros_like(made.action_mask, dtype=torch.float32)
        return made

    args = SimpleNamespace(
        rollout=SimpleNamespace(n_samples_per_prompt=len(groups[0])),
        reward=SimpleNamespace(clip_range=(-10, 10)),
        algo=SimpleNamespace(
            advantage=SimpleNamespace(estimator="group_norm", gamma=1.0, lambd=1.0, no_std_norm=False),
            kl=SimpleNamespace(use_loss=False),
        ),
    )
    maker = experience_maker.RemoteExperienceMaker
    this = SimpleNamespace(strategy=SimpleNamespace(args=args), args=args, kl_ctl=SimpleNamespace(value=0.0))
    this.advantage_estimator = "group_norm"
    this.get_cumulative_returns = maker.get_cumulative_returns.__get__(this)
    experiences = [experience(reward, n) for n, reward in enumerate(chain(*groups))]
    # The one thing left out: it wants the whole configuration.
    with patch.object(experience_maker, "apply_length_penalties", lambda *_: None):
        maker.compute_advantages_and_returns(this, experiences)
    own = [one.advantages[one.action_mask.bool()][0].item() for one in experiences]
    size = len(groups[0])
    return [own[at : at + size] for at in range(0, len(own), size)]


def trl(groups: Groups) -> Groups:
    """What a run of GRPOTrainer makes of these rewards: it has no function to call, so it trains."""
    import torch
    from datasets import Dataset
    from toy_tokenizer import toy_tokenizer
    from transformers import Qwen2Config, Qwen2ForCausalLM
    from trl import GRPOConfig, GRPOTrainer

    size, left, own = len(groups[0]), [*chain(*groups)], []

    def reward(*, completions, **_):
        paid, left[:] = left[: len(completions)], left[len(completions) :]
        return paid

    class Telling(GRPOTrainer):
        def _generate_and_score_completions(self, inputs):
            made = super()._generate_and_score_completions(inputs)
            own.extend(made["advantages"].tolist())
            return made

    tokenizer = toy_tokenizer()
    shape = {"hidden_size": 8, "intermediate_size": 8, "num_hidden_layers": 1, "num_attention_heads": 1}
    ids = {
        "eos_token_id": tokenizer.eos_token_id,
        "pad_token_id": tokenizer.pad_token_id,
        "bos_token_id": None,
    }
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer), num_key_value_heads=1, max_position_embeddings=64, **shape, **ids
        )
    )
    steps = 4
    batch = len(left) // steps
    with tempfile.TemporaryDirectory() as folder:
        config = GRPOConfig(
            output_dir=folder,
            max_steps=steps,
            per_device_train_batch_size=batch,
            num_generations=size,
            max_completion_length=1,
            use_cpu=True,
            bf16=False,
            report_to=[],
            save_strategy="no",
            logging_strategy="no",
        )
        torch.manual_seed(0)
        data = Dataset.from_list([{"prompt": f"{n}?"} for n in range(batch)])
        Telling(
            model=model, reward_funcs=reward, args=config, train_dataset=data, processing_class=tokenizer
        ).train()
    return [own[at : at + size] for at in range(0, len(own), size)]


def nemo_rl(groups: Groups) -> Groups:
    """By NeMo-RL's own source, from the checkout that `NEMO_RL` names: its package needs a newer Python."""
    import torch

    folder = Path(os.environ["NEMO_RL"]) / "nemo_rl" / "algorithms"
    here = {"torch": torch, "AdvEstimatorConfig": object, "ClippedPGLossConfig": object}
    take(folder / "utils.py", "calculate_baseline_and_std_per_prompt", here)
    take(folder / "advantage_estimator.py", "GRPOAdvantageEstimator", here)
    settings = SimpleNamespace(use_leave_one_out_baseline=True, normalize_rewards=True)
    estimator = here["GRPOAdvantageEstimator"](settings, None)
    rewards = torch.tensor(groups)
    prompts = torch.arange(len(groups)).repeat_interleave(len(groups[0]))[:, None]
    own = estimator.compute_advantage(prompts, rewards.flatten(), torch.ones(rewards.numel(), 1))
    return own.reshape(rewards.shape).tolist()


def take(source: Path, name: str, here: dict) -> None:
    """Define one function or class of a file, without running the rest of it."""
    tree = ast.parse(source.read_text())
    [node] = [one for one in tree.body if getattr(one, "name", None) == name]
    exec(compile(ast.Module([node], []), str(source), "exec"), here)


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parent))
    answer = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what trainers print is not the answer
    own = {"verl": verl, "openrlhf": openrlhf, "trl": trl, "nemo_rl": nemo_rl}[sys.argv[1]]
    with answer:
        json.dump(own(json.load(sys.stdin)), answer)
