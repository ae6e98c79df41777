"""Profiles of your own as a caller sees them: what they say, what they pay, and that a changed file is refused."""

import json
from contextlib import contextmanager
from importlib import resources

import httpx
import pytest
import yaml

from reward_service.api.app import create_app
from reward_service.core.profiles import parse_profile, shipped
from reward_service.serve.clock import ManualClock
from reward_service.serve.config import Settings
from reward_service.serve.groups.stores.memory import MemoryGroupStore
from tests.builders import EXAMPLE, example
from tests.commands import run
from tests.conftest import serving

SAMPLE = resources.files("reward_service.sample")
GROUP = EXAMPLE["groups"][0]
MINE = """\
# The paper's reward with more partial credit.
name: mine
about: alpha 0.5.
measure:
  grammar: websailor
  matching: {kind: substring}
reward:
  terms:
    - {signal: entity_match, weight: 0.5, normalize: group_max, when: wrong}
"""


@pytest.fixture
def folder(tmp_path):
    path = tmp_path / "profiles"
    path.mkdir()
    (path / "mine.yaml").write_text(MINE)
    return path


@contextmanager
def calling(folder, **more):
    store = more.pop("store", None)
    with (
        serving(create_app(Settings(profiles=folder, **more), store=store)) as base,
        httpx.Client(base_url=base, timeout=30) as http,
    ):
        yield http


def test_a_profile_says_everything_and_can_be_saved(folder, tmp_path):
    with calling(folder) as http:
        found = http.get("/v1/profiles/mine").json()
        listed = http.get("/v1/profiles").json()["profiles"]
        info = http.get("/v1/info").json()

    head = {key: found[key] for key in ("name", "digest", "about", "default", "source")}
    assert head == {
        "name": "mine",
        "digest": parse_profile(MINE).digest,
        "about": "alpha 0.5.",
        "default": False,
        "source": "folder",
    }
    assert head in listed
    assert found["uses"] == {
        "grammar": "websailor",
        "checker": "exact_match",
        "matcher": "substring",
        "signals": ["entity_match"],
        "estimator": "grpo",
    }
    assert found["formula"] == "R = [correct] + 0.5 · group_max(entity_match) [wrong]; A = grpo"
    assert found["wrong_may_exceed_correct"] is False
    assert found["content"]["reward"]["terms"][0]["weight"] == 0.5
    assert found["content"]["estimator"] == {"type": "grpo", "ddof": 1, "epsilon": 1e-6, "floor": None}
    assert yaml.safe_load(found["yaml"]) == found["content"]
    assert parse_profile(found["yaml"]) == parse_profile(MINE)
    assert info["profiles"] == dict.fromkeys(shipped(), "shipped") | {"mine": "folder"}
    assert info["settings"]["profiles"] == str(folder)


def test_an_unknown_profile_is_a_404(http):
    reply = http.get("/v1/profiles/mine")

    assert reply.status_code == 404
    assert reply.json()["type"] == "urn:reward-service:unknown-profile"
    assert reply.json()["detail"] == f"available profiles: {', '.join(shipped())}"


def rewards(records):
    return {(one["group_id"], one["rollout_id"]): (one["reward"], one["advantage"]) for one in records}


def test_a_file_and_a_folder_pay_the_same(folder, sample_index, tmp_path):
    lines = [json.loads(line) for line in (SAMPLE / "rollouts.jsonl").read_text().splitlines()]
    named = ("score", SAMPLE / "rollouts.jsonl", "--index", sample_index, "--dataset", "sample", "--out")

    by_file = run(*named, tmp_path / "file", "--profile", folder / "mine.yaml")
    by_name = run(*named, tmp_path / "name", "--profile", "mine", REWARD_SERVICE_PROFILES=str(folder))
    with calling(folder, index=sample_index) as http:
        groups = [
            {
                "group_id": group_id,
                "dataset": "sample",
                "question_id": next(line["question_id"] for line in lines if line["group_id"] == group_id),
                "rollouts": [
                    {key: line[key] for key in line.keys() - {"run_id", "group_id", "question_id"}}
                    for line in lines
                    if line["group_id"] == group_id
                ],
            }
            for group_id in dict.fromkeys(line["group_id"] for line in lines)
        ]
        reply = http.post("/v1/groups/score", json={"profile": "mine", "groups": groups}).json()

    assert (by_file.returncode, by_name.returncode) == (0, 0), by_file.stderr + by_name.stderr
    written = [json.loads(line) for line in (tmp_path / "file").read_text().splitlines()]
    assert (tmp_path / "file").read_bytes() == (tmp_path / "name").read_bytes()
    assert reply["profile"] == written[0]["profile"] == {"name": "mine", "digest": parse_profile(MINE).digest}
    over_http = [
        one | {"group_id": group["group_id"]} for group in reply["groups"] for one in group["rollouts"]
    ]
    assert rewards(over_http) == rewards(written)
    forecast = [one["reward"] for one in written if one["group_id"] == "first-forecast"]
    assert forecast == pytest.approx([1, 1 / 3, 1, 0.5, 1 / 6, 0, 0, 0])


