"""Rows of verl's data as they come from parquet, through the reward manager, with objects of verl's shape."""

import asyncio
import json

import numpy as np
import pytest

from reward_service.client.trainers.verl import EgrpoRewardManager
from tests.client.toys import DECAYED, DECAYING, QUESTION, SAID, STEP, STEPS, Letters, text

NUMPY = {
    **QUESTION,
    "answers": np.array(QUESTION["answers"], dtype=object),
    "entities": np.array(QUESTION["entities"], dtype=object),
}


class Config(dict):
    """A mapping whose keys are attributes, as verl's configuration is."""

    __getattr__ = dict.__getitem__


class Rows:
    """One row of verl's `DataProto`."""

    def __init__(self, said, extra_info, session_id=0, **columns):
        ids = Letters().encode(said)
        self.batch = {"responses": np.array([ids]), "attention_mask": np.ones((1, len(ids)), dtype=int)}
        self.non_tensor_batch = {
            "uid": np.array(["u"]),
            "session_id": np.array([session_id]),
            "extra_info": np.array([extra_info], dtype=object),
        } | {name: np.array([value]) for name, value in columns.items()}

    def __len__(self):
        return 1


def managing(url, size=1, *, trainer=None, **options):
    kwargs = {"url": url, "profile": "egrpo", "format": "tagged", "run_id": "verl-rows", **options}
    config = Config(
        reward=Config(custom_reward_function=Config(reward_kwargs=kwargs)),
        actor_rollout_ref=Config(rollout=Config(n=size, response_length=10_000)),
        trainer=Config(trainer or {}),
    )
    return EgrpoRewardManager(config, Letters())


@pytest.fixture
async def manager(server):
    manager = managing(server)
    yield manager
    await manager._clients.aclose()


@pytest.mark.parametrize(
    ("extra", "score"),
    [
        ({"question_id": NUMPY}, 0.0),
        (json.dumps({"question_id": QUESTION}), 0.0),
        ({"question_id": QUESTION, "outcome": "correct"}, 1.0),
        ({"question_id": QUESTION, "outcome": np.True_}, 1.0),
        ({"question_id": QUESTION, "outcome": np.float64("nan"), "outcome_error": np.nan}, 0.0),
        ({"question_id": json.dumps(QUESTION)}, 0.0),
    ],
)
async def test_a_row_is_read_as_parquet_holds_it(manager, extra, score):
    extra = (
        json.dumps({**json.loads(extra), "split": "test"})
        if isinstance(extra, str)
        else {**extra, "split": "test"}
    )

    paid = await manager.run_single(Rows(text("Quillock"), extra))

    assert paid["reward_score"] == score


async def test_a_column_that_holds_no_object_is_named(manager):
    with pytest.raises(
        ValueError, match="the column 'extra_info' holds neither an object nor the JSON of one"
    ):
        await manager.run_single(Rows(text("Quillock"), "first-forecast"))


async def test_advantages_are_placed_on_the_tokens_of_a_training_rollout(manager):
    manager.place_advantages = True
    rows = Rows(text("Quillock"), {"question_id": QUESTION, "split": "train"})
    rows.batch["response_mask"] = np.ones_like(rows.batch["responses"])

    paid = await manager.run_single(rows)

    assert paid["reward_score"] == [0.0] * len(text("Quillock"))  # a group of one
    assert paid["reward_extra_info"]["score"] == 0.3


async def test_advantages_need_a_mask_that_says_where_the_policy_wrote(manager):
    manager.place_advantages = True

    with pytest.raises(ValueError, match="one output with a response mask or in ChatML"):
        await manager.run_single(Rows(text("Zanderheim"), {"question_id": QUESTION, "split": "train"}))


@pytest.mark.parametrize(
    ("trainer", "options"),
    [({"total_training_steps": STEPS}, {}), ({"total_training_steps": None}, {"total_steps": STEPS})],
)
async def test_the_progress_is_verls_step_by_its_configuration_or_the_option(server, trainer, options):
    run_id = f"verl-decaying-{len(options)}"
    manager = managing(server, 3, trainer=trainer, profile=DECAYING, run_id=run_id, **options)
    extra = {"question_id": QUESTION, "split": "train"}
    rows = [Rows(text(one), extra, n, global_steps=STEP) for n, one in enumerate(SAID)]

    paid = await asyncio.gather(*map(manager.run_single, rows))
    await manager._clients.aclose()

    assert [one["reward_score"] for one in paid] == pytest.approx(DECAYED, abs=1e-15)
