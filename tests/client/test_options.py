"""What adapters are told."""

import asyncio
import json
import sys
import traceback
from functools import partial
from types import ModuleType, SimpleNamespace

import numpy as np
import pytest

from reward_service.client import AsyncClient, Client, Rollout, Text, Unreachable
from reward_service.client.headers import key_of
from reward_service.client.loops import LoopClients
from reward_service.client.options import Options
from reward_service.client.trainers import (
    areal,
    ms_swift,
    openrlhf,
    rllm,
    roll,
    skyrl,
    slime,
    trl,
    verifiers,
    verl,
)
from reward_service.client.whole import client_of
from reward_service.client.wire import encode, rollout_in
from reward_service.core.types import Messages, Reading, Unreadable

GIVEN = {"url": "http://here", "profile": "egrpo"}
ROLLOUT = Rollout("0", Text(""))


def test_options_come_from_a_configuration_or_from_the_environment():
    environment = {"REWARD_SERVICE_URL": "http://here", "REWARD_SERVICE_PROFILE": "egrpo", "HOME": "/"}

    assert Options.from_environment(environment) == Options.read(GIVEN)
    assert Options.from_environment(environment | {"REWARD_SERVICE_DEADLINE_S": "2.5"}).deadline_s == 2.5
    assert Options.from_environment(environment | {"REWARD_SERVICE_TOTAL_STEPS": "80"}).total_steps == 80


@pytest.mark.parametrize(
    ("own", "trainers", "known"), [(80, 90, 80), (None, 90, 90), (None, 0, None), (None, None, None)]
)
def test_an_options_number_of_steps_goes_before_the_trainers(own, trainers, known):
    assert Options.read(GIVEN | {"total_steps": own}).with_steps(trainers).total_steps == known


def test_a_training_without_steps_is_refused():
    with pytest.raises(ValueError, match="total_steps must be at least 1, got 0"):
        Options.read(GIVEN | {"total_steps": 0})


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


KEY = "rk_trainer_canary-of-a-secret"


def test_a_key_comes_from_the_option_a_file_or_the_environment(tmp_path, monkeypatch):
    file = tmp_path / "key"
    file.write_text(f"{KEY}\n", encoding="utf-8")

    assert key_of() is None
    assert key_of(KEY) == key_of(None, file) == KEY
    monkeypatch.setenv("REWARD_SERVICE_API_KEY", "rk_of_the-environment")
    assert key_of() == "rk_of_the-environment"
    assert key_of(None, file) == KEY
    environment = {"REWARD_SERVICE_URL": "http://here", "REWARD_SERVICE_PROFILE": "egrpo"}
    assert Options.from_environment(
        environment | {"REWARD_SERVICE_API_KEY_FILE": str(file)}
    ).api_key_file == str(file)


@pytest.mark.parametrize("given", ["", f"{KEY}\n", f"{KEY} x", f"{KEY}é", f"{KEY}\x00"])
@pytest.mark.parametrize("client", [Client, AsyncClient])
def test_a_key_that_cannot_be_one_is_refused_and_not_repeated(client, given):
    """The HTTP libraries would quote it."""
    with pytest.raises(ValueError, match="the API key is empty") as caught:
        client("http://here", api_key=given)

    assert "canary" not in "".join(traceback.format_exception(caught.value))


def verl_manager(given):
    named = SimpleNamespace(get={"reward_kwargs": given}.get)
    rollout = SimpleNamespace(get={}.get, n=2)
    config = SimpleNamespace(
        reward=SimpleNamespace(custom_reward_function=named),
        actor_rollout_ref=SimpleNamespace(rollout=rollout),
        trainer=SimpleNamespace(get={}.get),
        get={}.get,
    )
    return verl.EgrpoRewardManager(config, None)


def roll_worker(given, monkeypatch):
    """ROLL is not installed here; its worker is built over what is imported of it."""
    for module in ("executor.worker", "scheduler.decorator", "scheduler.protocol"):
        standing_in(monkeypatch, f"roll.distributed.{module}", Worker=object, DataProto=None)
    decorators = {"Dispatch": SimpleNamespace(ONE_TO_ALL=1, DP_MP_COMPUTE=2)}
    decorators["register"] = lambda **_: lambda method: method
    standing_in(monkeypatch, "roll.distributed.scheduler.decorator", **decorators)
    standing_in(monkeypatch, "roll.models.model_providers", default_tokenizer_provider=None)
    return roll.reward_worker(num_return_sequences=2, **given)


def test_rolls_worker_reads_the_number_of_steps_from_the_pipeline(monkeypatch):
    made = roll_worker(dict(GIVEN), monkeypatch)
    worker = made.__new__(made)

    worker.initialize(SimpleNamespace(max_steps=80))

    assert worker.options.total_steps == 80


