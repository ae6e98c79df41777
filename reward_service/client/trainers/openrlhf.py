"""OpenRLHF 0.9.1 to 0.11: an executor that gathers the samples of a prompt and scores them as one group.

    # agent.py, for --train.agent_func_path agent.py
    from openrlhf.utils.agent import MultiTurnAgentExecutor
    from reward_service.client.trainers.openrlhf import rewarded

    AgentExecutor = rewarded(lambda: MultiTurnAgentExecutor(MySearchAgent))

The wrapped executor does the sampling, and its rewards are replaced. Options come from the environment. Rules:

- samples that are started together, with one `sampling_params` object, are a group: OpenRLHF starts all of a prompt at
  once, in training and in evaluation, whatever their number;
- the author of each token is determined from the action ranges;
- in float32 the mean of equal rewards need not be that reward, and OpenRLHF makes advantages of what is left: where all
  rewards of a prompt are equal they are handed over as the nearest number of few bits, whose sums are exact;
- OpenRLHF crashes on a missing reward: it is passed on as 0 with `reward_valid` 0, and a score so low that dynamic
  filtering, if it is on, drops the prompt.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from reward_service.client.gathering import Gatherings
from reward_service.client.groups import RolloutReward
from reward_service.client.options import Options
from reward_service.client.spans import messages_of, own_tokens
from reward_service.client.whole import columns_of, pay
from reward_service.core.types import AS_USUAL, Reading, Rollout, StopReason

BITS = 65536


def rewarded(make: Callable[[], Any]) -> type:
    """Return an `AgentExecutor` class that samples like another executor and gets the rewards from the service.

    Args:
        make: makes the executor that samples.
    """
    from openrlhf.utils.agent import AgentExecutorBase  # noqa: PLC0415  # only in OpenRLHF

    class AgentExecutor(AgentExecutorBase):  # type: ignore[misc]  # not installed beside the service
        """Samples, gathers, asks for rewards."""

        def __init__(self) -> None:
            self.options = Options.from_environment()
            self.sampler = make()
            self.gatherings = Gatherings()

        async def execute(
            self, prompt: str, label: str, sampling_params: object, *args: Any, **kwargs: Any
        ) -> Any:
            """Sample once."""
            gathering = self.gatherings.of(sampling_params)
            place = gathering.join()
            await asyncio.sleep(0)  # all samples of the prompt take their places before the first one ends
            tokenizer = kwargs["hf_tokenizer"] if "hf_tokenizer" in kwargs else args[1]
            try:
                response = await self.sampler.execute(prompt, label, sampling_params, *args, **kwargs)
            except BaseException as error:
                gathering.fail(error)
                raise
            finally:
                self.gatherings.drop(sampling_params)
            said = rollout_of(str(place), response, tokenizer, self.options.reading)
            rollout = self.options.told(response, said)
            paid = await gathering.end(place, rollout, lambda ended: score(self.options, label, ended))
            return {**response, **answer(paid, gathering.size)}

    return AgentExecutor


async def score(options: Options, label: str, rollouts: Sequence[Rollout]) -> list[RolloutReward]:
    """Score the samples of a prompt: as a group, or where the label names another split, each by its outcome."""
    [paid] = await pay(options, [(columns_of(label, options), rollouts)], "mask")
    is_flat = len({one.reward for one in paid}) == 1
    return [replace(one, reward=in_few_bits(one.reward)) for one in paid] if is_flat else paid


def in_few_bits(reward: float | None) -> float | None:
    """Return the nearest multiple of 1/65536: sums of up to 128 such numbers in [0, 1] are exact in float32's 24 bits."""
    return None if reward is None else round(reward * BITS) / BITS


def rollout_of(
    rollout_id: str, response: Mapping[str, Any], tokenizer: Any, reading: Reading = AS_USUAL
) -> Rollout:
    """Read a response: the tokens of the action ranges are the policy's, those between them are not."""
    tokens: Sequence[int] = response["observation_tokens"]
    spans: list[tuple[bool, Sequence[int]]] = []
    at = 0
    for start, end in response["action_ranges"]:
        spans += [(False, tokens[at:start]), (True, tokens[start:end])]
        at = end
    stop_reason = StopReason.MAX_TOKENS if response.get("truncated") else None
    said = messages_of(spans, tokenizer, reading)
    return Rollout(rollout_id, said, stop_reason=stop_reason, length=own_tokens(spans))


def answer(paid: RolloutReward, size: int) -> dict[str, Any]:
    """Return what OpenRLHF is told of a reward: numbers, always the same ones."""
    valid = paid.reward is not None
    return {
        "reward": paid.reward if paid.reward is not None else 0.0,
        # The mean of a prompt's scores is compared with a range inside [0, 1]: one such score takes it below 0.
        "scores": paid.reward if paid.reward is not None else -float(size),
        "extra_logs": {
            "reward_valid": float(valid),
            "acc": float(paid.outcome == "correct"),
            "matched": float(paid.matched or 0),
            "match_rate": paid.match_rate or 0.0,
            "format_error": float(paid.outcome == "error"),
        },
    }
