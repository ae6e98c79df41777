"""The function for TRL and the trainers that resemble it, against the real service."""

import asyncio
from types import SimpleNamespace

import pytest

from reward_service.api.app import create_app
from reward_service.client import ClientError, Rollout, Text
from reward_service.client.options import Options, object_of
from reward_service.client.trainers.trl import egrpo_reward
from reward_service.client.whole import columns_of, together, train
from reward_service.serve.config import Settings
from tests.client.toys import DECAYED, DECAYING, QUESTION, REWARDS, SAID, STEP, STEPS, text
from tests.conftest import serving

STATE = SimpleNamespace(global_step=STEP, max_steps=STEPS)


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


async def test_trl_hands_over_conversations(reward):
    paid = await reward(
        completions=[messages(one) for one in SAID], question_id=[QUESTION] * 3, trainer_state=STATE
    )

    assert paid == REWARDS


async def test_questions_that_begin_alike_are_groups_of_their_own(server, monkeypatch):
    """Completions that meet at the service are named by their question, however long it is."""
    alike = [QUESTION | {"text": "Who? " * 99 + end} for end in "ab"]

    def share(rank, said):
        monkeypatch.setenv("RANK", rank)
        reward = egrpo_reward(num_generations=3, url=server, profile="egrpo", run_id="alike")
        texts, asked = [text(one) for one in said for _ in alike], alike * len(said)
        return reward(completions=texts, question_id=asked, split=["train"] * len(asked), trainer_state=STATE)

    shares = await asyncio.gather(share("0", SAID[:2]), share("1", SAID[2:]))

    assert [one for paid in shares for one in paid] == [one for one in REWARDS for _ in alike]


async def test_groups_may_be_mixed_in_a_batch(reward):
    mixed = [QUESTION, QUESTION | {"text": "Another?"}]

    paid = await reward(
        completions=[text(one) for one in SAID for _ in mixed], question_id=mixed * 3, trainer_state=STATE
    )

    assert paid == [one for one in REWARDS for _ in mixed]


async def test_parts_of_groups_that_do_not_say_whether_they_are_training_are_refused_at_once(reward):
    with pytest.raises(ValueError, match=r"a column .split. .* that says .train. of training rows"):
        await reward(completions=[text(SAID[0])], question_id=[QUESTION], trainer_state=STATE)


async def test_a_column_hands_over_the_trainers_own_verdict(reward):
    paid = await reward(
        completions=[text(one) for one in SAID],
        question_id=[QUESTION] * 3,
        outcome=["correct", None, False],
        trainer_state=STATE,
    )

    assert (paid[0], paid[1:]) == (1.0, REWARDS[1:])


async def test_a_failed_verdict_is_no_reward_and_the_log_says_why(reward, caplog):
    paid = await reward(
        completions=[text(one) for one in SAID],
        question_id=[QUESTION] * 3,
        outcome_error=[None, "the judge timed out", None],
        trainer_state=STATE,
    )

    assert paid == [None] * 3
    assert "no reward: group" in caplog.text
    assert "3 of 3 rollouts: rollout 1 judge_failed the judge timed out" in caplog.text


async def test_a_batch_may_be_larger_than_the_service_takes_in_one_call():
    with serving(create_app(Settings(max_groups=1))) as base:
        reward = egrpo_reward(num_generations=3, url=base, profile="egrpo")

        paid = await reward(
            completions=[text(one) for one in SAID * 40], question_id=[QUESTION] * 120, trainer_state=STATE
        )

    assert paid == REWARDS * 40


async def test_where_one_call_fails_the_others_end_before_it_is_raised():
    ended = []

    async def wait():
        try:
            await asyncio.Event().wait()
        finally:
            ended.append(1)

    async def fail():
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        await together([wait(), wait(), fail()])
    assert len(ended) == 2


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
    assert columns_of({"question_id": "a"}, options) == {"question_id": "a"}
    assert columns_of(7, options) == {"question_id": 7}


def test_a_column_holds_an_object_or_its_json():
    assert object_of('{"question_id": "q"}', "extra_info") == object_of({"question_id": "q"}, "extra_info")
    assert object_of(None, "extra_info") == object_of("", "extra_info") == {}
    for odd in ("[1]", "{", 7):
        with pytest.raises(ValueError, match="the column 'extra_info' holds neither"):
            object_of(odd, "extra_info")


def test_a_verdict_that_is_none_is_refused():
    options = Options.read({"url": "x", "profile": "y"})

    with pytest.raises(ValueError, match="the column 'outcome' holds no verdict"):
        options.told({"outcome": "maybe"}, Rollout("0", Text("")))


@pytest.mark.parametrize(("total_steps", "expected"), [(None, DECAYED), (4, [0.0] * 3)])
async def test_the_progress_is_that_of_trls_state_unless_an_option_says_how_many_steps_there_are(
    server, total_steps, expected
):
    reward = egrpo_reward(num_generations=3, url=server, profile=DECAYING, total_steps=total_steps)

    paid = await reward(
        completions=[text(one) for one in SAID], question_id=[QUESTION] * 3, trainer_state=STATE
    )

    assert paid == pytest.approx(expected, abs=1e-15)


async def test_processes_that_share_a_group_name_its_step(server, monkeypatch):
    def share(rank, said):
        monkeypatch.setenv("RANK", rank)
        reward = egrpo_reward(num_generations=3, url=server, profile=DECAYING, run_id="trl-decaying")
        columns = {"question_id": [QUESTION] * len(said), "split": ["train"] * len(said)}
        return reward(completions=[text(one) for one in said], trainer_state=STATE, **columns)

    first, rest = await asyncio.gather(share("0", SAID[:1]), share("1", SAID[1:]))

    assert [*first, *rest] == pytest.approx(DECAYED, abs=1e-15)


async def test_an_evaluation_needs_no_progress(server):
    reward = egrpo_reward(num_generations=3, url=server, profile=DECAYING)
    state = SimpleNamespace(global_step=0, max_steps=0)

    paid = await reward(
        completions=[text("", "x"), text(SAID[0])],
        question_id=[QUESTION] * 2,
        split=["test"] * 2,
        trainer_state=state,
    )

    assert paid == [1.0, 0.0]


async def test_without_a_number_of_steps_a_profile_that_needs_progress_is_refused(server):
    reward = egrpo_reward(num_generations=3, url=server, profile=DECAYING)

    with pytest.raises(ClientError, match="the profile egrpo-decay needs progress"):
        await reward(
            completions=[text(one) for one in SAID],
            question_id=[QUESTION] * 3,
            trainer_state=SimpleNamespace(global_step=0, max_steps=0),
        )
