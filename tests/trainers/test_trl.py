"""TRL's own GRPOTrainer: a run of two steps with a random tiny model, and the reward function as TRL calls it."""

import asyncio
import json
import os
import random
import subprocess
import sys
import time
from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from datasets import Dataset
from stories import QUESTION, groups_of
from toy_tokenizer import toy_tokenizer
from transformers import Qwen2Config, Qwen2ForCausalLM
from trl import GRPOConfig, GRPOTrainer

from reward_service.client import ClientError
from reward_service.client.trainers.trl import egrpo_reward

TINY = {
    "hidden_size": 32,
    "intermediate_size": 64,
    "num_hidden_layers": 2,
    "num_attention_heads": 2,
    "num_key_value_heads": 2,
}
SIZE = 4


def options(live, **more):
    run_id = f"trl{time.monotonic_ns()}"
    return {
        "num_generations": SIZE,
        "url": live.url,
        "profile": "egrpo",
        "run_id": run_id,
        "format": "chatml",
    } | more


def train(reward, folder, *, batch=8):
    """Two optimiser steps; returns the trainer."""
    tokenizer = toy_tokenizer()
    torch.manual_seed(0)
    model = Qwen2ForCausalLM(
        Qwen2Config(
            vocab_size=len(tokenizer),
            max_position_embeddings=512,
            tie_word_embeddings=True,
            bos_token_id=None,
            eos_token_id=tokenizer.eos_token_id,
            pad_token_id=tokenizer.pad_token_id,
            **TINY,
        )
    )
    # Single letters: a random model does come across some of them.
    entities = [{"name": name} for name in ("aaa", "bbb", "ccc", "ddd")]
    truth = json.dumps({"text": "Who?", "answers": ["x"], "entities": entities})
    data = [
        {
            "prompt": [{"role": "user", "content": f"{n}?"}],
            "question_id": truth.replace("Who", f"Who{n}"),
            "split": "train",
        }
        for n in range(4)
    ]
    config = GRPOConfig(
        output_dir=str(folder),
        max_steps=2,
        per_device_train_batch_size=batch,
        num_generations=SIZE,
        max_completion_length=12,
        learning_rate=1e-3,
        use_cpu=True,
        bf16=False,
        report_to=[],
        logging_steps=1,
        save_strategy="no",
        beta=0.0,
    )
    trainer = GRPOTrainer(
        model=model,
        reward_funcs=reward,
        args=config,
        train_dataset=Dataset.from_list(data),
        processing_class=tokenizer,
    )
    trainer.train()
    return trainer


def telling(reward, seen):
    """The same function, with ground truth out of JSON, and thoughts that name an entity: a random model has none."""

    async def egrpo(*, completions, question_id, **more):
        rng = random.Random(len(seen))
        said = [
            f"<think>{' '.join(rng.sample(['aaa', 'bbb', 'ccc', 'ddd'], rng.randint(0, 4)))}</think><answer>y</answer>"
            for _ in completions
        ]
        question_id = [json.loads(one) for one in question_id]
        rewards = await reward(completions=said, question_id=question_id, **more)
        seen.append((said, question_id, rewards))
        return rewards

    return egrpo


def test_a_run_of_two_steps(live, tmp_path, whole):
    seen = []

    start = time.perf_counter()
    trainer = train(telling(egrpo_reward(**options(live, format="tagged")), seen), tmp_path)
    took_s = time.perf_counter() - start

    assert trainer.state.global_step == 2
    groups = [
        (said[at : at + SIZE], question_id[at], rewards[at : at + SIZE])
        for said, question_id, rewards in seen
        for at in range(0, len(said), SIZE)
    ]
    for texts, question, rewards in groups:
        body = {
            "group_id": "g",
            "question": question,
            "rollouts": [{"rollout_id": str(n), "text": t} for n, t in enumerate(texts)],
        }
        [scored] = live.whole({"profile": "egrpo", "groups": [body]})
        assert rewards == [one["reward"] for one in scored["rollouts"]]
    theirs, ours = list(trainer._logs["advantages"]), []
    for texts, question, _ in groups:
        body = {
            "group_id": "g",
            "question": question,
            "rollouts": [{"rollout_id": str(n), "text": t} for n, t in enumerate(texts)],
        }
        [scored] = live.whole({"profile": "egrpo", "estimator": "trl", "groups": [body]})
        ours += [one["advantage"] for one in scored["rollouts"]]
    worst = max(abs(a - b) for a, b in zip(ours[-len(theirs) :], theirs, strict=True))
    print(
        f"\ntrl: preset against the run's own advantages of {len(theirs)} completions, largest difference {worst:.1e}"
    )
    assert worst < 1e-5
    assert any(0 < reward < 1 for _, _, rewards in groups for reward in rewards)
    logged = [step for step in trainer.state.log_history if "egrpo/match_rate" in step]
    assert logged
    assert all(step["egrpo/valid"] == 1.0 for step in logged)
    print(
        f"\ntrl: 2 steps of GRPO, {len(groups)} of {len(groups)} groups as the whole-group call, {took_s:.1f} s"
    )


def call(reward, groups, *, split="train", step=1, questions=None):
    texts = [text for group in groups for text in group]
    truths = questions or [{**QUESTION, "text": f"Who {n}?"} for n, group in enumerate(groups) for _ in group]
    columns = {"prompts": ["Who?"] * len(texts), "completion_ids": [[1]] * len(texts), "question": truths}
    state = SimpleNamespace(global_step=step, max_steps=0)
    return reward(completions=texts, trainer_state=state, split=[split] * len(texts), **columns)


