"""Signals from sources, by every way in: a source that fails never becomes a reward, and never a 0."""

import json
import uuid
from dataclasses import replace

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.core.profiles import Profile
from reward_service.core.types import RewardSpec, RolloutStatus, Term
from reward_service.serve.config import Settings
from reward_service.serve.sources.null import NullSource
from tests.builders import EXAMPLE, thinking
from tests.conftest import serving

JUDGED = Profile("judged", reward=RewardSpec(terms=(Term("judged", 0.5),)))
GROUP = EXAMPLE["groups"][0]
ROLLOUTS = GROUP["rollouts"]
SURVIVORS = {"policy": "survivors"}


class Judge:
    """A null source that fails for other rollouts in each test."""

    name, failed_status = "judge", RolloutStatus.JUDGE_FAILED
    failing = frozenset()

    async def values(self, question, rollouts, *, timeout_s):
        source = NullSource(self.name, self.failed_status, failing=self.failing)
        return await source.values(question, rollouts, timeout_s=timeout_s)


class Caller:
    def __init__(self, judge, http):
        self.judge, self.http = judge, http

    def fails_for(self, *rollout_ids):
        self.judge.failing = frozenset(rollout_ids)

    def post(self, path, body, **query):
        return self.http.post(path, json={"profile": "judged"} | body, params=query).json()

    def score(self, rollouts=ROLLOUTS, **more):
        return self.post("/v1/groups/score", {"groups": [GROUP | {"rollouts": rollouts}], **more})["groups"][
            0
        ]

    def declare(self, **changes):
        run = f"/v1/runs/{uuid.uuid4().hex}"
        declared = {"profile": "judged", "group_size": 3, "deadline_s": 60} | changes
        assert self.http.put(run, json=declared).status_code == 201
        return run

    def put(self, run, rollout, **query):
        body = rollout | {"question": GROUP["question"]}
        return self.http.put(f"{run}/groups/g/rollouts/{rollout['rollout_id']}", json=body, params=query)

    def slime(self, **row):
        label = json.dumps({"question": GROUP["question"], **row})
        body = {"prompt": "Who?", "response": "<think>Quillock</think><answer>x</answer>", "label": label}
        query = {"group_size": 1, "profile": "judged", "format": "tagged", "run": uuid.uuid4().hex}
        return self.http.post("/compat/slime/reward", json=body, params=query)


@pytest.fixture(scope="module")
def shared():
    judge = Judge()
    app = create_app(Settings(canary_interval_s=3600), sources={"judged": judge})
    with serving(app) as base, httpx.Client(base_url=base, timeout=30) as http:
        shipped = app.state.service.profiles
        app.state.service.profiles = replace(shipped, known={**shipped.known, "judged": JUDGED})
        yield Caller(judge, http)


@pytest.fixture
def caller(shared):
    shared.fails_for()
    return shared


def test_measuring_shows_the_numbers_that_sources_gave(caller):
    groups = caller.post("/v1/match", {"groups": [GROUP]})["groups"]

    given = [one["signals"]["judged"] for one in groups[0]["rollouts"]]
    assert len(set(given)) == 3
    assert all(0 <= one < 1 for one in given)


def test_a_whole_group_pays_those_whose_source_answered(caller):
    caller.fails_for("1")

    group = caller.score(partial=SURVIVORS)

    assert group["status"] == "partial"
    assert [one["status"] for one in group["rollouts"]] == ["scored", "judge_failed", "scored"]
    assert [one["reward"] is None for one in group["rollouts"]] == [False, True, False]
    assert group["rollouts"][1]["detail"] == "judged: judge: it is configured to fail"


def test_a_whole_group_fails_with_a_source_unless_survivors_are_asked_for(caller):
    caller.fails_for("1")

    group = caller.score()

    assert (group["status"], [one["reward"] for one in group["rollouts"]]) == ("failed", [None] * 3)


def test_measured_facts_are_rewarded_later_without_the_source(caller):
    caller.fails_for("1")
    facts = caller.post("/v1/match", {"groups": [GROUP]})
    scored = caller.score(partial=SURVIVORS)
    caller.fails_for("0", "1", "2")

    rewarded = caller.http.post("/v1/rewards", json=facts | {"partial": SURVIVORS}).json()["groups"][0]

    assert rewarded["rollouts"] == scored["rollouts"]


def test_a_rollout_put_alone_is_judged_again_when_it_is_put_again(caller):
    run = caller.declare()
    caller.fails_for("0")
    first = caller.put(run, ROLLOUTS[0]).json()
    caller.fails_for()
    again = caller.put(run, ROLLOUTS[0]).json()

    assert [one["rollout"]["status"] for one in (first, again)] == ["judge_failed", "pending"]


def test_rollouts_put_one_by_one_are_paid_like_the_whole_group(caller):
    whole, run = caller.score(), caller.declare()

    for rollout in ROLLOUTS:
        caller.put(run, rollout)

    group = caller.http.get(f"{run}/groups/g").json()
    assert [one["reward"] for one in group["rollouts"]] == [one["reward"] for one in whole["rollouts"]]


def test_evaluation_needs_no_source(caller):
    run = caller.declare()
    caller.fails_for("0")

    evaluated = caller.put(run, ROLLOUTS[0], purpose="eval").json()

    assert (evaluated["rollout"]["status"], evaluated["rollout"]["reward"]) == ("scored", 1.0)


def test_an_explained_rollout_says_that_its_source_failed(caller):
    caller.fails_for("0")

    reply = caller.post(
        "/v1/rollouts/explain", {"question": GROUP["question"], "rollout": ROLLOUTS[0], "group_max": 2}
    )

    assert (reply["rollout"]["status"], reply["rollout"]["reward"]) == ("judge_failed", None)


def test_a_trainers_own_protocol_says_that_a_source_failed(caller):
    caller.fails_for("0")  # these protocols have no ids: each rollout is "0" until it has met the others

    reply = caller.slime()

    assert (reply.status_code, reply.json()["type"]) == (422, "urn:reward-service:no-reward")
    assert reply.json()["detail"] == "judged: judge: it is configured to fail"


def test_a_trainers_own_protocol_needs_no_source_for_evaluation(caller):
    caller.fails_for("0")

    assert caller.slime(split="test").json() == 1.0


def test_a_number_sent_under_the_name_of_a_source_refuses_its_group_alone(caller):
    sent = thinking("0", "Nothing.", outcome="wrong", signals={"judged": 1.0})

    body = {"groups": [GROUP, GROUP | {"group_id": "g2", "rollouts": [sent]}]}
    good, refused = caller.post("/v1/groups/score", body)["groups"]

    assert good["error"] is None
    assert refused["error"]["type"] == "urn:reward-service:signal-conflict"
    assert refused["error"]["path"] == "/groups/1/rollouts/0/signals/judged"
    assert [one["reward"] for one in refused["rollouts"]] == [None]


def test_a_number_sent_under_the_name_of_a_source_keeps_a_rollout_out_of_its_group(caller):
    run = caller.declare()

    refused = caller.put(run, ROLLOUTS[0] | {"signals": {"judged": 1.0}})

    assert (refused.status_code, refused.json()["type"]) == (422, "urn:reward-service:invalid-request")
    assert caller.put(run, ROLLOUTS[0]).status_code == 202
