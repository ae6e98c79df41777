"""Profiles that ask a judge, over HTTP: what becomes of every way in which a judge can fail."""

import contextlib
import json
import time
import uuid

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.fault_judge import FAULTS, FaultJudge, judging

QUESTION = {
    "text": "Where was she born?",
    "answers": ["Lima"],
    "entities": [{"name": "Zanderheim"}, {"name": "Quillock"}],
}
PATIENCE_S, SHORT_S = 60.0, 1.0
SLOW = {"slow head", "slow body"}


def answering(rollout_id, answer, thought="Perhaps Quillock."):
    steps = [{"type": "thought", "text": thought}, {"type": "answer", "text": answer}]
    return {"rollout_id": rollout_id, "steps": steps}


def backend(url, **changes):
    return {"name": "local", "serves": ["judge"], "url": url} | changes


class Caller:
    def __init__(self, judge, http, app):
        self.judge, self.http, self.app = judge, http, app

    def score(self, rollouts, profile="egrpo-judged", **more):
        group = {"group_id": "g", "question": QUESTION, "rollouts": rollouts}
        body = {"profile": profile, "groups": [group], "partial": {"policy": "survivors"}} | more
        return self.http.post("/v1/groups/score", json=body)

    def rollouts(self, rollouts):
        reply = self.score(rollouts)
        assert reply.status_code == 200, reply.text
        return reply.json()["groups"][0]["rollouts"]

    def declare(self, **changes):
        run = f"/v1/runs/{uuid.uuid4().hex}"
        declared = {"profile": "egrpo-judged", "group_size": 2, "deadline_s": 60} | changes
        assert self.http.put(run, json=declared).status_code == 201
        return run

    def put(self, run, rollout, **headers):
        body = rollout | {"question": QUESTION}
        path = f"{run}/groups/g/rollouts/{rollout['rollout_id']}"
        return self.http.put(path, json=body, headers=headers)

    def metric(self, name, **labels):
        wanted = ",".join(f'{key}="{value}"' for key, value in labels.items())
        line = f"reward_service_{name}{{{wanted}}}" if labels else f"reward_service_{name}"
        page = self.http.get("/metrics").text.splitlines()
        return next((float(one.split()[-1]) for one in page if one.startswith(f"{line} ")), 0.0)


def write_backends(folder, *backends):
    path = folder / "backends.yaml"
    path.write_text(json.dumps(list(backends)), encoding="utf-8")
    return path


@contextlib.contextmanager
def service(folder, flavour, timeout_s):
    """A service and its judge."""
    judge = FaultJudge()
    with judging(judge) as url:
        (folder / "key").write_text("sk-very-secret\n")
        one = backend(url, flavour=flavour, timeout_s=timeout_s, key_file=str(folder / "key"), concurrency=8)
        settings = Settings(
            backends=write_backends(folder, one), canary_interval_s=3600, judge_canary_interval_s=0
        )
        app = create_app(settings)
        with serving(app) as base, httpx.Client(base_url=base, timeout=60) as http:
            yield Caller(judge, http, app)


@pytest.fixture(scope="module", params=["plain", "vllm"])
def running(request, tmp_path_factory):
    with service(tmp_path_factory.mktemp("judge"), request.param, PATIENCE_S) as one:
        yield one


@pytest.fixture(scope="module")
def running_hastily(tmp_path_factory):
    with service(tmp_path_factory.mktemp("hasty"), "plain", SHORT_S) as one:
        yield one


@pytest.fixture
def caller(running):
    """A service that has forgotten what its judge did in other tests."""
    return calmed(running)


@pytest.fixture
def faced(running, running_hastily, fault):
    """The same for a fault; a judge that never replies is not waited for as long as others."""
    return calmed(running_hastily if fault in SLOW else running)


def calmed(running):
    running.judge.fails(None)
    running.judge.delay_s = 0
    for desk in running.app.state.service.judges.desks:
        desk.breaker.__init__()
    return running


def fresh(text):
    """An answer that no other test has had judged."""
    return f"{text} {uuid.uuid4().hex[:12]}"


