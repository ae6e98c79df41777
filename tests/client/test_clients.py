"""Both clients against the real service."""

import json
import logging
import pkgutil
import socket
import subprocess
import sys

import pytest

from reward_service.api.app import create_app
from reward_service.client import (
    ClientError,
    Group,
    Member,
    Messages,
    Outcome,
    Patience,
    Refused,
    Rollout,
    Run,
    Segment,
    SegmentKind,
    Steps,
    StopReason,
    Text,
    Unreachable,
    trainers,
)
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.client.stumbling import Stumbling, broken, later
from tests.conftest import serving

QUESTION = EXAMPLE["groups"][0]["question"]
SHORT = {"patience": Patience(deadline_s=0.3, first_pause_s=0.01)}
EAGER = {"patience": Patience(first_pause_s=0.01)}


def thinking(rollout_id, text, outcome=Outcome.WRONG):
    return Rollout(rollout_id, Steps((Segment(SegmentKind.THOUGHT, text),)), outcome)


def group(**changes):
    rollouts = [
        thinking("0", "I found Zanderheim and Quillock.", Outcome.CORRECT),
        thinking("1", "Nothing yet."),
        thinking("2", "Perhaps Quillock."),
    ]
    return Group(**{"group_id": "g1", "question": QUESTION, "rollouts": rollouts, "run_id": "r"} | changes)


@pytest.fixture
def stumbling():
    """The real service behind a door; yields its base URL and the door."""
    door = Stumbling(create_app(Settings()))
    with serving(door) as base:
        yield base, door


def test_a_group_comes_back_with_its_rewards(ask, server, post):
    [scored] = ask(server, "score_groups", [group()], profile="egrpo-paper")

    _, reply = post("/v1/groups/score", EXAMPLE)
    expected = reply["groups"][0]["rollouts"]
    assert scored.rewards == [1.0, 0.0, 0.15] == [one["reward"] for one in expected]
    assert scored.advantages == [one["advantage"] for one in expected]
    assert (scored.run_id, scored.group_id, scored.status, scored.entities, scored.group_max) == (
        *("r", "g1", "complete"),
        *(2, 2),
    )
    assert [one.rollout_id for one in scored.rollouts] == ["0", "1", "2"]
    assert (scored.rollouts[2].matched, scored.rollouts[2].outcome, scored.rollouts[2].in_loss) == (
        1,
        "wrong",
        True,
    )


def test_every_shape_of_a_rollout_arrives(ask, server):
    tagged = "<think>Quillock</think><answer>x</answer>"
    rollouts = [
        Rollout("text", Text(tagged)),
        Rollout("messages", Messages(({"role": "assistant", "content": tagged},))),
        Rollout("steps", Steps((Segment(SegmentKind.TOOL_CALL, "q"), Segment(SegmentKind.ANSWER, "x")))),
        Rollout("cut", Text("<think>"), stop_reason=StopReason.MAX_TOKENS, signals={"turns": 3}),
        Rollout("gone", Text(""), stop_reason=StopReason.ABORTED),
    ]

    [scored] = ask(server, "score_groups", [group(rollouts=rollouts)], partial={"policy": "survivors"})

    assert [(one.outcome, one.matched) for one in scored.rollouts] == [
        ("correct", 1),
        ("correct", 1),
        ("correct", 0),
        ("error", 0),
        (None, None),
    ]
    assert scored.rewards == [1.0, 1.0, 1.0, 0.0, None]
    assert [one.in_loss for one in scored.rollouts] == [True, True, True, False, False]


def test_a_question_may_be_named(ask, server):
    [scored] = ask(server, "score_groups", [group(question="first-forecast", dataset="sample")])

    assert scored.status == "complete"


def test_match_and_rewards_are_score(ask, server):
    facts = ask(server, "match", [group()], profile="egrpo-paper")

    assert ask(server, "rewards", facts) == ask(server, "score_groups", [group()], profile="egrpo-paper")
    assert ask(server, "rewards", facts, estimator={"type": "rloo"})[0].advantages != [None] * 3
    assert ask(server, "info")["engine"] == facts["engine"]
    assert ask(server, "profile", "egrpo-paper")["digest"] == facts["profile"]["digest"]


