"""Every number, list and string of a caller has an upper bound: nothing overflows, and nothing takes for ever."""

import json
import re

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.core.matching import REASONS
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE, example, thinking
from tests.conftest import serving

HUGE = 10**400
SMALL = Settings(
    max_rollouts=4,
    max_call_rollouts=6,
    max_signals=2,
    max_entities=5,
    max_question_chars=200,
    max_json_values=2000,
    canary_interval_s=3600,
)


@pytest.fixture(scope="module")
def base():
    with serving(create_app(SMALL)) as url:
        yield url


def facts(entities=2, **more):
    rollout = {"rollout_id": "0", "outcome": "wrong", "matched": 0} | more
    return {"group_id": "g", "entities": entities, "rollouts": [rollout]}


def slug_of(reply):
    return reply.json()["type"].removeprefix("urn:reward-service:")


def group_slug(reply):
    assert reply.status_code == 200
    return reply.json()["groups"][0]["error"]["type"].removeprefix("urn:reward-service:")


@pytest.mark.parametrize(
    "group",
    [
        facts(10**12, uncredited={"pasted": 10**12}),
        facts(HUGE, matched=HUGE),
        facts(HUGE, matched=HUGE, mentions=1),
        facts(mentions=HUGE),
        facts(grounded=HUGE),
        facts(signals={"judge": 1e300}),
        facts(uncredited={"SECRET rollout text <b>": 1}),
        facts(flags=["x"] * 1000),
        facts(flags=["x" * 10_000]),
        facts(signals={"x" * 1000: 1.0}),
    ],
)
def test_facts_beyond_all_bounds_do_not_fit_the_schema(base, group):
    reply = httpx.post(f"{base}/v1/rewards", json={"groups": [group]})

    assert (reply.status_code, slug_of(reply)) == (422, "invalid-request")


@pytest.mark.parametrize(
    "group",
    [
        facts(6, matched=6),
        facts(mentions=2**31 - 1),
        facts(signals={"a": 1.0, "b": 1.0, "c": 1.0}),
        facts() | {"rollouts": [facts()["rollouts"][0] | {"rollout_id": str(n)} for n in range(5)]},
    ],
)
def test_facts_over_a_limit_fail_their_group_alone(base, group):
    reply = httpx.post(f"{base}/v1/rewards", json={"groups": [group, facts() | {"group_id": "fine"}]})

    assert group_slug(reply) == "limit-exceeded"
    assert [one["status"] for one in reply.json()["groups"]] == ["failed", "complete"]


@pytest.mark.parametrize(
    ("path", "body"),
    [
        ("/v1/groups/score", example(partial={"policy": "survivors", "min_scored": HUGE})),
        (
            "/v1/rollouts/explain",
            {"question": {}, "rollout": thinking("0", "x"), "group_max": HUGE},
        ),
        (
            "/compat/openrlhf/get_reward?run=r&group_size=1" + "0" * 400,
            {"query": [], "prompts": [], "labels": []},
        ),
        (
            "/compat/slime/reward?run=r&group_size=1&deadline_s=1e308",
            {"prompt": "", "response": ""},
        ),
    ],
)
def test_a_number_beyond_all_bounds_is_422_in_every_call(base, path, body):
    reply = httpx.post(
        f"{base}{path}", content=json.dumps(body), headers={"Content-Type": "application/json"}
    )

    assert (reply.status_code, slug_of(reply)) == (422, "invalid-request")


@pytest.mark.parametrize(
    "declared",
    [
        {"group_size": HUGE},
        {"quotas": {"open_groups": HUGE}},
        {"partial": {"policy": "survivors", "min_scored": HUGE}},
        {"deadline_s": 1e308},
    ],
)
def test_a_number_of_a_run_has_an_upper_bound_too(base, declared):
    run = {"profile": "egrpo-paper", "group_size": 2, "deadline_s": 60} | declared

    reply = httpx.put(
        f"{base}/v1/runs/r", content=json.dumps(run), headers={"Content-Type": "application/json"}
    )

    assert (reply.status_code, slug_of(reply)) == (422, "invalid-request")


def test_all_rollouts_of_a_call_are_bounded(base):
    group = EXAMPLE["groups"][0]
    groups = [group | {"group_id": str(n)} for n in range(3)]

    for path in ("score", "match"):
        url = f"{base}/v1/groups/score" if path == "score" else f"{base}/v1/match"
        reply = httpx.post(url, json={"groups": groups})
        assert (reply.status_code, slug_of(reply)) == (422, "invalid-request")