def test_validation_is_paid_by_outcome(live):
    [texts] = groups_of(1, 5, seed=1)
    reward = egrpo_reward(**options(live, question_key="question"))

    assert asyncio.run(call(reward, [texts], split="test")) == [
        float("<answer>Osgrave" in text) for text in texts
    ]


def test_processes_that_share_a_group_meet_at_the_service(live, whole, monkeypatch):
    """Two ranks with half of every group each."""
    groups = groups_of(3, SIZE, seed=2)

    async def both():
        ranks = []
        for rank in range(2):
            monkeypatch.setenv("RANK", str(rank))
            ranks.append(egrpo_reward(**given))
        halves = [[group[rank * 2 : rank * 2 + 2] for group in groups] for rank in range(2)]
        return await asyncio.gather(*[call(reward, half) for reward, half in zip(ranks, halves, strict=True)])

    given = options(live, question_key="question")
    first, second = asyncio.run(both())

    paid = [first[n : n + 2] + second[n : n + 2] for n in range(0, 6, 2)]
    assert paid == whole(groups)


@pytest.mark.parametrize("how", ["refusing", "silent"])
def test_a_service_that_fails_for_a_while_is_waited_for(live, whole, how):
    groups = groups_of(4, SIZE, seed=3)

    start = time.perf_counter()
    with live.balancer.failing(how, for_s=1.0):
        paid = asyncio.run(call(egrpo_reward(**options(live, question_key="question")), groups))
    took_s = time.perf_counter() - start

    assert paid == [one for group in whole(groups) for one in group]
    print(f"\ntrl: {how} for 1 s: 4 of 4 groups as the whole-group call, {took_s:.2f} s")


@pytest.mark.parametrize(("how", "why"), [("refusing", "status 503"), ("silent", "[Tt]imeout")])
def test_no_reward_is_none_where_errors_are_masked(live, how, why):
    groups = groups_of(1, SIZE)
    given = options(live, question_key="question", patience_s=1.0)
    start = time.perf_counter()
    with live.balancer.failing(how):
        assert asyncio.run(call(egrpo_reward(**given, on_error="mask"), groups)) == [None] * SIZE
        took_s = time.perf_counter() - start
        with pytest.raises(ClientError, match=why):
            asyncio.run(call(egrpo_reward(**given), groups))
    print(f"\ntrl: {how} for good: None, or an exception, after {took_s:.2f} s, with patience_s=1")


def test_a_killed_replica_changes_nothing(live, whole, monkeypatch):
    """One process waits with its halves of the groups when the replica they wait at is killed; then the other comes."""
    groups = groups_of(8, SIZE, seed=4)
    given = options(live, question_key="question")
    halves = [[group[rank * 2 : rank * 2 + 2] for group in groups] for rank in range(2)]

    def rank(number):
        monkeypatch.setenv("RANK", str(number))
        return egrpo_reward(**given)

    async def go():
        first = asyncio.create_task(call(rank(0), halves[0]))
        with live.killing(after=16) as victim:
            await asyncio.to_thread(victim.process.wait)
            second = await call(rank(1), halves[1])
            return await first, second

    start = time.perf_counter()
    first, second = asyncio.run(go())
    took_s = time.perf_counter() - start

    assert [first[n : n + 2] + second[n : n + 2] for n in range(0, 16, 2)] == whole(groups)
    print(f"\ntrl: a replica killed in mid-group: 8 of 8 groups as the whole-group call, {took_s:.2f} s")


def test_none_leaves_the_baseline(live, tmp_path):
    """TRL keeps a completion without a reward out of its group's mean, and gives it no advantage."""

    async def some(*, completions, **_):
        return [None, 0.0, 1.0, 0.5] * (len(completions) // SIZE)

    trainer = train(some, tmp_path)

    first, _, best, _ = list(trainer._logs["advantages"])[:4]
    assert first == 0.0 < best


def test_two_processes_train_together(live, tmp_path, whole):
    """`torchrun` with two processes, each with half of every group."""
    script = Path(__file__).with_name("trl_ranks.py")
    environment = os.environ | {
        "LIVE_URL": live.url,
        "RUN_ID": f"ranks{time.monotonic_ns()}",
        "OUT": str(tmp_path),
        "OMP_NUM_THREADS": "1",
    }
    torchrun = [
        sys.executable,
        "-m",
        "torch.distributed.run",
        "--standalone",
        "--nproc_per_node",
        "2",
        str(script),
    ]
    start = time.perf_counter()
    done = subprocess.run(torchrun, check=False, env=environment, capture_output=True, text=True, timeout=120)
    took_s = time.perf_counter() - start
    assert done.returncode == 0, done.stderr[-3000:]

    ranks = [json.loads((tmp_path / f"rank{rank}.json").read_text()) for rank in range(2)]
    groups = {}
    for seen in ranks:
        for number, (said, questions, rewards) in enumerate(seen):
            for text, question, reward in zip(said, questions, rewards, strict=True):
                groups.setdefault((number, question["text"]), (question, []))[1].append((text, reward))
    for question, members in groups.values():
        assert len(members) == SIZE
        rollouts = [{"rollout_id": str(n), "text": text} for n, (text, _) in enumerate(members)]
        [scored] = live.whole(
            {"profile": "egrpo", "groups": [{"group_id": "g", "question": question, "rollouts": rollouts}]}
        )
        assert [one["reward"] for one in scored["rollouts"]] == [reward for _, reward in members]
    print(
        f"\ntrl: 2 processes, {len(groups)} of {len(groups)} groups as the whole-group call, {took_s:.1f} s"
    )
