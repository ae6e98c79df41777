"""A process's share of a training batch, for trainers that call a reward function once in each process.

Where the share is whole groups, each is scored in one call. Where it is not, each completion is put into its group at the
service under the question and the step, and the processes meet there. Rows of another split are validation: each is paid
by its outcome alone.
"""

import hashlib
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

from reward_service.client.calls import OnError
from reward_service.client.groups import Member, RolloutReward
from reward_service.client.options import Options
from reward_service.client.whole import Row, client_of, evaluate, is_training, together, train
from reward_service.core.types import Rollout

Completion = tuple[Row, Rollout]


@dataclass(frozen=True, slots=True)
class Place:
    """Which share this is: of groups of this size, in this step, in this process."""

    size: int
    step: int
    rank: int


async def pay_share(
    options: Options, completions: Sequence[Completion], place: Place, on_error: OnError
) -> list[RolloutReward]:
    """Pay completions, each with its row of data; in order.

    Raises:
        ValueError: parts of groups do not say whether they are training, or a row's verdict is none.
    """
    completions = [(row, options.told(row, rollout)) for row, rollout in completions]
    training = [n for n, (row, _) in enumerate(completions) if is_training(options, row)]
    rest = sorted(set(range(len(completions))) - set(training))
    chosen = [completions[n] for n in training]
    groups = whole_groups([key_of(row, options) for row, _ in chosen], place.size)
    if groups is None and (missing := _unsaid(chosen, options)):
        raise ValueError(missing)
    if groups is None:
        paid = await _meet(options, chosen, place, on_error)
    else:
        paid = await _whole(options, chosen, groups, on_error, step=place.step)
    alone = await evaluate(options, [completions[n] for n in rest], on_error)
    by_position = dict(zip([*training, *rest], [*paid, *alone], strict=True))
    return [by_position[n] for n in range(len(completions))]


def _unsaid(completions: Sequence[Completion], options: Options) -> str | None:
    """Return what parts of groups lack: an evaluation that is taken for training would wait for the rest of its groups."""
    if options.split_key is None or all(row.get(options.split_key) is not None for row, _ in completions):
        return None
    return (
        f"these are no whole groups, and nothing says whether they are training or evaluation: the data needs a column "
        f"{options.split_key!r} (option split_key) that says {options.train_split!r} of training rows; without evaluation, "
        "set split_key=None"
    )


def key_of(row: Row, options: Options) -> str:
    """Return what tells questions apart."""
    question = options.question(row)
    return question if isinstance(question, str) else str(question["text"])


def is_whole(keys: Sequence[str], size: int) -> bool:
    """Return whether rows are whole groups, one after the other."""
    groups = [keys[at : at + size] for at in range(0, len(keys), size)]
    return all(len(group) == size and len(set(group)) == 1 for group in groups)


def whole_groups(keys: Sequence[str], size: int) -> list[list[int]] | None:
    """Return the places of each group where rows are whole groups, one after the other or mixed; None where they are parts."""
    if is_whole(keys, size):
        return [list(range(at, at + size)) for at in range(0, len(keys), size)]
    places: dict[str, list[int]] = {}
    for n, key in enumerate(keys):
        places.setdefault(key, []).append(n)
    return list(places.values()) if all(len(group) == size for group in places.values()) else None


async def _whole(
    options: Options,
    completions: Sequence[Completion],
    groups: Sequence[Sequence[int]],
    on_error: OnError,
    *,
    step: int,
) -> list[RolloutReward]:
    asked = [(completions[places[0]][0], [completions[n][1] for n in places]) for places in groups]
    scored = await train(options, asked, on_error, progress=options.progress(step))
    paid = {
        n: one
        for places, group in zip(groups, scored, strict=True)
        for n, one in zip(places, group.rollouts, strict=True)
    }
    return [paid[n] for n in range(len(completions))]


async def _meet(
    options: Options, completions: Sequence[Completion], place: Place, on_error: OnError
) -> list[RolloutReward]:
    """Put completions into their groups at the service, where other processes put the rest."""
    run = options.run(place.size)
    members = [_member(options, row, rollout, place) for row, rollout in completions]
    async with client_of(options, on_error) as client:
        return await together([client.put_rollout(run, member) for member in members])


def _member(options: Options, row: Row, rollout: Rollout, place: Place) -> Member:
    """Name a completion so that every process names its group alike, and no other process its rollout."""
    asked = hashlib.sha256(key_of(row, options).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    named = replace(rollout, rollout_id=f"{place.rank}.{rollout.rollout_id}")
    return options.member(f"{place.step}.{asked}", row, named, step=place.step)


def log_share(log_metric: Callable[[str, float], Any], paid: Sequence[RolloutReward]) -> None:
    """Tell the trainer's log what share was scored, and how it did."""
    scored = [one for one in paid if one.reward is not None]
    log_metric("egrpo/valid", len(scored) / len(paid))
    if scored:
        log_metric("egrpo/correct", sum(one.outcome == "correct" for one in scored) / len(scored))
        log_metric("egrpo/match_rate", sum(one.match_rate or 0.0 for one in scored) / len(scored))
