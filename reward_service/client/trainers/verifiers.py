"""verifiers up to 0.3: a group reward function for a `Rubric`.

    vf.Rubric(funcs=[egrpo_reward(url="http://reward-service:8000", profile="egrpo")])

The plural names of its arguments make verifiers call it once per group. Rules:

- the columns are each rollout's `info`;
- a rollout that verifiers marks as truncated is an error; one that ended with an error has no reward;
- "no reward" is an exception: verifiers logs it and gives the whole group 0, of which every advantage is 0.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from typing import Any

from reward_service.client.options import Options, object_of
from reward_service.client.whole import pay, reward_of, source_of
from reward_service.core.types import Messages, Rollout, StopReason, Text


def egrpo_reward(**options: Any) -> Callable[..., Awaitable[list[float]]]:
    """Return a group reward function.

    Args:
        options: those of `Options`.
    """
    given = Options.read({"format": "tagged", **options})

    async def egrpo(
        completions: Sequence[Any], infos: Sequence[Any], states: Sequence[Mapping[str, Any]]
    ) -> list[float]:
        """Pay the rollouts of one example.

        Raises:
            NoReward: one of them has none.
            ClientError: the service is unreachable or refuses the call.
        """
        said = [
            given.told(state, Rollout(str(n), _source(one, given), stop_reason=_stop_reason(state)))
            for n, (one, state) in enumerate(zip(completions, states, strict=True))
        ]
        [paid] = await pay(given, [(object_of(infos[0], "info"), said)])
        return [reward_of(one) for one in paid]

    return egrpo


def _source(completion: Any, options: Options) -> Text | Messages:
    said = completion if isinstance(completion, str) else [_message(one) for one in completion]
    return source_of(said, options)


def _plain(value: Any) -> dict[str, Any]:
    """Return a mapping, or one of verifiers' objects, as a mapping."""
    return dict(value) if isinstance(value, Mapping) else value.model_dump(exclude_none=True)


def _message(message: Any) -> dict[str, Any]:
    """Return a message as OpenAI writes it: 0.3 has calls without `function`."""
    plain = _plain(message)
    calls = plain.get("tool_calls")
    return {**plain, "tool_calls": [_call(_plain(one)) for one in calls]} if calls else plain


def _call(call: Mapping[str, Any]) -> Mapping[str, Any]:
    if "function" in call:
        return {**call, "function": _plain(call["function"])}
    return {"function": {"name": call["name"], "arguments": call["arguments"]}}


def _stop_reason(state: Mapping[str, Any]) -> StopReason | None:
    if state.get("error") is not None:
        return StopReason.ABORTED
    return StopReason.MAX_TOKENS if state.get("is_truncated") else None