def test_an_unknown_profile_is_refused(ask, server):
    with pytest.raises(Refused, match="available profiles: "):
        ask(server, "profile", "α = 0.5?")


@pytest.mark.parametrize("stumble", [later(503), later(429), later(502), broken()])
def test_it_tries_again_where_that_is_safe(ask, stumbling, stumble):
    base, door = stumbling
    door.answers = [stumble, stumble]

    [scored] = ask(base, "score_groups", [group()], profile="egrpo-paper", client=EAGER)

    assert scored.rewards == [1.0, 0.0, 0.15]
    assert len(door.headers) == 3


def test_it_does_not_ask_again_what_was_refused(ask, stumbling):
    base, door = stumbling

    with pytest.raises(Refused, match="404 There is no such profile") as caught:
        ask(base, "score_groups", [group()], profile="nobody")

    assert (caught.value.status, caught.value.type) == (404, "urn:reward-service:unknown-profile")
    assert len(door.headers) == 1


def test_a_deadline_ends_it(ask, stumbling):
    base, door = stumbling
    door.answers = [later(503, seconds=1000)]

    with pytest.raises(Unreachable, match="status 503"):
        ask(base, "score_groups", [group()])


def test_nobody_listens(ask):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        url = f"http://127.0.0.1:{taken.getsockname()[1]}"

        with pytest.raises(Unreachable, match="gave up after"):
            ask(url, "info", client=SHORT)


def test_nobody_answers(ask):
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen()
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"

        with pytest.raises(Unreachable, match=r"[Tt]imeout"):
            ask(url, "info", client=SHORT)


def test_the_url_of_something_else(ask, stumbling):
    base, door = stumbling
    html = b"<html>"
    door.answers = [(200, [], html), (403, [], html), (200, [], b"[]")]

    with pytest.raises(Refused, match="check the URL"):
        ask(base, "info")
    with pytest.raises(Refused, match="403 The call was refused before it reached the service"):
        ask(base, "info")
    with pytest.raises(Refused, match="check the URL"):
        ask(base, "info")


def scored_reply(**changes):
    rollouts = [{"rollout_id": n, "status": "scored", "reward": 0.5, "advantage": 0.0} for n in "012"]
    one = {
        "run_id": "r",
        "group_id": "g1",
        "status": "complete",
        "entities": 2,
        "group_max": 2,
        "error": None,
    }
    return {"groups": [{**one, "rollouts": rollouts, **changes}]}


@pytest.mark.parametrize(
    "reply",
    [
        {},
        {"groups": None},
        {"groups": []},
        scored_reply(group_id="another"),
        scored_reply(rollouts=scored_reply()["groups"][0]["rollouts"][:2]),
        scored_reply(rollouts=scored_reply()["groups"][0]["rollouts"][::-1]),
        scored_reply(rollouts=[{**one, "reward": "0.5"} for one in scored_reply()["groups"][0]["rollouts"]]),
        scored_reply(rollouts=[{**one, "reward": float("nan")} for one in scored_reply()["groups"][0]["rollouts"]]),
        scored_reply(rollouts=[{"rollout_id": n} for n in "012"]),
    ],
)  # fmt: skip
def test_a_reply_about_other_rollouts_or_without_numbers_is_no_reward(ask, stumbling, reply):
    base, door = stumbling
    door.answers = [(200, [], json.dumps(reply).encode())] * 2

    with pytest.raises(Refused, match="check the URL"):
        ask(base, "score_groups", [group()])
    [masked] = ask(base, "score_groups", [group()], client={"on_error": "mask"})

    assert masked.rewards == [None] * 3


def test_the_reply_that_these_are_made_of_is_read(ask, stumbling):
    base, door = stumbling
    door.answers = [(200, [], json.dumps(scored_reply()).encode())]

    [scored] = ask(base, "score_groups", [group()])

    assert scored.rewards == [0.5] * 3


