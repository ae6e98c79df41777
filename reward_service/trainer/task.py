"""What a run trains on: questions, a corpus behind a search tool, an index for the service, and a policy to begin with."""

import shutil
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import torch
from transformers import PreTrainedModel, PreTrainedTokenizerBase

from reward_service.core.names import is_path
from reward_service.trainer import data, local
from reward_service.trainer.chat import Chat
from reward_service.trainer.dialogue import SYSTEM
from reward_service.trainer.lessons import Habits, Search, lessons
from reward_service.trainer.options import TrainingOptions
from reward_service.trainer.policy import Shape, load, word_tokenizer
from reward_service.trainer.search import Bm25
from reward_service.trainer.warmup import WarmUp, warmed_up
from reward_service.trainer.world import COMPARE, WorldQuestion, make_questions, make_world

BATCH = 24
# Share of the warm-up that shows whole ways only.
PATIENT = 0.6
Told = Callable[[int, float], None]


@dataclass(frozen=True, slots=True)
class Task:
    """Everything but the policy."""

    train: list[data.TrainingQuestion]
    held_out: list[data.TrainingQuestion]
    search: Search
    truth: tuple[Path, ...]
    """Files for the index."""
    world: tuple[WorldQuestion, ...] = ()
    """Questions to train on with their ways, for demonstrations; empty for a user's own data."""


def make_task(options: TrainingOptions) -> Task:
    """Read the user's files, or draw a world and write its ground truth into the run's folder."""
    if options.questions and options.held_out and options.corpus:
        return Task(
            data.read_questions(options.questions),
            data.read_questions(options.held_out)[: options.test_questions],
            Bm25(data.read_documents(options.corpus), top=options.top),
            (options.questions, options.held_out),
        )
    world = make_world(per_type=options.per_type, seed=options.seed, ages=options.task == COMPARE)
    train, held_out = make_questions(
        world,
        hops=options.hops,
        train=options.train_questions,
        test=options.test_questions,
        seed=options.seed,
        task=options.task,
    )
    truth = options.out / "questions.jsonl"
    data.write_truth(truth, [*train, *held_out])
    search = Bm25(data.world_documents(world), top=options.top)
    return Task(data.asked(train), data.asked(held_out), search, (truth,), tuple(train))


@contextmanager
def reward_url(options: TrainingOptions, task: Task) -> Iterator[str]:
    """Yield the URL of the service: the one given, or one of our own for as long as the block lasts."""
    if options.url is not None:
        yield options.url
        return
    joined = options.out / "truth.jsonl"
    joined.write_bytes(b"".join(path.read_bytes().rstrip(b"\n") + b"\n" for path in task.truth))
    local.build_index(joined, options.out / "index", options.dataset)
    with local.service(
        options.out / "index", options.out / "service.log", profiles=_own_profiles(options)
    ) as url:
        yield url


def _own_profiles(options: TrainingOptions) -> Path | None:
    """Copy the profile's file into the run's folder, for the service of our own; None where a name is given."""
    if not is_path(options.profile):
        return None
    folder = options.out / "profiles"
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir()
    shutil.copy(options.profile, folder)
    return folder


def warm_up_of(options: TrainingOptions) -> WarmUp:
    """Return what the warmed-up policy depends on."""
    return WarmUp(
        seed=options.seed,
        world=(
            options.per_type,
            options.seed,
            options.hops,
            options.train_questions,
            options.test_questions,
            options.top,
        ),
        habits=Habits(
            options.stop_early,
            options.restate,
            options.listing,
            int(PATIENT * options.warmup_steps) * BATCH,
            options.misjudge,
        ),
        shape=Shape(options.width, options.layers, options.heads),
        steps=options.warmup_steps,
        batch=BATCH,
        task=options.task,
    )


def make_policy(
    options: TrainingOptions, task: Task, device: torch.device, told: Told
) -> tuple[PreTrainedModel, PreTrainedTokenizerBase, Chat]:
    """Return the policy to begin with, its tokenizer, and how to speak to it."""
    dtype = torch.bfloat16 if options.dtype == "bfloat16" else torch.float32
    if options.model is not None:
        model, tokenizer = load(options.model, dtype)
        return model.to(device), tokenizer, Chat(tokenizer, system=SYSTEM)
    config = warm_up_of(options)
    walks = lessons(task.world, task.search, config.habits, options.seed)
    model = warmed_up(config, walks, cache=options.cache, device=device, told=told)
    tokenizer = word_tokenizer(options.task)
    return model.to(dtype), tokenizer, Chat(tokenizer, system=SYSTEM if options.system else None)
