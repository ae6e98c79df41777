"""Runs, and rollouts that come one by one, as a caller sees them."""

import asyncio
import json
import socket
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import replace
from urllib.parse import urlsplit

import httpx
import pytest

from reward_service.api.app import create_app, create_store
from reward_service.serve.clock import ManualClock
from reward_service.serve.config import Settings
from reward_service.serve.errors import UnsafeStore
from reward_service.serve.groups.codec import decode_group, decode_run, encode_group, encode_run
from reward_service.serve.groups.stores.memory import MemoryGroupStore
from reward_service.serve.groups.stores.protocols import GroupKey, Write
from tests.builders import EXAMPLE, thinking
from tests.conftest import serving
from tests.redis_server import until

RUN = {"profile": "egrpo-paper", "group_size": 3, "deadline_s": 60}
QUESTION = EXAMPLE["groups"][0]["question"]
ROLLOUTS = EXAMPLE["groups"][0]["rollouts"]
# Longer than any test takes.
LONG_S = 600


class Caller:
    """Speaks to one service; every test has its own run."""

    def __init__(self, base, app, clock):
        self.base, self.app, self.clock = base, app, clock
        self.http = httpx.Client(base_url=base, timeout=2 * LONG_S)
        self.run_id = "r"

    @property
    def waiters(self):
        return self.app.state.runs.groups.waiters

    @property
    def store(self):
        return self.app.state.runs.groups.store

    def declare(self, **changes):
        reply = self.http.put(f"/v1/runs/{self.run_id}", json=RUN | changes)
        return reply.status_code, reply.json()

    def put(self, rollout, group_id="g", *, question=QUESTION, **query):
        named = {"question_id": question} if isinstance(question, str) else {"question": question}
        path = f"/v1/runs/{self.run_id}/groups/{group_id}/rollouts/{rollout['rollout_id']}"
        reply = self.http.put(path, params=query, json=rollout | named)
        return reply.status_code, reply.json()

    def get(self, group_id="g", **query):
        reply = self.http.get(f"/v1/runs/{self.run_id}/groups/{group_id}", params=query)
        return reply.status_code, reply.json()

    def close(self, group_id="g", **query):
        reply = self.http.post(f"/v1/runs/{self.run_id}/groups/{group_id}/close", params=query)
        return reply.status_code, reply.json()

    def whole(self, rollouts=ROLLOUTS, *, question=QUESTION, **more):
        group = EXAMPLE["groups"][0] | {"rollouts": rollouts, "question": question}
        body = {"profile": "egrpo-paper", "groups": [group]} | more
        return self.http.post("/v1/groups/score", json=body).json()["groups"][0]


@contextmanager
def calling(**settings):
    clock = ManualClock(1_700_000_000.0)
    app = create_app(Settings(**{"max_wait_s": LONG_S, **settings}), store=MemoryGroupStore(clock))
    with serving(app) as base:
        caller = Caller(base, app, clock)
        yield caller
        caller.http.close()


@pytest.fixture(scope="module")
def shared(sample_index):
    with calling(index=sample_index, max_open_groups=5000) as caller:
        yield caller


@pytest.fixture
def caller(shared, request):
    """A caller with a run of its own name, not yet declared."""
    shared.run_id = request.node.name.replace("/", "_")
    return shared


@pytest.fixture
def run(caller):
    assert caller.declare()[0] == 201
    return caller


def slug(answer):
    status, reply = answer
    return status, reply["type"].removeprefix("urn:reward-service:")


def test_a_run_is_declared_once(caller):
    status, first = caller.declare()
    assert (status, first["run_id"], first["group_size"]) == (201, caller.run_id, 3)
    assert first["profile"]["digest"].startswith("sha256:")
    assert (first["partial"], first["quotas"], first["index"]) == (
        {"policy": "fail", "min_scored": 1},
        {"open_groups": None, "judge_calls": None, "judge_tokens": None},
        None,
    )

    assert caller.declare(estimator=None) == (200, first)
    assert slug(caller.declare(group_size=4)) == (409, "run-conflict")
    assert caller.http.get(f"/v1/runs/{caller.run_id}").json() == first


