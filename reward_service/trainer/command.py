"""`reward-service train` on a terminal: a progress bar with the numbers of the last step, and where things went."""

import sys
from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn

from reward_service.client import ClientError
from reward_service.trainer.options import TrainingOptions, parse
from reward_service.trainer.results import read

NEEDED = "the trainer needs {name}: pip install 'reward-service[server,train]'"
EXTRA = {"bm25s", "matplotlib", "tokenizers", "torch", "transformers"}


class _Bar:
    """Shows the stages of a run; a line an evaluation where there is no terminal."""

    def __init__(self, progress: Progress) -> None:
        self._progress = progress
        self._stages: dict[str, TaskID] = {}

    def __call__(self, stage: str, done: int, total: int, numbers: dict[str, Any]) -> None:
        if stage not in self._stages:
            self._stages[stage] = self._progress.add_task(stage, total=total, note="")
        self._progress.update(self._stages[stage], completed=done, note=_note(numbers))


def _note(numbers: dict[str, Any]) -> str:
    shown = {
        "loss": "loss {:.3f}",
        "reward": "reward {:.3f}",
        "accuracy": "accuracy {:.3f}",
        "match_rate": "match rate {:.2f}",
        "searches": "searches {:.1f}",
    }
    wanted = [name for name in shown if name in numbers and (name != "loss" or "reward" not in numbers)]
    return "  ".join(shown[name].format(numbers[name]) for name in wanted)


def main(arguments: Sequence[str]) -> int:
    """Train as the command line says; returns the exit code."""
    options = parse(arguments)
    console = Console(stderr=True)
    try:
        _train(options, console)
    except ModuleNotFoundError as missing:
        if str(missing.name).partition(".")[0] not in EXTRA:
            raise
        console.print(NEEDED.format(name=missing.name), style="red", markup=False)
        return 1
    except (ValueError, OSError, RuntimeError, ClientError) as error:
        console.print(f"error: {error}", style="red", markup=False)
        return 1
    return 0


def _train(options: TrainingOptions, console: Console) -> None:
    from transformers.utils import logging  # noqa: PLC0415  # the base install has no torch

    from reward_service.trainer.train import run  # noqa: PLC0415  # the same

    logging.disable_progress_bar()
    columns = (
        TextColumn("{task.description}"),
        BarColumn(bar_width=24),
        MofNCompleteColumn(),
        TimeRemainingColumn(),
        TextColumn("{task.fields[note]}"),
    )
    hidden = options.quiet or not console.is_terminal
    with Progress(*columns, console=console, disable=hidden) as progress:
        run(options, told=_Bar(progress))
    if options.figure:
        from reward_service.trainer.figure import draw  # noqa: PLC0415  # the base install has no matplotlib

        draw(read(options.out / "metrics.jsonl"), options.out / "figure.svg", _title(options))
    _report(options)


def _title(options: TrainingOptions) -> str:
    policy = options.model.name if options.model else "small policy"
    return f"{policy}, profile {options.profile_name}, loss {options.loss}, seed {options.seed}"


def _report(options: TrainingOptions) -> None:
    """Print the evaluations, the only thing that goes to standard output."""
    rows = [row for row in read(options.out / "metrics.jsonl") if row["kind"] == "eval"]
    for row in rows:
        sys.stdout.write(
            f"step {row['step']:4d}  accuracy {row['accuracy']:.3f}  match rate {row['match_rate']:.2f}  "
            f"searches {row['searches']:.2f}  after {row['timing']['wall_s']:.0f} s of steps\n"
        )
    sys.stdout.write(f"metrics, checkpoint, figure and model: {options.out}\n")
