"""The generator for SkyRL, called as its trainer and its evaluation call one."""

from dataclasses import dataclass

import pytest

from reward_service.client import ClientError
from reward_service.client.trainers.skyrl import rewarded
from tests.client.toys import (
    CALL,
    DECAYED,
    DECAYING,
    PAGE,
    QUESTION,
    REWARDS,
    SAID,
    STEP,
    STEPS,
    Letters,
    text,
    tokens,
)


@dataclass
class TrajectoryID:
    instance_id: str
    repetition_id: int


@dataclass
class BatchMetadata:
    global_step: int
    training_phase: str


class Generator:
    """Generates what was made up."""

    def __init__(self, tokenizer, **fields):
        self.tokenizer, self.fields = tokenizer, fields

    async def generate(self, input_batch, disable_tqdm=False):
        return dict(self.fields)


def output(said, **fields):
    """A `GeneratorOutput` with one row a trajectory."""
    rows = [tokens(*one) if isinstance(one, tuple) else tokens(one) for one in said]
    return {
        "prompt_token_ids": [[1]] * len(rows),
        "response_ids": [ids for ids, _ in rows],
        "loss_masks": [mask for _, mask in rows],
        "rewards": [[-1.0] * len(ids) for ids, _ in rows],
        "stop_reasons": ["stop"] * len(rows),
        "rollout_metrics": {"generate/avg_num_tokens": 1.0},
        "rollout_logprobs": None,
        "is_last_step": None,
    } | fields


def batch(groups, phase="train"):
    """A `GeneratorInput` as `prepare_generator_input` makes it."""
    ids = [TrajectoryID(f"uid{n}", k) for n, size in enumerate(groups) for k in range(size)]
    return {
        "prompts": [[{"role": "user", "content": "Who?"}]] * len(ids),
        "env_classes": ["search"] * len(ids),
        "env_extras": [{"question_id": QUESTION}] * len(ids),
        "sampling_params": None,
        "trajectory_ids": ids,
        "batch_metadata": BatchMetadata(STEP, phase),
    }


async def generate(url, made, asked, **options):
    given = {"url": url, "profile": "egrpo", **options}
    generator = rewarded(Generator, **given)(tokenizer=Letters(), **made)
    return await generator.generate(asked, disable_tqdm=True)


async def test_trajectories_of_an_instance_are_paid_as_a_group(server):
    made = output([*SAID, "Quillock", "nothing"])

    paid = await generate(server, made, batch([3, 2]))

    assert paid["rewards"] == [*REWARDS, 0.3, 0.0]
    assert paid["loss_masks"] == made["loss_masks"]
    assert paid["response_ids"] is made["response_ids"]
    assert paid["rollout_metrics"] == {
        "generate/avg_num_tokens": 1.0,
        "egrpo/valid/mean": 1.0,
        "egrpo/correct/mean": 0.0,
        "egrpo/match_rate/mean": 0.4,
    }


async def test_instances_need_not_stand_together(server):
    asked = batch([3])
    asked["trajectory_ids"][1] = TrajectoryID("other", 0)

    assert (await generate(server, output(SAID), asked))["rewards"] == [0.3, 0.0, 0.15]


async def test_evaluation_is_paid_by_its_outcome(server):
    made = output([(SAID[0], "nobody"), (SAID[1], "x")])

    assert (await generate(server, made, batch([2], "eval")))["rewards"] == [0.0, 1.0]


async def test_without_a_phase_the_split_says_what_is_evaluation(server):
    asked = batch([2]) | {"batch_metadata": None}
    asked["env_extras"] = [{"question_id": QUESTION, "split": "test"}] * 2

    assert (await generate(server, output([(SAID[0], "x"), SAID[0]]), asked))["rewards"] == [1.0, 0.0]


async def test_turns_of_a_trajectory_are_one_rollout(server):
    """Step-wise training: one row a turn, the reward on the last."""
    rows, masks, ends = [], [], []
    for thought in SAID:
        first = [(CALL, 1), (PAGE, 0)]
        rows += [[ord(one) for said, _ in first for one in said], [ord(one) for one in text(thought)]]
        masks += [[own for said, own in first for _ in said], [1] * len(rows[-1])]
        ends += [False, True]
    made = output([]) | {"response_ids": rows, "loss_masks": masks, "is_last_step": ends}

    paid = await generate(server, made | {"stop_reasons": None, "rollout_metrics": None}, batch([3]))

    assert paid["rewards"] == [0.0, 0.3, 0.0, 0.0, 0.0, 0.15]


