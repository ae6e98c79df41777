"""How good a policy is on held-out questions, sampled at the training's temperature: greedy accuracy misleads."""

from collections.abc import Sequence
from statistics import fmean
from typing import Any

import torch
from transformers import PreTrainedModel

from reward_service.client import RolloutReward, StopReason
from reward_service.trainer import rewards
from reward_service.trainer.chat import Chat
from reward_service.trainer.data import TrainingQuestion
from reward_service.trainer.dialogue import thoughts
from reward_service.trainer.lessons import Search
from reward_service.trainer.rewards import Asked, Payment
from reward_service.trainer.sampling import RolloutLimits, Trace, sample_in_batches
from reward_service.trainer.world import names_in

BATCH = 128


def evaluate(
    model: PreTrainedModel,
    chat: Chat,
    questions: Sequence[TrainingQuestion],
    *,
    search: Search,
    limits: RolloutLimits,
    payment: Payment,
    seed: int,
    size: int = BATCH,
) -> dict[str, Any]:
    """Sample one rollout a held-out question; the service says which are correct.

    The chance is the same at every evaluation of a run, and apart from that of training.

    Returns:
        The numbers of `summary`, and `correct`: for each question in order 1 or 0.
    """
    generator = torch.Generator(model.device).manual_seed(seed + 1_000_003)
    prompts = [chat.prompt(question.text) for question in questions]
    traces = sample_in_batches(
        model, chat, prompts, size=size, search=search, limits=limits, generator=generator
    )
    asked = [
        Asked(f"eval-{n}", question, [trace])
        for n, (question, trace) in enumerate(zip(questions, traces, strict=True))
    ]
    results = rewards.evaluate(payment, asked)
    correct = "".join(str(int(one.outcome == "correct")) for one in results)
    return {**summary(traces, results), "correct": correct}


def summary(traces: Sequence[Trace], results: Sequence[RolloutReward]) -> dict[str, float]:
    """Return what is said of rollouts, as means over them; of none, zeros."""
    count = max(len(traces), 1)
    scored = [one for one in results if one.reward is not None]
    rates = [one.match_rate for one in scored if one.match_rate is not None]
    names = [names_in(" ".join(thoughts(trace.text))) for trace in traces]
    return {
        "reward": fmean([one.reward or 0.0 for one in scored] or [0.0]),
        "accuracy": sum(one.outcome == "correct" for one in results) / count,
        "errors": sum(one.outcome == "error" for one in results) / count,
        "overlength": sum(trace.stop is not StopReason.COMPLETED for trace in traces) / count,
        "unscored": (len(results) - len(scored)) / count,
        "match_rate": fmean(rates or [0.0]),
        "searches": sum(trace.searches for trace in traces) / count,
        "names": sum(map(len, names)) / count,
        "tokens": sum(sum(trace.sampled) for trace in traces) / count,
    }
