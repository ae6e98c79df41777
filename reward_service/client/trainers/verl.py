"""verl 0.9: a reward manager that adds each rollout to its group at the service and waits for the group.

    reward.reward_manager.source=importlib
    reward.reward_manager.module.path=pkg://reward_service.client.trainers.verl
    reward.reward_manager.name=EgrpoRewardManager
    +reward.custom_reward_function.reward_kwargs.url=http://127.0.0.1:8000
    +reward.custom_reward_function.reward_kwargs.profile=egrpo

verl asks for one rollout at a time, in several processes, and its words for identity are `uid` (a prompt in a step) and
`session_id` (a sample of it). Rules:

- the author of each token is determined from the response mask if verl passes one, else from the special tokens of ChatML;
- several outputs of one session come as rows of one call: all of them are the rollout, in order;
- the step is verl's column `global_steps`; the number of steps is verl's `trainer.total_training_steps`, or the option
  `total_steps`;
- rows of any split other than the training split are validation: they do not wait for a group;
- "no reward" is an exception: verl then drops the prompt. a reward cannot convey `in_loss`;
- the values next to the score have the same keys, all numbers, for every rollout: verl takes the keys from the first;
- with `place_advantages: true` the score of a training rollout is a list, the service's advantage of each of its tokens, by
  turn where the profile has a rule for turns; `verl_advantages` makes verl take it.
"""

from collections.abc import Mapping, Sequence
from typing import Any, Protocol

from reward_service.client.groups import RolloutReward
from reward_service.client.loops import LoopClients
from reward_service.client.options import NoReward, Options, object_of
from reward_service.client.placing import by_token
from reward_service.client.spans import Tokenizer, chatml_spans, messages_of, own_tokens, spans_of
from reward_service.client.whole import client_of, reward_of
from reward_service.core.types import Messages, Rollout, StopReason, Text

NEXT_OUTPUT = "\n<|im_start|>assistant\n"
# The paper's weight of partial credit, for `compute_score` alone.
ALPHA = 0.3


class Rows(Protocol):
    """What is used of verl's `DataProto`: tensors and columns, one row an output."""

    batch: Mapping[str, Any]
    non_tensor_batch: Mapping[str, Any]

    def __len__(self) -> int:
        """Return the number of rows."""


class EgrpoRewardManager:
    """Scores rollouts in their groups. verl makes one in each reward worker."""

    def __init__(self, config: Any, tokenizer: Tokenizer, *_: object, **__: object) -> None:
        """Read the configuration.

        Raises:
            ValueError: an option is missing or unknown.
        """
        given = dict(config.reward.custom_reward_function.get("reward_kwargs") or {})
        self.place_advantages = bool(given.pop("place_advantages", False))
        self.options = Options.read(given).with_steps(config.trainer.get("total_training_steps"))
        self.tokenizer = tokenizer
        self.max_tokens = int(config.actor_rollout_ref.rollout.get("response_length") or 0)
        self.run = self.options.run(int(config.actor_rollout_ref.rollout.n))
        self.validates = _validates(config)
        options = self.options
        self._clients = LoopClients(lambda: client_of(options))

    async def run_single(self, data: Rows) -> dict[str, Any]:
        """Score one rollout.

        Raises:
            NoReward: there is none; verl drops the prompt.
            ClientError: the service is unreachable or refuses the call.
            ValueError: the data does not tell training from validation, or has no session ids.
        """
        row = {name: values[-1] for name, values in data.non_tensor_batch.items()}
        if "session_id" not in row:
            raise ValueError(
                "the rows have no session_id: the legacy trainer is not supported; use trainer.use_v1"
            )
        columns = {**row, **object_of(row.get("extra_info"), "extra_info")}
        said = Rollout(
            str(row["session_id"]),
            self._source(data),
            stop_reason=self._stop_reason(data),
            length=self._length(data),
        )
        rollout = self.options.told(columns, said)
        member = self.options.member(str(row["uid"]), columns, rollout, step=_step(row))
        ask = self._clients.here()
        if self._is_training(columns):
            spans = self._spans(data) if self.place_advantages else None
            paid = await ask.put_rollout(self.run, member)
            return verl_reward(paid) | (
                {} if spans is None else {"reward_score": by_token(spans, self.tokenizer, paid)}
            )
        return verl_reward(await ask.evaluate(self.run, member))

    @classmethod
    def assemble_rm_scores(cls, data: Any, scores: list[float | list[float]]) -> Any:
        """Put each score on its last token, as verl does; a list has one number per token."""
        from verl.experimental.reward_loop.reward_manager.base import RewardManagerBase  # noqa: PLC0415  # only in verl

        lists = {n: score for n, score in enumerate(scores) if isinstance(score, list)}
        numbers = [0.0 if isinstance(score, list) else score for score in scores]
        assembled = RewardManagerBase.assemble_rm_scores(data, numbers)
        for n, values in lists.items():
            assembled[n] = 0.0
            assembled[n, : len(values)] = assembled.new_tensor(values)
        return assembled

    def _spans(self, data: Rows) -> list[tuple[bool, list[int]]]:
        """Return the spans of tokens that advantages can be placed on.

        Raises:
            ValueError: they are not in one row, or nothing says who wrote which.
        """
        masks = data.batch.get("response_mask")
        if len(data) != 1 or (masks is None and self.options.format != "chatml"):
            raise ValueError("advantages can only be placed on one output with a response mask or in ChatML")
        [length] = lengths(data)
        ids = list(map(int, data.batch["responses"][0][:length]))
        return (
            chatml_spans(ids, self.tokenizer)
            if masks is None
            else list(spans_of(ids, map(int, masks[0][:length])))
        )

    def _is_training(self, columns: Mapping[str, Any]) -> bool:
        if self.options.split_key is None:
            return True
        split = columns.get(self.options.split_key)
        if split is None and self.validates:
            raise ValueError(
                f"training and validation rows cannot be told apart: the data needs extra_info.{self.options.split_key}, "
                "or turn validation off (trainer.val_before_train=False trainer.test_freq=-1)"
            )
        return split is None or split == self.options.train_split

    def _source(self, data: Rows) -> Text | Messages:
        outputs, masks = _outputs(data), data.batch.get("response_mask")
        if masks is None:
            texts = [self._text(ids) for ids in outputs]
            return Text(NEXT_OUTPUT.join(texts), self.options.format, self.options.reading)
        spans = [
            span for ids, mask in zip(outputs, masks, strict=True) for span in spans_of(ids, map(int, mask))
        ]
        return messages_of(spans, self.tokenizer, self.options.reading)

    def _length(self, data: Rows) -> int | None:
        """Return how many tokens the policy wrote; None where neither a mask nor ChatML says which these are."""
        outputs, masks = _outputs(data), data.batch.get("response_mask")
        if masks is not None:
            return own_tokens(
                span
                for ids, mask in zip(outputs, masks, strict=True)
                for span in spans_of(ids, map(int, mask))
            )
        if self.options.format != "chatml":
            return None
        return own_tokens(span for ids in outputs for span in chatml_spans(ids, self.tokenizer))

    def _text(self, ids: Sequence[int]) -> str:
        return self.tokenizer.decode(ids, skip_special_tokens=False)

    def _stop_reason(self, data: Rows) -> StopReason | None:
        """Return `max_tokens` where the last output is as long as it may be and does not end by itself."""
        length = lengths(data)[-1]
        last = int(data.batch["responses"][-1][length - 1]) if length else None
        is_cut = 0 < self.max_tokens <= length and last != self.tokenizer.eos_token_id
        return StopReason.MAX_TOKENS if is_cut else None


