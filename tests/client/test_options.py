"""What adapters are told."""

import asyncio

import pytest

from reward_service.client import AsyncClient, Rollout, Text
from reward_service.client.loops import LoopClients
from reward_service.client.options import Options

GIVEN = {"url": "http://here", "profile": "egrpo"}
ROLLOUT = Rollout("0", Text(""))


def test_options_come_from_a_configuration_or_from_the_environment():
    environment = {"REWARD_SERVICE_URL": "http://here", "REWARD_SERVICE_PROFILE": "egrpo", "HOME": "/"}

    assert Options.from_environment(environment) == Options.read(GIVEN)
    assert Options.from_environment(environment | {"REWARD_SERVICE_DEADLINE_S": "2.5"}).deadline_s == 2.5


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
