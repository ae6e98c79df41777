"""Adapters of trainers that are not installed here, with tensors where those hand over tensors, against both replicas.

They are called with objects of the shape each trainer hands over; that is what `reward_service.client` calls a test of the
function and not of the trainer. They run in OpenRLHF's environment, which has torch.
"""

import asyncio
import inspect
import itertools
import json
import sys
import time
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest
import torch
from stories import QUESTION, groups_of, messages_of, outcomes_of, turns_of
from toy_tokenizer import toy_tokenizer

from reward_service.client import ClientError
from reward_service.client.trainers import areal, ms_swift, rllm, roll, skyrl, verifiers

TOKENIZER = toy_tokenizer()
ROW = {"question_id": QUESTION}


def encode(text):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


def tokens(text):
    pieces = [(encode(piece), is_own) for piece, is_own in turns_of(text)]
    ids = [one for piece, _ in pieces for one in piece]
    return ids, [int(is_own) for piece, is_own in pieces for _ in piece]


def by_skyrl(options, groups, row=ROW):
    class Generator:
        tokenizer = TOKENIZER

        async def generate(self, input_batch, disable_tqdm=False):
            rows = [tokens(text) for text in itertools.chain(*groups)]
            return {
                "response_ids": [ids for ids, _ in rows],
                "loss_masks": [mask for _, mask in rows],
                "rewards": [0.0] * len(rows),
            }

    places = [(f"uid{g}", n) for g, texts in enumerate(groups) for n in range(len(texts))]
    batch = {
        "trajectory_ids": [SimpleNamespace(instance_id=uid, repetition_id=n) for uid, n in places],
        "env_extras": [row] * len(places),
        "batch_metadata": SimpleNamespace(training_phase="train" if row is ROW else "eval"),
    }
    return asyncio.run(skyrl.rewarded(Generator, **options)().generate(batch))["rewards"]


def by_areal(options, groups, row=ROW):
    class Workflow:
        tokenizer = TOKENIZER

        async def arun_episode(self, engine, data):
            ids, mask = tokens(data["texts"].pop(0))
            prompt = encode("Who?")
            made = {"input_ids": prompt + ids, "loss_mask": [0] * len(prompt) + mask, "rewards": 0.0}
            return {name: torch.tensor(value).unsqueeze(0) for name, value in made.items()}

    async def go():
        workflow = areal.rewarded(Workflow, **options)()
        prompts = [{**row, "texts": list(texts)} for texts in groups]
        calls = [workflow.arun_episode(None, one) for one in prompts for _ in range(len(one["texts"]))]
        return await asyncio.gather(*calls)

    return [None if one is None else round(one["rewards"].item(), 6) for one in asyncio.run(go())]


class Worker:
    """What is used of ROLL's base class."""

    def __init__(self, worker_config):
        self.worker_config, self.rank_info = worker_config, SimpleNamespace(rank=0, world_size=1)


def roll_modules():
    """ROLL's modules, with what is taken from them."""
    names = {
        "roll.distributed.executor.worker": {"Worker": Worker},
        "roll.distributed.scheduler.decorator": {
            "Dispatch": SimpleNamespace(ONE_TO_ALL=1, DP_MP_COMPUTE=2),
            "register": lambda **_: lambda function: function,
        },
        "roll.distributed.scheduler.protocol": {
            "DataProto": SimpleNamespace(from_dict=lambda tensors: SimpleNamespace(batch=tensors))
        },
        "roll.models.model_providers": {"default_tokenizer_provider": lambda model_args: TOKENIZER},
    }
    for name, fields in names.items():
        module = ModuleType(name)
        module.__dict__.update(fields)
        parts = name.split(".")
        for end in range(1, len(parts)):
            sys.modules.setdefault(".".join(parts[:end]), ModuleType(".".join(parts[:end])))
        sys.modules[name] = module


def by_roll(options, groups, row=ROW):
    roll_modules()
    worker = roll.reward_worker(num_return_sequences=len(groups[0]), format="chatml", **options)(
        worker_config=SimpleNamespace(model_args=None)
    )
    worker.initialize(pipeline_config=SimpleNamespace(max_steps=100))
    ids = [encode(text) for text in itertools.chain(*groups)]
    width = max(map(len, ids))
    label = json.dumps(row)
    batch = {
        "responses": torch.tensor([one + [TOKENIZER.pad_token_id] * (width - len(one)) for one in ids]),
        "response_mask": torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in ids]),
    }
    columns = {"ground_truth": np.array([label] * len(ids), dtype=object)}
    asked = SimpleNamespace(batch=batch, non_tensor_batch=columns, meta_info={"global_step": 1})
    paid = worker.compute_rewards(asked).batch
    assert paid["token_level_rewards"].shape == batch["responses"].shape
    assert {one.dtype for one in paid.values()} == {torch.float32}
    assert paid["scores"].tolist() == outcomes_of(itertools.chain(*groups))
    return [round(one, 6) for one in paid["response_level_rewards"].tolist()]


