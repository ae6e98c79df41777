"""Credit by turn, as a caller sees it: the golden groups, lengths that do not fit, and progress by step."""

import json
from statistics import stdev

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.core.profiles import as_yaml, shipped
from reward_service.serve.config import Settings
from reward_service.serve.ledger import read
from reward_service.serve.ledger_audit import verify
from tests.conftest import serving
from tests.golden.test_methods import EXAMPLES, as_published
from tests.golden.test_turns import COLUMNS, close
from tests.golden.turn_cases import FILE, VARIANTS, profile_of, wire_facts

SURVIVORS = {"policy": "survivors"}
QUESTION = {
    "text": "Which town?",
    "answers": ["Velmora"],
    "entities": [{"name": "Quillock"}, {"name": "Zanderheim"}],
}


@pytest.fixture(scope="module")
def ledger(tmp_path_factory):
    return tmp_path_factory.mktemp("ledger") / "ledger.jsonl"


@pytest.fixture(scope="module")
def http(tmp_path_factory, ledger):
    folder = tmp_path_factory.mktemp("profiles")
    cases = {case["profile"]: profile_of(case) for case in FILE["cases"]}
    for name in (cases.keys() & VARIANTS.keys()) | EXAMPLES.keys():
        profile = cases.get(name) or EXAMPLES[name]
        (folder / f"{name}.yaml").write_text(as_yaml(profile), encoding="utf-8")
    app = create_app(Settings(profiles=folder, ledger=ledger, canary_interval_s=3600))
    with serving(app) as base, httpx.Client(base_url=base) as client:
        yield client


def step(kind, text):
    return {"type": kind, ("arguments" if kind == "tool_call" else "text"): text}


def rollout(rollout_id, *thoughts, outcome="wrong", **more):
    """A rollout with a search after each thought but the last."""
    steps = [
        one
        for thought in thoughts[:-1]
        for one in (step("thought", thought), step("tool_call", "{}"), step("tool_response", "A page."))
    ]
    return {
        "rollout_id": rollout_id,
        "steps": [*steps, step("thought", thoughts[-1])],
        "outcome": outcome,
        **more,
    }


def score(http, profile, *rollouts, **more):
    body = {
        "profile": profile,
        "groups": [{"group_id": "g", "question": QUESTION, "rollouts": rollouts}],
        **more,
    }
    reply = http.post("/v1/groups/score", json=body)
    assert reply.status_code == 200, reply.text
    return reply.json()


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_method_pays_the_same_over_http(http, case):
    group = {"group_id": "g", "entities": case["entities"], "rollouts": wire_facts(case)}
    body = {
        "profile": case["profile"],
        "partial": SURVIVORS,
        "groups": [group],
        "progress": case.get("progress"),
        **as_published(profile_of(case)),
    }
    reply = http.post("/v1/rewards", json=body)
    assert reply.status_code == 200, reply.text
    [paid] = reply.json()["groups"]

    for column, field in COLUMNS.items():
        if column in case:
            assert close([one[field] for one in paid["rollouts"]], case[column])


def test_text_is_paid_by_turn(http):
    found = score(
        http,
        "egrpo-turn",
        rollout("0", "Quillock?", "Quillock or Zanderheim."),
        rollout("1", "Nothing.", "Quillock."),
    )["groups"][0]["rollouts"]

    assert [one["turns"] for one in found] == [[[0, 1, 2], [3]]] * 2
    assert [one["turn_rewards"] for one in found] == [[0.15, 0.15], [0.0, 0.15]]
    assert [one["reward"] for one in found] == [0.3, 0.15]
    assert found[0]["turn_advantages"][0] == pytest.approx(found[0]["advantage"])
    assert found[0]["components"] == {"base": 0.0, "entity_new": 0.3}


def test_what_match_returns_is_rewarded_the_same(http):
    sent = [
        rollout("0", "Quillock?", "Both: Zanderheim."),
        rollout("1", "No.", "Quillock.", outcome="correct"),
    ]
    whole = score(http, "egrpo-first-mention", *sent)["groups"][0]["rollouts"]
    group = {"group_id": "g", "question": QUESTION, "rollouts": sent}
    facts = http.post("/v1/match", json={"profile": "egrpo-first-mention", "groups": [group]}).json()

    assert [one["entity_named"] for one in facts["groups"][0]["rollouts"]] == [[[0], [1]], [[], [0]]]
    assert http.post("/v1/rewards", json=facts).json()["groups"][0]["rollouts"] == whole