def _step(row: Mapping[str, Any]) -> int | None:
    step = row.get("global_steps")
    return None if step is None else int(step)


def _outputs(data: Rows) -> list[list[int]]:
    """Return the tokens of each output, without what pads it."""
    return [
        list(map(int, ids[:length]))
        for ids, length in zip(data.batch["responses"], lengths(data), strict=True)
    ]


def lengths(data: Rows) -> list[int]:
    """Return how many tokens each response has. Masks of rows with prompts of other lengths do not say it."""
    if "response_len" in data.non_tensor_batch:
        return [int(length) for length in data.non_tensor_batch["response_len"]]
    width = len(data.batch["responses"][0])
    return [int(sum(map(int, mask[-width:]))) for mask in data.batch["attention_mask"]]


def verl_reward(paid: RolloutReward) -> dict[str, Any]:
    """Return a reward as verl takes it.

    Raises:
        NoReward: there is none.
    """
    score = reward_of(paid)
    return {"reward_score": score, "reward_extra_info": {"score": score, **numbers_of(paid)}}


def numbers_of(paid: RolloutReward) -> dict[str, float]:
    """Return what goes beside a score: always the same names, always numbers."""
    return {
        "acc": float(paid.outcome == "correct"),
        "matched": float(paid.matched or 0),
        "match_rate": paid.match_rate or 0.0,
        "normalized_match_rate": paid.normalized_match_rate or 0.0,
        "format_error": float(paid.outcome == "error"),
        "in_loss": float(paid.in_loss),
    }


def _validates(config: Any) -> bool:
    trainer = config.get("trainer") or {}
    return bool(trainer.get("val_before_train", True)) or int(trainer.get("test_freq", -1)) > 0


async def compute_score(
    data_source: str,  # noqa: ARG001  # verl passes it by name
    solution_str: str,
    ground_truth: object,  # noqa: ARG001  # the same
    extra_info: Mapping[str, Any] | str,
    **given: Any,
) -> dict[str, float]:
    """Score one rollout without its group, for verl's `custom_reward_function`: not E-GRPO.

    Without the group there is no best rollout to compare with: a wrong rollout gets 0.3 times its plain match rate. verl
    has removed the special tokens by then, so the author is determined from lines that name a role.

    Raises:
        NoReward: there is none; verl drops the prompt.
        ClientError: the service is unreachable or refuses the call.
    """
    options = Options.read({"format": "role_lines", **given})
    row = object_of(extra_info, "extra_info")
    rollout = options.told(row, Rollout("0", Text(solution_str, options.format, options.reading)))
    group = options.group("compute_score", row, [rollout])
    async with client_of(options) as client:
        facts = await client.match([group], profile=options.profile)
    return alone(facts["groups"][0])


def alone(group: Mapping[str, Any]) -> dict[str, float]:
    """Return the score of one measured rollout by itself.

    Raises:
        NoReward: it could not be measured.
    """
    (one,) = group["rollouts"]
    if one["status"] != "scored":
        raise NoReward(f"{one['status']} {one['detail'] or ''}".strip())
    rate = one["matched"] / group["entities"] if group["entities"] and one["matched"] else 0.0
    score = {"correct": 1.0, "wrong": ALPHA * rate, "error": 0.0}[one["outcome"]]
    return {
        "score": score,
        "acc": float(one["outcome"] == "correct"),
        "matched": float(one["matched"] or 0),
        "match_rate": rate,
        "format_error": float(one["outcome"] == "error"),
    }
