"""TRL 1.x: an async reward function for `GRPOTrainer`.

    GRPOTrainer(reward_funcs=[egrpo_reward(num_generations=8, url=..., profile="egrpo")], ...)

TRL calls it once in each process with that process's share of the batch. Where that share is whole groups they are scored
in one call; where it is not, each completion is put into its group at the service under the question's id and the step,
and the processes meet there. Rows of another split are validation: each is paid by its outcome alone. "No reward" is None.
"""

import asyncio
import hashlib
import os
from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from reward_service.client.options import Options
from reward_service.client.values import Member, RolloutReward
from reward_service.client.whole import client_of, evaluate, is_training, source_of, train
from reward_service.types import Rollout

Row = tuple[Mapping[str, Any], Rollout]
Reward = Callable[..., Awaitable[list[float | None]]]


def egrpo_reward(*, num_generations: int, **options: Any) -> Reward:
    """Return a reward function.

    Args:
        num_generations: the trainer's `num_generations`.
        options: those of `Options`; errors give None where `on_error="mask"` is among them.
    """
    on_error = options.pop("on_error", "raise")
    given = Options.read({"format": "tagged", **options})
    rank = int(os.environ.get("RANK", "0"))

    async def egrpo(
        *, completions: Sequence[Any], trainer_state: Any, log_metric: Any = None, **columns: Any
    ) -> list[float | None]:
        rows = list(_rows(completions, columns, given))
        training = [n for n, (row, _) in enumerate(rows) if is_training(given, row)]
        rest = sorted(set(range(len(rows))) - set(training))
        chosen = [rows[n] for n in training]
        if _is_whole([_key(row, given) for row, _ in chosen], num_generations):
            paid = await _whole(given, chosen, num_generations, on_error)
        else:
            paid = await _meet(
                given, chosen, num_generations, step=trainer_state.global_step, rank=rank, on_error=on_error
            )
        alone = await evaluate(given, [rows[n] for n in rest], on_error) if rest else []
        by_place = dict(zip([*training, *rest], [*paid, *alone], strict=True))
        in_order = [by_place[n] for n in range(len(rows))]
        if log_metric is not None:
            _log(log_metric, in_order)
        return [one.reward for one in in_order]

    return egrpo


def _rows(completions: Sequence[Any], columns: Mapping[str, Any], options: Options) -> Any:
    lists = {name: values for name, values in columns.items() if isinstance(values, list)}
    for n, completion in enumerate(completions):
        row = {name: values[n] for name, values in lists.items() if len(values) == len(completions)}
        yield row, Rollout(str(n), source_of(completion, options))


def _key(row: Mapping[str, Any], options: Options) -> str:
    """Return what tells questions apart."""
    question = options.question(row)
    return question if isinstance(question, str) else str(question["text"])


def _is_whole(keys: Sequence[str], size: int) -> bool:
    """Return whether rows are whole groups, one after the other."""
    groups = [keys[at : at + size] for at in range(0, len(keys), size)]
    return all(len(group) == size and len(set(group)) == 1 for group in groups)


async def _whole(options: Options, rows: Sequence[Row], size: int, on_error: Any) -> list[RolloutReward]:
    groups = [rows[at : at + size] for at in range(0, len(rows), size)]
    scored = await train(
        options, [(group[0][0], [rollout for _, rollout in group]) for group in groups], on_error
    )
    return [one for group in scored for one in group.rollouts]


async def _meet(
    options: Options, rows: Sequence[Row], size: int, *, step: int, rank: int, on_error: Any
) -> list[RolloutReward]:
    """Put completions into their groups at the service, where other processes put the rest."""
    run = options.run(size)
    async with client_of(options, on_error) as client:
        members = [
            options.member(
                f"{step}.{_key(row, options)}"[:256],
                row,
                Rollout(f"{rank}.{rollout.rollout_id}", rollout.source),
            )
            for row, rollout in rows
        ]
        return await asyncio.gather(*[client.put_rollout(run, member) for member in members])


def _member(options: Options, row: Mapping[str, Any], rollout: Rollout, *, step: int, rank: int) -> Member:
    """Name a completion so that every process names its group alike, and no other process its rollout."""
    asked = hashlib.sha256(_key(row, options).encode("utf-8", "surrogatepass")).hexdigest()[:32]
    return options.member(f"{step}.{asked}", row, Rollout(f"{rank}.{rollout.rollout_id}", rollout.source))


def _log(log_metric: Callable[[str, float], None], paid: Sequence[RolloutReward]) -> None:
    scored = [one for one in paid if one.reward is not None]
    log_metric("egrpo/valid", len(scored) / len(paid))
    if scored:
        log_metric("egrpo/correct", sum(one.outcome == "correct" for one in scored) / len(scored))
        log_metric("egrpo/match_rate", sum(one.match_rate or 0.0 for one in scored) / len(scored))