def standing_in(monkeypatch, name, **content):
    module = ModuleType(name)
    vars(module).update(content)
    monkeypatch.setitem(sys.modules, name, module)


# How each adapter takes its options; every one of them makes its calls with what `Options` holds.
ADAPTERS = {
    "verl": verl_manager,
    "areal": lambda given: areal.rewarded(object, **given),
    "ms_swift": lambda given: ms_swift.egrpo_orm(**given),
    "rllm": lambda given: rllm.egrpo_estimator(**given),
    "rllm, evaluation": lambda given: rllm.outcome_evaluator(**given),
    "skyrl": lambda given: skyrl.rewarded(object, **given),
    "trl": lambda given: trl.egrpo_reward(num_generations=2, **given),
    "verifiers": lambda given: verifiers.egrpo_reward(**given),
}


@pytest.mark.parametrize("adapter", [*ADAPTERS, "roll"])
def test_a_key_given_to_an_adapter_shows_nowhere(adapter, caplog, monkeypatch):
    """In what the adapter is, in what it says of a slip, and in the options that a configuration dump prints."""
    make = ADAPTERS.get(adapter, partial(roll_worker, monkeypatch=monkeypatch))
    given = GIVEN | {"api_key": KEY}
    with caplog.at_level("DEBUG"):
        made = make(given)
        with pytest.raises(ValueError, match="unknown options") as slip:
            make(given | {"ulr": "x"})

    shown = [
        repr(made),
        str(made),
        *traceback.format_exception(slip.value),
        caplog.text,
        repr(Options.read(given)),
    ]
    assert "canary" not in "".join(shown)


def slime_group(_):
    sample = SimpleNamespace(response="", label="q", metadata={}, remove_sample=False, status=None)
    return slime.reward(SimpleNamespace(reward_key=None), [sample, sample])


def openrlhf_sample(monkeypatch):
    standing_in(monkeypatch, "openrlhf.utils.agent", AgentExecutorBase=object)

    class Sampler:
        async def execute(self, *_):
            return {"observation_tokens": [], "action_ranges": []}

    executor = openrlhf.rewarded(Sampler)()
    assert "canary" not in f"{executor!r} {executor.options!r} {vars(executor)}"
    return openrlhf.score(executor.options, "q", [ROLLOUT, ROLLOUT])


@pytest.mark.parametrize("call", [slime_group, openrlhf_sample])
@pytest.mark.parametrize("in_file", [False, True])
async def test_a_key_from_the_environment_shows_nowhere(call, in_file, caplog, capsys, monkeypatch, tmp_path):
    """Nothing listens at the address, so that the call fails or is masked with a reason."""
    (tmp_path / "key").write_text(KEY, encoding="utf-8")
    given = {"API_KEY_FILE": str(tmp_path / "key")} if in_file else {"API_KEY": KEY}
    reached = {"URL": "http://127.0.0.1:9", "PROFILE": "egrpo", "PATIENCE_S": "0.01", "DATASET": "d"}
    for name, value in (given | reached).items():
        monkeypatch.setenv(f"REWARD_SERVICE_{name}", value)

    with caplog.at_level("DEBUG"):
        (ended,) = await asyncio.gather(call(monkeypatch), return_exceptions=True)

    told = traceback.format_exception(ended) if isinstance(ended, BaseException) else [repr(ended)]
    assert "gave up after" in "".join(told) + caplog.text
    assert "canary" not in "".join([*told, caplog.text, *capsys.readouterr()])


async def test_a_key_shows_in_no_failure_of_a_call():
    """Nothing listens at the address."""
    options = Options.read(
        {"url": "http://127.0.0.1:9", "profile": "egrpo", "api_key": KEY, "patience_s": 0.01}
    )
    group = options.group("g", {"question_id": "q"}, [ROLLOUT])
    async with client_of(options) as client:
        with pytest.raises(Unreachable) as caught:
            await client.score_groups([group], profile="egrpo")

    assert "canary" not in "".join(traceback.format_exception(caught.value))
    assert "canary" not in repr(client)


def test_the_reference_trainer_hides_its_key():
    rewards = pytest.importorskip("reward_service.trainer.options")

    assert "canary" not in repr(rewards.TrainingOptions(api_key=KEY))


@pytest.mark.parametrize("name", ["DEADLINE_S", "PATIENCE_S", "TOTAL_STEPS"])
def test_a_variable_that_is_no_number_is_named(name):
    given = {"REWARD_SERVICE_URL": "http://a", "REWARD_SERVICE_PROFILE": "egrpo"}

    with pytest.raises(ValueError, match=f"REWARD_SERVICE_{name} must be a number, got 'soon'"):
        Options.from_environment(given | {f"REWARD_SERVICE_{name}": "soon"})
