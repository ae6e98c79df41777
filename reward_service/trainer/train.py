"""The whole loop, to be read from top to bottom.

    rollouts in batches -> groups to the service -> advantages from its reply -> clipped loss -> one step; again

It follows E-GRPO (arXiv:2510.24694): token-level loss with clip-higher, no KL penalty, rollouts over a limit left out of
the loss. It differs in that every batch is used for one step, so the ratio is 1 up to rounding and nothing is clipped,
and in that it is small. docs/trainer.md explains every number that is logged.

    # B: rollouts of a step · T: tokens of the longest
"""

import contextlib
import random
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import nullcontext
from dataclasses import asdict, dataclass, field
from itertools import groupby
from typing import Any

import torch
from transformers import PreTrainedModel

from reward_service.client import GroupRewards, RolloutReward
from reward_service.client.headers import key_of
from reward_service.client.placing import advantages_of
from reward_service.trainer import checkpoint, evaluate, policy
from reward_service.trainer.chat import Chat
from reward_service.trainer.checkpoint import Progress
from reward_service.trainer.data import TrainingQuestion
from reward_service.trainer.logps import Padded, pad
from reward_service.trainer.losses import BY_ADVANTAGE, LossBatch, LossSpec
from reward_service.trainer.options import TrainingOptions
from reward_service.trainer.results import StepsFile
from reward_service.trainer.rewards import (
    RECENT_STEPS,
    Asked,
    Payment,
    Step,
    pay,
    recorded,
    success_rate,
)
from reward_service.trainer.sampling import RolloutLimits, Trace, sample_in_batches
from reward_service.trainer.task import Task, make_policy, make_task, reward_url
from reward_service.trainer.update import Learning, update
from reward_service.trainer.verdicts import ErrorRates, with_errors


@dataclass(slots=True)
class StageTimes:
    """Seconds that a step spends in each stage."""

    spent: dict[str, float] = field(default_factory=dict)

    @contextlib.contextmanager
    def __call__(self, stage: str) -> Iterator[None]:
        """Add the time of a block to a stage."""
        began = time.perf_counter()
        yield
        self.spent[stage] = self.spent.get(stage, 0.0) + time.perf_counter() - began


@dataclass(slots=True)
class Trainer:
    """What the steps of one run share."""

    options: TrainingOptions
    task: Task
    model: PreTrainedModel
    chat: Chat
    payment: Payment
    optimizer: torch.optim.Optimizer
    generator: torch.Generator
    device: torch.device
    progress: Progress = field(default_factory=Progress)
    recording: StepsFile | None = None
    """Where the rollouts of each step are written; None records none."""

    @property
    def limits(self) -> RolloutLimits:
        """Where rollouts end."""
        o = self.options
        return RolloutLimits(o.max_turns, o.turn_tokens, o.context, o.temperature)

    @property
    def run_id(self) -> str:
        """The run's name at the service."""
        return f"train-{self.options.digest}"

    @property
    def how_far(self) -> Step:
        """How far the training is, as the service is told."""
        success = success_rate(self.progress.outcomes) if self.options.progress == "success" else None
        return Step(self.progress.step, self.options.steps, success)

    def precision(self) -> contextlib.AbstractContextManager[Any]:
        """Return the context in which the model computes."""
        if self.options.dtype == "mixed" or (self.options.dtype == "auto" and self.device.type != "cpu"):
            mixed: contextlib.AbstractContextManager[Any] = torch.autocast(self.device.type, torch.bfloat16)
            return mixed
        return nullcontext()


@dataclass(slots=True)
class Batch:
    """The groups of one step, rollouts in order."""

    asked: list[Asked[Trace]] = field(default_factory=list)
    paid: list[GroupRewards] = field(default_factory=list)
    sampled: int = 0
    """Groups sampled, kept or not."""
    signals: int = 0
    """Of these: with advantages other than 0."""
    drawn_tokens: int = 0
    rounds: int = 0
    """Rounds of resampling."""
    outcomes: list[str] = field(default_factory=list)
    """Of the sampled rollouts, kept or not; without those that have none."""

    @property
    def traces(self) -> list[Trace]:
        """The rollouts that were kept."""
        return [rollout for one in self.asked for rollout in one.rollouts]

    @property
    def results(self) -> list[RolloutReward]:
        """What they are paid."""
        return [one for group in self.paid for one in group.rollouts]