def test_every_command_takes_a_file(folder, tmp_path):
    call = {"question": GROUP["question"], "rollout": GROUP["rollouts"][2], "group_max": 2}
    (tmp_path / "call.json").write_text(json.dumps(call))
    (tmp_path / "questions.jsonl").write_text(
        '{"id": "q1", "question": "What did Marie Curie find?", "answer": "x", "entities": ["Marie Curie", "Radium"]}'
    )

    explained = run("explain", tmp_path / "call.json", "--json", "--profile", folder / "mine.yaml")
    linted = run("lint", tmp_path / "questions.jsonl", "--json", "--profile", folder / "mine.yaml")

    assert json.loads(explained.stdout)["rollout"]["reward"] == 0.25
    assert json.loads(linted.stdout)["policies"]["copies the question"]["reward"] == 0.25


@pytest.mark.parametrize(
    ("profile", "why"),
    [
        ("./nowhere.yaml", "No such file or directory"),
        ("mine", "available profiles: "),
        ("{folder}/mine.yaml", "profile.reward has unknown keys: alpha"),
    ],
)
def test_a_profile_that_cannot_be_used_is_one_sentence(folder, tmp_path, profile, why):
    (folder / "mine.yaml").write_text("name: mine\nreward: {alpha: 0.5}\n")
    (tmp_path / "empty.jsonl").write_text("")

    done = run("score", tmp_path / "empty.jsonl", "--profile", profile.format(folder=folder))

    assert done.returncode == 1
    assert why in done.stderr
    assert "Traceback" not in done.stderr


def test_a_bad_file_in_the_folder_refuses_to_start(folder):
    (folder / "mine.yaml").write_text(
        "name: mine\nreward: {terms: [{signal: luck, weight: 1, when: never}]}\n"
    )

    done = run("serve", "--profiles", folder)

    assert done.returncode == 1
    assert f"{folder}/mine.yaml" in done.stderr.replace("\n", "")
    assert "reward.terms[0].when must be one of" in done.stderr.replace("\n", " ")


def put(http, rollout, group_id="g"):
    path = f"/v1/runs/r/groups/{group_id}/rollouts/{rollout['rollout_id']}"
    reply = http.put(path, json=rollout | {"question": GROUP["question"]})
    return reply.status_code, reply.json()


def test_a_run_never_meets_another_content_of_its_profile(folder):
    """The service restarts over the same store, with the file changed and then as it was."""
    store, declared = (
        MemoryGroupStore(ManualClock(1_700_000_000.0)),
        {"profile": "mine", "group_size": 3, "deadline_s": 60},
    )
    with calling(folder, store=store) as http:
        assert http.put("/v1/runs/r", json=declared).status_code == 201
        for rollout in GROUP["rollouts"]:
            put(http, rollout, "closed")
        before = http.get("/v1/runs/r/groups/closed").json()
        assert put(http, GROUP["rollouts"][0])[0] == 202

    (folder / "mine.yaml").write_text(MINE.replace("0.5,", "0.4,"))
    with calling(folder, store=store) as http:
        replies = [
            put(http, GROUP["rollouts"][1]),
            put(http, GROUP["rollouts"][0]),
            put(http, GROUP["rollouts"][0], "closed"),
            *(
                (reply.status_code, reply.json())
                for reply in (
                    http.put("/v1/runs/r", json=declared),
                    http.get("/v1/runs/r/groups/closed"),
                    http.get("/v1/runs/r/groups/g"),
                    http.post("/v1/runs/r/groups/g/close"),
                )
            ),
        ]
        other = http.put("/v1/runs/other", json=declared)
        assert http.get("/v1/runs/r").json()["profile"]["digest"] == parse_profile(MINE).digest
    (folder / "mine.yaml").unlink()
    with calling(folder, store=store) as http:
        gone = put(http, GROUP["rollouts"][1])

    (folder / "mine.yaml").write_text(MINE)
    with calling(folder, store=store) as http:
        after = http.get("/v1/runs/r/groups/closed").json()
        put(http, GROUP["rollouts"][1])
        put(http, GROUP["rollouts"][2])
        finished = http.get("/v1/runs/r/groups/g").json()

    assert {(status, reply["type"]) for status, reply in replies} == {
        (409, "urn:reward-service:profile-mismatch")
    }
    assert (other.status_code, other.json()["profile"]["digest"]) == (
        201,
        parse_profile(MINE.replace("0.5,", "0.4,")).digest,
    )
    assert (gone[0], gone[1]["type"]) == (404, "urn:reward-service:unknown-profile")
    assert after == before
    assert [one["reward"] for one in finished["rollouts"]] == [one["reward"] for one in before["rollouts"]]
    assert [one["reward"] for one in finished["rollouts"]] == [1.0, 0.0, 0.25]


