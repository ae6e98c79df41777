"""The function for TRL and the trainers that resemble it, against the real service."""

from types import SimpleNamespace

import pytest

from reward_service.client import Rollout, Text
from reward_service.client.options import Options
from reward_service.client.trl import egrpo_reward
from reward_service.client.whole import columns_of, train
from tests.builders import EXAMPLE

QUESTION = EXAMPLE["groups"][0]["question"]
SAID = ["Zanderheim and Quillock", "nothing", "Quillock"]
REWARDS = [0.3, 0.0, 0.15]
STATE = SimpleNamespace(global_step=3)


def text(thought):
    return f"<think>{thought}</think><answer>nobody</answer>"


def messages(thought):
    return [{"role": "user", "content": "Who?"}, {"role": "assistant", "content": text(thought)}]


@pytest.fixture
def reward(server):
    return egrpo_reward(num_generations=3, url=server, profile="egrpo")


async def test_trl_hands_over_strings(reward):
    logged = {}

    paid = await reward(
        completions=[text(one) for one in SAID * 2],
        question_id=[QUESTION] * 6,
        trainer_state=STATE,
        log_metric=logged.__setitem__,
    )

    assert paid == REWARDS * 2
    assert logged == {"egrpo/valid": 1.0, "egrpo/correct": 0.0, "egrpo/match_rate": 0.5}


async def test_ms_swift_hands_over_the_whole_conversation(reward):
    """`completions` holds the last message alone there; the rollout is in `messages`."""
    paid = await reward(
        completions=[messages(one) for one in SAID],
        question_id=[QUESTION] * 3,
        trainer_state=STATE,
        prompt_id=["p"] * 3,
    )

    assert paid == REWARDS


async def test_rows_of_another_split_are_paid_alone_and_in_their_place(reward):
    said = [SAID[0], SAID[0], *SAID[1:]]

    paid = await reward(
        completions=[text(one) for one in said],
        question_id=[QUESTION] * 4,
        split=["train", "test", "train", "train"],
        trainer_state=STATE,
    )

    assert paid == [REWARDS[0], 0.0, *REWARDS[1:]]


async def test_a_group_of_your_own_making(server):
    """What a trainer without an adapter needs: options, a row of data, rollouts."""
    options = Options.read({"url": server, "profile": "egrpo"})
    rollouts = [Rollout(str(n), Text(text(one))) for n, one in enumerate(SAID)]

    [group] = await train(options, [({"question_id": QUESTION}, rollouts)])

    assert group.rewards == REWARDS
    assert await train(options, []) == []


def test_a_label_is_an_object_or_an_id():
    options = Options.read({"url": "x", "profile": "y"})

    assert columns_of('{"question_id": "a", "split": "test"}', options) == {
        "question_id": "a",
        "split": "test",
    }
    assert columns_of("a", options) == columns_of('"a"', options) | {"question_id": "a"}
    assert columns_of(None, options) == {"question_id": None}