def run(options: TrainingOptions, *, told: Callable[[str, int, int, dict[str, Any]], None]) -> None:
    """Train.

    Args:
        options: how.
        told: called with stage (`warm-up` or `step`), how many are done, how many there are, and numbers.
    """
    if options.threads:
        torch.set_num_threads(options.threads)
    options.out.mkdir(parents=True, exist_ok=True)
    device = _device(options)
    task = make_task(options)
    model, tokenizer, chat = make_policy(
        options, task, device, lambda step, loss: told("warm-up", step, options.warmup_steps, {"loss": loss})
    )
    if options.gradient_checkpointing:
        model.gradient_checkpointing_enable()
    with reward_url(options, task) as url:
        payment = Payment(
            url,
            options.dataset,
            options.profile_name,
            key_of(options.api_key, options.api_key_file),
            options.one_by_one,
        )
        optimizer = torch.optim.AdamW(
            model.parameters(), lr=options.rate, betas=(0.9, 0.99), weight_decay=0.0
        )
        generator = torch.Generator(device).manual_seed(options.seed)
        trainer = Trainer(options, task, model, chat, payment, optimizer, generator, device)
        _steps(trainer, told)
    policy.save(model, tokenizer, options.out / "model")


def _steps(trainer: Trainer, told: Callable[[str, int, int, dict[str, Any]], None]) -> None:
    options = trainer.options
    state = {
        "digest": options.digest,
        "model": trainer.model,
        "optimizer": trainer.optimizer,
        "generator": trainer.generator,
    }
    where = options.out / "checkpoint.pt"
    found = checkpoint.restore(where, **state)
    through = found.step if found else None
    metrics = StepsFile(options.out / "metrics.jsonl", through=through)
    if options.record:
        trainer.recording = StepsFile(options.out / "rollouts.jsonl", through=through)
    if found:
        trainer.progress = found
    else:
        metrics.write(_evaluated(trainer))
    while trainer.progress.step < options.steps:
        row = step(trainer)
        done = trainer.progress.step
        metrics.write(row)
        told("step", done, options.steps, row)
        if done % options.eval_every == 0 or done == options.steps:
            metrics.write(_evaluated(trainer))
        if done % options.checkpoint_every == 0 or done == options.steps:
            checkpoint.save(where, progress=trainer.progress, **state)


def _evaluated(trainer: Trainer) -> dict[str, Any]:
    with trainer.precision():
        found = evaluate.evaluate(
            trainer.model,
            trainer.chat,
            trainer.task.held_out,
            search=trainer.task.search,
            limits=trainer.limits,
            payment=trainer.payment,
            seed=trainer.options.seed,
            size=trainer.options.rollout_batch or evaluate.BATCH,
        )
    progress = trainer.progress
    timing = {"wall_s": progress.wall_s, "cpu_s": progress.cpu_s}
    return {"kind": "eval", "step": progress.step, "rollouts": progress.rollouts, **found, "timing": timing}


