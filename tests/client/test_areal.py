"""The workflow for AReaL, run as its `GroupedRolloutWorkflow` runs one: the same data, all episodes of a prompt at once."""

import asyncio
import sys
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from reward_service.client import ClientError, RolloutReward
from reward_service.client.trainers.areal import paid_episode, rewarded
from tests.client.toys import DECAYED, DECAYING, QUESTION, REWARDS, SAID, STEP, STEPS, Letters, tokens


class Workflow:
    """Runs episodes that were made up; each ends when it likes."""

    def __init__(self, said, tokenizer=None):
        self.said, self.tokenizer = list(said), tokenizer or Letters()

    async def arun_episode(self, engine, data):
        thought = self.said.pop(0)
        for _ in range(len(self.said)):
            await asyncio.sleep(0)
        if thought is None:
            return None
        if isinstance(thought, Exception):
            raise thought
        return episode(*thought) if isinstance(thought, tuple) else episode(thought)


def episode(thought, answer="nobody"):
    """Tensors of one row; the prompt comes first."""
    ids, mask = tokens(thought, answer)
    prompt = Letters().encode("Zanderheim? Quillock?")
    return {
        "input_ids": np.array([prompt + ids]),
        "loss_mask": np.array([[0] * len(prompt) + mask]),
        "rewards": np.array([-1.0]),
    }


def run(url, said, *, row=None, engine=None, **options):
    workflow = rewarded(Workflow, **{"url": url, "profile": "egrpo", **options})(said=said)
    data = {"messages": [], "question_id": QUESTION, **(row or {})}

    async def grouped():
        calls = [workflow.arun_episode(engine, data) for _ in said]
        return await asyncio.gather(*calls, return_exceptions=True)

    return asyncio.run(grouped())


def rewards(episodes):
    return [None if one is None else float(one["rewards"][0]) for one in episodes]


def test_the_episodes_of_a_prompt_are_paid_as_a_group(server):
    assert rewards(run(server, SAID)) == REWARDS


def test_prompts_that_run_at_once_are_groups_of_their_own(server):
    workflow = rewarded(Workflow, url=server, profile="egrpo")(said=[*SAID, "Quillock", "nothing"])
    prompts = [{"question_id": QUESTION} for _ in range(2)]

    async def both():
        calls = [
            workflow.arun_episode(None, prompts[n]) for n, size in enumerate((3, 2)) for _ in range(size)
        ]
        return await asyncio.gather(*calls)

    assert rewards(asyncio.run(both())) == [*REWARDS, 0.3, 0.0]


def test_evaluation_is_paid_by_its_outcome(server):
    said = [(SAID[0], "nobody"), (SAID[1], "x")]

    assert rewards(run(server, said, row={"split": "test"})) == [0.0, 1.0]


@pytest.mark.parametrize(("is_eval", "expected"), [(True, [0.0, 1.0]), (False, [0.3, 1.0])])
def test_areals_own_word_for_evaluation_is_heard(server, monkeypatch, is_eval, expected):
    context = ModuleType("areal.infra.workflow_context")
    context.get = lambda: SimpleNamespace(is_eval=is_eval)
    monkeypatch.setitem(sys.modules, context.__name__, context)

    assert rewards(run(server, [(SAID[0], "nobody"), (SAID[1], "x")])) == expected


def test_no_reward_is_an_episode_that_is_left_out(server):
    assert rewards(run(server, [SAID[0], None, SAID[2]])) == [None] * 3
    assert rewards(run(server, SAID, profile="nobody", on_error="mask")) == [None] * 3


def test_what_fails_is_raised_and_nobody_waits(server):
    broken, *others = run(server, [ValueError("no engine"), *SAID])
    assert str(broken) == "no engine"
    assert {type(one) for one in others} == {RuntimeError}
    refused = run(server, SAID, profile="nobody")
    assert sorted(type(one).__name__ for one in refused) == ["Refused", "RuntimeError", "RuntimeError"]
    assert any(isinstance(one, ClientError) for one in refused)


def test_an_episode_that_stays_out_of_the_loss_has_a_mask_of_zeros():
    left_out = paid_episode(episode("x"), RolloutReward("0", "scored", 0.0, in_loss=False))

    assert left_out["loss_mask"].sum() == 0
    assert paid_episode(episode("x"), RolloutReward("0", "scored", 0.0, in_loss=True))["loss_mask"].sum() > 0


def test_episodes_as_interactions_are_refused(server):
    class Interactions(Workflow):
        async def arun_episode(self, engine, data):
            return {"completion-1": object()}

    workflow = rewarded(Interactions, url=server, profile="egrpo")(said=[])

    with pytest.raises(TypeError, match="must return tensors"):
        asyncio.run(workflow.arun_episode(None, {}))


def test_the_progress_is_the_version_of_the_engines_weights(server):
    engine = SimpleNamespace(get_version=lambda: STEP)

    paid = rewards(run(server, SAID, engine=engine, profile=DECAYING, total_steps=STEPS))

    assert paid == pytest.approx(DECAYED, abs=1e-15)
