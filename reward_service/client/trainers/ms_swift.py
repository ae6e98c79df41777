"""ms-swift 4: a reward class for `--external_plugins plugin.py --reward_funcs egrpo`.

    # plugin.py
    from swift.rewards import orms
    from reward_service.client.trainers.ms_swift import egrpo_orm

    orms["egrpo"] = egrpo_orm(url="http://reward-service:8000", profile="egrpo")

ms-swift makes one object of the class and calls it in each process with that process's share of the batch, as TRL does.
`completions` is the last message alone there; the rollout is in `messages`. "No reward" is None. The step, and how many
there are, is what the trainer's state says.
"""

import os
from collections.abc import Mapping, Sequence
from typing import Any

from reward_service.client.options import Options
from reward_service.client.share import Place, pay_share
from reward_service.client.trainers.trl import rows_of
from reward_service.core.types import Messages, Rollout, StopReason

# ms-swift's own words for who speaks.
ROLES = {"tool_response": "tool"}


def egrpo_orm(**options: Any) -> type:
    """Return a reward class.

    Args:
        options: those of `Options`; with `on_error="mask"`, errors give None.
    """
    on_error = options.pop("on_error", "raise")
    given = Options.read(options)
    rank = int(os.environ.get("RANK", "0"))

    class Egrpo:
        """What `orms` holds; ms-swift awaits what a call returns."""

        def __init__(self, args: Any, **_: object) -> None:
            self.size = int(args.num_generations)

        async def __call__(
            self,
            completions: Sequence[str],  # noqa: ARG002  # the last message of each, which is not the rollout
            *,
            messages: Sequence[Sequence[Mapping[str, Any]]],
            trainer_state: Any,
            is_truncated: Sequence[bool | None] = (),
            rollout_infos: Sequence[Mapping[str, Any] | None] = (),
            **columns: Any,
        ) -> list[float | None]:
            cut = list(is_truncated) or [None] * len(messages)
            infos = list(rollout_infos) or [None] * len(messages)
            said = [
                _rollout(str(n), one, given, is_cut=bool(cut[n]), turns=_turns(infos[n]))
                for n, one in enumerate(messages)
            ]
            place = Place(self.size, trainer_state.global_step, rank)
            rows = rows_of(columns, len(said))
            options = given.with_steps(trainer_state.max_steps)
            paid = await pay_share(options, list(zip(rows, said, strict=True)), place, on_error)
            return [one.reward for one in paid]

    return Egrpo


def _rollout(
    rollout_id: str,
    messages: Sequence[Mapping[str, Any]],
    options: Options,
    *,
    is_cut: bool,
    turns: int | None,
) -> Rollout:
    told = tuple({**one, "role": ROLES.get(one["role"], one["role"])} for one in messages)
    said = Messages(told, _prompt_messages(told, turns), options.reading)
    return Rollout(rollout_id, said, stop_reason=StopReason.MAX_TOKENS if is_cut else None)


def _turns(info: Mapping[str, Any] | None) -> int | None:
    """Return how many turns the policy has taken, where ms-swift's scheduler has counted them."""
    turns = (info or {}).get("num_turns")
    return turns if isinstance(turns, int) and turns > 0 else None


def _prompt_messages(messages: Sequence[Mapping[str, Any]], turns: int | None) -> int:
    """Return how many messages come before the policy's turns; 0 if nothing says how many turns it has taken."""
    own = [n for n, one in enumerate(messages) if one["role"] == "assistant"]
    return own[-turns] if turns is not None and turns <= len(own) else 0