def test_a_deleted_run_is_gone_with_its_groups_and_its_name_is_free(run):
    for rollout in ROLLOUTS:
        run.put(rollout)

    assert run.http.delete(f"/v1/runs/{run.run_id}").status_code == 204
    assert run.http.delete(f"/v1/runs/{run.run_id}").status_code == 204
    assert slug(run.put(ROLLOUTS[0])) == (404, "unknown-run")
    assert run.declare(group_size=2)[0] == 201
    assert slug(run.get()) == (404, "unknown-group")
    assert run.put(ROLLOUTS[0])[1]["missing"] == ["1"]


def test_a_run_pins_its_index_version(caller):
    _, run = caller.declare(dataset="sample", group_size=1)
    _, reply = caller.put(thinking("0", "Robert FitzRoy", outcome="wrong"), question="first-forecast")

    assert run["index"]["digest"].startswith("sha256:")
    assert (reply["index"], reply["question_id"], reply["entities"]) == (run["index"], "first-forecast", 4)


@pytest.mark.parametrize(
    ("change", "status", "path"),
    [
        ({"profile": "best"}, 404, "/profile"),
        ({"dataset": "nowhere"}, 404, "/dataset"),
        ({"group_size": 0}, 422, "/group_size"),
        ({"group_size": 513}, 422, "/group_size"),
        ({"deadline_s": 0}, 422, "/deadline_s"),
        ({"deadline_s": 1e9}, 422, "/deadline_s"),
        ({"quotas": {"open_groups": 5001}}, 422, "/quotas/open_groups"),
        ({"partial": {"policy": "hope"}}, 422, "/partial/policy"),
        ({"colour": "red"}, 422, "/colour"),
    ],
)
def test_a_declaration_that_does_not_fit_is_refused(caller, change, status, path):
    code, problem = caller.declare(**change)

    assert (code, problem["path"]) == (status, path)


def test_a_declaration_beyond_a_limit_is_told_which_setting_it_is(caller):
    _, problem = caller.declare(group_size=513)

    assert problem["detail"] == "group_size must be at most 512, the setting max_rollouts"


def test_each_rollout_is_paid_as_in_the_whole_group_call(run):
    answers = [run.put(rollout) for rollout in ROLLOUTS]
    whole = run.whole()

    assert [status for status, _ in answers] == [202, 202, 200]
    assert [reply["missing"] for _, reply in answers] == [["1", "2"], ["2"], []]
    assert [reply["rollout"]["status"] for _, reply in answers] == ["pending", "pending", "scored"]
    assert {reply["rollout"]["reward"] for _, reply in answers[:2]} == {None}
    for rollout, expected in zip(ROLLOUTS, whole["rollouts"], strict=True):
        status, reply = run.put(rollout)
        assert (status, reply["replayed"], reply["group_status"]) == (200, True, "complete")
        assert json.dumps(reply["rollout"]) == json.dumps(expected)


@pytest.mark.parametrize("profile", ["egrpo-paper", "egrpo"])
def test_a_group_is_answered_as_in_the_whole_group_call(caller, profile):
    question = QUESTION | {"text": "Who met Quillock?"}
    caller.declare(profile=profile)
    for rollout in reversed(ROLLOUTS):
        caller.put(rollout, question=question)

    status, group = caller.get()
    whole = caller.whole(profile=profile, question=question)

    more = {"profile", "engine", "estimator", "progress", "attempt", "step", "missing", "closes_in_s"}
    assert status == 200
    assert {key: group[key] for key in group if key not in more} == whole | {
        "run_id": caller.run_id,
        "group_id": "g",
    }
    assert group["masked"] == (["Quillock"] if profile == "egrpo" else [])
    assert (group["attempt"], group["missing"], group["closes_in_s"]) == (0, [], None)


def test_an_open_group_says_what_it_knows(run):
    run.put(ROLLOUTS[2])
    run.clock.advance(10)

    status, group = run.get()

    assert (status, group["status"], group["missing"], group["closes_in_s"]) == (
        200,
        "open",
        ["0", "1"],
        50.0,
    )
    (one,) = group["rollouts"]
    assert (
        one["status"],
        one["matched"],
        one["match_rate"],
        one["normalized_match_rate"],
        one["reward"],
    ) == (
        "pending",
        1,
        0.5,
        None,
        None,
    )


