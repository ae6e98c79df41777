"""Judges that are not there, budgets that are spent, votes, and CaRR's own protocol with a judge."""

import asyncio
import json
import threading
from concurrent.futures import ThreadPoolExecutor

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.fault_judge import FaultJudge, judging
from tests.redis_server import free_port, until
from tests.service.test_judges import Caller, answering, backend, fresh, write_backends


@pytest.fixture
def judge():
    return FaultJudge()


@pytest.fixture
def started(judge, tmp_path):
    """Return a function that starts a service with these settings, and closes it at the end."""
    closing = []

    def start(url, profile=None, flavour="vllm", timeout_s=60, **settings):
        if profile is not None:
            (tmp_path / "profiles").mkdir()
            (tmp_path / "profiles" / "mine.yaml").write_text(profile)
            settings["profiles"] = tmp_path / "profiles"
        file = write_backends(tmp_path, backend(url, flavour=flavour, timeout_s=timeout_s))
        settings = {"canary_interval_s": 3600, "judge_canary_interval_s": 0, **settings}
        app = create_app(Settings(backends=file, **settings))
        running = serving(app)
        http = httpx.Client(base_url=running.__enter__(), timeout=60)
        closing.extend([http.close, lambda: running.__exit__(None, None, None)])
        return Caller(judge, http, app)

    yield start
    for close in closing:
        close()


@pytest.fixture
def url(judge):
    with judging(judge) as base:
        yield base


def test_a_judge_that_is_down_at_start_keeps_no_other_profile_from_being_served(started):
    caller = started(f"http://127.0.0.1:{free_port()}/v1")

    refused = caller.score([answering("0", "Cusco")])
    plain = caller.score([answering("0", "Cusco")], profile="egrpo")
    decided = caller.score([answering("0", "Lima")])

    assert caller.http.get("/readyz").status_code == 200
    assert (refused.status_code, refused.json()["type"]) == (503, "urn:reward-service:backend-unavailable")
    assert int(refused.headers["Retry-After"]) >= 1
    assert [plain.status_code, decided.status_code] == [200, 200]


def test_a_model_that_no_backend_serves_is_said(started, url):
    caller = started(
        url,
        profile="name: mine\nmeasure: {checker: cascade, cascade: {judge: a}}\naskers: [{name: a, template: grade-v1, model: other}]",
    )

    refused = caller.score([answering("0", "Cusco")], profile="mine")

    assert (refused.status_code, refused.json()["detail"]) == (
        503,
        "no backend serves other: name one in the file of the setting `backends`",
    )


def test_a_server_that_does_not_list_the_model_is_not_asked(started, url, judge):
    judge.model = "another"

    refused = started(url).score([answering("0", "Cusco")])

    assert refused.json()["detail"] == "local: it does not serve judge"
    assert judge.asked == 0


def test_a_spent_budget_refuses_with_a_sentence_and_asks_nothing(started, url, judge):
    caller = started(url, judge_run_calls=2)
    first = caller.score([answering("0", fresh("a")), answering("1", known := fresh("b"))])
    refused = caller.score([answering("0", fresh("c"))])
    run = caller.declare()
    fits = caller.put(run, answering("0", fresh("d")))

    assert first.status_code == 200
    assert (refused.status_code, refused.json()["type"]) == (429, "urn:reward-service:judge-budget")
    assert refused.json()["detail"].startswith("the run may use 2 calls of judges; this call may need 1")
    assert "Retry-After" not in refused.headers
    assert caller.score([answering("0", known)]).status_code == 200
    assert fits.status_code == 202
    assert judge.asked == 3


