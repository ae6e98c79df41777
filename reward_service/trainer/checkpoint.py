"""Everything a run needs to go on as if it had never stopped, in one file that is written whole or not at all."""

from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from transformers import PreTrainedModel


class Mismatch(ValueError):
    """A run stands there that was made with other settings."""


@dataclass(slots=True)
class Progress:
    """How far a run has come."""

    step: int = 0
    asked: int = 0
    """Questions taken so far, so that the next ones are known."""
    wall_s: float = 0.0
    """Time spent in steps, evaluation and warm-up left out."""
    cpu_s: float = 0.0
    """The same in processor time of this process."""
    rollouts: int = 0
    outcomes: list[tuple[int, int]] = field(default_factory=list)
    """Of the last steps, oldest first: how many of the sampled rollouts were correct, and how many had an outcome."""


def save(
    path: Path,
    *,
    digest: str,
    progress: Progress,
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> None:
    """Write a checkpoint beside the old one, then put it in its place."""
    part = path.with_suffix(".part")
    torch.save(
        {
            "digest": digest,
            "progress": asdict(progress),
            "model": model.state_dict(),
            "optimizer": optimizer.state_dict(),
            "generator": generator.get_state(),
        },
        part,
    )
    part.replace(path)


def restore(
    path: Path,
    *,
    digest: str,
    model: PreTrainedModel,
    optimizer: torch.optim.Optimizer,
    generator: torch.Generator,
) -> Progress | None:
    """Take up a checkpoint; None where there is none.

    Raises:
        Mismatch: it was made with other settings.
    """
    if not path.exists():
        return None
    # The optimiser puts its own tensors where the parameters are, and a generator's state always lies on the CPU.
    state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    if state["digest"] != digest:
        raise Mismatch(f"{path} was created with different settings; choose another --out, or delete it")
    model.load_state_dict(state["model"])
    optimizer.load_state_dict(state["optimizer"])
    generator.set_state(state["generator"])
    return Progress(**state["progress"])
