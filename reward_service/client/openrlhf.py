"""OpenRLHF 0.9.1 to 0.11: an executor that gathers the samples of a prompt and scores them as one group.

    # agent.py, for --train.agent_func_path agent.py
    from openrlhf.utils.agent import MultiTurnAgentExecutor
    from reward_service.client.openrlhf import rewarded

    AgentExecutor = rewarded(lambda: MultiTurnAgentExecutor(MySearchAgent))

The executor inside does the sampling, and what it says of rewards is replaced. Options come from the environment. Rules:

- samples that are started together, with one `sampling_params` object, are a group: OpenRLHF starts all of a prompt at
  once, in training and in evaluation, whatever their number;
- who wrote what is read from the action ranges, in tokens;
- OpenRLHF dies of a missing reward: one that cannot be had is 0 with `reward_valid` 0, and a score so low that dynamic
  filtering, where it is on, drops the prompt.
"""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from reward_service.client.options import Options
from reward_service.client.values import RolloutReward
from reward_service.client.whole import columns_of, evaluate, is_training, train
from reward_service.types import Messages, Rollout, StopReason


class Gathering:
    """The samples of one prompt: joined when they start, scored when the last one ends."""

    def __init__(self) -> None:
        self.size = 0
        self._ended: list[Rollout] = []
        self._paid: asyncio.Future[list[RolloutReward]] = asyncio.get_running_loop().create_future()

    def join(self) -> int:
        """Take a place."""
        self.size += 1
        return self.size - 1

    async def end(self, place: int, rollout: Rollout, score: Callable[[list[Rollout]], Any]) -> RolloutReward:
        """Hand in a sample that has ended, and wait for the others.

        Raises:
            RuntimeError: another sample of the prompt failed.
        """
        self._ended.append(rollout)
        if len(self._ended) == self.size:
            await self._settle(score)
        paid = {one.rollout_id: one for one in await asyncio.shield(self._paid)}
        return paid[str(place)]

    async def _settle(self, score: Callable[[list[Rollout]], Any]) -> None:
        try:
            self._paid.set_result(await score(sorted(self._ended, key=lambda one: int(one.rollout_id))))
        except Exception as error:  # noqa: BLE001  # everybody who waits is told
            self.fail(error)

    def fail(self, error: BaseException) -> None:
        """Tell the others that this one will not come."""
        if not self._paid.done():
            self._paid.set_exception(RuntimeError(f"a sample of the same prompt failed: {error}"))
            self._paid.exception()  # nobody may be waiting yet


class Gatherings:
    """The prompts that are being sampled."""

    def __init__(self) -> None:
        self._open: dict[int, tuple[object, Gathering]] = {}

    def of(self, sampling_params: object) -> Gathering:
        """Return the gathering of the samples that were started with this object."""
        _, gathering = self._open.setdefault(id(sampling_params), (sampling_params, Gathering()))
        return gathering

    def drop(self, sampling_params: object) -> None:
        """Forget it; the next samples with this object are another group."""
        self._open.pop(id(sampling_params), None)


def rewarded(make: Callable[[], Any]) -> type:
    """Return an `AgentExecutor` class that samples as another executor does and is paid by the service.

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
            rollout = rollout_of(str(place), response, tokenizer)
            paid = await gathering.end(place, rollout, lambda ended: score(self.options, label, ended))
            return {**response, **answer(paid, gathering.size)}

    return AgentExecutor


async def score(options: Options, label: str, rollouts: list[Rollout]) -> list[RolloutReward]:
    """Score the samples of a prompt: as a group, or where the label names another split, each by its outcome."""
    row = columns_of(label, options)
    if is_training(options, row):
        [group] = await train(options, [(row, rollouts)], "mask")
        return list(group.rollouts)
    return await evaluate(options, [(row, rollout) for rollout in rollouts], "mask")


def rollout_of(rollout_id: str, response: Mapping[str, Any], tokenizer: Any) -> Rollout:
    """Read a response: the tokens of the action ranges are the policy's, those between them are not."""
    tokens: Sequence[int] = response["observation_tokens"]
    messages, at = [], None
    for start, end in response["action_ranges"]:
        if at is not None and at < start:
            messages.append({"role": "tool", "content": _text(tokenizer, tokens[at:start])})
        messages.append({"role": "assistant", "content": _text(tokenizer, tokens[start:end])})
        at = end
    stop_reason = StopReason.MAX_TOKENS if response.get("truncated") else None
    return Rollout(rollout_id, Messages(tuple(messages)), stop_reason=stop_reason)


def _text(tokenizer: Any, tokens: Sequence[int]) -> str:
    end = getattr(tokenizer, "eos_token_id", None)
    text: str = tokenizer.decode([token for token in tokens if token != end], skip_special_tokens=False)
    return text


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
