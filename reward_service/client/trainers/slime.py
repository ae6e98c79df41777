"""slime: the whole group in one call.

    --group-rm --custom-rm-path reward_service.client.trainers.slime.reward

Options come from the environment. slime calls the same function with one sample when it evaluates. "No reward" is an
exception; a rollout that should stay out of the loss gets `remove_sample`, slime's own word for that. slime tells the step
to hooks of samples alone: one that puts it into the metadata, as `rollout_id`, makes it known here.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reward_service.client.groups import RolloutReward
from reward_service.client.options import Options
from reward_service.client.whole import columns_of, evaluate, reward_of, source_of, train
from reward_service.core.types import STOP_REASONS, Rollout

STEP = "rollout_id"
"""Slime's word for the step; a sample holds it where a hook has put it there."""


class Sample(Protocol):
    """What is used of slime's `Sample`."""

    response: str
    label: str | None
    metadata: Mapping[str, Any] | None
    remove_sample: bool
    status: Any


async def reward(args: Any, samples: Sample | Sequence[Sample], **_: object) -> Any:
    """Return a reward for each sample of a group, or for the one that is evaluated; a dict with `--reward-key`.

    Raises:
        NoReward: there is none.
        ClientError: the service is unreachable or refuses the call.
    """
    options = Options.from_environment().with_steps(getattr(args, "num_rollout", None))
    key = getattr(args, "reward_key", None)
    if not isinstance(samples, Sequence):
        row = _row(samples, options)
        [paid] = await evaluate(options, [(row, _rollout("0", samples, options))])
        return _paid(paid, key)
    if any(isinstance(sample, Sequence) for sample in samples):
        raise TypeError("samples that fan out into several are not supported: give each one its own group")
    rollouts = [_rollout(str(n), sample, options) for n, sample in enumerate(samples)]
    progress = options.progress((samples[0].metadata or {}).get(STEP))
    [group] = await train(options, [(_row(samples[0], options), rollouts)], progress=progress)
    for sample, paid in zip(samples, group.rollouts, strict=True):
        sample.remove_sample = not paid.in_loss
    return [_paid(one, key) for one in group.rollouts]


def _row(sample: Sample, options: Options) -> dict[str, Any]:
    return {**columns_of(sample.label, options), **(sample.metadata or {})}


def _rollout(rollout_id: str, sample: Sample, options: Options) -> Rollout:
    said = (sample.metadata or {}).get("messages") or sample.response
    status = getattr(sample.status, "value", sample.status)
    rollout = Rollout(
        rollout_id, source_of(said, options), stop_reason=STOP_REASONS.get(status), length=_length(sample)
    )
    return options.told(_row(sample, options), rollout)


def _length(sample: Sample) -> int | None:
    """Return how many tokens the policy wrote: those of the mask, or without one the whole response."""
    mask = getattr(sample, "loss_mask", None)
    own = getattr(sample, "response_length", None) if mask is None else sum(mask)
    return int(own) if own else None


def _paid(paid: RolloutReward, key: str | None) -> float | dict[str, float]:
    number = reward_of(paid)
    if key is None:
        return number
    return {key: number, "acc": float(paid.outcome == "correct"), "match_rate": paid.match_rate or 0.0}
