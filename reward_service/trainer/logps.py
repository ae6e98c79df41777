"""Sequences side by side, and what a policy thinks of every token in them.

# N: sequences · T: tokens of the longest · V: vocabulary
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor
from transformers import PreTrainedModel


@dataclass(frozen=True, slots=True)
class Padded:
    """Sequences padded on the right."""

    ids: Tensor
    """(N, T)"""
    real: Tensor
    """(N, T): tokens, not pads."""
    sampled: Tensor
    """(N, T): tokens of the policy; the loss is over these."""

    def rows(self, chosen: slice | Tensor) -> "Padded":
        """Return some sequences, without columns that only the others need."""
        width = int(self.real[chosen].sum(1).max())
        return Padded(self.ids[chosen, :width], self.real[chosen, :width], self.sampled[chosen, :width])


def pad(ids: Sequence[Sequence[int]], sampled: Sequence[Sequence[bool]], device: torch.device) -> Padded:
    """Pad sequences on the right. The pad is token 0, which is masked in attention and in the loss."""
    width = max(map(len, ids))
    fill = [width - len(row) for row in ids]
    return Padded(
        torch.tensor([[*row, *[0] * more] for row, more in zip(ids, fill, strict=True)], device=device),
        torch.tensor(
            [[True] * len(row) + [False] * more for row, more in zip(ids, fill, strict=True)], device=device
        ),
        torch.tensor(
            [[*row, *[False] * more] for row, more in zip(sampled, fill, strict=True)], device=device
        ),
    )


def token_logps(model: PreTrainedModel, batch: Padded, temperature: float) -> Tensor:
    """Return the log-probability of every token given those before it, (N, T); 0 for the first, and garbage for pads."""
    logits = model(input_ids=batch.ids, attention_mask=batch.real.long(), use_cache=False).logits
    logps = torch.log_softmax(logits[:, :-1].float() / temperature, -1)
    taken = logps.gather(2, batch.ids[:, 1:, None])[..., 0]
    return torch.nn.functional.pad(taken, (1, 0))


def all_logps(model: PreTrainedModel, batch: Padded, temperature: float, *, size: int = 0) -> Tensor:
    """Return what `token_logps` does, computed over sequences of like length together, so that less of it is pads.

    Args:
        model: the policy.
        batch: the sequences.
        temperature: they were sampled at.
        size: sequences at a time; 0 takes a quarter of them.
    """
    pieces = by_length(batch, size)
    width = batch.ids.shape[1]
    found = [token_logps(model, batch.rows(piece), temperature) for piece in pieces]
    sorted_NT = torch.cat([torch.nn.functional.pad(one, (0, width - one.shape[1])) for one in found])
    return sorted_NT[torch.argsort(torch.cat(pieces))]


def by_length(batch: Padded, size: int) -> list[Tensor]:
    """Return the numbers of the sequences, shortest first, cut into pieces."""
    order = torch.argsort(batch.real.sum(1), stable=True)
    return list(order.split(size or max(1, -(-len(order) // 4))))
