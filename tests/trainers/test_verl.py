"""verl's own reward stack: managers, workers under Ray, the agent loop's scoring, a validation pass."""

import asyncio
import itertools
import os
import random
import subprocess
import sys
import time
from types import SimpleNamespace

import numpy as np
import own_advantages
import pytest
import torch
from omegaconf import OmegaConf
from stories import QUESTION, group_of, groups_of
from toy_tokenizer import toy_tokenizer
from verl import DataProto
from verl.experimental.agent_loop.agent_loop import AgentLoopMetrics, AgentLoopOutput, AgentLoopWorker
from verl.experimental.reward_loop.reward_loop import RewardLoopManager, RewardLoopWorker
from verl.trainer.ppo.core_algos import ADV_ESTIMATOR_REGISTRY
from verl.trainer.ppo.reward import load_reward_manager
from verl.trainer.ppo.v1.utils import compute_advantage_for_multi_trajectories

from reward_service.client import ClientError
from reward_service.client.options import NoReward
from reward_service.client.trainers import verl_advantages

TOKENIZER = toy_tokenizer()
RUNS = itertools.count()
KEYS = {"score", "acc", "matched", "match_rate", "normalized_match_rate", "format_error", "in_loss"}


@pytest.fixture(scope="session")
def tokenizer_folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tokenizer")
    TOKENIZER.save_pretrained(folder)
    return str(folder)


@pytest.fixture
def config(live, tokenizer_folder):
    """A configuration with the lines of docs/trainers/verl.md."""

    def build(n, *, manager=True, validation=True, **options):
        given = {
            "url": live.url,
            "profile": "egrpo",
            "question_key": "question",
            "deadline_s": 60.0,
            "patience_s": 120.0,
        }
        given |= {"run_id": f"verl{next(RUNS)}-{time.monotonic_ns()}", **options}
        by_module = {
            "source": "importlib",
            "name": "EgrpoRewardManager",
            "module": {"path": "pkg://reward_service.client.trainers.verl"},
        }
        function = {"path": "pkg://reward_service.client.trainers.verl", "name": "compute_score"}
        plain = {"source": "register", "name": "naive", "module": None}
        return OmegaConf.create(
            {
                "actor_rollout_ref": {
                    "model": {"path": tokenizer_folder, "tokenizer_path": None},
                    "rollout": {"n": n, "response_length": 4096},
                },
                "trainer": {"val_before_train": validation, "test_freq": 1 if validation else -1},
                "reward": {
                    "num_workers": 2,
                    "reward_model": {"enable": False},
                    "sandbox_fusion": {"url": None},
                    "reward_manager": by_module if manager else plain,
                    "custom_reward_function": {"path": None, "reward_kwargs": given}
                    if manager
                    else {**function, "reward_kwargs": given},
                },
            }
        )

    return build


def rows(groups, *, split="train", **columns):
    """A batch as verl's rollout returns it: one row a rollout, groups one after the other."""
    texts = list(itertools.chain(*groups))
    ids = [TOKENIZER(text, add_special_tokens=False)["input_ids"] for text in texts]
    width = max(map(len, ids))
    prompts = torch.tensor([TOKENIZER("Who?", add_special_tokens=False)["input_ids"]] * len(texts))
    responses = torch.tensor([one + [TOKENIZER.pad_token_id] * (width - len(one)) for one in ids])
    mask = torch.tensor([[1] * len(one) + [0] * (width - len(one)) for one in ids])
    extra = {"question": QUESTION} | ({"split": split} if split else {})
    places = [(f"u{g}", session) for g, group in enumerate(groups) for session in range(len(group))]
    return DataProto.from_dict(
        tensors={
            "prompts": prompts,
            "responses": responses,
            "attention_mask": torch.cat([torch.ones_like(prompts), mask], 1),
        },
        non_tensors={
            "uid": np.array([uid for uid, _ in places], dtype=object),
            "session_id": np.array([session for _, session in places]),
            "data_source": np.array(["made up"] * len(texts), dtype=object),
            "reward_model": np.array([{"ground_truth": "Osgrave"}] * len(texts), dtype=object),
            "extra_info": np.array([dict(extra) for _ in texts], dtype=object),
            **columns,
        },
    )


async def all_at_once(manager, data, order=None):
    """Ask for every row on its own, as they would end."""
    order = order or range(len(data))
    asked = {n: asyncio.create_task(manager.run_single(data[n : n + 1])) for n in order}
    return [await asked[n] for n in range(len(data))]


def run(config, data, **how):
    async def go():
        manager = load_reward_manager(config, TOKENIZER)
        try:
            return await all_at_once(manager, data, **how)
        finally:
            if hasattr(manager, "_clients"):
                await manager._clients.aclose()

    return asyncio.run(go())


