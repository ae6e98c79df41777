"""Lengths and signals: what adapters send besides text, for profiles that pay by it."""

import asyncio
from types import SimpleNamespace

import numpy as np
import pytest

from reward_service.client.options import Options
from reward_service.client.trainers import areal, openrlhf, rllm, roll, slime
from reward_service.client.trainers.trl import egrpo_reward
from reward_service.core.types import Rollout, Text
from tests.client.test_areal import episode
from tests.client.test_roll import data as roll_batch
from tests.client.test_skyrl import batch, generate, output
from tests.client.test_verl_rows import Rows, managing
from tests.client.toys import CALL, END, PAGE, QUESTION, Letters, text, tokens

LONG = "x" * 20480  # a token a letter: more than `overlong` lets pass without its whole penalty
SAID = [LONG, "nothing", "Quillock"]
PAID = [-1.0, 0.0, 0.0]
STATE = SimpleNamespace(global_step=1, max_steps=8)


async def by_trl(url):
    said = [text(one) for one in SAID]
    reward = egrpo_reward(num_generations=3, url=url, profile="overlong")
    ids = [Letters().encode(one) for one in said]
    return await reward(completions=said, completion_ids=ids, question_id=[QUESTION] * 3, trainer_state=STATE)


async def by_verl(url, *, masked=True, **options):
    manager = managing(url, 3, profile="overlong", run_id=f"lengths-{masked}", **options)
    extra = {"question_id": QUESTION, "split": "train"}
    rows = [Rows(text(one), extra, n) for n, one in enumerate(SAID)]
    for row in rows if masked else ():
        row.batch["response_mask"] = np.ones_like(row.batch["responses"])
    paid = await asyncio.gather(*map(manager.run_single, rows))
    await manager._clients.aclose()
    return [one["reward_score"] for one in paid]


async def by_verl_in_chatml(url):
    return await by_verl(url, masked=False, format="chatml", dialect="tagged")


async def by_skyrl(url):
    paid = await generate(url, output(SAID), batch([3]), profile="overlong")
    return [rewards if isinstance(rewards, float) else sum(rewards) for rewards in paid["rewards"]]


async def by_roll(url):
    given = Options.read({"url": url, "profile": "overlong", "format": "tagged"})
    said = roll_batch([text(one) for one in SAID])
    return [number for number, _ in roll.pay_samples(given, said, size=3, tokenizer=Letters())]


async def by_slime(_url):
    samples = [
        SimpleNamespace(
            response=text(one),
            label="x",
            metadata={"question_id": QUESTION},
            remove_sample=False,
            status=SimpleNamespace(value="completed"),
            response_length=len(text(one)),
            loss_mask=None,
        )
        for one in SAID
    ]
    return await slime.reward(SimpleNamespace(reward_key=None), samples)


@pytest.mark.parametrize("adapter", [by_trl, by_verl, by_verl_in_chatml, by_skyrl, by_roll, by_slime])
async def test_a_trainer_that_knows_tokens_can_pay_by_length(server, adapter, monkeypatch):
    monkeypatch.setenv("REWARD_SERVICE_URL", server)
    monkeypatch.setenv("REWARD_SERVICE_PROFILE", "overlong")

    assert await adapter(server) == PAID


def test_the_length_is_that_of_the_policys_own_tokens():
    own = len(CALL) + len(text("Quillock"))
    ids, mask = tokens("Quillock")
    response = {
        "observation_tokens": ids,
        "action_ranges": [(0, len(CALL)), (len(CALL) + len(PAGE), len(ids) - 1)],
    }
    steps = [SimpleNamespace(chat_completions=[], response_ids=ids[:n]) for n in (3, 4)]
    trajectories = [
        SimpleNamespace(steps=steps),
        SimpleNamespace(steps=[*steps, SimpleNamespace(chat_completions=[])]),
    ]

    assert areal.rollout_of("0", episode("Quillock"), Letters()).length == own == sum(mask)
    assert openrlhf.rollout_of("0", response, Letters()).length == own
    assert [rllm._length(one) for one in trajectories] == [7, None]
    masked = SimpleNamespace(response_length=len(ids), loss_mask=mask)
    assert (slime._length(masked), slime._length(SimpleNamespace())) == (own, None)


def test_a_policy_that_wrote_nothing_has_no_length():
    nothing = {"observation_tokens": [END], "action_ranges": [(0, 0)]}

    assert openrlhf.rollout_of("0", nothing, Letters()).length is None


async def test_without_a_length_a_profile_that_needs_one_pays_nothing(server):
    reward = egrpo_reward(num_generations=3, url=server, profile="overlong")
    talk = [[{"role": "assistant", "content": CALL}, {"role": "tool", "content": PAGE}]] * 3

    paid = await reward(
        completions=talk, completion_ids=[[1] * 9] * 3, question_id=[QUESTION] * 3, trainer_state=STATE
    )

    assert paid == [None] * 3


def told(**columns):
    options = Options.read({"url": "http://127.0.0.1", "profile": "p", "signals_key": "own"})
    return options.told(columns, Rollout("0", Text("")))


def test_columns_hold_signals_as_objects_or_their_json():
    one = told(own={"score": np.float64(0.5)}, turn_signals={"gain": np.array([1.0, 2.0])})
    other = told(own='{"score": 0.5}', turn_signals='{"gain": [1, 2]}')

    assert (one.signals, one.turn_signals) == (other.signals, other.turn_signals)
    assert (other.signals, other.turn_signals) == ({"score": 0.5}, {"gain": (1.0, 2.0)})
    assert told(turn_signals={"gain": [None, 1]}).turn_signals == {"gain": (None, 1.0)}
    assert told() == Rollout("0", Text(""))


@pytest.mark.parametrize(
    ("column", "why"),
    [
        ({"own": 3}, "the column 'own' holds neither an object nor the JSON of one"),
        ({"own": {"score": "high"}}, "the column 'own' holds no numbers by name"),
        ({"turn_signals": {"gain": 1}}, "the column 'turn_signals' holds no lists of numbers by name"),
    ],
)
def test_a_column_that_holds_something_else_is_named(column, why):
    with pytest.raises(ValueError, match=why):
        told(**column)