def step(trainer: Trainer) -> dict[str, Any]:
    """Make one step; returns its line of metrics."""
    times, began, cpu_began = StageTimes(), time.perf_counter(), time.process_time()
    told = trainer.how_far.progress
    with trainer.precision():
        batch = _collect(trainer, times)
        learnt = _learn(trainer, batch, times)
    progress = trainer.progress
    progress.step += 1
    if trainer.recording is not None:
        for line in recorded(batch.asked, run_id=trainer.run_id, step=progress.step):
            trainer.recording.write(line)
    progress.rollouts += batch.sampled * trainer.options.group_size
    counts = (batch.outcomes.count("correct"), len(batch.outcomes))
    progress.outcomes = [*progress.outcomes, counts][-RECENT_STEPS:]
    progress.wall_s += time.perf_counter() - began
    progress.cpu_s += time.process_time() - cpu_began
    timing = {
        "wall_s": progress.wall_s,
        "cpu_s": progress.cpu_s,
        **{f"{name}_s": spent for name, spent in times.spent.items()},
        "step_s": time.perf_counter() - began,
    }
    return {
        "kind": "train",
        "step": progress.step,
        "rollouts": progress.rollouts,
        "progress": told,
        "groups": len(batch.paid),
        "groups_sampled": batch.sampled,
        "groups_with_signal": batch.signals,
        "resample_rounds": batch.rounds,
        "drawn_tokens": batch.drawn_tokens,
        **evaluate.summary(batch.traces, batch.results),
        **learnt,
        "timing": timing,
    }


def _collect(trainer: Trainer, times: StageTimes) -> Batch:
    """Sample and pay groups; with dynamic sampling, others in place of those without a signal.

    Dynamic sampling is DAPO's (arXiv:2503.14476): a group whose advantages are all 0 teaches nothing. It looks at the
    shaped reward, as the trainers that have it do.
    """
    options, batch = trainer.options, Batch()
    for round_number in range(1 + options.resample_rounds * options.dynamic_sampling):
        missing = options.step_questions - len(batch.paid)
        if not missing:
            break
        batch.rounds = round_number
        asked = _sample_groups(trainer, _next_questions(trainer, missing), times)
        with times("reward"):
            paid = _paid(trainer, asked)
        for one, group in zip(asked, paid, strict=True):
            signal = any(_teaches(one, trainer.options) for one in group.rollouts)
            batch.sampled += 1
            batch.signals += signal
            batch.drawn_tokens += sum(sum(trace.sampled) for trace in one.rollouts)
            batch.outcomes += [member.outcome for member in group.rollouts if member.outcome]
            if signal or not options.dynamic_sampling:
                batch.asked.append(one)
                batch.paid.append(group)
    return batch


def _paid(trainer: Trainer, asked: Sequence[Asked[Trace]]) -> list[GroupRewards]:
    """Have groups scored. With erring verdicts the checker is asked first, and its verdicts are sent with some changed."""
    options, step = trainer.options, trainer.how_far
    rates = ErrorRates(options.false_rejects, options.false_accepts)
    if any(rates):
        checked = pay(trainer.payment, asked, run_id=f"{trainer.run_id}-checked", step=step)
        asked = with_errors(asked, checked, rates, seed=options.seed)
    return pay(trainer.payment, asked, run_id=trainer.run_id, step=step)


def _next_questions(trainer: Trainer, count: int) -> list[TrainingQuestion]:
    """Take the next questions of an order that is shuffled for each pass."""
    chosen = []
    questions = trainer.task.train
    for place in range(trainer.progress.asked, trainer.progress.asked + count):
        epoch, within = divmod(place, len(questions))
        chosen.append(questions[_order(trainer.options.seed, epoch, len(questions))[within]])
    trainer.progress.asked += count
    return chosen


def _order(seed: int, epoch: int, count: int) -> list[int]:
    return random.Random(f"order {seed} {epoch}").sample(range(count), count)  # noqa: S311  # repeatable chance


def _sample_groups(
    trainer: Trainer, questions: Sequence[TrainingQuestion], times: StageTimes
) -> list[Asked[Trace]]:
    size = trainer.options.group_size
    with times("rollout"):
        prompts = [trainer.chat.prompt(question.text) for question in questions for _ in range(size)]
        at_once = trainer.options.rollout_batch or len(prompts)
        traces = sample_in_batches(
            trainer.model,
            trainer.chat,
            prompts,
            size=at_once,
            search=trainer.task.search,
            limits=trainer.limits,
            generator=trainer.generator,
        )
    first = trainer.progress.asked - len(questions)
    return [
        Asked(f"{trainer.progress.step}-{first + n}", question, traces[n * size : (n + 1) * size])
        for n, question in enumerate(questions)
    ]