def test_a_long_question_fails_its_group(base):
    group = EXAMPLE["groups"][0] | {"question": {"text": "Who? " * 100}}

    assert group_slug(httpx.post(f"{base}/v1/groups/score", json={"groups": [group]})) == "limit-exceeded"


def test_no_text_of_a_caller_becomes_a_label_and_reasons_are_counted_by_their_number(base):
    group = facts(3, uncredited={"pasted": 2, "listed": 1})
    httpx.post(f"{base}/v1/rewards", json={"groups": [group]})

    page = httpx.get(f"{base}/metrics").text

    counted = dict(re.findall(r'uncredited_entities_total\{reason="([^"]*)"\} (\S+)', page))
    assert counted == {"pasted": "2.0", "listed": "1.0"}
    assert set(counted) <= set(REASONS)
    assert "Inf" not in re.sub(r'le="\+Inf"', "", page)


def test_a_process_has_only_so_many_runs_in_use():
    run = {"profile": "egrpo-paper", "group_size": 2, "deadline_s": 60}
    with serving(create_app(Settings(max_runs=1, canary_interval_s=3600))) as base:
        first = httpx.put(f"{base}/v1/runs/a", json=run)
        again = httpx.put(f"{base}/v1/runs/a", json=run)
        another = httpx.put(f"{base}/v1/runs/b", json=run)

    assert (first.status_code, again.status_code) == (201, 200)
    assert (another.status_code, slug_of(another)) == (429, "quota-exceeded")


def test_signals_of_a_rollout_that_comes_alone_are_bounded_too(base):
    httpx.put(f"{base}/v1/runs/signals", json={"profile": "egrpo-paper", "group_size": 2, "deadline_s": 60})
    member = {"question": {}, "text": "", "signals": {"a": 1.0, "b": 1.0, "c": 1.0}}

    reply = httpx.put(f"{base}/v1/runs/signals/groups/g/rollouts/0", json=member)

    assert (reply.status_code, slug_of(reply)) == (422, "invalid-request")


@pytest.mark.parametrize(
    ("method", "path", "body"),
    [
        ("POST", "/v1/groups/score", {"groups": [[]] * 2001}),
        ("POST", "/v1/match", {"groups": [{}] * 2001}),
        ("POST", "/v1/rewards", {"groups": [1] * 2001}),
        ("POST", "/v1/rollouts/explain", {"rollout": {str(n): 1 for n in range(2001)}}),
        ("PUT", "/v1/runs/r/groups/g/rollouts/0", {"messages": [{}] * 2001}),
        ("POST", "/compat/openrlhf/get_reward?run=r&group_size=1", {"query": [""] * 2001}),
        ("POST", "/compat/slime/reward?run=r&group_size=1", {"prompt": [[]] * 2001, "response": ""}),
        ("POST", "/compat/nemo_gym/verify?run=r&group_size=1", {"response": {"output": [[]] * 2001}}),
        ("POST", "/compat/carr/evaluate?run=r&group_size=1", {"history": [[]] * 2001}),
    ],
)
def test_json_values_are_bounded_in_every_call(base, method, path, body):
    reply = httpx.request(method, f"{base}{path}", json=body)

    assert (reply.status_code, slug_of(reply)) == (413, "body-too-large")
    assert "at most 2000 JSON values" in reply.json()["detail"]


def test_the_commas_of_a_text_are_no_values(base):
    group = EXAMPLE["groups"][0] | {"rollouts": [thinking("0", "one, two, [three], " * 1000)]}

    reply = httpx.post(f"{base}/v1/groups/score", json={"groups": [group]})

    assert reply.json()["groups"][0]["status"] == "complete"


def test_values_of_a_line_of_a_stream_are_bounded_too(base):
    lines = [json.dumps({"groups": [[]] * 2001}), json.dumps(EXAMPLE["groups"][0])]

    reply = httpx.post(
        f"{base}/v1/groups/score/stream",
        content="\n".join(lines),
        headers={"Content-Type": "application/x-ndjson"},
    )

    first, second = map(json.loads, reply.text.splitlines())
    assert first["type"].endswith("body-too-large")
    assert second["groups"][0]["status"] == "complete"