def test_all_who_wait_are_answered_when_the_last_one_comes(run):
    with ThreadPoolExecutor(4) as pool:
        waiting = [pool.submit(run.put, rollout, wait_s=LONG_S) for rollout in ROLLOUTS[:2]]
        watching = pool.submit(run.get, wait_s=LONG_S)
        until(lambda: len(run.waiters) == 3, "three wait")
        last = run.put(ROLLOUTS[2], wait_s=LONG_S)
        answers = [one.result() for one in waiting]
        group = watching.result()

    expected = run.whole()["rollouts"]
    assert [status for status, _ in [*answers, last, group]] == [200] * 4
    assert [reply["rollout"] for _, reply in [*answers, last]] == expected
    assert group[1]["rollouts"] == expected
    assert len(run.waiters) == 0


def test_a_group_can_be_awaited_before_it_is_there(run):
    with ThreadPoolExecutor(1) as pool:
        watching = pool.submit(run.get, wait_s=LONG_S)
        until(lambda: len(run.waiters) == 1, "one waits")
        for rollout in ROLLOUTS:
            run.put(rollout)

        assert watching.result()[1]["status"] == "complete"


def test_waiting_ends_with_what_there_is(run):
    status, reply = run.put(ROLLOUTS[0], wait_s=0.05)
    assert (status, reply["missing"]) == (202, ["1", "2"])
    assert run.get(wait_s=0.05)[1]["status"] == "open"
    assert slug(run.get("nobody", wait_s=0.05)) == (404, "unknown-group")


def test_a_caller_who_leaves_frees_the_place_and_loses_nothing(run):
    body = json.dumps(ROLLOUTS[0] | {"question": QUESTION}).encode()
    target = urlsplit(run.base)
    with socket.create_connection((target.hostname, target.port)) as raw:
        raw.sendall(
            f"PUT /v1/runs/{run.run_id}/groups/g/rollouts/0?wait_s={LONG_S} HTTP/1.1\r\nHost: localhost\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n".encode()
            + body
        )
        until(lambda: run.get()[0] == 200 and len(run.waiters) == 1, "it waits, and its rollout is in")
    until(lambda: len(run.waiters) == 0, "its place is free")

    assert run.put(ROLLOUTS[0])[1]["replayed"] is True


def test_the_same_rollout_in_other_words_is_a_replay(run):
    run.put(ROLLOUTS[0])
    spelled_out = dict(reversed(ROLLOUTS[0].items())) | {"stop_reason": None, "signals": {}}

    assert run.put(spelled_out, deadline_s=1)[1]["replayed"] is True


@pytest.mark.parametrize(
    ("rollout", "more", "problem"),
    [
        (ROLLOUTS[0] | {"outcome": "wrong"}, {}, (409, "rollout-conflict")),
        (ROLLOUTS[0] | {"signals": {"a": 1}}, {}, (409, "rollout-conflict")),
        (ROLLOUTS[1], {"question": QUESTION | {"entities": []}}, (409, "question-conflict")),
        (ROLLOUTS[1], {"question": "q"}, (422, "invalid-request")),
        (ROLLOUTS[1] | {"text": "two sources"}, {}, (422, "invalid-request")),
        (ROLLOUTS[1], {"question": QUESTION | {"entities": [{"name": "?"}]}}, (409, "question-conflict")),
    ],
)
def test_what_cannot_be_a_member_is_refused(run, rollout, more, problem):
    run.put(ROLLOUTS[0])

    assert slug(run.put(rollout, **more)) == problem
    assert run.get()[1]["missing"] == ["1", "2"]


def test_an_entity_that_cannot_be_searched_for_refuses_no_rollout(caller):
    caller.declare(profile="egrpo")
    code, member = caller.put(
        ROLLOUTS[0], question=QUESTION | {"entities": [*QUESTION["entities"], {"name": "?"}]}
    )

    assert (code, member["entities"], member["unmatchable"]) == (202, len(QUESTION["entities"]), ["?"])
    assert caller.get()[1]["unmatchable"] == ["?"]


def test_an_unknown_question_is_refused(caller):
    caller.declare(dataset="sample")

    assert slug(caller.put(ROLLOUTS[0], question="nobody")) == (404, "unknown-question")