async def test_an_over_length_trajectory_stays_out_of_the_loss(server):
    paid = await generate(server, output(SAID, stop_reasons=["length", "stop", "stop"]), batch([3]))

    assert paid["rewards"] == [0.0, 0.0, 0.15]
    assert [any(mask) for mask in paid["loss_masks"]] == [False, True, True]


async def test_a_missing_reward_is_masked_with_its_group(server):
    made = output(SAID * 2, stop_reasons=["abort", *["stop"] * 5])

    paid = await generate(server, made, batch([3, 3]))

    assert paid["rewards"] == [0.0, 0.0, 0.0, *REWARDS]
    assert [any(mask) for mask in paid["loss_masks"]] == [False] * 3 + [True] * 3
    assert paid["rollout_metrics"]["egrpo/valid/mean"] == 0.5


async def test_a_service_that_cannot_be_asked_raises_or_is_masked(server):
    with pytest.raises(ClientError, match="There is no such profile"):
        await generate(server, output(SAID), batch([3]), profile="nobody")

    paid = await generate(server, output(SAID), batch([3]), profile="nobody", on_error="mask")

    assert [any(mask) for mask in paid["loss_masks"]] == [False] * 3
    assert paid["rollout_metrics"]["egrpo/valid/mean"] == 0.0


async def test_a_batch_without_ids_is_refused(server):
    with pytest.raises(ValueError, match="needs trajectory_ids and env_extras"):
        await generate(server, output(SAID), batch([3]) | {"trajectory_ids": None})


async def test_advantages_are_placed_on_the_tokens_of_their_turns(server):
    made = output(SAID)

    paid = await generate(server, made, batch([3]), profile="egrpo-turn", place_advantages=True)

    for row, mask in zip(paid["rewards"], made["loss_masks"], strict=True):
        assert len(row) == len(mask)
        own = [value for value, is_own in zip(row, mask, strict=True) if is_own]
        assert [own[0]] * len(CALL) == own[: len(CALL)]
        assert all(value == 0.0 for value, is_own in zip(row, mask, strict=True) if not is_own)
    firsts = [row[0] for row in paid["rewards"]]
    # Rewards 0.3, 0 and 0.15, divided by the floor of a group of three, 1/sqrt(3).
    assert firsts == pytest.approx([0.259807, -0.259807, 0.0], abs=1e-6)


async def test_evaluation_places_no_advantages(server):
    paid = await generate(server, output(SAID), batch([3], phase="eval"), place_advantages=True)

    assert paid["rewards"] == [0.0, 0.0, 0.0]


async def test_the_rows_of_a_trajectory_share_its_turns(server):
    (ids, mask), _ = tokens(SAID[0]), None
    cut_at = len(CALL) + len(PAGE)
    made = output([SAID[0]], is_last_step=[False, True], stop_reasons=["stop"] * 2)
    made |= {"response_ids": [ids[:cut_at], ids[cut_at:]], "loss_masks": [mask[:cut_at], mask[cut_at:]]}
    made |= {"rewards": [[0.0] * cut_at, [0.0] * (len(ids) - cut_at)]}

    paid = await generate(server, made, batch([1]), profile="egrpo-turn", place_advantages=True)

    assert [len(row) for row in paid["rewards"]] == [cut_at, len(ids) - cut_at]


async def test_the_progress_is_the_step_of_the_batch_by_the_option_for_all_steps(server):
    paid = await generate(server, output(SAID), batch([3]), profile=DECAYING, total_steps=STEPS)

    assert paid["rewards"] == pytest.approx(DECAYED, abs=1e-15)


async def test_an_evaluation_needs_no_number_of_steps(server):
    made = output([(SAID[0], "x"), (SAID[1], "nobody")])

    paid = await generate(server, made, batch([2], "eval"), profile=DECAYING)

    assert paid["rewards"] == [1.0, 0.0]
