"""TRL 1.x: an async reward function for `GRPOTrainer`.

    GRPOTrainer(reward_funcs=[egrpo_reward(num_generations=8, url=..., profile="egrpo")], ...)

TRL calls it once in each process with that process's share of the batch, whole groups or parts of them. "No reward" is
None. The step, and how many there are, is what TRL's state says.
"""

import os
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from typing import Any

from reward_service.client.options import Options
from reward_service.client.share import Place, log_share, pay_share
from reward_service.client.whole import source_of
from reward_service.core.types import Rollout

Reward = Callable[..., Awaitable[list[float | None]]]


def egrpo_reward(*, num_generations: int, **options: Any) -> Reward:
    """Return a reward function.

    Args:
        num_generations: the trainer's `num_generations`.
        options: those of `Options`; with `on_error="mask"`, errors give None.
    """
    on_error = options.pop("on_error", "raise")
    given = Options.read({"format": "tagged", **options})
    rank = int(os.environ.get("RANK", "0"))

    async def egrpo(
        *, completions: Sequence[Any], trainer_state: Any, log_metric: Any = None, **columns: Any
    ) -> list[float | None]:
        ids = columns.get("completion_ids") or [()] * len(completions)
        said = [
            Rollout(str(n), source_of(completion, given), length=_length(completion, ids[n]))
            for n, completion in enumerate(completions)
        ]
        place = Place(num_generations, trainer_state.global_step, rank)
        paid = await pay_share(
            given.with_steps(trainer_state.max_steps),
            list(zip(rows_of(columns, len(said)), said, strict=True)),
            place,
            on_error,
        )
        if log_metric is not None:
            log_share(log_metric, paid)
        return [one.reward for one in paid]

    return egrpo


def _length(completion: Any, ids: Sequence[int]) -> int | None:
    """Return how many tokens the policy wrote; None where TRL's ids are not known to be the policy's alone."""
    is_own = isinstance(completion, str) or all(one.get("role") == "assistant" for one in completion)
    return len(ids) or None if is_own else None


def rows_of(columns: Mapping[str, Any], count: int) -> Iterator[dict[str, Any]]:
    """Yield the rows of columns; what is no list with one value a row is no column."""
    lists = {
        name: values for name, values in columns.items() if isinstance(values, list) and len(values) == count
    }
    for n in range(count):
        yield {name: values[n] for name, values in lists.items()}