def test_a_rollout_too_many_is_refused(run):
    for rollout in ROLLOUTS:
        run.put(rollout)

    assert slug(run.put(thinking("3", "x", outcome="wrong"))) == (409, "group-full")


def test_a_higher_attempt_starts_afresh(run):
    for rollout in ROLLOUTS:
        run.put(rollout)

    assert run.put(ROLLOUTS[0], attempt=1)[1]["missing"] == ["1", "2"]
    assert slug(run.put(ROLLOUTS[0])) == (409, "attempt-superseded")
    assert slug(run.close()) == (409, "attempt-superseded")
    assert run.get()[1]["attempt"] == 1


def test_who_waits_for_a_superseded_attempt_is_told(run):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run.put, ROLLOUTS[0], wait_s=LONG_S)
        until(lambda: len(run.waiters) == 1, "one waits")
        run.put(ROLLOUTS[1], attempt=1)

        assert slug(waiting.result()) == (409, "attempt-superseded")


@pytest.mark.parametrize(
    ("partial", "status", "rewards"),
    [
        ({"policy": "fail"}, "expired", [None, None]),
        ({"policy": "survivors"}, "partial", [1.0, 0.0]),
        ({"policy": "survivors", "min_scored": 3}, "expired", [None, None]),
        ({"policy": "wait"}, "open", [None, None]),
    ],
)
def test_what_the_deadline_does(caller, partial, status, rewards):
    caller.declare(partial=partial)
    for rollout in ROLLOUTS[:2]:
        caller.put(rollout)
    caller.clock.advance(60)

    _, group = caller.get()

    assert (group["status"], group["missing"]) == (status, ["2"])
    assert [one["reward"] for one in group["rollouts"]] == rewards
    if status == "partial":
        assert group["rollouts"] == caller.whole(ROLLOUTS[:2])["rollouts"]
    if status == "expired":
        assert {one["status"] for one in group["rollouts"]} == {"group_failed"}
    if status != "open":
        assert slug(caller.put(ROLLOUTS[2])) == (409, "group-closed")
        assert caller.get()[1] == group
        assert caller.put(ROLLOUTS[0])[:1] == (200,)


def test_who_waits_is_answered_at_the_deadline(run):
    with ThreadPoolExecutor(1) as pool:
        waiting = pool.submit(run.put, ROLLOUTS[0], wait_s=LONG_S, deadline_s=5)
        until(lambda: run.get()[0] == 200, "its rollout is in")
        run.clock.advance(5)
        status, reply = waiting.result()

    assert (status, reply["group_status"], reply["rollout"]["status"]) == (200, "expired", "group_failed")


@pytest.mark.parametrize(
    ("partial", "status", "rewards"),
    [
        ({"policy": "fail"}, "failed", [None, None, None]),
        ({"policy": "survivors"}, "partial", [1.0, None, 0.15]),
        ({"policy": "wait"}, "open", [None, None, None]),
    ],
)
def test_what_an_unscored_rollout_does(caller, partial, status, rewards):
    caller.declare(partial=partial)
    aborted = ROLLOUTS[1] | {"stop_reason": "aborted"}
    rollouts = [ROLLOUTS[0], aborted, ROLLOUTS[2]]
    for rollout in rollouts:
        caller.put(rollout)

    _, group = caller.get()

    assert (group["status"], [one["reward"] for one in group["rollouts"]]) == (status, rewards)
    assert group["rollouts"][1]["status"] == "aborted"
    if status != "open":
        assert group["rollouts"] == caller.whole(rollouts, partial=partial)["rollouts"]


def test_a_group_can_be_closed_early(caller):
    caller.declare(partial={"policy": "survivors"})
    caller.put(ROLLOUTS[0])

    status, closed = caller.close()

    assert (status, closed["status"], closed["missing"]) == (200, "partial", ["1", "2"])
    assert caller.close() == (200, closed)
    assert slug(caller.close("nobody")) == (404, "unknown-group")