@pytest.mark.parametrize("profile", ["egrpo-turn", "egrpo-first-mention", "entity-utility", "igpo", "gigpo"])
def test_alone_together_and_one_by_one_rollouts_get_the_same_bits(http, profile):
    sent = [
        rollout("0", "Quillock?", "No.", "Zanderheim."),
        rollout("1", "Nothing.", "Quillock.", outcome="correct"),
        rollout("2", "No."),
    ]
    for one in sent:
        turns = 1 + len(one["steps"]) // 3
        states = [-1.0 / (3 + n + int(one["rollout_id"])) for n in range(turns)]
        one |= {"signals": {"f1": 0.3}, "anchor": ["s", "a", "b"][:turns]}
        one["turn_signals"] = {"gold_logprob": states, "step_reward": states}
    group = {"group_id": "g", "question": QUESTION, "rollouts": sent}
    http.put(f"/v1/runs/bits-{profile}", json={"profile": profile, "group_size": 3, "deadline_s": 60})
    for one in sent:
        path = f"/v1/runs/bits-{profile}/groups/g/rollouts/{one['rollout_id']}"
        http.put(path, json=one | {"question": QUESTION})

    whole = score(http, profile, *sent)["groups"][0]["rollouts"]
    both = http.post(
        "/v1/groups/score", json={"profile": profile, "groups": [group, group | {"group_id": "h"}]}
    )
    one_by_one = http.get(f"/v1/runs/bits-{profile}/groups/g").json()

    assert all(one["turn_advantages"] for one in whole)
    assert [one["rollouts"] for one in both.json()["groups"]] == [whole, whole]
    assert one_by_one["rollouts"] == whole


def test_explain_names_the_entities_of_each_turn(http):
    body = {"profile": "egrpo-turn", "question": QUESTION, "rollout": rollout("0", "Quillock?", "Zanderheim, Quillock."), "group_max": 2}  # fmt: skip
    found = http.post("/v1/rollouts/explain", json=body).json()

    assert found["turns"] == [
        {"segments": [0, 1, 2], "entities": ["Quillock"]},
        {"segments": [3], "entities": ["Quillock", "Zanderheim"]},
    ]
    assert found["rollout"]["turn_rewards"] == [0.15, 0.15]


@pytest.mark.parametrize(
    ("profile", "sent", "why"),
    [
        ("igpo", {"signals": {"f1": 0.5}}, "the profile needs the turn signal gold_logprob, which the rollout does not have"),
        (
            "igpo",
            {"signals": {"f1": 0.5}, "turn_signals": {"gold_logprob": [-1, -1, -1]}},
            "gold_logprob must have 2 values, as the rollout has 2 turns, and has 3",
        ),
        (
            "shaping",
            {"turn_signals": {"potential": [0, 1]}},
            "potential must have 3 values, as the rollout has 2 turns, and has 2",
        ),
        (
            "gigpo",
            {"turn_signals": {"step_reward": [0, 1]}, "anchor": ["a"]},
            "anchor must have 2 values, as the rollout has 2 turns, and has 1",
        ),
    ],
)  # fmt: skip
def test_turns_that_do_not_fit_are_a_missing_signal(http, profile, sent, why):
    [found] = score(http, profile, rollout("0", "One.", "Two.", **sent))["groups"][0]["rollouts"]

    assert (found["status"], found["detail"], found["reward"]) == ("signal_missing", why, None)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999", "1e10", '"1"', "true"])
def test_a_turn_signal_is_a_finite_number(http, number):
    sent = json.dumps(rollout("0", "One.", turn_signals={"low": [7]}, signals={"high": 1})).replace(
        "[7]", f"[{number}]"
    )
    group = f'{{"group_id": "g", "question": {json.dumps(QUESTION)}, "rollouts": [{sent}]}}'
    body = f'{{"profile": "g-ra", "groups": [{group}]}}'
    reply = http.post("/v1/groups/score", content=body, headers={"content-type": "application/json"})

    if reply.status_code == 200:
        [found] = reply.json()["groups"][0]["rollouts"]
        assert (found["status"], found["reward"]) == ("invalid_rollout", None)
    else:
        assert reply.status_code == 400