def test_facts_are_not_rewarded_under_another_content_of_their_profile(folder):
    with calling(folder) as http:
        facts = http.post("/v1/match", json={"profile": "mine", "groups": [GROUP]}).json()
        paid = http.post("/v1/rewards", json=facts)
    (folder / "mine.yaml").write_text(MINE.replace("0.5,", "0.4,"))
    with calling(folder) as http:
        refused = http.post("/v1/rewards", json=facts)

    assert paid.status_code == 200
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:reward-service:profile-mismatch")


def test_a_ledger_is_verified_with_the_file_that_paid(folder, tmp_path):
    ledger = tmp_path / "ledger.jsonl"
    with calling(folder, ledger=ledger) as http:
        http.post("/v1/groups/score", json={"profile": "mine", "groups": [GROUP]}).raise_for_status()

    unknown = run("ledger", "verify", ledger)
    by_file = run("ledger", "verify", ledger, "--profile", folder / "mine.yaml")
    by_folder = run("ledger", "verify", ledger, REWARD_SERVICE_PROFILES=str(folder))
    (folder / "mine.yaml").write_text(MINE.replace("0.5,", "0.4,"))
    changed = run("ledger", "verify", ledger, "--profile", folder / "mine.yaml")

    assert [done.returncode for done in (unknown, by_file, by_folder, changed)] == [1, 0, 0, 1]
    assert "1 of 1 groups verified" in by_file.stdout
    assert "no known profile has the digest recorded for mine" in unknown.stderr
    assert "no known profile has the digest recorded for mine" in changed.stderr


def test_a_weight_over_progress_needs_progress(post):
    status, problem = post("/v1/groups/score", example(profile="egrpo-decay"))

    assert (status, problem["type"]) == (422, "urn:reward-service:invalid-request")
    assert "egrpo-decay needs progress" in problem["detail"]


@pytest.mark.parametrize(("progress", "paid"), [(0, 0.15), (0.375, 0.075), (1, 0.0)])
def test_the_weight_follows_the_progress_of_the_call(post, progress, paid):
    _, reply = post("/v1/groups/score", example(profile="egrpo-decay", progress=progress))

    rewards = [one["reward"] for one in reply["groups"][0]["rollouts"]]
    assert rewards == pytest.approx([1.0, 0.0, paid])


def test_progress_has_a_range(post):
    assert post("/v1/groups/score", example(profile="egrpo-decay", progress=1.5))[0] == 422


def test_a_run_without_total_steps_refuses_a_profile_that_needs_progress(http):
    run = {"profile": "egrpo-decay", "group_size": 2, "deadline_s": 5}

    reply = http.put("/v1/runs/progress-run", json=run)

    assert (reply.status_code, "needs progress" in reply.text) == (422, True)


def test_a_counted_signal_cannot_be_sent(post):
    call = example(profile="egrpo")
    call["groups"][0]["rollouts"][0]["signals"] = {"entity_match": 1.0}

    _, reply = post("/v1/groups/score", call)

    first = reply["groups"][0]["rollouts"][0]
    assert first["status"] == "invalid_rollout"
    assert "entity_match cannot be sent in signals: it is counted from the rollout" in first["detail"]