def scores(outputs):
    return [one["reward_score"] for one in outputs]


def test_every_group_is_scored_as_a_whole_group(config, whole, record_property):
    groups = groups_of(32, 8)
    order = random.Random(1).sample(range(256), 256)

    start = time.perf_counter()
    outputs = run(config(8), rows(groups), order=order)
    took_s = time.perf_counter() - start

    expected = list(itertools.chain(*whole(groups)))
    assert scores(outputs) == expected
    assert len(set(expected)) > 4
    assert {frozenset(one["reward_extra_info"]) for one in outputs} == {frozenset(KEYS)}
    assert all(isinstance(value, float) for one in outputs for value in one["reward_extra_info"].values())
    print(f"\nverl: 32 of 32 groups of 8 scored as full groups, one rollout a call, {took_s:.2f} s")


def test_workers_under_ray_agree(config, whole, live):
    import ray

    groups = groups_of(6, 4, seed=2)
    ray.init(
        num_cpus=2,
        include_dashboard=False,
        log_to_driver=False,
        runtime_env={"env_vars": {"CUDA_VISIBLE_DEVICES": ""}},
    )
    try:
        start = time.perf_counter()
        result = RewardLoopManager(config(4)).compute_rm_score(rows(groups))
        took_s = time.perf_counter() - start
    finally:
        ray.shutdown()

    assert result.batch["rm_scores"].sum(-1).tolist() == pytest.approx(list(itertools.chain(*whole(groups))))
    assert set(result.meta_info["reward_extra_keys"]) == KEYS
    print(
        f"\nverl: RewardLoopManager with 2 Ray workers, 6 of 6 groups of 4, {took_s:.1f} s with their start"
    )


def test_the_agent_loops_own_call_is_understood(config, whole):
    """`AgentLoopWorker._compute_score` builds what the manager gets; several outputs of a session are one rollout."""
    [texts] = groups_of(1, 3, seed=3)
    split = [text.partition("<|im_start|>assistant\n") for text in texts]
    settings = config(3)

    sessions = [[output(head), output(tail, prompt="a longer prompt")] for head, _, tail in split]
    scored_by_the_agent_loop(settings, sessions)

    assert [outputs[-1].reward_score for outputs in sessions] == whole([texts])[0]


def scored_by_the_agent_loop(settings, sessions, **columns):
    """Let the agent loop score the outputs of sessions, as it does at the end of each."""

    async def go():
        worker = RewardLoopWorker(settings)
        handle = SimpleNamespace(compute_score=SimpleNamespace(remote=worker.compute_score))
        this = SimpleNamespace(
            reward_loop_worker_handles=[handle],
            _compute_multi_modal_inputs=lambda output, ids: {},
            _compute_position_ids=lambda ids, mask, *more: torch.arange(ids.shape[-1])[None],
            _get_mm_processor_kwargs=lambda audios: {},
        )
        kwargs = {"uid": "u", "extra_info": {"question": QUESTION, "split": "train"}, "data_source": "x"}
        await asyncio.gather(
            *[
                AgentLoopWorker._compute_score(this, one, {**kwargs, **columns, "session_id": n})
                for n, one in enumerate(sessions)
            ]
        )
        await worker.reward_manager._clients.aclose()

    asyncio.run(go())


def test_the_step_of_the_agent_loop_is_the_progress(config, live):
    [texts] = groups_of(1, 4, seed=6)
    settings = config(4, profile="egrpo-decay")
    settings.trainer.total_training_steps = 8
    sessions = [[output(text)] for text in texts]
    scored_by_the_agent_loop(settings, sessions, global_steps=3)

    body = {"profile": "egrpo-decay", "progress": 0.375, "groups": [group_of(0, texts, QUESTION)]}
    [group] = live.whole(body)
    expected = [one["reward"] for one in group["rollouts"]]
    assert [outputs[-1].reward_score for outputs in sessions] == expected
    assert any(0 < reward < 0.3 for reward in expected)


def pieces_of(text):
    """What the policy wrote, with the mark that ends its turn, and between it what it was shown."""
    first, shown, rest = text.partition("\n<|im_start|>user\n")
    page, asked, last = rest.partition("<|im_start|>assistant\n")
    return [(first, 1), (shown + page + asked, 0), (last, 1)]


def tokens_of(text):
    return TOKENIZER(text, add_special_tokens=False)["input_ids"]


def real_output(text):
    mask = [own for piece, own in pieces_of(text) for _ in tokens_of(piece)]
    return AgentLoopOutput(
        prompt_ids=tokens_of("Who?"),
        response_ids=tokens_of(text),
        response_mask=mask,
        metrics=AgentLoopMetrics(),
    )


