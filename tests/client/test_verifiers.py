"""The group reward function for verifiers, called as its `Rubric.score_group` calls one: by name, with what it asks for."""

import inspect
import json

import pytest

from reward_service.client import ClientError
from reward_service.client.options import NoReward
from reward_service.client.trainers.verifiers import egrpo_reward
from tests.client.toys import QUESTION, REWARDS, SAID, conversation, text


class Message:
    """A message of 0.3: an object, with calls that have no `function`."""

    def __init__(self, **fields):
        self.fields = fields

    def model_dump(self, *, exclude_none):
        assert exclude_none
        return {name: value for name, value in self.fields.items() if value is not None}


@pytest.fixture
def reward(server):
    return egrpo_reward(url=server, profile="egrpo")


async def call(reward, completions, info=None, **states):
    info = {"question_id": QUESTION} if info is None else info
    states = [{name: values[n] for name, values in states.items()} for n in range(len(completions))]
    objects = {"prompts": [], "completions": completions, "answers": [""] * len(completions), "tasks": []}
    objects |= {"infos": [info] * len(completions), "states": states, "parser": object()}
    asked = inspect.signature(reward).parameters
    return await reward(**{name: value for name, value in objects.items() if name in asked})


def test_verifiers_knows_it_by_its_name_and_as_a_group_function(reward):
    assert reward.__name__ == "egrpo"
    assert {"completions", "infos", "states"} == set(inspect.signature(reward).parameters)


async def test_a_group_is_paid_as_a_group(reward):
    assert await call(reward, [conversation(one)[1:] for one in SAID]) == REWARDS
    assert (
        await call(reward, [text(one) for one in SAID], info=json.dumps({"question_id": QUESTION})) == REWARDS
    )


async def test_messages_may_be_objects(reward):
    def said(thought):
        call = Message(id="1", name="search", arguments=json.dumps({"query": thought}))
        return [
            Message(role="assistant", content=None, reasoning_content="I look.", tool_calls=[call]),
            Message(role="tool", tool_call_id="1", content=SAID[0]),
            Message(role="assistant", content=text(thought), tool_calls=None),
        ]

    assert await call(reward, [said(one) for one in SAID]) == REWARDS


async def test_calls_as_openai_writes_them_are_calls(reward):
    calls = [{"id": "1", "type": "function", "function": {"name": "search", "arguments": SAID[0]}}]
    asked = {"role": "assistant", "content": None, "tool_calls": calls}

    assert await call(reward, [[asked, *conversation(one)[2:]] for one in SAID]) == REWARDS


async def test_evaluation_is_paid_by_its_outcome(reward):
    info = {"question_id": QUESTION, "split": "test"}

    assert await call(reward, [text(SAID[0]), text("", "x")], info=info) == [0.0, 1.0]


async def test_a_rollout_that_was_cut_is_an_error(reward):
    assert await call(reward, [text(one) for one in SAID], is_truncated=[True, False, False]) == [
        0.0,
        0.0,
        0.15,
    ]


async def test_no_reward_is_an_exception(reward, server):
    with pytest.raises(NoReward, match=r"group_failed|aborted"):
        await call(reward, [text(one) for one in SAID], error=[None, "the sandbox broke", None])
    with pytest.raises(ClientError, match="There is no such profile"):
        await call(egrpo_reward(url=server, profile="nobody"), [text(SAID[0])])
