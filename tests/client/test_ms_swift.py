"""The reward class for ms-swift, called as its `compute_rewards_per_func` calls an asynchronous one."""

import asyncio
from types import SimpleNamespace

import pytest

from reward_service.client import ClientError
from reward_service.client.trainers.ms_swift import egrpo_orm
from tests.client.toys import DECAYED, DECAYING, QUESTION, REWARDS, SAID, STEP, STEPS, conversation

ARGS = SimpleNamespace(num_generations=3)
STATE = SimpleNamespace(global_step=STEP, max_steps=STEPS)


@pytest.fixture
def reward(server):
    return egrpo_orm(url=server, profile="egrpo")(args=ARGS)


def batch(conversations, **columns):
    """Completions, and the columns of `GRPOSample.to_reward_row`, one value a sample."""
    count = len(conversations)
    row = {
        "prompt_id": "prompt_0",
        "request_id": "chatcmpl-1",
        "finish_reason": "stop",
        "is_truncated": False,
        "rollout_infos": {},
        "response_token_ids": [[1]],
        "question_id": QUESTION,
    }
    columns = {name: [value] * count for name, value in row.items()} | columns
    return [one[-1]["content"] for one in conversations], columns | {
        "messages": conversations,
        "trainer_state": STATE,
        "trajectory_inputs": {},
    }


def call(reward, conversations, **columns):
    completions, given = batch(conversations, **columns)
    assert asyncio.iscoroutinefunction(reward.__call__)
    return asyncio.run(reward(completions, **given))


def test_groups_are_paid_as_groups(reward):
    assert call(reward, [conversation(one) for one in SAID * 2]) == REWARDS * 2


def test_pages_in_ms_swifts_own_words_are_pages(reward):
    page = {"role": "tool_response", "content": SAID[0]}
    conversations = [[one[0], one[1], page, one[3]] for one in map(conversation, SAID)]

    assert call(reward, conversations) == REWARDS


def test_a_sample_that_was_cut_is_an_error(reward):
    assert call(reward, [conversation(one) for one in SAID], is_truncated=[True, False, False]) == [
        0.0,
        0.0,
        0.15,
    ]


def test_evaluation_is_paid_by_its_outcome(reward):
    conversations = [conversation(SAID[0]), conversation("", "x")]

    assert call(reward, conversations, split=["test"] * 2) == [0.0, 1.0]


def test_processes_that_share_a_group_meet_at_the_service(server, monkeypatch):
    ranks = []
    for rank in range(2):
        monkeypatch.setenv("RANK", str(rank))
        ranks.append(egrpo_orm(url=server, profile="egrpo", run_id="swift-ranks")(args=ARGS))

    async def both():
        shares = [SAID[:2], SAID[2:]]
        calls = [
            batch([conversation(one) for one in share], split=["train"] * len(share)) for share in shares
        ]
        return await asyncio.gather(
            *[rank(said, **given) for rank, (said, given) in zip(ranks, calls, strict=True)]
        )

    assert asyncio.run(both()) == [REWARDS[:2], REWARDS[2:]]


def test_no_reward_is_none_where_errors_are_masked(server):
    nobody = {"url": server, "profile": "nobody"}
    conversations = [conversation(one) for one in SAID]

    assert call(egrpo_orm(**nobody, on_error="mask")(args=ARGS), conversations) == [None] * 3
    with pytest.raises(ClientError, match="There is no such profile"):
        call(egrpo_orm(**nobody)(args=ARGS), conversations)


def test_examples_before_the_turns_that_were_counted_earn_nothing(reward):
    shown = [
        {"role": "user", "content": "Who else?"},
        {"role": "assistant", "content": f"<think>{SAID[0]}</think>x"},
    ]
    conversations = [[*shown, *conversation(one)] for one in SAID]

    assert call(reward, conversations, rollout_infos=[{"num_turns": 2}] * 3) == REWARDS
    assert call(reward, conversations, rollout_infos=[{"num_turns": 9}] * 3) == [0.3, 0.3, 0.3]


def test_the_progress_is_that_of_the_trainers_state(server):
    reward = egrpo_orm(url=server, profile=DECAYING)(args=ARGS)

    assert call(reward, [conversation(one) for one in SAID]) == pytest.approx(DECAYED, abs=1e-15)
