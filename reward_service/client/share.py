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
    """Pay completions, each with its row of data; in order."""
    training = [n for n, (row, _) in enumerate(completions) if is_training(options, row)]
    rest = sorted(set(range(len(completions))) - set(training))
    chosen = [completions[n] for n in training]
    how = _whole if is_whole([key_of(row, options) for row, _ in chosen], place.size) else _meet
    paid = await how(options, chosen, place, on_error)
    alone = await evaluate(options, [completions[n] for n in rest], on_error)
    by_position = dict(zip([*training, *rest], [*paid, *alone], strict=True))
    return [by_position[n] for n in range(len(completions))]


def key_of(row: Row, options: Options) -> str:
    """Return what tells questions apart."""
    question = options.question(row)
    return question if isinstance(question, str) else str(question["text"])


def is_whole(keys: Sequence[str], size: int) -> bool:
    """Return whether rows are whole groups, one after the other."""
    groups = [keys[at : at + size] for at in range(0, len(keys), size)]
    return all(len(group) == size and len(set(group)) == 1 for group in groups)


async def _whole(
    options: Options, completions: Sequence[Completion], place: Place, on_error: OnError
) -> list[RolloutReward]:
    groups = [completions[at : at + place.size] for at in range(0, len(completions), place.size)]
    scored = await train(
        options, [(group[0][0], [rollout for _, rollout in group]) for group in groups], on_error
    )
    return [one for group in scored for one in group.rollouts]


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
    return options.member(f"{place.step}.{asked}", row, named)


def log_share(log_metric: Callable[[str, float], Any], paid: Sequence[RolloutReward]) -> None:
    """Tell the trainer's log what share was scored, and how it did."""
    scored = [one for one in paid if one.reward is not None]
    log_metric("egrpo/valid", len(scored) / len(paid))
    if scored:
        log_metric("egrpo/correct", sum(one.outcome == "correct" for one in scored) / len(scored))
        log_metric("egrpo/match_rate", sum(one.match_rate or 0.0 for one in scored) / len(scored))
