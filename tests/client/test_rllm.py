"""The estimator and the evaluator for rLLM, called as its trainer calls them, inside a running loop and outside."""

import sys
from types import ModuleType, SimpleNamespace

import pytest

from reward_service.client import ClientError
from reward_service.client.options import NoReward
from reward_service.client.trainers.rllm import egrpo_estimator, messages_of, outcome_evaluator
from tests.client.toys import QUESTION, REWARDS, SAID, conversation

ROW = {"question_id": QUESTION}


def trajectory(thought, answer="nobody", task=ROW):
    """Two steps; the second holds all of the first."""
    messages = conversation(thought, answer)
    steps = [SimpleNamespace(chat_completions=messages[:2]), SimpleNamespace(chat_completions=messages)]
    return SimpleNamespace(task=task, steps=steps, reward=0.0)


def group(said=SAID, **more):
    return SimpleNamespace(group_id="t:solver", trajectories=[trajectory(one, **more) for one in said])


def estimate(estimator, groups):
    """As `collect_reward_and_advantage_from_trajectory_groups` does."""
    rewards = [[one.reward for one in group.trajectories] for group in groups]
    return estimator(rewards=rewards, algorithm_config=SimpleNamespace(), traj_groups=groups)


def test_advantages_are_the_services(server, post):
    groups = [group(), group([*SAID, SAID[0]])]

    advantages, returns = estimate(egrpo_estimator(url=server, profile="egrpo", estimator="verl"), groups)

    for one, paid, rewards in zip(groups, advantages, returns, strict=True):
        rollouts = [
            {"rollout_id": str(n), "messages": each.steps[-1].chat_completions}
            for n, each in enumerate(one.trajectories)
        ]
        whole = {"group_id": "g", "question": QUESTION, "rollouts": rollouts}
        _, reply = post("/v1/groups/score", {"profile": "egrpo", "estimator": "verl", "groups": [whole]})
        expected = reply["groups"][0]["rollouts"]
        assert paid == [each["advantage"] for each in expected]
        assert rewards == [each["reward"] for each in expected]
    assert returns[0] == REWARDS


async def test_it_may_be_called_inside_a_loop(server):
    advantages, _ = estimate(egrpo_estimator(url=server, profile="egrpo"), [group()])

    assert sum(advantages[0]) == pytest.approx(0.0)


def test_a_trajectory_without_a_reward_teaches_nothing(server, caplog):
    nobody = {"url": server, "profile": "nobody"}

    assert estimate(egrpo_estimator(**nobody, on_error="mask"), [group()]) == ([[0.0] * 3], [[0.0] * 3])
    assert "no advantage: backend_failed" in caplog.text
    with pytest.raises(ClientError, match="There is no such profile"):
        estimate(egrpo_estimator(**nobody), [group()])


def test_a_task_may_be_an_object(server):
    task = SimpleNamespace(id="1", instruction="Who?", metadata=ROW)

    assert estimate(egrpo_estimator(url=server, profile="egrpo"), [group(task=task)])[1] == [REWARDS]


def test_a_step_that_begins_anew_adds_its_last_message():
    first, second = conversation("one"), conversation("two")
    steps = [SimpleNamespace(chat_completions=one) for one in (first[:2], first, second)]

    said = messages_of(SimpleNamespace(steps=steps)).messages

    assert said == (*first, second[-1])


def test_what_comes_before_the_first_response_is_the_prompt():
    shown = [
        {"role": "user", "content": "Who else?"},
        {"role": "assistant", "content": "<think>Zanderheim</think>x"},
    ]
    told = [*shown, *conversation("one")]
    steps = [SimpleNamespace(chat_completions=told[:4]), SimpleNamespace(chat_completions=told)]

    assert messages_of(SimpleNamespace(steps=steps)).prompt_messages == 3
    assert messages_of(SimpleNamespace(steps=steps[1:])).prompt_messages == 0


@pytest.fixture
def eval_types(monkeypatch):
    """rLLM's module of that name, with what is taken from it."""
    module = ModuleType("rllm.eval.types")
    module.EvalOutput = module.Signal = SimpleNamespace
    for name in ("rllm", "rllm.eval"):
        monkeypatch.setitem(sys.modules, name, ModuleType(name))
    monkeypatch.setitem(sys.modules, "rllm.eval.types", module)


def test_the_evaluator_pays_the_outcome(server, eval_types):
    evaluator = outcome_evaluator(url=server, profile="egrpo")
    task = SimpleNamespace(metadata=ROW)

    right, wrong = (
        evaluator.evaluate(task, SimpleNamespace(trajectories=[trajectory("Quillock", answer)]))
        for answer in ("x", "nobody")
    )

    assert (right.reward, right.is_correct) == (1.0, True)
    assert (wrong.reward, wrong.is_correct) == (0.0, False)
    assert [(one.name, one.value) for one in wrong.signals] == [("match_rate", 0.5)]


def test_an_episode_that_cannot_be_scored_raises(server, eval_types):
    steps = [SimpleNamespace(chat_completions=[{"role": "user", "content": "Who?"}])]
    episode = SimpleNamespace(trajectories=[SimpleNamespace(steps=steps)])

    with pytest.raises((NoReward, ClientError)):
        outcome_evaluator(url=server, profile="egrpo").evaluate(ROW, episode)


def with_tokens(one):
    """A trajectory whose last step knows its tokens."""
    one.steps[-1].response_ids = [1, 2, 3]
    return one


def test_each_step_has_the_advantage_of_its_turn(server, post):
    members = group()
    with_tokens(members.trajectories[0])
    estimator = egrpo_estimator(url=server, profile="egrpo-turn")

    [advantages], _ = estimate(estimator, [members])

    rollouts = [
        {"rollout_id": str(n), "messages": each.steps[-1].chat_completions}
        for n, each in enumerate(members.trajectories)
    ]
    whole = {"group_id": "g", "question": QUESTION, "rollouts": rollouts}
    _, reply = post("/v1/groups/score", {"profile": "egrpo-turn", "groups": [whole]})
    expected = [one["turn_advantages"] for one in reply["groups"][0]["rollouts"]]
    first, *others = members.trajectories
    assert estimator.writes_step_advantages
    assert [step.advantage for step in first.steps] == [expected[0][0], [expected[0][1]] * 3]
    assert [[step.advantage for step in one.steps] for one in others] == expected[1:]
    assert advantages == [one["advantage"] for one in reply["groups"][0]["rollouts"]]