def test_a_judge_decides_what_strings_do_not(caller):
    right, wrong, plain = caller.rollouts(
        [
            answering("0", fresh("She was born in Lima, in the year")),
            answering("1", fresh("Cusco")),
            answering("2", "Lima"),
        ]
    )

    assert [one["outcome"] for one in (right, wrong, plain)] == ["correct", "wrong", "correct"]
    assert [one["reward"] for one in (right, wrong, plain)] == [1.0, 0.3, 1.0]
    assert caller.judge.asked == 2
    assert right["judgements"][0]["value"] == "correct"
    assert plain["judgements"] == []


def test_equal_answers_are_asked_about_once_and_never_again(caller):
    answer = fresh("Cusco")
    caller.rollouts([answering(str(n), answer) for n in range(8)])
    caller.rollouts([answering("9", f"**{answer}**")])

    assert caller.judge.asked == 1


def test_the_key_is_sent_and_no_cookie_or_compressed_reply_is_asked_for(caller):
    caller.rollouts([answering("0", fresh("Cusco"))])

    headers = caller.judge.seen[0]["headers"]
    assert headers["Authorization"] == "Bearer sk-very-secret"
    assert headers["Accept-Encoding"] == "identity"
    assert "Cookie" not in headers


REASONS = {
    "429 with Retry-After": "overloaded",
    "429, later than there is time": "overloaded",
    "slow head": "timeout",
    "slow body": "timeout",
    "empty": "unparsable",
    "null": "unparsable",
    "two verdicts": "unparsable",
    "two objects": "unparsable",
    "verdict in an echoed answer": "unparsable",
    "unfinished thought": "unparsable",
    "400": "refused",
    "length": "refused",
    "refusal": "refused",
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_leaves_its_rollout_without_a_reward(faced, fault):
    caller = faced
    caller.judge.fails(fault)
    began = time.monotonic()

    failed, plain = caller.rollouts([answering("0", fresh("She was born in Lima")), answering("1", "Lima")])

    reason = REASONS.get(fault, "transport")
    took_s = time.monotonic() - began
    print(f"{fault}: {failed['status']}, {failed['detail']}, reward {failed['reward']}, {took_s:.2f} s")  # noqa: T201  # -s shows it
    assert (failed["status"], failed["reward"], failed["outcome"]) == ("judge_failed", None, None)
    assert failed["detail"] == f"answer: {reason}"
    assert (plain["status"], plain["reward"]) == ("scored", 1.0)
    assert failed["judgements"] == []


@pytest.mark.parametrize("fault", FAULTS)
def test_a_fault_keeps_a_rollout_sent_alone_without_a_reward_until_it_is_sent_again(faced, fault):
    caller = faced
    run, rollout = caller.declare(), answering("0", fresh("She was born in Lima"))
    caller.judge.fails(fault)
    failed = caller.put(run, rollout)
    member = failed.json()["rollout"]
    print(f"{fault}, alone: {member['status']}, {member['detail']}, reward {member['reward']}")  # noqa: T201  # -s shows it
    calmed(caller)
    again = caller.put(run, rollout)

    assert failed.status_code == 202
    assert (member["status"], member["reward"]) == ("judge_failed", None)
    assert (again.json()["rollout"]["status"], again.json()["rollout"]["outcome"]) == ("pending", "correct")


@pytest.mark.parametrize("fault", ["429 with Retry-After", "500", "cut", "empty", "two verdicts"])
def test_a_fault_that_passes_is_asked_again(caller, fault):
    caller.judge.fails(fault, times=1)

    [one] = caller.rollouts([answering("0", fresh("She was born in Lima"))])

    assert (one["status"], one["outcome"], caller.judge.asked) == ("scored", "correct", 2)


def test_a_redirect_is_not_followed(caller):
    caller.judge.fails("redirect")

    caller.rollouts([answering("0", fresh("Cusco"))])

    assert caller.judge.asked == 1


def test_facts_are_rewarded_without_the_judge(caller):
    rollouts = [answering("0", fresh("She was born in Lima")), answering("1", fresh("Cusco"))]
    group = {"group_id": "g", "question": QUESTION, "rollouts": rollouts}
    facts = caller.http.post("/v1/match", json={"profile": "egrpo-judged", "groups": [group]}).json()
    scored = caller.score(rollouts).json()["groups"][0]
    caller.judge.fails("500")

    rewarded = caller.http.post("/v1/rewards", json=facts | {"partial": {"policy": "survivors"}})

    assert rewarded.json()["groups"][0]["rollouts"] == scored["rollouts"]


def test_a_judge_that_stops_answering_is_left_alone_and_nothing_is_acknowledged(caller):
    caller.judge.fails("500")
    caller.rollouts([answering(str(n), fresh("Cusco")) for n in range(12)])
    asked = caller.judge.asked
    run = caller.declare()

    refused = [
        caller.score([answering("0", fresh("Cusco"))]),
        caller.put(run, answering("0", fresh("Cusco"))),
    ]
    plain = caller.score([answering("0", "Cusco")], profile="egrpo")

    assert [one.status_code for one in refused] == [503, 503]
    assert {one.json()["type"] for one in refused} == {"urn:reward-service:backend-unavailable"}
    assert all(1 <= int(one.headers["Retry-After"]) <= 15 for one in refused)
    assert caller.judge.asked == asked
    assert plain.status_code == 200
    assert caller.score([answering("0", "Lima")]).status_code == 200
    assert caller.http.get(f"{run}/groups/g").status_code == 404


def test_a_caller_whose_time_ends_first_finds_the_answer_later(caller):
    caller.judge.delay_s = 0.6
    run, rollout = caller.declare(), answering("0", fresh("She was born in Lima"))

    busy = caller.put(run, rollout, **{"X-Request-Timeout-Ms": "300"})
    again = caller.put(run, rollout)

    assert (busy.status_code, busy.json()["type"]) == (503, "urn:reward-service:judge-busy")
    assert busy.headers["Retry-After"] == "1"
    assert again.json()["rollout"]["outcome"] == "correct"
    assert caller.judge.asked == 1


def test_evaluation_is_judged_too(caller):
    run = caller.declare()
    rollout = answering("0", fresh("She was born in Lima")) | {"question": QUESTION}

    reply = caller.http.put(f"{run}/groups/g/rollouts/0", json=rollout, params={"purpose": "eval"}).json()

    assert (reply["rollout"]["outcome"], reply["rollout"]["reward"]) == ("correct", 1.0)


def test_a_number_that_a_judge_gives_must_not_be_sent(caller):
    rollout = answering("0", "Lima") | {"signals": {"rubric": 1.0}}

    group = caller.score([rollout], profile="carr-judged").json()["groups"][0]

    assert group["error"]["type"] == "urn:reward-service:signal-conflict"
    assert "from a judge" in group["error"]["detail"]


def test_metrics_say_what_decided_and_what_judges_said(caller):
    names = [("cascade_total", {"stage": stage}) for stage in ("accept", "reject", "judge")]
    names += [("judged_total", {"verdict": verdict}) for verdict in ("correct", "wrong", "judge_failed")]
    before = [caller.metric(name, **labels) for name, labels in names]
    caller.judge.fails("empty", times=2)
    caller.rollouts([answering("0", fresh("She was born in Lima"))])
    caller.rollouts(
        [
            answering("0", fresh("She was born in Lima")),
            answering("1", fresh("Cusco")),
            answering("2", "Lima"),
            answering("3", "Solution:"),
        ]
    )

    after = [caller.metric(name, **labels) for name, labels in names]
    assert [b - a for a, b in zip(before, after, strict=True)] == [1, 1, 3, 1, 1, 1]
    assert caller.metric("ask_requests_total", backend="local", result="ok") >= 2
    assert caller.metric("ask_tokens_total", backend="local", kind="prompt") >= 200


def test_no_text_of_a_rollout_is_logged_or_counted(caller, caplog):
    caller.judge.fails("500")
    caller.rollouts([answering("0", "Xyloquartz"), answering("1", "Lima")])

    assert "Xyloquartz" not in caller.http.get("/metrics").text
    assert "Xyloquartz" not in caplog.text
    assert "sk-very-secret" not in caplog.text
    assert "sk-very-secret" not in caller.http.get("/v1/info").text
