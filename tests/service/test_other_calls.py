"""The other calls: match, rewards, explain, health, about, docs."""

import json
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
import yaml

from reward_service.cli.demo import curl_line
from tests.builders import EXAMPLE, GOLDEN, example

FORMS = {"Content-Type": "application/x-www-form-urlencoded"}


def test_match_then_rewards_is_score(post):
    _, scored = post("/v1/groups/score", EXAMPLE)

    status, facts = post("/v1/match", EXAMPLE)
    assert status == 200
    status, rewarded = post("/v1/rewards", facts)

    assert status == 200
    assert rewarded == scored


def test_match_of_a_refused_group_goes_through_rewards_unpaid(post):
    body = example()
    body["groups"][0] |= {"question": None, "dataset": "sample", "question_id": "nobody"}

    _, facts = post("/v1/match", body)
    _, rewarded = post("/v1/rewards", facts)

    assert facts["groups"][0]["error"]["type"] == "urn:reward-service:unknown-question"
    (group,) = rewarded["groups"]
    assert (group["status"], group["error"]) == ("failed", facts["groups"][0]["error"])
    assert {one["status"] for one in group["rollouts"]} == {"unknown_question"}


def test_the_golden_unscored_case_over_rewards(post):
    case = GOLDEN["unscored"]
    rollouts = [
        {"rollout_id": str(n), "status": status, "outcome": outcome, "matched": matched}
        for n, (status, outcome, matched) in enumerate(
            zip(case["status"], case["outcome"], case["matched"], strict=True)
        )
    ]
    body = {
        "profile": "egrpo-paper",
        "partial": {"policy": "survivors"},
        "groups": [{"group_id": "g", "entities": case["entities"], "rollouts": rollouts}],
    }

    _, reply = post("/v1/rewards", body)

    (group,) = reply["groups"]
    assert (group["status"], group["group_max"]) == (
        case["expect"]["group_status"],
        case["expect"]["group_max"],
    )
    assert [one["reward"] for one in group["rollouts"]] == pytest.approx(case["expect"]["reward"], abs=1e-5)


@pytest.mark.parametrize(
    ("rollouts", "slug"),
    [
        ([], "empty-group"),
        ([{"rollout_id": "0", "outcome": "wrong", "matched": 0}] * 2, "duplicate-rollout-id"),
        ([{"rollout_id": "0", "outcome": "wrong", "matched": 9}], "inconsistent-facts"),
        ([{"rollout_id": "0", "matched": 1}], "inconsistent-facts"),
    ],
)
def test_impossible_facts_fail_their_group(post, rollouts, slug):
    status, reply = post("/v1/rewards", {"groups": [{"group_id": "g", "entities": 2, "rollouts": rollouts}]})

    assert status == 200
    assert (reply["groups"][0]["status"], reply["groups"][0]["error"]["type"]) == (
        "failed",
        f"urn:reward-service:{slug}",
    )


def test_facts_of_another_engine_wait_for_the_upgrade(http):
    reply = http.post("/v1/rewards", json={"engine": "sha256:other", "groups": []})

    assert (reply.status_code, reply.json()["type"]) == (503, "urn:reward-service:engine-mismatch")
    assert int(reply.headers["Retry-After"]) > 0


def test_facts_of_another_profile_are_refused(post):
    status, problem = post(
        "/v1/rewards", {"profile": {"name": "grpo", "digest": "sha256:other"}, "groups": []}
    )

    assert (status, problem["type"]) == (409, "urn:reward-service:profile-mismatch")


def explain_body(**more):
    group = example()["groups"][0]
    return {"profile": "egrpo-paper", "question": group["question"], "rollout": group["rollouts"][2]} | more


def test_explain_leaves_group_quantities_null(post):
    status, reply = post("/v1/rollouts/explain", explain_body())

    assert status == 200
    one = reply["rollout"]
    assert (one["status"], one["reward"], one["normalized_match_rate"], one["advantage"]) == (
        "pending",
        None,
        None,
        None,
    )
    assert (one["matched"], one["match_rate"]) == (1, 0.5)
    assert reply["segments"] == [{"kind": "thought", "text": "Perhaps Quillock."}]
    assert [match["text"] for match in one["matches"]] == ["Quillock"]


