"""What adapters are told."""

import asyncio
import json

import numpy as np
import pytest

from reward_service.client import AsyncClient, Rollout, Text
from reward_service.client.loops import LoopClients
from reward_service.client.options import Options
from reward_service.client.wire import encode, rollout_in
from reward_service.core.types import Messages, Reading, Unreadable

GIVEN = {"url": "http://here", "profile": "egrpo"}
ROLLOUT = Rollout("0", Text(""))


def test_options_come_from_a_configuration_or_from_the_environment():
    environment = {"REWARD_SERVICE_URL": "http://here", "REWARD_SERVICE_PROFILE": "egrpo", "HOME": "/"}

    assert Options.from_environment(environment) == Options.read(GIVEN)
    assert Options.from_environment(environment | {"REWARD_SERVICE_DEADLINE_S": "2.5"}).deadline_s == 2.5


@pytest.mark.parametrize(("said", "opened"), [("true", True), ("1", True), ("no", False)])
def test_how_text_is_read_may_stand_in_the_environment(said, opened):
    environment = {"REWARD_SERVICE_URL": "x", "REWARD_SERVICE_PROFILE": "y", "REWARD_SERVICE_DIALECT": "mcp"}
    options = Options.from_environment(environment | {"REWARD_SERVICE_THOUGHT_OPEN": said})

    assert options.reading == Reading("mcp", opened)


def test_numpy_values_are_written_as_plain_ones():
    truth = {"answers": np.array(["a"], dtype=object), "n": np.int64(5)}

    assert json.loads(encode({"question": truth, "left": None})) == {"question": {"answers": ["a"], "n": 5}}
    with pytest.raises(TypeError, match="object cannot be sent as JSON"):
        encode({"question": object()})


def test_a_rollout_that_cannot_be_read_is_not_sent():
    with pytest.raises(ValueError, match="/colour"):
        rollout_in(Rollout("0", Unreadable("/colour")))


def test_a_rollout_says_how_it_is_read():
    said = rollout_in(Rollout("0", Messages(({"role": "assistant"},), 1, Reading("mcp", None, False))))

    assert said == {
        "messages": [{"role": "assistant"}],
        "dialect": "mcp",
        "responses_in_policy_turn": False,
        "prompt_messages": 1,
    }


@pytest.mark.parametrize(
    ("given", "why"),
    [({"url": "x"}, r"options \['profile'\] are required"), (GIVEN | {"ulr": ""}, "unknown options")],
)
def test_a_slip_in_the_configuration_is_an_error(given, why):
    with pytest.raises(ValueError, match=why):
        Options.read(given)


def test_a_question_is_named_or_comes_along():
    options = Options.read(GIVEN | {"dataset": "mine"})
    truth = {"text": "Who?", "entities": []}

    assert options.group("g", {"question_id": 7}, [ROLLOUT]).question == "7"
    assert options.group("g", {"question_id": 7}, [ROLLOUT]).dataset == "mine"
    assert options.group("g", {"question_id": truth}, [ROLLOUT]).dataset is None
    assert options.member("g", {"question_id": truth}, ROLLOUT).question == truth
    with pytest.raises(KeyError, match="the data needs a column 'question_id'"):
        options.question({"other": 1, "question_id": None})


def test_a_run_is_the_options_and_a_size():
    run = Options.read(GIVEN | {"run_id": "r", "deadline_s": 5.0}).run(8)

    assert (run.run_id, run.profile, run.group_size, run.deadline_s) == ("r", "egrpo", 8, 5.0)


def test_every_loop_has_its_client():
    clients = LoopClients(lambda: AsyncClient("http://here"))

    async def here():
        first = clients.here()
        assert clients.here() is first
        await clients.aclose()
        await clients.aclose()
        return first

    assert asyncio.run(here()) is not asyncio.run(here())
