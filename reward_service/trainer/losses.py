"""One function a loss: log-probabilities of a batch of rollouts in, one number to make small out.

    # N: rollouts in the batch · T: tokens of the longest · ρ: ratio of new to old probability

No loss has a KL penalty on the reward or a value function. Every function sees the whole batch, so that "the mean over all
tokens" means what it says; `update` takes its gradient apart into pieces that fit in memory.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import torch
from torch import Tensor


@dataclass(frozen=True, slots=True)
class LossBatch:
    """What a loss may look at."""

    old_NT: Tensor
    """Log-probabilities the tokens were sampled at."""
    tokens_NT: Tensor
    """Which tokens count: sampled ones of rollouts that are in the loss."""
    advantages_N: Tensor
    correct_N: Tensor
    """Outcome is correct: what `disco` asks for in place of an advantage."""
    group_N: Tensor
    """Number of each rollout's group."""
    tokens: int
    """Tokens that count in the whole step, those of rollouts that were left out for an advantage of 0 too."""
    rollouts: int
    """Rollouts with such tokens in the whole step, likewise."""
    of_turns_NT: Tensor | None = None
    """Each token's advantage of its turn; None where all tokens of a rollout have its own."""

    @property
    def advantages_NT(self) -> Tensor:
        """The advantage of each token; (N, 1) where it is the rollout's."""
        return self.advantages_N[:, None] if self.of_turns_NT is None else self.of_turns_NT


@dataclass(frozen=True, slots=True)
class LossSpec:
    """Constants of the losses."""

    clip_low: float = 0.2
    clip_high: float = 0.28
    """Clip-higher of DAPO (arXiv:2503.14476); E-GRPO raises the upper bound too and gives no value."""
    tau: float = 10.0
    delta: float = 1e-4
    beta: float = 1e3
    """DisCO's temperature, bound and weight of its constraint (arXiv:2505.12366, for the log-likelihood score)."""


GSPO_LOW, GSPO_HIGH = 3e-4, 4e-4
"""Clipping range of a sequence's ratio (arXiv:2507.18071, section 5.1)."""


def _clipped(ratio: Tensor, advantage: Tensor, low: float, high: float) -> Tensor:
    return torch.minimum(ratio * advantage, ratio.clamp(1 - low, 1 + high) * advantage)


def _sequence_mean(values_NT: Tensor, tokens_NT: Tensor) -> Tensor:
    return (values_NT * tokens_NT).sum(1) / tokens_NT.sum(1).clamp(min=1)


def grpo(new_NT: Tensor, batch: LossBatch, spec: LossSpec) -> Tensor:
    """Token-level clipped loss (arXiv:2510.24694, Eq. 6, with DAPO's normalisation).

        L = − 1/Σᵢ|oᵢ| · Σᵢ Σₜ min(ρᵢₜ Aᵢ, clip(ρᵢₜ, 1 − ε_low, 1 + ε_high) Aᵢ)

    With advantages of turns, Aᵢ is that of the token's turn. Every token of the batch weighs the same, so long rollouts weigh more than short ones.
    """
    ratio_NT = torch.exp(_masked(new_NT - batch.old_NT, batch))
    gain_NT = _clipped(ratio_NT, batch.advantages_NT, spec.clip_low, spec.clip_high)
    return -(gain_NT * batch.tokens_NT).sum() / max(batch.tokens, 1)


def gspo(new_NT: Tensor, batch: LossBatch, spec: LossSpec) -> Tensor:  # noqa: ARG001  # one signature for all
    """Sequence-level clipped loss (GSPO, arXiv:2507.18071, Eq. 5).

        sᵢ = exp(1/|oᵢ| · Σₜ log ρᵢₜ)
        L  = − mean over rollouts of min(sᵢ Aᵢ, clip(sᵢ, 1 − ε_low, 1 + ε_high) Aᵢ)

    The clipping range is the paper's own and much narrower than a token's.
    """
    log_ratio_NT = _masked(new_NT - batch.old_NT, batch)
    ratio_N = torch.exp(_sequence_mean(log_ratio_NT, batch.tokens_NT))
    counted_N = batch.tokens_NT.any(1)
    gain_N = _clipped(ratio_N, batch.advantages_N, GSPO_LOW, GSPO_HIGH)
    return -(gain_N * counted_N).sum() / max(batch.rollouts, 1)


def disco(new_NT: Tensor, batch: LossBatch, spec: LossSpec) -> Tensor:
    """Discriminative loss on the outcome (DisCO, arXiv:2505.12366).

        sᵢ = 1/|oᵢ| · Σₜ log p(oᵢₜ)
        L  = − mean over questions of [ mean₊ s − τ · log mean₋ exp(s/τ) ] + β · max(0, KL − δ)²

    Positives are correct rollouts, negatives the others; a question without both adds 0. KL of the old policy from the
    new one is estimated on the sampled tokens by the mean of log p_old − log p. It needs outcomes of 0 and 1, so partial
    credit changes nothing here: use it for comparison, not with E-GRPO.
    """
    score_N = _sequence_mean(new_NT.masked_fill(~batch.tokens_NT, 0.0), batch.tokens_NT)
    counted_N = batch.tokens_NT.any(1)
    groups = batch.group_N.unique()
    gains = [_gap(score_N, batch, counted_N & (batch.group_N == group), spec.tau) for group in groups]
    apart = _masked(batch.old_NT - new_NT, batch)
    kl = apart.sum() / max(batch.tokens, 1)
    return -torch.stack(gains).sum() / len(groups) + spec.beta * (kl - spec.delta).clamp(min=0.0) ** 2


def _gap(score_N: Tensor, batch: LossBatch, chosen_N: Tensor, tau: float) -> Tensor:
    good, bad = score_N[chosen_N & batch.correct_N], score_N[chosen_N & ~batch.correct_N]
    if not len(good) or not len(bad):
        return score_N.new_zeros(())
    count = torch.tensor(float(len(bad)), device=bad.device)
    return good.mean() - tau * (torch.logsumexp(bad / tau, 0) - count.log())


def _masked(values_NT: Tensor, batch: LossBatch) -> Tensor:
    """Put 0 where no token counts; what stands there may be anything, even infinite."""
    return values_NT.masked_fill(~batch.tokens_NT, 0.0)


BY_ADVANTAGE = frozenset({"grpo", "gspo"})
"""Losses to which a rollout with an advantage of 0 adds nothing, so that it need not be computed."""
Loss = Callable[[Tensor, LossBatch, LossSpec], Tensor]
LOSSES: Mapping[str, Loss] = MappingProxyType({"grpo": grpo, "gspo": gspo, "disco": disco})