def test_explain_with_the_groups_best_pays(post):
    _, reply = post("/v1/rollouts/explain", explain_body(group_max=2))

    assert (reply["rollout"]["status"], reply["rollout"]["reward"], reply["rollout"]["advantage"]) == (
        "scored",
        0.15,
        None,
    )


@pytest.mark.parametrize(
    ("more", "status", "slug", "path"),
    [
        ({"group_max": 0}, 422, "invalid-request", "/group_max"),
        (
            {"question": None, "dataset": "sample", "question_id": "nobody"},
            404,
            "unknown-question",
            "/question_id",
        ),
        ({"question": None, "dataset": "nowhere", "question_id": "x"}, 404, "unknown-dataset", "/dataset"),
    ],
)
def test_explain_refuses(post, more, status, slug, path):
    code, problem = post("/v1/rollouts/explain", explain_body(**more))

    assert (code, problem["type"], problem["path"]) == (status, f"urn:reward-service:{slug}", path)


def test_a_form_post_is_refused(http):
    """A page of another origin can post a form to a service on loopback without asking; JSON it cannot."""
    reply = http.post("/v1/groups/score", content=json.dumps(EXAMPLE), headers=FORMS)

    assert (reply.status_code, reply.json()["type"]) == (415, "urn:reward-service:unsupported-media-type")


def test_health_and_about(http):
    assert http.get("/livez").json() == {"status": "ok"}
    assert http.get("/readyz").json() == {"status": "ok"}
    assert http.get("/v1/info").json()["engine"].startswith("sha256:")
    profiles = {one["name"]: one for one in http.get("/v1/profiles").json()["profiles"]}
    assert {"egrpo-paper", "grpo"} <= profiles.keys()
    assert [name for name, one in profiles.items() if one["default"]] == [
        http.get("/v1/info").json()["default_profile"]
    ]
    (dataset,) = http.get("/v1/datasets").json()["datasets"]
    assert dataset["name"] == "sample"
    assert dataset["active"] in dataset["versions"]


def test_an_unknown_path_and_method_are_problems(http):
    assert http.get("/nowhere").json()["type"] == "urn:reward-service:not-found"
    reply = http.get("/v1/groups/score")
    assert (reply.status_code, reply.headers["Allow"]) == (405, "POST")


def test_a_request_id_comes_back(http):
    assert http.get("/livez", headers={"X-Request-Id": "mine"}).headers["X-Request-Id"] == "mine"
    assert len(http.get("/livez", headers={"X-Request-Id": "x" * 500}).headers["X-Request-Id"]) == 32


def test_the_docs_page_needs_no_internet(http):
    page = http.get("/docs").text

    assert "https://" not in page.replace("https://fastapi.tiangolo.com", "")
    scripts = [piece.split('"')[0] for piece in page.split('src="')[1:]]
    assert scripts
    for script in scripts:
        assert http.get(script).status_code == 200


def test_the_page_that_explains_needs_no_internet(http):
    page = http.get("/", follow_redirects=True)

    assert page.status_code == 200
    assert "http://" not in page.text
    assert "https://" not in page.text
    for name in ("explain.js", "explain.css"):
        assert name in page.text
        assert http.get(f"/ui/{name}").status_code == 200


def test_the_committed_openapi_document_is_the_code(http):
    committed = Path(__file__).parents[2] / "openapi.yaml"
    assert yaml.safe_load(committed.read_text(encoding="utf-8")) == http.get("/openapi.json").json()


@pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not installed")
def test_the_demos_curl_line_can_be_pasted(server):
    done = subprocess.run(shlex.split(curl_line(server)), capture_output=True, check=True)

    mine, _ = json.loads(done.stdout)["groups"][0]["rollouts"]
    assert (mine["matched"], mine["reward"]) == (2, 0.3)
