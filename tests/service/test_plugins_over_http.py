"""Signals of a plug-in over HTTP: paid, refused if sent, and no reward without them."""

import sys

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.plugin_package import PROJECT, installed_in

PIN = {"signal": "short_answer", "package": "example-signals", "version": "0.1.0"}
LONG = "word " * 40


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    """A service with the example package installed and its profile in the folder."""
    folder = tmp_path_factory.mktemp("plugin")
    site = str(installed_in(folder))
    (folder / "profiles").mkdir()
    (folder / "profiles" / "brief.yaml").write_bytes((PROJECT / "brief.yaml").read_bytes())
    sys.path.insert(0, site)
    try:
        yield create_app(Settings(plugins="short_answer", profiles=folder / "profiles"))
    finally:
        sys.path.remove(site)
        sys.modules.pop("example_signals", None)


@pytest.fixture(scope="module")
def service(app):
    with serving(app) as base, httpx.Client(base_url=base) as client:
        yield client


def rollout(n, answer, **more):
    return {"rollout_id": str(n), "text": f"<think>x</think><answer>{answer}</answer>", **more}


def group(*rollouts, answers=("Marie Curie",)):
    return {
        "group_id": "g",
        "question": {"text": "Who?", "answers": list(answers)},
        "rollouts": list(rollouts),
    }


def call(path, *groups, **more):
    return path, {"profile": "brief", "groups": list(groups), **more}


def test_a_plug_in_is_paid(service):
    long_ago = rollout(1, f"Marie Curie, {LONG}", outcome="correct")
    path, body = call("/v1/groups/score", group(rollout(0, "Marie Curie"), long_ago))

    reply = service.post(path, json=body).json()

    assert [one["components"] for one in reply["groups"][0]["rollouts"]] == [
        {"base": 0.9, "short_answer": 0.1},
        {"base": 0.9, "short_answer": 0.0},
    ]


def test_its_number_is_in_the_facts_and_is_paid_from_there(service):
    path, body = call("/v1/match", group(rollout(0, "Marie Curie")))

    facts = service.post(path, json=body).json()
    paid = service.post("/v1/rewards", json=facts).json()

    assert facts["groups"][0]["rollouts"][0]["measured"]["short_answer"] == 1.0
    assert paid["groups"][0]["rollouts"][0]["reward"] == 1.0


def test_a_rollout_whose_plug_in_fails_has_no_reward(service):
    without_golds = group(rollout(0, "x", outcome="correct"), answers=())
    path, body = call("/v1/groups/score", without_golds, group(rollout(0, "Marie Curie")))

    failed, other = service.post(path, json=body).json()["groups"]

    assert [(one["status"], one["reward"]) for one in failed["rollouts"]] == [("signal_failed", None)]
    assert failed["rollouts"][0]["detail"] == "short_answer: the plug-in failed with ValueError"
    assert other["rollouts"][0]["reward"] == 1.0


def test_a_number_that_a_plug_in_gives_cannot_be_sent(service):
    path, body = call("/v1/groups/score", group(rollout(0, "Marie Curie", signals={"short_answer": 1.0})))

    [refused] = service.post(path, json=body).json()["groups"]

    assert refused["error"]["type"].endswith("signal-conflict")
    assert refused["error"]["path"] == "/groups/0/rollouts/0/signals/short_answer"
    assert "the plug-in of example-signals" in refused["error"]["detail"]


def test_the_profile_names_the_package_and_asks_for_nothing(service):
    shown = service.get("/v1/profiles/brief").json()

    assert (shown["content"]["plugins"], shown["sends"]) == ([PIN], [])
    assert shown["bounds"]["correct"] == [0.9, 1.0]


def test_a_shipped_profile_is_what_it_is_everywhere(service):
    path, body = call("/v1/groups/score", group(rollout(0, "Marie Curie", signals={"short_answer": 5.0})))

    reply = service.post(path, json={**body, "profile": "egrpo"}).json()

    assert reply["groups"][0]["rollouts"][0]["components"] == {"base": 1.0}


def test_a_failed_plug_in_is_asked_again_when_the_rollout_is_sent_again(service, app, monkeypatch):
    declared = {"profile": "brief", "group_size": 2, "deadline_s": 3600}
    assert service.put("/v1/runs/r", json=declared).status_code in {200, 201}
    place = "/v1/runs/r/groups/g/rollouts/0"
    body = {**rollout(0, "x", outcome="correct"), "question": {"text": "Who?", "answers": []}}

    failed = service.put(place, json=body).json()
    monkeypatch.setitem(app.state.service.plugins, "short_answer", lambda _view: 1.0)
    again = service.put(place, json=body).json()

    assert [one["rollout"]["status"] for one in (failed, again)] == ["signal_failed", "pending"]


def test_evaluation_asks_no_plug_in(service):
    declared = {"profile": "brief", "group_size": 2, "deadline_s": 3600}
    assert service.put("/v1/runs/evaluated", json=declared).status_code in {200, 201}
    body = {**rollout(0, "x", outcome="correct"), "question": {"text": "Who?", "answers": []}}

    reply = service.put(
        "/v1/runs/evaluated/groups/g/rollouts/0", params={"purpose": "eval"}, json=body
    ).json()

    assert (reply["rollout"]["status"], reply["rollout"]["reward"]) == ("scored", 1.0)
