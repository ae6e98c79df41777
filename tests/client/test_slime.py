"""The slime hook against the real service, called as slime's `batched_async_rm` and `async_rm` call it."""

from types import SimpleNamespace

import pytest

from reward_service.client import ClientError
from reward_service.client.options import NoReward
from reward_service.client.trainers.slime import reward
from tests.builders import EXAMPLE
from tests.client.toys import DECAYED, DECAYING, SAID, STEP, STEPS

QUESTION = EXAMPLE["groups"][0]["question"]
ARGS = SimpleNamespace(reward_key=None)


def sample(thought, answer="nobody", status="completed", **metadata):
    text = f"<think>{thought}</think><answer>{answer}</answer>"
    return SimpleNamespace(
        response=text,
        label="x",
        metadata={"question_id": QUESTION, **metadata},
        remove_sample=False,
        status=SimpleNamespace(value=status),
    )


@pytest.fixture(autouse=True)
def configured(server, monkeypatch):
    monkeypatch.setenv("REWARD_SERVICE_URL", server)
    monkeypatch.setenv("REWARD_SERVICE_PROFILE", "egrpo")


def group():
    return [sample("Zanderheim and Quillock"), sample("nothing"), sample("Quillock"), sample("", "x")]


async def test_a_group_is_paid_as_a_group():
    assert await reward(ARGS, group()) == [0.3, 0.0, 0.15, 1.0]


async def test_with_a_reward_key_it_is_a_dict():
    paid = await reward(SimpleNamespace(reward_key="reward"), group())

    assert paid[2] == {"reward": 0.15, "acc": 0.0, "match_rate": 0.5}


async def test_messages_are_read_where_there_are_any():
    messages = [
        {"role": "assistant", "content": "", "reasoning_content": "Quillock"},
        {"role": "assistant", "content": "nobody"},
    ]

    assert await reward(ARGS, [sample("Zanderheim", messages=messages), sample("nothing")]) == [0.3, 0.0]


async def test_an_over_length_sample_stays_out_of_the_loss():
    samples = [sample("Zanderheim", status="truncated"), sample("Quillock")]

    assert await reward(ARGS, samples) == [0.0, 0.3]
    assert [one.remove_sample for one in samples] == [True, False]


async def test_evaluation_pays_the_outcome():
    assert [await reward(ARGS, one) for one in group()] == [0.0, 0.0, 0.0, 1.0]


async def test_no_reward_is_an_exception(monkeypatch):
    with pytest.raises(NoReward, match=r"group_failed|aborted"):
        await reward(ARGS, [sample("", status="aborted"), sample("")])
    with pytest.raises(TypeError, match="fan out"):
        await reward(ARGS, [[sample("")]])
    monkeypatch.setenv("REWARD_SERVICE_PROFILE", "nobody")
    with pytest.raises(ClientError, match="There is no such profile"):
        await reward(ARGS, group())


async def test_the_progress_is_what_a_hook_has_put_into_the_metadata(monkeypatch):
    monkeypatch.setenv("REWARD_SERVICE_PROFILE", DECAYING)
    samples = [sample(one, rollout_id=STEP) for one in SAID]

    paid = await reward(SimpleNamespace(reward_key=None, num_rollout=STEPS), samples)

    assert paid == pytest.approx(DECAYED, abs=1e-15)


async def test_without_a_hook_the_step_is_not_known(monkeypatch):
    monkeypatch.setenv("REWARD_SERVICE_PROFILE", DECAYING)

    with pytest.raises(ClientError, match="the profile egrpo-decay needs progress"):
        await reward(SimpleNamespace(reward_key=None, num_rollout=STEPS), group())
