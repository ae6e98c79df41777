"""Rollouts in batches over one key-value cache, with the log-probabilities they were sampled at.

Rows have different lengths, and the batch is kept rectangular by pads that attention masks: a chunk of new context is
padded on the left, so that its last column is every row's last token; a row whose turn has ended gets pads until the
last row's has. Positions are given explicitly and count real tokens only. Finished rows leave the cache between turns.
A pad attends to itself alone, because a row of a softmax with nothing in it is not a number.

    # B: rows in the batch · T: columns in the cache · Q: columns of a chunk · V: vocabulary
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

import torch
from torch import Tensor
from transformers import DynamicCache, PreTrainedModel

from reward_service.client import StopReason
from reward_service.trainer.chat import Chat
from reward_service.trainer.dialogue import query_of, response_of


@dataclass(frozen=True, slots=True)
class RolloutLimits:
    """Where a rollout is cut off, and how it is drawn."""

    turns: int = 8
    """Most turns; a search in the last one is overlength."""
    turn_tokens: int = 64
    """Most tokens in one turn."""
    context: int = 512
    """Most tokens in all."""
    temperature: float = 1.0


@dataclass(slots=True)
class Trace:
    """One rollout as it grows: tokens, which of them the policy sampled, and at what log-probability."""

    ids: list[int]
    sampled: list[bool]
    logps: list[float]
    """Of sampled tokens; 0 elsewhere."""
    text: str = ""
    """What goes to the service: the policy's turns and the tool's responses."""
    searches: int = 0
    stop: StopReason = StopReason.COMPLETED

    @property
    def length(self) -> int | None:
        """Tokens that the policy sampled; None if there are none."""
        return sum(self.sampled) or None


@dataclass(slots=True)
class _Batch:
    """Rows that are still going, and what the model remembers of them."""

    model: PreTrainedModel
    traces: list[Trace]
    cache: DynamicCache = field(default_factory=DynamicCache)
    real: Tensor = field(default_factory=lambda: torch.zeros(0, 0, dtype=torch.bool))
    """(B, T): which columns of the cache are tokens and which are pads."""

    def read(self, ids_BQ: Tensor, real_BQ: Tensor) -> Tensor:
        """Put a chunk into the cache; returns the logits after its last column, (B, V)."""
        known = self.real.sum(1, keepdim=True)
        positions = (known + real_BQ.cumsum(1) - 1).clamp(min=0)
        self.real = torch.cat([self.real, real_BQ], 1)
        out = self.model(
            input_ids=ids_BQ,
            attention_mask=_may_attend(self.real, real_BQ.shape[1], self.model.dtype),
            position_ids=positions,
            past_key_values=self.cache,
            use_cache=True,
            logits_to_keep=1,
        )
        logits: Tensor = out.logits[:, -1].float()
        return logits

    def keep(self, rows: Sequence[int]) -> None:
        """Drop the other rows."""
        if len(rows) == len(self.traces):
            return
        index = torch.tensor(rows, device=self.real.device)
        self.cache.batch_select_indices(index)
        self.real = self.real[index]
        self.traces = [self.traces[row] for row in rows]


def _may_attend(real_BT: Tensor, chunk: int, dtype: torch.dtype) -> Tensor:
    """Return the additive mask of a chunk at the end of the cache, (B, 1, Q, T): real tokens up to oneself, and oneself."""
    total = real_BT.shape[1]
    columns = torch.arange(total, device=real_BT.device)
    rows = columns[total - chunk :, None]
    allowed = (real_BT[:, None, :] & (columns <= rows)) | (columns == rows)
    mask = torch.zeros(allowed.shape, dtype=dtype, device=real_BT.device)
    return mask.masked_fill(~allowed, torch.finfo(dtype).min)[:, None]


def sample(
    model: PreTrainedModel,
    chat: Chat,
    prompts: Sequence[Sequence[int]],
    *,
    search: Callable[[str], list[str]],
    limits: RolloutLimits,
    generator: torch.Generator,
) -> list[Trace]:
    """Sample one rollout a prompt.

    Args:
        model: the policy.
        chat: its tokenizer and template.
        prompts: tokens, one list a rollout.
        search: the tool.
        limits: where rollouts end.
        generator: chance; the same state draws the same rollouts.

    Returns:
        One trace a prompt, in order.
    """
    traces = [Trace(list(prompt), [False] * len(prompt), [0.0] * len(prompt)) for prompt in prompts]
    batch = _Batch(model, list(traces))
    batch.real = torch.zeros(len(traces), 0, dtype=torch.bool, device=model.device)
    chunks = [trace.ids for trace in traces]
    was_training = model.training
    model.eval()
    with torch.no_grad():
        for turn in range(1, limits.turns + 1):
            starts = [len(trace.ids) for trace in batch.traces]
            _take_turn(batch, chat, chunks, limits=limits, generator=generator)
            going = [
                _settle(trace, chat, search, limits, start=start, last=turn == limits.turns)
                for trace, start in zip(batch.traces, starts, strict=True)
            ]
            chunks = [chunk for chunk in going if chunk]
            if not chunks:
                break
            batch.keep([row for row, chunk in enumerate(going) if chunk])
    model.train(was_training)
    return traces


def sample_in_batches(
    model: PreTrainedModel,
    chat: Chat,
    prompts: Sequence[Sequence[int]],
    *,
    size: int,
    search: Callable[[str], list[str]],
    limits: RolloutLimits,
    generator: torch.Generator,
) -> list[Trace]:
    """Do what `sample` does, `size` rollouts at a time: what the cache may hold."""
    return [
        trace
        for start in range(0, len(prompts), size)
        for trace in sample(
            model, chat, prompts[start : start + size], search=search, limits=limits, generator=generator
        )
    ]


def _take_turn(
    batch: _Batch,
    chat: Chat,
    chunks: Sequence[Sequence[int]],
    *,
    limits: RolloutLimits,
    generator: torch.Generator,
) -> None:
    """Read the new context of every row and sample until every row's turn has ended."""
    device = batch.real.device
    logits = batch.read(*_left_padded(chunks, chat.pad, device))
    room = torch.tensor([limits.context - len(trace.ids) for trace in batch.traces], device=device)
    room = room.clamp(max=limits.turn_tokens)
    stops = torch.tensor(chat.stops, device=device)
    closers = torch.tensor(chat.closers, device=device)
    alive = room > 0
    for step in range(1, limits.turn_tokens + 1):
        tokens, logps = _draw(logits, limits.temperature, generator)
        drawn = zip(batch.traces, alive.tolist(), tokens.tolist(), logps.tolist(), strict=True)
        for trace, speaks, token, logp in drawn:
            if speaks:
                trace.ids.append(token)
                trace.sampled.append(True)
                trace.logps.append(logp)
        # The last token is put into the cache with the rest, so that the next chunk follows it.
        was_alive = alive
        alive = alive & ~torch.isin(tokens, stops) & (room > step)
        for row in (alive & torch.isin(tokens, closers)).nonzero()[:, 0].tolist():
            alive[row] = not chat.stopped(batch.traces[row].ids)
        logits = batch.read(tokens.masked_fill(~was_alive, chat.pad)[:, None], was_alive[:, None])
        if not alive.any():
            break