def test_an_estimator_without_one_divisor_is_refused_for_joint_turns(http):
    group = {"group_id": "g", "question": QUESTION, "rollouts": [rollout("0", "One.")]}
    body = {"profile": "egrpo-turn", "estimator": {"type": "maxrl"}, "groups": [group]}
    reply = http.post("/v1/groups/score", json=body)

    assert reply.status_code == 422
    assert "divides a group by one number, which maxrl does not" in reply.json()["detail"]
    assert (
        score(http, "egrpo-turn", rollout("0", "One."), estimator={"type": "rloo"})["estimator"]["type"]
        == "rloo"
    )


class Steps:
    """A run whose profile pays by progress."""

    def __init__(self, http, run_id, **declared):
        self.http, self.path = http, f"/v1/runs/{run_id}"
        run = {"profile": "egrpo-decay", "group_size": 2, "deadline_s": 60, **declared}
        self.declared = http.put(self.path, json=run)

    def put(self, group_id, rollout_id, **query):
        body = rollout(rollout_id, "Quillock." if rollout_id == "0" else "Nothing.") | {"question": QUESTION}
        return self.http.put(f"{self.path}/groups/{group_id}/rollouts/{rollout_id}", params=query, json=body)


def test_a_run_says_how_far_it_is_by_its_steps(http):
    run = Steps(http, "steps", total_steps=80)
    assert run.declared.json()["total_steps"] == 80

    assert run.put("g", "0", step=30).status_code == 202
    closed = run.put("g", "1", step=30).json()
    group = http.get(f"{run.path}/groups/g").json()

    assert (closed["progress"], group["progress"], group["step"]) == (0.375, 0.375, 30)
    assert group["rollouts"][0]["reward"] == pytest.approx(0.15)


def test_progress_ends_at_one(http):
    run = Steps(http, "long", total_steps=80)
    run.put("g", "0", step=100)

    assert run.put("g", "1", step=100).json()["progress"] == 1.0


def test_the_first_member_pins_the_step(http):
    run = Steps(http, "pins", total_steps=80)
    run.put("g", "0", step=30)

    other = run.put("g", "1", step=31)
    assert (other.status_code, other.json()["type"]) == (409, "urn:reward-service:step-conflict")
    again = run.put("g", "0", step=31)
    assert (again.status_code, again.json()["type"]) == (409, "urn:reward-service:step-conflict")
    assert run.put("g", "0", step=30).json()["replayed"] is True
    assert run.put("g", "0", step=31, attempt=1).status_code == 202


def test_progress_that_cannot_be_known_is_refused(http):
    undeclared = Steps(http, "undeclared")
    assert (undeclared.declared.status_code, undeclared.declared.json()["path"]) == (422, "/total_steps")

    stepless = Steps(http, "stepless", total_steps=80).put("g", "0")
    assert stepless.status_code == 422
    assert "needs progress: name the step of the training" in stepless.json()["detail"]


def test_the_ledger_recomputes_groups_that_were_paid_by_turn_or_by_step(http, ledger):
    score(http, "egrpo-turn", rollout("0", "Quillock.", "No."), rollout("1", "No.", "No."))
    lines = list(read(ledger))
    profiles = [*EXAMPLES.values(), *(profile_of(case) for case in FILE["cases"])]
    known = {one.digest: one for one in [*profiles, *shipped().values()]}

    assert {json.loads(line)["progress"] for line in lines} >= {None, 0.375, 1.0}
    assert any("turn_advantages" in json.loads(line)["published"] for line in lines)
    assert [one.problem for one in verify(lines, known)] == [None] * len(lines)