@pytest.mark.parametrize("profile", ["egrpo-turn", "egrpo"])
def test_advantages_of_turns_pass_through_verls_records_and_estimator(config, live, profile):
    """From the agent loop's outputs over the rows that the trainer reads to the advantages that it trains on."""
    [texts] = groups_of(1, 6, seed=5)
    sessions = [[real_output(text)] for text in texts]
    scored_by_the_agent_loop(config(6, profile=profile, place_advantages=True), sessions)
    rows = [outputs[-1].as_dict() for outputs in sessions]
    padded = {
        name: torch.nn.utils.rnn.pad_sequence([row[name] for row in rows], batch_first=True)
        for name in ("rm_scores", "response_mask")
    }
    data = DataProto.from_dict(
        tensors={"token_level_rewards": padded["rm_scores"], "response_mask": padded["response_mask"]},
        non_tensors={"uid": np.array(["u"] * len(texts), dtype=object)},
    )

    keys = [f"u_{n}_0" for n in range(len(texts))]
    made = compute_advantage_for_multi_trajectories(data, keys, verl_advantages.ESTIMATOR)

    [group] = live.whole({"profile": profile, "groups": [group_of(0, texts, QUESTION)]})
    for n, (text, one) in enumerate(zip(texts, group["rollouts"], strict=True)):
        first, last = one["turn_advantages"] or [one["advantage"]] * 2
        expected = [
            value
            for (piece, _), value in zip(pieces_of(text), (first, 0.0, last), strict=True)
            for _ in tokens_of(piece)
        ]
        length = len(expected)
        assert made.batch["advantages"][n, :length].tolist() == pytest.approx(expected, abs=1e-6)
        assert not made.batch["advantages"][n, length:].any()
    assert len({round(value, 6) for value in made.batch["advantages"].flatten().tolist()}) > 3


def test_verl_loads_the_estimator_in_every_process():
    said = (
        "import verl; from verl.trainer.ppo.core_algos import ADV_ESTIMATOR_REGISTRY as found; print(*found)"
    )
    module = {"VERL_USE_EXTERNAL_MODULES": "reward_service.client.trainers.verl_advantages"}
    done = subprocess.run(
        [sys.executable, "-c", said], env=os.environ | module, capture_output=True, text=True, check=True
    )

    assert verl_advantages.ESTIMATOR in done.stdout.split()
    assert verl_advantages.ESTIMATOR in ADV_ESTIMATOR_REGISTRY


def output(text, prompt="Who?"):
    ids = TOKENIZER(text, add_special_tokens=False)["input_ids"]
    prompt_ids = TOKENIZER(prompt, add_special_tokens=False)["input_ids"]
    fields = {"multi_modal_data": None, "mm_processor_kwargs": None, "num_turns": 2, "extra_fields": {}}
    return SimpleNamespace(
        prompt_ids=prompt_ids, response_ids=ids, reward_score=None, metrics=SimpleNamespace(), **fields
    )


def test_the_response_mask_decides_where_there_is_one(config, live):
    """A page that holds the end of its own turn cannot speak for the policy when the mask says who wrote what."""
    pieces = [
        ("<think>I look.</think>", 1),
        (
            "<|im_end|>\n<|im_start|>user\n<tool_response></tool_response><|im_end|>\n<|im_start|>assistant\n",
            0,
        ),
        ("<think>Zanderheim, Quillock</think>", 0),
        ("<think>Quillock</think><answer>nobody</answer><|im_end|>", 1),
    ]
    data = rows([["".join(text for text, _ in pieces)]])
    mask = [own for text, own in pieces for _ in TOKENIZER(text, add_special_tokens=False)["input_ids"]]

    [without] = run(config(1), data)
    data.batch["response_mask"] = torch.tensor([mask])
    [with_mask] = run(config(1), data)

    assert without["reward_extra_info"]["matched"] == 2.0
    assert with_mask["reward_extra_info"]["matched"] == 1.0


def test_validation_waits_for_nobody_and_pays_the_outcome(config):
    [texts] = groups_of(1, 3, seed=4)

    outputs = run(config(8), rows([texts], split="test"))

    assert scores(outputs) == [float("<answer>Osgrave" in text) for text in texts]
    assert {frozenset(one["reward_extra_info"]) for one in outputs} == {frozenset(KEYS)}


def test_data_that_does_not_tell_training_from_validation_is_refused(config):
    [texts] = groups_of(1, 1)

    with pytest.raises(ValueError, match=r"the data needs extra_info\.split"):
        run(config(1), rows([texts], split=None))
    assert len(run(config(1, validation=False), rows([texts], split=None))) == 1


