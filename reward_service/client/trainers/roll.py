"""ROLL: a reward worker for the RLVR pipeline.

    # my_rewards.py, for worker_cls: my_rewards.EgrpoRewardWorker
    from reward_service.client.trainers.roll import reward_worker

    EgrpoRewardWorker = reward_worker(num_return_sequences=8, url="http://reward-service:8000", profile="egrpo")

ROLL hands a worker all samples of a prompt in one call where `is_num_return_sequences_expand` is false, its default, and
one by one where it is true, as in asynchronous training. A worker takes one call at a time, so samples that come one by
one could only wait for others that wait for this one: that is refused. The columns are those of the data, and those in
`ground_truth` where that is a JSON object. ROLL cannot represent a missing reward: it is an exception, which ends the run;
where errors are masked the whole group gets 0, of which every advantage is 0. The step comes with a call, the number of
steps with the pipeline's configuration.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reward_service.client.calls import OnError
from reward_service.client.groups import RolloutReward
from reward_service.client.options import Options
from reward_service.client.share import is_whole, key_of
from reward_service.client.spans import Tokenizer
from reward_service.client.whole import Row, blocking, columns_of, is_training, pay, reward_of
from reward_service.core.types import Rollout, Text


class Data(Protocol):
    """What is used of ROLL's `DataProto`: tensors and columns, one row a sample."""

    batch: Mapping[str, Any]
    non_tensor_batch: Mapping[str, Any]
    meta_info: Mapping[str, Any]


def reward_worker(*, num_return_sequences: int, **options: Any) -> type:
    """Return a reward worker class.

    Args:
        num_return_sequences: the pipeline's `num_return_sequences_in_group`.
        options: those of `Options`; with `on_error="mask"`, errors give 0 to the whole group.
    """
    from roll.distributed.executor.worker import Worker  # noqa: PLC0415  # only in ROLL, as the others
    from roll.distributed.scheduler.decorator import Dispatch, register  # noqa: PLC0415
    from roll.distributed.scheduler.protocol import DataProto  # noqa: PLC0415
    from roll.models.model_providers import default_tokenizer_provider  # noqa: PLC0415

    on_error: OnError = options.pop("on_error", "raise")
    given = Options.read(options)

    class EgrpoRewardWorker(Worker):  # type: ignore[misc]  # not installed beside the service
        """Pays the samples of prompts."""

        def __init__(self, worker_config: Any) -> None:
            super().__init__(worker_config=worker_config)
            self.rank_info.dp_rank = self.rank_info.rank
            self.rank_info.dp_size = self.rank_info.world_size
            self.tokenizer = default_tokenizer_provider(model_args=self.worker_config.model_args)

        @register(dispatch_mode=Dispatch.ONE_TO_ALL)  # type: ignore[untyped-decorator]  # the same
        def initialize(self, pipeline_config: Any) -> None:
            """Read how long the training is; there is nothing to load."""
            self.options = given.with_steps(pipeline_config.max_steps)

        @register(dispatch_mode=Dispatch.DP_MP_COMPUTE, clear_cache=False)  # type: ignore[untyped-decorator]  # the same
        def compute_rewards(self, data: Any) -> Any:
            """Pay samples."""
            paid = pay_samples(
                self.options, data, size=num_return_sequences, tokenizer=self.tokenizer, on_error=on_error
            )
            floats = data.batch["responses"].float()
            return DataProto.from_dict(
                tensors={
                    "token_level_rewards": floats.new_zeros(floats.shape),
                    "response_level_rewards": floats.new_tensor([number for number, _ in paid]),
                    "scores": floats.new_tensor([one.outcome == "correct" for _, one in paid]),
                }
            )

    return EgrpoRewardWorker


def pay_samples(
    options: Options, data: Data, *, size: int, tokenizer: Tokenizer, on_error: OnError = "raise"
) -> list[tuple[float, RolloutReward]]:
    """Return each sample's reward as a number, and why.

    Raises:
        NoReward: a sample has none, and errors are raised.
        ValueError: training samples do not come as whole groups.
    """
    rows = [_row(data, n, options) for n in range(len(data.batch["responses"]))]
    texts = [Text(_text(data, n, tokenizer), options.format, options.reading) for n in range(len(rows))]
    said = [
        options.told(rows[n], Rollout(str(n), text, length=_length(data, n) or None))
        for n, text in enumerate(texts)
    ]
    groups = [(rows[places[0]], [said[n] for n in places]) for places in _groups(rows, options, size)]
    step = data.meta_info.get("global_step")
    paid = [one for group in blocking(pay(options, groups, on_error, step=step)) for one in group]
    if on_error == "mask":
        return [(one.reward or 0.0, one) for one in paid]
    return [(reward_of(one), one) for one in paid]


def _groups(rows: Sequence[Row], options: Options, size: int) -> list[list[int]]:
    """Return which rows are a group: consecutive ones in training, each alone in validation."""
    training = [is_training(options, row) for row in rows]
    if not any(training):
        return [[n] for n in range(len(rows))]
    if not (all(training) and is_whole([key_of(row, options) for row in rows], size)):
        raise ValueError(
            f"{len(rows)} samples do not form groups of {size}: is_num_return_sequences_expand must be false, "
            "and each reward worker must get a batch of whole groups"
        )
    return [list(range(at, at + size)) for at in range(0, len(rows), size)]


def _row(data: Data, n: int, options: Options) -> dict[str, Any]:
    columns = {name: values[n] for name, values in data.non_tensor_batch.items()}
    label = columns.pop("ground_truth", None)
    return {**(columns_of(label, options) if label is not None else {}), **columns}


def _text(data: Data, n: int, tokenizer: Tokenizer) -> str:
    """Return what a sample says: its response, without what pads it."""
    said = data.batch["responses"][n][: _length(data, n)]
    return tokenizer.decode(said.tolist(), skip_special_tokens=False)


def _length(data: Data, n: int) -> int:
    return int(data.batch["response_mask"][n].sum())