def by_rllm(options, groups, row=ROW):
    assert row is ROW, "rLLM asks its estimator in training alone"

    def trajectory(text):
        return SimpleNamespace(task=row, steps=[SimpleNamespace(chat_completions=messages_of(text))])

    asked = [SimpleNamespace(trajectories=[trajectory(text) for text in texts]) for texts in groups]
    advantages, rewards = rllm.egrpo_estimator(**options)(
        rewards=[], algorithm_config=None, traj_groups=asked
    )
    assert [len(one) for one in advantages] == [len(one) for one in groups]
    return [*itertools.chain(*rewards)]


def by_ms_swift(options, groups, row=ROW):
    reward = ms_swift.egrpo_orm(**options)(args=SimpleNamespace(num_generations=len(groups[0])))
    conversations = [messages_of(text) for text in itertools.chain(*groups)]
    columns = {name: [value] * len(conversations) for name, value in row.items()}
    state = SimpleNamespace(global_step=time.monotonic_ns(), max_steps=0)
    completions = [one[-1]["content"] for one in conversations]
    return asyncio.run(reward(completions, messages=conversations, trainer_state=state, **columns))


def by_verifiers(options, groups, row=ROW):
    reward = verifiers.egrpo_reward(**options)
    assert inspect.iscoroutinefunction(reward)

    async def go():
        calls = [
            reward(
                completions=[messages_of(text)[1:] for text in texts],
                infos=[row] * len(texts),
                states=[{}] * len(texts),
            )
            for texts in groups
        ]
        return await asyncio.gather(*calls)

    return [*itertools.chain(*asyncio.run(go()))]


ADAPTERS = [by_skyrl, by_areal, by_roll, by_rllm, by_ms_swift, by_verifiers]


@pytest.fixture(params=ADAPTERS, ids=lambda one: one.__name__.removeprefix("by_"))
def adapter(request):
    return request.param


@pytest.fixture
def options(live):
    return {"url": live.url, "profile": "egrpo", "patience_s": 60.0}


def named(adapter):
    return adapter.__name__.removeprefix("by_")


def test_groups_are_paid_as_the_whole_group_call_pays_them(adapter, options, whole):
    groups = groups_of(16, 8, seed=20)

    start = time.perf_counter()
    paid = adapter(options, groups)
    took_s = time.perf_counter() - start

    assert paid == pytest.approx([*itertools.chain(*whole(groups))], abs=1e-6)
    print(f"\n{named(adapter)}: 16 of 16 groups of 8 as the whole-group call, {took_s:.2f} s")


@pytest.mark.parametrize("adapter", [one for one in ADAPTERS if one is not by_rllm], ids=named)
def test_evaluation_is_paid_by_its_outcome(adapter, options):
    groups = groups_of(2, 5, seed=21)

    paid = adapter(options, groups, {**ROW, "split": "test"})

    assert paid == outcomes_of(itertools.chain(*groups))


@pytest.mark.parametrize("how", ["refusing", "silent"])
def test_a_service_that_fails_for_a_while_is_waited_for(adapter, options, live, whole, how):
    groups = groups_of(4, 4, seed=22)

    start = time.perf_counter()
    with live.balancer.failing(how, for_s=1.0):
        paid = adapter(options, groups)
    took_s = time.perf_counter() - start

    assert paid == pytest.approx([*itertools.chain(*whole(groups))], abs=1e-6)
    print(f"\n{named(adapter)}: {how} for 1 s: 4 of 4 groups as the whole-group call, {took_s:.2f} s")


@pytest.mark.parametrize("how", ["refusing", "silent"])
def test_a_service_that_stays_away_raises(adapter, options, live, how):
    start = time.perf_counter()
    with live.balancer.failing(how), pytest.raises(ClientError):
        adapter({**options, "patience_s": 1.0}, groups_of(1, 4))
    print(f"\n{named(adapter)}: {how} for good: an exception after {time.perf_counter() - start:.2f} s")


def test_a_killed_replica_changes_nothing(adapter, options, live, whole):
    groups = groups_of(32, 8, seed=23)

    start = time.perf_counter()
    with live.killing(after=8):
        paid = adapter(options, groups)
    took_s = time.perf_counter() - start

    assert paid == pytest.approx([*itertools.chain(*whole(groups))], abs=1e-6)
    print(f"\n{named(adapter)}: a replica killed: 32 of 32 groups as the whole-group call, {took_s:.2f} s")
