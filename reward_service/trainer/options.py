"""All settings of the trainer, and the command line generated from them.

The string under a field is its help text. A run is identified by the digest of the settings that change what it computes.
"""

import argparse
import ast
import hashlib
import inspect
import json
import types
from collections.abc import Sequence
from dataclasses import asdict, dataclass, field, fields
from functools import cache
from pathlib import Path
from typing import Any, get_args, get_type_hints

import yaml

from reward_service.core.names import is_path

# Settings that say where and for how long, and not what.
_ELSEWHERE = frozenset(
    {
        "out",
        "cache",
        "url",
        "api_key",
        "api_key_file",
        "steps",
        "checkpoint_every",
        "quiet",
        "figure",
        "record",
        "threads",
    }
)
PROGRAM = "reward-service train"
PROGRESS = ("steps", "success")


@dataclass(frozen=True, slots=True)
class TrainingOptions:
    """How to train, on what, and where it goes."""

    out: Path = Path(".data/train")
    """Folder of the run: metrics.jsonl, checkpoint.pt, figure.svg, model/. A run that exists there is resumed."""
    cache: Path = Path(".data/warmups")
    """Folder of warmed-up policies, one per configuration."""
    url: str | None = None
    """URL of the reward service; if omitted, one is started on loopback."""
    api_key: str | None = field(default=None, repr=False)
    """API key of that service; prefer a file or the variable REWARD_SERVICE_API_KEY, as others can read command lines."""
    api_key_file: Path | None = None
    """File that contains the API key."""
    profile: str = "egrpo-paper"
    """Profile: a name, or the path of a YAML file for the service that the trainer starts."""
    one_by_one: bool = False
    """Send rollouts one at a time instead of as groups."""
    dataset: str = "world"
    """Name of the data set in the index; with --url it must already exist."""

    model: Path | None = None
    """Folder of a checkpoint in the Hugging Face layout; if omitted, a small policy is created and warmed up."""
    questions: Path | None = None
    """Questions to train on (JSON lines: question_id, question, answers, entities); if omitted, a world is generated."""
    held_out: Path | None = None
    """Held-out questions in the same format; required with --questions."""
    corpus: Path | None = None
    """Documents to search (JSON lines: title, text); required with --questions."""
    top: int = 2
    """Documents returned by a search."""

    seed: int = 0
    """Seed of everything: world, warm-up, sampling."""
    per_type: int = 40
    """World: entities of each of the seven types."""
    hops: tuple[int, ...] = (3, 4)
    """World: relations from start to answer, in equal shares."""
    train_questions: int = 4000
    """World: questions to train on."""
    test_questions: int = 512
    """World: held-out questions. With --held-out: number of questions used from the file."""

    warmup_steps: int = 900
    """Supervised steps before the first rollout; not with --model."""
    stop_early: float = 0.55
    """Probability that a demonstration gives up at an entity on the way. It determines the initial success rate."""
    restate: float = 1.0
    """Probability that a demonstration's thought states what was found."""
    listing: float = 0.0
    """Probability that a demonstration's thought lists every name it has read."""
    width: int = 96
    """Small policy: width."""
    layers: int = 3
    """Small policy: layers."""
    heads: int = 4
    """Small policy: attention heads."""

    steps: int = 50
    """Total number of steps."""
    step_questions: int = 16
    """Questions per step."""
    group_size: int = 8
    """Rollouts per question."""
    loss: str = "grpo"
    """grpo, gspo or disco."""
    progress: str = "steps"
    """The progress that the service is told, for profiles whose weights depend on it: steps, the share of the steps that are done; success, the share of correct rollouts in the last five steps."""
    turn_advantages: bool = False
    """Give the tokens of each turn the advantage of that turn; for profiles with a rule for turns, with the loss grpo."""
    rate: float = 1.5e-4
    """Learning rate of AdamW."""
    clip_low: float = 0.2
    """A ratio below 1 minus this is clipped."""
    clip_high: float = 0.28
    """A ratio above 1 plus this is clipped."""
    grad_clip: float = 1.0
    """Maximum norm of the gradient."""
    micro_batch: int = 0
    """Rollouts in one backward pass; 0 means all."""
    dynamic_sampling: bool = False
    """Replace groups without a signal by sampling other questions."""
    resample_rounds: int = 4
    """Maximum number of resampling rounds; after that, the step uses the groups it has."""
    false_rejects: float = 0.0
    """Share of correct answers that are called wrong in training, to learn what an imperfect checker costs."""
    false_accepts: float = 0.0
    """Share of wrong answers that are called correct in training."""

    temperature: float = 1.0
    """Sampling temperature, in training and evaluation."""
    max_turns: int = 6
    """Maximum number of turns per rollout; a search in the last one is overlength."""
    turn_tokens: int = 40
    """Maximum number of tokens per turn."""
    context: int = 512
    """Maximum number of tokens of a rollout including its prompt."""
    rollout_batch: int = 0
    """Rollouts sampled concurrently, in training and evaluation; 0 means those of a whole step, and 128 in evaluation."""
    system: bool = False
    """Tell the policy the format in a system message; always done with --model."""

    eval_every: int = 10
    """Steps between evaluations on held-out questions; the first comes before step 1."""
    checkpoint_every: int = 10
    """Steps between checkpoints."""
    device: str = "auto"
    """auto, cpu, cuda, ..."""
    dtype: str = "auto"
    """float32; mixed: weights in float32, computed in bfloat16; bfloat16. auto is mixed on a GPU and float32 elsewhere."""
    gradient_checkpointing: bool = False
    """Trade time for memory in the backward pass."""
    threads: int = 0
    """Number of torch threads; 0 uses torch's default. Runs are reproducible only with the same number."""
    quiet: bool = False
    """No progress bar."""
    figure: bool = True
    """Draw figure.svg at the end."""
    record: bool = False
    """Write the rollouts of every step to rollouts.jsonl, for `reward-service view` and `score`."""

    def __post_init__(self) -> None:
        given = [self.questions, self.held_out, self.corpus]
        if any(given) != all(given):
            raise ValueError("--questions, --held-out and --corpus must be given together")
        if self.model and not self.questions:
            raise ValueError(
                "--model needs --questions, --held-out and --corpus: it does not know the small world's words"
            )
        if self.turn_advantages and self.loss != "grpo":
            raise ValueError(
                "--turn-advantages needs the loss grpo: the others have one advantage per rollout"
            )
        if self.progress not in PROGRESS:
            raise ValueError(f"--progress must be one of {', '.join(PROGRESS)}")
        if self.progress == "success" and self.one_by_one:
            raise ValueError(
                "--progress success needs whole groups: of rollouts sent one by one, the service knows the step"
            )
        if self.group_size < 1 or self.step_questions < 1:
            raise ValueError("a step needs at least one question, and a group at least one rollout")
        if not (0 <= self.false_rejects <= 1 and 0 <= self.false_accepts <= 1):
            raise ValueError("--false-rejects and --false-accepts are shares, from 0 to 1")
        if self.url is not None and is_path(self.profile):
            raise ValueError(
                "--profile accepts a file only without --url: put the file into the folder of profiles of that "
                "service, and pass the profile's name"
            )

    @property
    def profile_name(self) -> str:
        """Name of the profile; a file has the name of its profile."""
        return Path(self.profile).stem if is_path(self.profile) else self.profile

    @property
    def digest(self) -> str:
        """Twelve hexadecimal digits of the settings that change what is computed and differ from their defaults.

        So a new setting does not change the digest of old runs. Of a profile's file it covers what the file says.
        """
        given = asdict(self)
        if is_path(self.profile):
            given["profile"] = yaml.safe_load(Path(self.profile).read_text(encoding="utf-8"))
        kept = {
            spec.name: given[spec.name]
            for spec in fields(self)
            if spec.name not in _ELSEWHERE and given[spec.name] != spec.default
        }
        text = json.dumps(kept, sort_keys=True, default=lambda path: Path(path).name)
        return hashlib.sha256(text.encode()).hexdigest()[:12]


