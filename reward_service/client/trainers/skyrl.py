"""SkyRL: a generator whose trajectories are rewarded as groups.

    class Exp(BasePPOExp):
        def get_generator(self, cfg, tokenizer, inference_engine_client):
            return rewarded(SkyRLGymGenerator, url=..., profile="egrpo")(
                generator_cfg=cfg.generator, skyrl_gym_cfg=cfg.environment.skyrl_gym,
                inference_engine_client=inference_engine_client, tokenizer=tokenizer,
            )

The wrapped generator does the sampling, and the rewards of its environments are replaced. Rules:

- trajectories with one `instance_id` are a group; its columns are the `env_extras` of the first;
- the author of each token is determined from the loss masks;
- the trainer says in `batch_metadata` whether a batch is evaluation: then each trajectory is paid by its outcome;
- it says the step there, too; how many there are it does not, which is what the option `total_steps` is for;
- SkyRL cannot represent a missing reward: the trajectory gets 0 and a loss mask of zeros, as does one that should stay out
  of the loss. By default `fail`, a missing reward fails its whole group, so the 0 moves no baseline;
- with `place_advantages=True` each token gets the service's advantage, by turn where the profile has a rule for turns, in
  the place of rewards; `placed_advantages` is then the advantage estimator to register.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from reward_service.client.calls import OnError
from reward_service.client.groups import RolloutReward
from reward_service.client.options import Options
from reward_service.client.placing import by_token, cut, placed_advantages
from reward_service.client.share import log_share
from reward_service.client.spans import Tokenizer, messages_of, own_tokens, spans_of
from reward_service.client.whole import pay
from reward_service.core.types import STOP_REASONS, Rollout

__all__ = ["paid_output", "placed_advantages", "rewarded"]


def rewarded(generator: type, **options: Any) -> type:
    """Return a generator class that generates like another one and gets the rewards from the service.

    Args:
        generator: what generates: `SkyRLGymGenerator`, or your own.
        options: those of `Options`; with `on_error="mask"`, errors become missing rewards. With `place_advantages=True`,
            advantages are placed on tokens, in training only.
    """
    on_error: OnError = options.pop("on_error", "raise")
    places: bool = options.pop("place_advantages", False)
    given = Options.read(options)

    class RewardedGenerator(generator):  # type: ignore[misc]  # the class is the caller's
        """Generates, gathers, asks for rewards."""

        async def generate(self, input_batch: Mapping[str, Any], *args: Any, **kwargs: Any) -> dict[str, Any]:
            """Generate trajectories and pay them."""
            output: dict[str, Any] = await super().generate(input_batch, *args, **kwargs)
            return await paid_output(
                given,
                input_batch,
                output,
                tokenizer=self.tokenizer,
                on_error=on_error,
                place_advantages=places,
            )

    return RewardedGenerator


async def paid_output(
    options: Options,
    batch: Mapping[str, Any],
    output: dict[str, Any],
    *,
    tokenizer: Tokenizer,
    on_error: OnError = "raise",
    place_advantages: bool = False,
) -> dict[str, Any]:
    """Return a generator's output with its rewards replaced, in training by advantages of tokens if they are to be placed.

    Raises:
        ClientError: the service is unreachable or refuses the call.
        ValueError: the batch does not say which trajectories are a group.
    """
    if batch.get("trajectory_ids") is None or batch.get("env_extras") is None:
        raise ValueError("the batch needs trajectory_ids and env_extras")
    rows_of = _rows_of_trajectories(batch, output)
    groups: dict[str, list[int]] = {}
    for n, one in enumerate(batch["trajectory_ids"]):
        groups.setdefault(one.instance_id, []).append(n)
    asked = [
        (
            batch["env_extras"][group[0]],
            [
                options.told(
                    batch["env_extras"][n], _rollout(n, rows_of[n], output, tokenizer, options=options)
                )
                for n in group
            ],
        )
        for group in groups.values()
    ]
    about = batch.get("batch_metadata")
    phase, step = getattr(about, "training_phase", None), getattr(about, "global_step", None)
    training = None if phase is None else phase == "train"
    answered = await pay(options, asked, on_error, training=training, step=step)
    paid = {
        n: one
        for group, them in zip(groups.values(), answered, strict=True)
        for n, one in zip(group, them, strict=True)
    }
    fields = _fields(paid, rows_of, output)
    if place_advantages and phase in (None, "train"):
        fields["rewards"] = _placed(paid, rows_of, output, tokenizer)
    return {**output, **fields}


def _rows_of_trajectories(batch: Mapping[str, Any], output: Mapping[str, Any]) -> list[list[int]]:
    """Return the rows of each trajectory: one, or one a turn in step-wise training."""
    ends = output.get("is_last_step")
    if ends is None:
        return [[n] for n in range(len(batch["trajectory_ids"]))]
    rows: list[list[int]] = [[]]
    for n, is_last in enumerate(ends):
        rows[-1].append(n)
        if is_last:
            rows.append([])
    return rows[:-1]


def _rollout(
    n: int, rows: Sequence[int], output: Mapping[str, Any], tokenizer: Tokenizer, *, options: Options
) -> Rollout:
    said = output.get("stop_reasons")
    stop_reason = None if said is None else STOP_REASONS.get(said[rows[-1]])
    spans = _spans(rows, output)
    return Rollout(
        str(n),
        messages_of(spans, tokenizer, options.reading),
        stop_reason=stop_reason,
        length=own_tokens(spans),
    )


def _placed(
    paid: Mapping[int, RolloutReward],
    rows_of: Sequence[Sequence[int]],
    output: Mapping[str, Any],
    tokenizer: Tokenizer,
) -> list[list[float]]:
    """Return an advantage for each token of each row; the rows of a trajectory are one rollout."""
    placed: list[list[float]] = [[]] * len(output["response_ids"])
    for n, one in paid.items():
        rows = rows_of[n]
        values = by_token(_spans(rows, output), tokenizer, one)
        for row, of_row in zip(
            rows, cut(values, [len(output["response_ids"][row]) for row in rows]), strict=True
        ):
            placed[row] = of_row
    return placed


def _spans(rows: Sequence[int], output: Mapping[str, Any]) -> list[tuple[bool, list[int]]]:
    return [span for row in rows for span in spans_of(output["response_ids"][row], output["loss_masks"][row])]


def _fields(
    paid: Mapping[int, RolloutReward], rows_of: Sequence[Sequence[int]], output: Mapping[str, Any]
) -> dict[str, Any]:
    """Return what replaces the output's fields: a reward on each trajectory's last row, and masks where it is left out."""
    rewards = [0.0] * len(output["response_ids"])
    masks = list(output["loss_masks"])
    for n, one in paid.items():
        rewards[rows_of[n][-1]] = one.reward or 0.0
        if one.reward is None or not one.in_loss:
            for row in rows_of[n]:
                masks[row] = [0] * len(masks[row])
    metrics: dict[str, float] = {}
    # SkyRL puts batches together and reads in a name what to do: a mean becomes the mean of means.
    log_share(lambda name, value: metrics.setdefault(f"{name}/mean", value), list(paid.values()))
    return {
        "rewards": rewards,
        "loss_masks": masks,
        "rollout_metrics": {**(output.get("rollout_metrics") or {}), **metrics},
    }