def _draw(logits: Tensor, temperature: float, generator: torch.Generator) -> tuple[Tensor, Tensor]:
    """Draw a token a row; returns tokens and their log-probabilities, (B,) each."""
    logps = torch.log_softmax(logits / temperature, -1)
    tokens = torch.multinomial(logps.exp(), 1, generator=generator)
    return tokens[:, 0], logps.gather(1, tokens)[:, 0]


def _left_padded(chunks: Sequence[Sequence[int]], pad: int, device: torch.device) -> tuple[Tensor, Tensor]:
    width = max(map(len, chunks))
    ids = torch.tensor([[pad] * (width - len(chunk)) + list(chunk) for chunk in chunks], device=device)
    real = torch.tensor(
        [[False] * (width - len(chunk)) + [True] * len(chunk) for chunk in chunks], device=device
    )
    return ids, real


def _settle(
    trace: Trace,
    chat: Chat,
    search: Callable[[str], list[str]],
    limits: RolloutLimits,
    *,
    start: int,
    last: bool,
) -> list[int]:
    """Write down a turn and carry out its search; returns the new context, empty where the rollout has ended."""
    turn = trace.ids[start:]
    said = chat.opened + chat.text(turn)
    trace.text += said
    if not turn or not (turn[-1] in chat.stops or chat.stopped(turn)):
        trace.stop = StopReason.MAX_TOKENS
        return []
    query = query_of(said)
    if query is None:
        return []
    trace.searches += 1
    response = response_of(search(query))
    bridge = chat.bridge(response, last=turn[-1])
    if last:
        trace.stop = StopReason.MAX_TURNS
        return []
    if len(trace.ids) + len(bridge) >= limits.context:
        trace.stop = StopReason.MAX_TOKENS
        return []
    trace.text += response
    trace.ids += bridge
    trace.sampled += [False] * len(bridge)
    trace.logps += [0.0] * len(bridge)
    return bridge