def test_open_groups_are_listed_with_what_is_missing(run):
    run.put(ROLLOUTS[0], "late")
    run.put(ROLLOUTS[0], "soon", deadline_s=5)
    run.put(thinking("x", "Quillock", outcome="wrong"), "named")
    for rollout in ROLLOUTS:
        run.put(rollout, "closed")

    listed = run.http.get(f"/v1/runs/{run.run_id}/groups").json()["groups"]

    assert [(one["group_id"], one["arrived"], one["missing"]) for one in listed] == [
        ("soon", 1, ["1", "2"]),
        ("late", 1, ["1", "2"]),
        ("named", 1, [None, None]),
    ]
    assert listed[0]["closes_in_s"] == 5.0
    assert len(run.http.get(f"/v1/runs/{run.run_id}/groups?limit=1").json()["groups"]) == 1


def test_too_many_open_groups_are_refused_until_one_closes(caller):
    caller.declare(quotas={"open_groups": 1})
    caller.put(ROLLOUTS[0], "a")

    assert slug(caller.put(ROLLOUTS[0], "b")) == (429, "quota-exceeded")
    assert caller.put(ROLLOUTS[1], "a")[0] == 202
    caller.close("a")
    assert caller.put(ROLLOUTS[0], "b")[0] == 202


def test_evaluation_is_scored_alone_and_at_once_before_any_training(run):
    answers = [run.put(rollout, "step0", purpose="eval", wait_s=LONG_S) for rollout in [*ROLLOUTS, *ROLLOUTS]]

    assert {status for status, _ in answers} == {200}
    assert [reply["rollout"]["reward"] for _, reply in answers[:3]] == [1.0, 0.0, 0.0]
    one = answers[2][1]["rollout"]
    assert (one["matched"], one["match_rate"], one["components"]) == (1, 0.5, {"base": 0.0})
    assert (one["advantage"], one["normalized_match_rate"], one["in_baseline"], one["in_loss"]) == (
        None,
        None,
        False,
        False,
    )
    assert slug(run.get("step0")) == (404, "unknown-group")


def test_an_unscored_rollout_has_no_reward_in_evaluation(run):
    _, reply = run.put(ROLLOUTS[0] | {"stop_reason": "aborted"}, purpose="eval")

    assert (reply["rollout"]["status"], reply["rollout"]["reward"]) == ("aborted", None)


def test_evidence_is_in_the_answer_that_asked_and_nowhere_else(run):
    _, explained = run.put(ROLLOUTS[2], explain="true")
    _, plain = run.put(ROLLOUTS[2])
    _, again = run.put(ROLLOUTS[2], explain="true")

    assert [match["text"] for match in explained["rollout"]["matches"]] == ["Quillock"]
    assert plain["rollout"]["matches"] == []
    assert again["replayed"] is True
    assert again["rollout"]["matches"] == explained["rollout"]["matches"]
    assert run.get()[1]["rollouts"][0]["matches"] == []


@pytest.mark.parametrize(
    "query",
    [
        {"wait_s": "canary"},
        {"wait_s": -1},
        {"attempt": -1},
        {"deadline_s": 0},
        {"purpose": "fun"},
        {"colour": 1},
    ],
)
def test_a_query_outside_the_schema_is_refused_and_not_echoed(run, query):
    code, problem = run.put(ROLLOUTS[0], **query)

    assert (code, problem["type"]) == (422, "urn:reward-service:invalid-request")
    assert next(iter(query)) in problem["detail"]
    assert "canary" not in json.dumps(problem)


@pytest.mark.parametrize(
    ("body", "path"),
    [
        ({"question": QUESTION}, ""),
        (ROLLOUTS[0], ""),
        (ROLLOUTS[0] | {"question": QUESTION, "question_id": "q"}, ""),
        (ROLLOUTS[0] | {"question": QUESTION, "rollout_id": "1"}, "/rollout_id"),
        (ROLLOUTS[0] | {"question": QUESTION, "colour": "red"}, "/colour"),
    ],
)
def test_a_body_outside_the_schema_is_refused(run, body, path):
    reply = run.http.put(f"/v1/runs/{run.run_id}/groups/g/rollouts/0", json=body)

    assert (reply.status_code, reply.json()["path"]) == (422, path)


def test_the_id_may_be_left_to_the_path(run):
    body = {key: value for key, value in ROLLOUTS[0].items() if key != "rollout_id"}

    reply = run.http.put(f"/v1/runs/{run.run_id}/groups/g/rollouts/0", json=body | {"question": QUESTION})

    assert (reply.status_code, reply.json()["rollout"]["rollout_id"]) == (202, "0")