@pytest.mark.parametrize("answer", [(302, [(b"location", b"http://127.0.0.1/login")], b""), (204, [], b"")])
@pytest.mark.parametrize("name", ["put_rollout", "evaluate"])
def test_a_rollout_put_to_something_else_has_no_reward(ask, stumbling, answer, name):
    base, door = stumbling
    run, member = Run("r", "egrpo", 1), Member("g", QUESTION, thinking("0", "Quillock"))
    door.answers = [answer] * 2

    with pytest.raises(Refused):
        ask(base, name, run, member)
    assert ask(base, name, run, member, client={"on_error": "mask"}).reward is None


def test_a_refused_group_is_an_error(ask, server):
    with pytest.raises(Refused, match="200 The data set has no such question") as caught:
        ask(server, "score_groups", [group(), group(group_id="g2", question="nobody", dataset="sample")])

    assert caught.value.type == "urn:reward-service:unknown-question"


def test_masked_a_refused_group_leaves_the_others(ask, server, caplog):
    groups = [group(), group(group_id="g2", question="nobody", dataset="sample")]

    with caplog.at_level(logging.WARNING, "reward_service.client"):
        good, bad = ask(server, "score_groups", groups, profile="egrpo-paper", client={"on_error": "mask"})

    assert good.rewards == [1.0, 0.0, 0.15]
    assert (bad.status, bad.rewards, bad.rollouts[0].status) == ("failed", [None] * 3, "unknown_question")
    assert "no reward: 200 The data set has no such question" in caplog.text


def test_masked_a_call_that_fails_is_a_group_without_rewards(ask, stumbling, caplog):
    base, _ = stumbling

    [bad] = ask(base, "score_groups", [group()], profile="nobody", client={"on_error": "mask"})

    assert (bad.group_id, bad.status, bad.rewards) == ("g1", "failed", [None] * 3)
    assert {one.status for one in bad.rollouts} == {"backend_failed"}
    assert "There is no such profile" in bad.rollouts[0].detail
    assert not bad.rollouts[0].in_loss
    assert "no reward: 404" in caplog.text


def test_any_call_returns_the_reply_as_it_is(ask, server):
    reply = ask(server, "call", "POST", "/v1/groups/score", EXAMPLE)

    assert reply["profile"]["name"] == "egrpo-paper"
    assert [one["reward"] for one in reply["groups"][0]["rollouts"]] == [1, 0, 0.15]


def test_any_call_that_is_refused_says_why(ask, server):
    with pytest.raises(Refused) as refused:
        ask(server, "call", "GET", "/v1/nowhere")

    assert (refused.value.status, refused.value.type) == (404, "urn:reward-service:not-found")


def test_the_key_travels_as_a_bearer_token(ask, stumbling):
    base, door = stumbling

    ask(base, "info", client={"api_key": "id:secret"})

    assert door.headers[0]["authorization"] == "Bearer id:secret"
    assert door.headers[0]["user-agent"].startswith("reward-service-client/")


def test_every_error_has_one_base():
    assert issubclass(Refused, ClientError)
    assert issubclass(Unreachable, ClientError)


ADAPTERS = {"areal", "ms_swift", "openrlhf", "rllm", "roll", "skyrl", "slime", "trl", "verifiers", "verl"}
HOOKS = {"verl_advantages", "verl_log"}  # loaded by verl itself, beside its adapter


@pytest.mark.parametrize("module", ["", *(f".trainers.{name}" for name in sorted(ADAPTERS))])
def test_the_client_brings_nothing_heavy(module):
    code = f"import sys, json, reward_service.client{module}; print(json.dumps(sorted(sys.modules)))"
    loaded = json.loads(subprocess.run([sys.executable, "-c", code], capture_output=True, check=True).stdout)

    heavy = {"numpy", "pydantic", "fastapi", "starlette", "rapidfuzz", "yaml", "httpx", "redis", "torch"}
    assert (heavy | ADAPTERS) & set(loaded) == set()


def test_every_adapter_is_among_them():
    assert {one.name for one in pkgutil.iter_modules(trainers.__path__)} - HOOKS == ADAPTERS
