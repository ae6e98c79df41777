"""A batch of rollouts to one step of the optimiser.

A loss is a function of the log-probabilities of the whole batch. Where the batch fits in memory its gradient is taken at
once. Where it does not, the log-probabilities are computed twice: first without a graph, to get the loss and its gradient
at each token; then piece by piece, each piece's log-probabilities weighted by that gradient. The sum is the same gradient,
for any loss, at the price of one more forward pass.
"""

from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import PreTrainedModel

from reward_service.trainer.logps import Padded, all_logps, by_length, token_logps
from reward_service.trainer.losses import LOSSES, LossBatch, LossSpec


@dataclass(frozen=True, slots=True)
class Learning:
    """How a step is made."""

    loss: str = "grpo"
    spec: LossSpec = field(default_factory=LossSpec)
    grad_clip: float = 1.0
    micro_batch: int = 0
    """Rollouts in one piece; 0 takes all at once."""
    temperature: float = 1.0


@dataclass(frozen=True, slots=True)
class Updated:
    """What a step did."""

    loss: float
    grad_norm: float
    """Before clipping."""
    clipped: float
    """Share of tokens whose ratio lies outside the clipping range; 0 on the first step after sampling."""
    drift: float
    """Largest |log p_new - log p_old| over the tokens in the loss, before the step: how far sampling is from training."""
    entropy: float
    """Mean of -log p over the tokens in the loss, an estimate of the policy's entropy."""


def update(
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    batch: Padded,
    targets: LossBatch,
    *,
    learning: Learning,
) -> Updated:
    """Make one step.

    Args:
        model: the policy.
        optimizer: over its parameters.
        batch: all rollouts, (N, T).
        targets: what the loss looks at, same order.
        learning: loss and constants.
    """
    model.train()
    optimizer.zero_grad(set_to_none=True)
    size = learning.micro_batch
    whole = size == 0 or size >= len(batch.ids)
    loss, logps = (_at_once if whole else _in_pieces)(model, batch, targets, learning)
    norm = torch.nn.utils.clip_grad_norm_(model.parameters(), learning.grad_clip)
    optimizer.step()
    ratio = (logps - targets.old_NT)[targets.tokens_NT]
    spec = learning.spec
    outside = (ratio.exp() < 1 - spec.clip_low) | (ratio.exp() > 1 + spec.clip_high)
    drift = ratio.abs().max().item() if len(ratio) else 0.0
    share = outside.float().mean().item() if len(ratio) else 0.0
    entropy = -logps[targets.tokens_NT].mean().item() if len(ratio) else 0.0
    return Updated(loss, norm.item(), share, drift, entropy)


def _at_once(
    model: PreTrainedModel, batch: Padded, targets: LossBatch, learning: Learning
) -> tuple[float, Tensor]:
    logps = all_logps(model, batch, learning.temperature)
    loss = LOSSES[learning.loss](logps, targets, learning.spec)
    loss.backward()
    return loss.item(), logps.detach()


def _in_pieces(
    model: PreTrainedModel, batch: Padded, targets: LossBatch, learning: Learning
) -> tuple[float, Tensor]:
    size = learning.micro_batch
    with torch.no_grad():
        logps = all_logps(model, batch, learning.temperature, size=size)
    logps.requires_grad_()
    loss = LOSSES[learning.loss](logps, targets, learning.spec)
    (slope,) = torch.autograd.grad(loss, logps)
    for piece in by_length(batch, size):
        part = token_logps(model, batch.rows(piece), learning.temperature)
        weight = slope[piece, : part.shape[1]]
        (part.masked_fill(weight == 0.0, 0.0) * weight).sum().backward()
    return loss.item(), logps.detach()