@cache
def help_texts() -> dict[str, str]:
    """Return the string under each field."""
    (body,) = ast.parse(inspect.getsource(TrainingOptions)).body
    assert isinstance(body, ast.ClassDef)  # noqa: S101  # for the type checker
    found = {}
    for node, after in zip(body.body, body.body[1:], strict=False):
        if isinstance(node, ast.AnnAssign) and isinstance(after, ast.Expr):
            found[ast.unparse(node.target)] = ast.literal_eval(after.value)
    return found


def parser() -> argparse.ArgumentParser:
    """Return the command line: an option a field."""
    made = argparse.ArgumentParser(
        prog=PROGRAM,
        description="Train a search agent with rewards from the service.",
        formatter_class=argparse.ArgumentDefaultsHelpFormatter,
        allow_abbrev=False,
    )
    hints = get_type_hints(TrainingOptions)
    for spec in fields(TrainingOptions):
        name = f"--{spec.name.replace('_', '-')}"
        about = help_texts()[spec.name].replace("%", "%%")
        made.add_argument(name, dest=spec.name, default=spec.default, help=about, **_kind(hints[spec.name]))
    return made


def _kind(hint: Any) -> dict[str, Any]:
    """Return how an option of a type is read."""
    if hint is bool:
        return {"action": argparse.BooleanOptionalAction}
    if hint == tuple[int, ...]:
        return {"type": lambda text: tuple(map(int, text.split(","))), "metavar": "N,N"}
    inner = [one for one in get_args(hint) if one is not types.NoneType] or [hint]
    return {"type": inner[0], "metavar": inner[0].__name__.upper()}


def parse(arguments: Sequence[str]) -> TrainingOptions:
    """Read a command line. Exits with 2 and a sentence where it is wrong, as argparse does."""
    made = parser()
    given = vars(made.parse_args(arguments))
    try:
        return TrainingOptions(**given)
    except ValueError as error:
        made.error(str(error))