def test_a_run_may_ask_for_a_smaller_budget(started, url, judge):
    caller = started(url, judge_run_calls=100)
    run = caller.declare(quotas={"judge_calls": 1})
    over = caller.http.put(
        "/v1/runs/other",
        json={"profile": "egrpo-judged", "group_size": 2, "deadline_s": 60, "quotas": {"judge_calls": 101}},
    )

    first = caller.put(run, answering("0", fresh("a")))
    refused = caller.put(run, answering("1", fresh("b")))

    assert (first.status_code, refused.status_code) == (202, 429)
    assert refused.json()["detail"].startswith("the run may use 1 calls of judges")
    assert (over.status_code, over.json()["path"]) == (422, "/quotas/judge_calls")
    assert caller.http.get(run).json()["quotas"]["judge_calls"] == 1
    assert judge.asked == 1


VOTES = """
name: mine
measure: {checker: cascade, cascade: {judge: a}}
askers: [{name: a, template: grade-v1, votes: 3, temperature: 0.7, %s}]
"""


@pytest.mark.parametrize(
    ("replies", "how", "status", "outcome", "asked"),
    [
        (["correct", "correct"], "quorum: majority", "scored", "correct", 2),
        (["correct", "incorrect", "incorrect"], "quorum: majority", "scored", "wrong", 3),
        (["correct", "incorrect"], "quorum: unanimous", "judge_failed", None, 2),
        (["correct", "incorrect"], "quorum: unanimous, abstain: wrong", "scored", "wrong", 2),
        (["correct", "?", "?", "correct"], "quorum: majority", "scored", "correct", 4),
    ],
)
def test_votes_decide(started, url, judge, replies, how, status, outcome, asked):
    left = iter(replies)
    caller = started(url, profile=VOTES % how, flavour="plain")

    async def scripted(one, request):
        return one.text(f"VERDICT: {next(left)}")

    judge.fails(scripted, times=10)
    [one] = caller.score([answering("0", "Cusco")], profile="mine").json()["groups"][0]["rollouts"]

    assert (one["status"], one["outcome"], judge.asked) == (status, outcome, asked)


def test_seeds_differ_between_votes_and_between_readings(started, url, judge):
    caller = started(url, profile=VOTES % "quorum: unanimous")

    caller.score([answering("0", "Cusco")], profile="mine")

    assert [one["body"]["seed"] for one in judge.seen] == [0, 2, 4]
    assert {one["body"]["response_format"]["type"] for one in judge.seen} == {"json_schema"}


CARR = {
    "history": [
        {"role": "user", "content": "Which city?"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"tool_call_id": "1", "name": "browser.open", "arguments": '{"id": 1}'}],
        },
        {
            "role": "tool",
            "content": [
                {
                    "tool_call_id": "1",
                    "output": "Title: Lima\nURL Source: https://a.org/lima\n\nMarkdown Content:\nLima is a city.",
                }
            ],
        },
        {
            "role": "assistant",
            "content": "Lima is the city [1](https://a.org/lima).\n\n## References\n1. that page",
        },
    ],
    "label": "Lima",
    "task_unfinished": False,
    "remote_env_info": {
        "search_forbidden_strs": ["Which city?"],
        "rubrics": ["<E0> is a city", "<E0> is in Bolivia"],
        "rubric_reward_ratio": 0.3,
    },
}
CARR_URL = "/compat/carr/evaluate?run=r&group_size=1&profile=carr-judged"


def test_carr_is_judged_as_its_own_server_does(started, url, judge):
    caller = started(url)

    reply = caller.http.post(CARR_URL, json=CARR)

    assert reply.status_code == 200, reply.text
    assert reply.json()["outcome_reward"] == 1.0
    assert reply.json()["rubric_reward"] == 0.5
    assert reply.json()["reward"] == pytest.approx(1.0)
    assert reply.json()["judge"] == ["judge"]
    assert judge.asked == 3


def test_an_unfinished_task_of_carr_is_asked_about_in_no_way(started, url, judge):
    reply = started(url).http.post(CARR_URL, json=CARR | {"task_unfinished": True})

    assert [reply.json()[name] for name in ("reward", "outcome_reward", "rubric_reward")] == [0, 0, 0]
    assert judge.asked == 0