def stored(caller, change):
    """Change a stored group behind the service's back."""

    async def rewrite():
        key = GroupKey(caller.run_id, "g")
        snapshot = await caller.store.read(caller.run_id, ["g"])
        (old,) = snapshot.groups
        write = Write(change(old), keep_s=60.0, closes_at=None)
        assert await caller.store.swap(key, old, write, run=snapshot.run, keep_run_s=60.0) is None

    asyncio.run(rewrite())


def test_a_group_of_another_engine_waits_for_the_upgrade(run):
    run.put(ROLLOUTS[0])

    def other_engine(blob):
        state = decode_group(blob)
        return encode_group(replace(state, pins=replace(state.pins, engine="sha256:other")))

    stored(run, other_engine)

    reply = run.http.put(
        f"/v1/runs/{run.run_id}/groups/g/rollouts/1", json=ROLLOUTS[1] | {"question": QUESTION}
    )
    assert (reply.status_code, reply.json()["type"]) == (503, "urn:reward-service:engine-mismatch")
    assert int(reply.headers["Retry-After"]) > 0
    assert run.put(ROLLOUTS[1], attempt=1)[0] == 202


def test_a_damaged_group_is_an_error_and_never_an_empty_one(run):
    run.put(ROLLOUTS[0])
    stored(run, lambda blob: blob[:-5])

    assert slug(run.get()) == (500, "corrupt-state")
    assert slug(run.put(ROLLOUTS[1])) == (500, "corrupt-state")


def test_a_rollout_measured_for_a_run_that_was_declared_anew_is_not_taken_into_it(run, monkeypatch):
    scorer, measure_one = run.app.state.service, run.app.state.service.measure_one

    async def meanwhile_declared_anew(*args, **more):
        declared = decode_run((await run.store.read(run.run_id)).run)
        await run.store.drop(run.run_id)
        await run.store.declare(run.run_id, encode_run(replace(declared, epoch="another")), keep_s=60.0)
        return await measure_one(*args, **more)

    with monkeypatch.context() as patched:
        patched.setattr(scorer, "measure_one", meanwhile_declared_anew)
        assert slug(run.put(ROLLOUTS[0])) == (503, "state-unavailable")

    assert slug(run.get()) == (404, "unknown-group")
    assert run.put(ROLLOUTS[0])[0] == 202


def test_without_room_to_wait_nothing_is_lost():
    with calling(max_waiting=1) as caller, ThreadPoolExecutor(1) as pool:
        caller.declare()
        waiting = pool.submit(caller.put, ROLLOUTS[0], wait_s=LONG_S)
        until(lambda: len(caller.waiters) == 1, "one waits")

        status, reply = caller.put(ROLLOUTS[1], wait_s=LONG_S)
        assert (status, reply["missing"]) == (202, ["2"])
        caller.put(ROLLOUTS[2])
        assert waiting.result()[0] == 200


def test_a_service_that_ends_answers_those_that_wait():
    with calling() as caller, ThreadPoolExecutor(1) as pool:
        caller.declare()
        waiting = pool.submit(caller.put, ROLLOUTS[0], wait_s=LONG_S)
        until(lambda: len(caller.waiters) == 1, "one waits")
        caller.app.state.runs.release_waiters()

        assert waiting.result()[0] == 202
        assert caller.put(ROLLOUTS[1], wait_s=LONG_S)[0] == 202


def test_several_processes_need_a_shared_store():
    with pytest.raises(UnsafeStore, match="state_url"):
        create_store(Settings(processes=2))


def test_the_password_of_the_store_is_not_shown():
    settings = Settings(state_url="redis://user:hunter2@127.0.0.1/0")

    with calling(state_url="redis://user:hunter2@127.0.0.1/0") as caller:
        assert "hunter2" not in caller.http.get("/v1/info").text
    assert "hunter2" not in repr(settings)


def test_a_run_says_how_its_rollouts_are_read(caller):
    status, declared = caller.declare(group_size=1, dialect="search_r1", format="plain")
    said = "<think>Quillock</think><search>q</search><answer>no</answer>"
    _, reply = caller.put({"rollout_id": "0", "text": said})

    assert (status, declared["read_as"]["dialect"]) == (201, "search_r1")
    assert "foreign_markup" not in reply["rollout"]["flags"]