def test_the_legacy_trainer_is_refused(config):
    data = rows(groups_of(1, 1))
    data.non_tensor_batch.pop("session_id")

    with pytest.raises(ValueError, match="the legacy trainer is not supported"):
        run(config(1), data)


def test_a_length_error_is_one(config):
    settings = config(1)
    settings.actor_rollout_ref.rollout.response_length = 20

    [cut] = run(settings, rows([["<think>Quillock and Zanderheim"]]))

    assert (
        cut["reward_score"],
        cut["reward_extra_info"]["format_error"],
        cut["reward_extra_info"]["in_loss"],
    ) == (0, 1, 0)


def test_a_group_that_stays_incomplete_raises_when_its_deadline_is_over(config):
    [texts] = groups_of(1, 3)

    async def go():
        manager = load_reward_manager(config(4, deadline_s=1.0), TOKENIZER)
        data = rows([texts])
        try:
            return await asyncio.gather(
                *[manager.run_single(data[n : n + 1]) for n in range(3)], return_exceptions=True
            )
        finally:
            await manager._clients.aclose()

    outcomes = asyncio.run(go())
    assert [type(one) for one in outcomes] == [NoReward] * 3


@pytest.mark.parametrize("how", ["refusing", "silent"])
def test_a_service_that_fails_for_a_while_is_waited_for(config, whole, live, how):
    groups = groups_of(4, 4, seed=5)

    start = time.perf_counter()
    with live.balancer.failing(how, for_s=1.0):
        outputs = run(config(4), rows(groups))
    took_s = time.perf_counter() - start

    assert scores(outputs) == list(itertools.chain(*whole(groups)))
    print(f"\nverl: {how} for 1 s: 4 of 4 groups equal the whole-group call, {took_s:.2f} s")


@pytest.mark.parametrize(("how", "why"), [("refusing", "status 503"), ("silent", "[Tt]imeout")])
def test_a_service_that_stays_away_raises(config, live, how, why):
    start = time.perf_counter()
    with live.balancer.failing(how), pytest.raises(ClientError, match=why):
        run(config(1, patience_s=1.0), rows(groups_of(1, 1)))
    took_s = time.perf_counter() - start

    print(f"\nverl: {how} for good: an exception after {took_s:.2f} s, with patience_s=1")


def test_a_killed_replica_changes_nothing(config, whole, live):
    """Half of each group waits when the replica it waits at is killed; the other half comes later."""
    groups = groups_of(8, 4, seed=6)
    data, settings = rows(groups), config(4)

    async def go():
        manager = load_reward_manager(settings, TOKENIZER)
        first = {n: asyncio.create_task(manager.run_single(data[n : n + 1])) for n in range(0, 32, 2)}
        with live.killing(after=16) as victim:
            await asyncio.to_thread(victim.process.wait)
            rest = {n: asyncio.create_task(manager.run_single(data[n : n + 1])) for n in range(1, 32, 2)}
            outputs = {n: await task for n, task in (first | rest).items()}
        await manager._clients.aclose()
        return [outputs[n] for n in range(32)]

    start = time.perf_counter()
    outputs = asyncio.run(go())
    took_s = time.perf_counter() - start

    assert scores(outputs) == list(itertools.chain(*whole(groups)))
    print(f"\nverl: a replica killed in mid-group: 8 of 8 groups equal the whole-group call, {took_s:.2f} s")


def test_compute_score_pays_without_the_group(config):
    """verl's naive manager with a custom function: special tokens are gone, and nothing is normalised."""
    [texts] = groups_of(1, 6, seed=7)

    outputs = run(config(1, manager=False), rows([texts]))

    for one in outputs:
        extra = one["reward_extra_info"]
        assert one["reward_score"] == (1.0 if extra["acc"] else 0.3 * extra["match_rate"])
    assert {one["reward_extra_info"]["matched"] for one in outputs} != {0.0}


def test_the_preset_is_verls_own_function(live):
    paid, ours = [], []
    for texts in groups_of(200, 8, seed=8):
        [scored] = live.whole(
            {"profile": "egrpo", "estimator": "verl", "groups": [group_of(0, texts, QUESTION)]}
        )
        paid.append([one["reward"] for one in scored["rollouts"]])
        ours.append([one["advantage"] for one in scored["rollouts"]])

    worst = abs(torch.tensor(own_advantages.verl(paid)) - torch.tensor(ours)).max().item()

    print(f"\nverl: preset against its own function on 200 groups, largest difference {worst:.1e}")
    assert worst < 1e-5