def test_a_failed_judge_of_carr_is_no_reward_of_0(started, url, judge):
    judge.fails("500")

    reply = started(url).http.post(CARR_URL, json=CARR)

    assert (reply.status_code, reply.json()["type"]) == (422, "urn:reward-service:no-reward")


def test_admins_see_where_judges_are(started, url):
    info = started(url).http.get("/v1/info").json()

    assert info["backends"] == [
        {
            "name": "local",
            "serves": ["judge"],
            "flavour": "vllm",
            "egress": False,
            "host": "127.0.0.1",
            "drift": False,
        }
    ]


def test_a_call_that_waits_for_a_judge_leaves_its_place_to_others(started, url, judge):
    released = threading.Event()

    async def held(one, request):
        await asyncio.to_thread(released.wait, 60)
        return one.text("VERDICT: incorrect")

    judge.fails(held)
    caller = started(url, timeout_s=60, max_requests=2, max_requests_per_key=2, max_requests_per_run=2)
    run = caller.declare(group_size=8)
    with ThreadPoolExecutor(8) as pool:
        puts = [pool.submit(caller.put, run, answering(str(n), fresh("Cusco"))) for n in range(8)]
        until(lambda: judge.asked == 8, "all of them are asked about")
        plain = caller.score([answering("0", "Lima")], profile="egrpo")
        released.set()
        replies = [put.result(60) for put in puts]

    assert plain.status_code == 200
    assert {reply.json()["rollout"]["outcome"] for reply in replies} == {"wrong"}


def test_canary_pairs_notice_a_judge_that_changes(started, url, judge):
    caller = started(url, judge_canary_interval_s=3600)

    caller.score([answering("0", fresh("Cusco"))])
    until(
        lambda: caller.metric("judge_canary_total", asker="answer@judge", result="different") > 0, "canaries"
    )
    assert caller.metric("judge_drift", asker="answer@judge") == 1
    assert json.loads(caller.http.get("/v1/info").text)["backends"][0]["drift"] is True


def not_ready(caller):
    return caller.http.get("/readyz").json().get("detail")


def ready_when(caller, state):
    until(lambda: not_ready(caller) == state, f"readiness says {state}")


def test_a_judge_that_is_down_takes_no_process_out_of_readiness_unless_a_setting_says_so(started):
    caller = started(f"http://127.0.0.1:{free_port()}/v1")

    assert caller.http.get("/readyz").status_code == 200


def test_where_readiness_depends_on_judges_a_process_is_ready_once_they_answer(started, judge):
    port = free_port()
    caller = started(f"http://127.0.0.1:{port}/v1", judge_readiness="reached")
    ready_when(caller, "judge: local: it does not answer (ClientConnectorError)")

    with judging(judge, port):
        ready_when(caller, None)


def test_where_readiness_depends_on_judges_a_process_is_not_ready_while_one_has_stopped(started, url, judge):
    caller = started(url, judge_readiness="reached")
    ready_when(caller, None)
    judge.fails("redirect")

    caller.rollouts([answering(str(n), fresh("Cusco")) for n in range(10)])

    ready_when(caller, "judge: local has stopped answering")


def test_a_judge_that_changes_takes_a_process_out_of_readiness_only_if_it_must_agree(started, url):
    needs = {"judge_canary_interval_s": 3600}
    reached = started(url, judge_readiness="reached", **needs)
    reached.score([answering("0", fresh("Cusco"))])
    until(lambda: reached.metric("judge_drift", asker="answer@judge") == 1, "it differs")

    assert reached.http.get("/readyz").status_code == 200


def test_a_judge_that_must_agree_and_changes_takes_a_process_out_of_readiness(started, url):
    caller = started(url, judge_readiness="agreeing", judge_canary_interval_s=3600)
    caller.score([answering("0", fresh("Cusco"))])

    ready_when(caller, "judge: answer@judge differs from known verdicts")