def _learn(trainer: Trainer, batch: Batch, times: StageTimes) -> dict[str, float]:
    """Make one step of the optimiser. Without any signal there is nothing to learn, and none is made."""
    if not any(_teaches(one, trainer.options) for one in batch.results):
        return {"loss": 0.0, "grad_norm": 0.0, "clipped": 0.0, "drift": 0.0, "entropy": 0.0, "updated": 0}
    options = trainer.options
    spec = LossSpec(clip_low=options.clip_low, clip_high=options.clip_high)
    learning = Learning(options.loss, spec, options.grad_clip, options.micro_batch, options.temperature)
    with times("update"):
        padded, targets = _targets(batch, options, trainer.device)
        learnt = update(trainer.model, trainer.optimizer, padded, targets, learning=learning)
    return {**asdict(learnt), "updated": 1}


def _teaches(paid: RolloutReward, options: TrainingOptions) -> bool:
    """Whether a rollout has an advantage other than 0, as a whole or in a turn."""
    turns = paid.turn_advantages if options.turn_advantages else None
    return any(turns) if turns else bool(paid.advantage)


def _whole(paid: RolloutReward) -> float:
    """Return the advantage of a whole rollout, times its weight."""
    return (paid.advantage or 0.0) * (1.0 if paid.weight is None else paid.weight)


def _by_token(trace: Trace, paid: RolloutReward, width: int) -> list[float]:
    """Return the advantage of each token's turn: a turn is a run of tokens that the policy sampled."""
    runs = [(own, len(list(run))) for own, run in groupby(trace.sampled)]
    of_turns = iter(advantages_of(paid, sum(own for own, _ in runs)))
    values = [value for own, size in runs for value in [next(of_turns) if own else 0.0] * size]
    return values + [0.0] * (width - len(values))


def _targets(batch: Batch, options: TrainingOptions, device: torch.device) -> tuple[Padded, LossBatch]:
    """Return the rollouts to learn from and what the loss looks at.

    A rollout that is not in the loss, or has no reward, has no token that counts. One with an advantage of 0 is not
    computed where it adds nothing, and is counted all the same: dead groups cost no time, and change no mean.
    """
    groups = [n for n, group in enumerate(batch.paid) for _ in group.rollouts]
    rows = list(zip(batch.traces, batch.results, groups, strict=True))
    counted = [t for t, one, _ in rows if one.in_loss and one.advantage is not None]
    rows = [row for row in rows if _teaches(row[1], options) or options.loss not in BY_ADVANTAGE]
    width = max(len(trace.ids) for trace, _, _ in rows)
    padded = pad([trace.ids for trace, _, _ in rows], [trace.sampled for trace, _, _ in rows], device)
    in_loss = torch.tensor([one.in_loss and one.advantage is not None for _, one, _ in rows], device=device)
    by_token = [_by_token(trace, one, width) for trace, one, _ in rows] if options.turn_advantages else None
    return padded, LossBatch(
        old_NT=torch.tensor([[*t.logps, *[0.0] * (width - len(t.ids))] for t, _, _ in rows], device=device),
        tokens_NT=padded.sampled & in_loss[:, None],
        advantages_N=torch.tensor([_whole(one) for _, one, _ in rows], device=device),
        correct_N=torch.tensor([one.outcome == "correct" for _, one, _ in rows], device=device),
        group_N=torch.tensor([group for _, _, group in rows], device=device),
        tokens=sum(sum(trace.sampled) for trace in counted),
        rollouts=len(counted),
        of_turns_NT=None if by_token is None else torch.tensor(by_token, device=device),
    )


def _device(options: TrainingOptions) -> torch.device:
    if options.device != "auto":
        return torch.device(options.device)
    return torch.device("cuda" if torch.cuda.is_available() else "cpu")