def test_a_draw_is_the_same_in_a_run_in_a_call_and_in_the_ledger(http, ledger):
    sent = [rollout(str(n), "No.", outcome="correct" if n < 2 else "wrong") for n in range(8)]
    http.put("/v1/runs/draws", json={"profile": "dppo", "group_size": 8, "deadline_s": 60})
    for one in sent:
        http.put(f"/v1/runs/draws/groups/g/rollouts/{one['rollout_id']}", json=one | {"question": QUESTION})
    group = {"run_id": "draws", "group_id": "g", "question": QUESTION, "rollouts": sent}
    whole = http.post("/v1/groups/score", json={"profile": "dppo", "groups": [group]}).json()["groups"][0]

    one_by_one = http.get("/v1/runs/draws/groups/g").json()

    weights = [one["weight"] for one in whole["rollouts"]]
    assert weights[:2] == [1.0, 1.0]
    assert set(weights[2:]) == {0.0, 2.0}
    assert [one["weight"] for one in one_by_one["rollouts"]] == weights
    known = {EXAMPLES["dppo"].digest: EXAMPLES["dppo"]}
    assert [one.problem for one in verify(list(read(ledger))[-2:], known)] == [None, None]


BATCH = {"type": "batch_std", "epsilon": 1e-4}


def facts_group(group_id, *matched):
    rollouts = [
        {"rollout_id": str(n), "status": "scored", "outcome": "wrong", "matched": one}
        for n, one in enumerate(matched)
    ]
    return {"group_id": group_id, "entities": 4, "rollouts": rollouts}


def test_an_estimator_over_the_batch_compares_the_groups_of_a_call(http, ledger):
    groups = [facts_group("a", 4, 2), facts_group("b", 4, 0), facts_group("c", 9, 0)]
    paid = http.post("/v1/rewards", json={"profile": "egrpo", "estimator": BATCH, "groups": groups}).json()

    std = stdev([0.3, 0.15, 0.3, 0.0])
    found = [[one["advantage"] for one in group["rollouts"]] for group in paid["groups"]]
    assert found[0] == pytest.approx([0.075 / (std + 1e-4), -0.075 / (std + 1e-4)])
    assert found[1] == pytest.approx([0.15 / (std + 1e-4), -0.15 / (std + 1e-4)])
    assert paid["groups"][2]["error"]["type"] == "urn:reward-service:inconsistent-facts"
    assert paid["estimator"] == {**BATCH, "ddof": 1, "floor": None}
    known = {one.digest: one for one in shipped().values()}
    found = verify(list(read(ledger))[-2:], known)
    assert [(one.problem, one.rewards_alone) for one in found] == [(None, False)] * 2


def test_a_batch_of_many_groups_is_verified_with_its_advantages(http, ledger):
    texts = ["<think>Zanderheim</think><answer>x</answer>", "<think></think><answer>y</answer>"]
    groups = [
        {
            "group_id": str(n),
            "question": {"text": "Who?", "answers": ["x"], "entities": [{"name": "Zanderheim"}]},
            "rollouts": [{"rollout_id": str(k), "text": texts[(n + k) % 3 == 0]} for k in range(16)],
        }
        for n in range(32)
    ]
    body = {"profile": "egrpo", "estimator": BATCH, "groups": groups}

    assert http.post("/v1/groups/score", json=body).status_code == 200

    found = verify(list(read(ledger))[-32:], {one.digest: one for one in shipped().values()})
    assert [(one.problem, one.rewards_alone) for one in found] == [(None, False)] * 32


def test_elsewhere_an_estimator_over_the_batch_is_refused_with_a_sentence(http):
    run = {"profile": "egrpo", "group_size": 2, "deadline_s": 60, "estimator": BATCH}
    refused = [
        http.put("/v1/runs/batch", json=run),
        http.post(
            "/v1/groups/score/stream?estimator=gdpo",
            content=b"",
            headers={"content-type": "application/x-ndjson"},
        ),
        http.post("/v1/groups/score", json={"profile": "mt-grpo", "estimator": BATCH, "groups": []}),
    ]

    assert [one.status_code for one in refused] == [422] * 3
    assert "needs all groups of a training step at once" in refused[0].json()["detail"]
    assert "needs all groups of a training step at once" in refused[1].json()["detail"]
    assert "the rule first estimates within one group" in refused[2].json()["detail"]
