"""The supervised warm-up: a policy that knows the format and how to walk, cached by the digest of its configuration.

Cross-entropy over the tokens of the demonstrations' own turns; what the tool said is read and not learnt by heart.
"""

import hashlib
import json
import os
import random
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, field
from itertools import islice
from pathlib import Path

import torch
from transformers import PreTrainedModel

from reward_service.trainer.chat import Chat
from reward_service.trainer.lessons import Habits, Lesson
from reward_service.trainer.logps import pad, token_logps
from reward_service.trainer.policy import Shape, load, save, small_policy, word_tokenizer
from reward_service.trainer.world import FOLLOW

# Bump when the same configuration no longer gives the same weights.
VERSION = 1
RAMP = 50
BATCHES_AHEAD = 8


@dataclass(frozen=True, slots=True)
class WarmUp:
    """Everything the warmed-up weights depend on."""

    seed: int
    world: tuple[int, int, tuple[int, ...], int, int, int]
    """per_type, world seed, hops, questions to train on, held-out questions, documents a search."""
    habits: Habits = field(default_factory=Habits)
    shape: Shape = field(default_factory=Shape)
    steps: int = 900
    batch: int = 24
    rate: float = 3e-3
    version: int = VERSION
    task: str = FOLLOW
    """A name in `TASKS` of the world."""

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits. What only other tasks have is left out, so that old checkpoints keep their names."""
        kept = asdict(self)
        if self.task == FOLLOW:
            del kept["task"], kept["habits"]["misjudge"]
        return hashlib.sha256(json.dumps(kept, sort_keys=True).encode()).hexdigest()[:12]


def encode(lesson: Lesson, chat: Chat) -> tuple[list[int], list[bool]]:
    """Return a demonstration as tokens, and which of them the policy is to say."""
    ids = chat.prompt(lesson.question)
    own = [False] * len(ids)
    for turn, response in zip(lesson.turns, (*lesson.responses, None), strict=True):
        said = chat.said(turn)
        bridge = [] if response is None else chat.bridge(response, last=said[-1])
        ids += said + bridge
        own += [True] * len(said) + [False] * len(bridge)
    return ids, own


def warmed_up(
    config: WarmUp,
    demonstrations: Iterator[Lesson],
    *,
    cache: Path,
    device: torch.device,
    told: Callable[[int, float], None],
) -> PreTrainedModel:
    """Return the policy of a configuration, from the cache or trained now and put there.

    Args:
        config: what it depends on.
        demonstrations: without end; drawn from only if there is something to train.
        cache: folder of checkpoints, one a digest.
        device: where it is trained and where it is put.
        told: called with step and loss.
    """
    folder = cache / config.digest
    if not folder.exists():
        tokenizer = word_tokenizer(config.task)
        model = small_policy(len(tokenizer), config.shape, config.seed).to(device)
        _train(model, Chat(tokenizer, system=None), config, demonstrations, told=told)
        _put(model, folder, config)
    return load(folder, torch.float32)[0].to(device)


def _batches(
    demonstrations: Iterator[Lesson], chat: Chat, config: WarmUp
) -> Iterator[list[tuple[list[int], list[bool]]]]:
    """Put demonstrations of like length side by side, so that less of a batch is pads."""
    rng = random.Random(f"batches {config.seed}")  # noqa: S311  # repeatable chance is the point
    size = config.batch
    while True:
        rows = [encode(lesson, chat) for lesson in islice(demonstrations, size * BATCHES_AHEAD)]
        rows.sort(key=lambda row: len(row[0]))
        starts = range(0, len(rows), size)
        for start in rng.sample(starts, len(starts)):
            yield rows[start : start + size]


def _put(model: PreTrainedModel, folder: Path, config: WarmUp) -> None:
    """Write all of a checkpoint or none: two processes may want the same."""
    part = folder.with_name(f"{folder.name}.{os.getpid()}.part")
    save(model, word_tokenizer(config.task), part)
    (part / "warmup.json").write_text(json.dumps(asdict(config), indent=1), encoding="utf-8")
    try:
        part.rename(folder)
    except OSError:  # the other process was quicker, and has put the same there
        shutil.rmtree(part)


def _train(
    model: PreTrainedModel,
    chat: Chat,
    config: WarmUp,
    demonstrations: Iterator[Lesson],
    *,
    told: Callable[[int, float], None],
) -> None:
    optimizer = torch.optim.AdamW(model.parameters(), lr=config.rate, betas=(0.9, 0.99), weight_decay=0.0)
    model.train()
    batches = _batches(demonstrations, chat, config)
    for step in range(config.steps):
        # Up over the first steps, then down to a tenth in a straight line.
        share = min((step + 1) / RAMP, 1.0) * (1.0 - 0.9 * step / config.steps)
        for group in optimizer.param_groups:
            group["lr"] = config.rate * share
        rows = next(batches)
        batch = pad([ids for ids, _ in rows], [own for _, own in rows], model.device)
        loss = -token_logps(model, batch, 1.0)[batch.sampled].mean()
        optimizer.zero_grad()
        loss.backward()
        torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        told(step + 1, loss.item())
