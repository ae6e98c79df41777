"""Estimators that a call, a run or a stream names, over HTTP."""

import json

import pytest

from tests.builders import example

# Two wrong rollouts with three and two of three entities: R = .3 and .2, std .0707, the floor .7071.
NARROW = {
    "group_id": "g",
    "entities": 3,
    "rollouts": [
        {"rollout_id": str(n), "status": "scored", "outcome": "wrong", "matched": matched}
        for n, matched in enumerate((3, 2))
    ],
}
FLOORED, PUBLISHED = 0.0707105781188, 0.707096781328  # .05 / (.7071 + 1e-6), .05 / (.0707 + 1e-6)
FLOOR = {"type": "grpo", "ddof": 1, "epsilon": 1e-6, "floor": "one_success"}


@pytest.mark.parametrize(
    ("named", "used", "advantage"),
    [
        (None, {}, FLOORED),
        ({"type": "grpo"}, {}, FLOORED),
        ({"ddof": 1, "epsilon": None}, {}, FLOORED),
        ({"epsilon": 1e-4}, {"epsilon": 1e-4}, 0.0707006795327),
        ({"type": "grpo", "floor": None}, {"floor": None}, PUBLISHED),
        ({"floor": None}, {"floor": None}, PUBLISHED),
        ({"floor": 0}, {"floor": 0.0}, PUBLISHED),
        ("verl", {"floor": None}, PUBLISHED),
        ("trl", {"epsilon": 1e-4, "floor": None}, 0.706108193403),
    ],
)
@pytest.mark.parametrize("profile", ["egrpo", "egrpo-steady"])
def test_a_call_takes_the_floor_away_by_saying_so_and_in_no_other_way(post, profile, named, used, advantage):
    status, reply = post("/v1/rewards", {"profile": profile, "estimator": named, "groups": [NARROW]})

    assert (status, reply["estimator"]) == (200, FLOOR | used)
    found = [one["advantage"] for one in reply["groups"][0]["rollouts"]]
    assert found == pytest.approx([advantage, -advantage], rel=1e-11)


def test_an_estimator_that_a_reply_names_gives_the_same_in_another_call(post):
    _, published = post("/v1/rewards", {"profile": "egrpo", "estimator": "verl", "groups": [NARROW]})
    again = {"profile": "egrpo", "estimator": published["estimator"], "groups": [NARROW]}

    assert post("/v1/rewards", again) == (200, published)


@pytest.mark.parametrize(("named", "floor"), [({"epsilon": 1e-6}, "one_success"), ({"floor": None}, None)])
def test_a_run_takes_the_floor_away_in_the_same_way(http, named, floor):
    run = {"profile": "egrpo", "group_size": 2, "deadline_s": 5, "estimator": named}

    reply = http.put(f"/v1/runs/floor-{floor}", json=run)

    assert reply.json()["estimator"] == FLOOR | {"floor": floor}


@pytest.mark.parametrize(("name", "floor"), [("grpo", "one_success"), ("verl", None)])
def test_a_stream_keeps_the_floor_of_the_profiles_type_and_a_trainer_has_none(http, name, floor):
    line = json.dumps(example()["groups"][0])
    lines = {"content-type": "application/x-ndjson"}

    reply = http.post(f"/v1/groups/score/stream?profile=egrpo&estimator={name}", content=line, headers=lines)

    assert reply.json()["estimator"] == FLOOR | {"floor": floor}


def test_a_trainers_name_is_an_estimator(post):
    _, reply = post("/v1/groups/score", example(estimator="trl"))

    assert reply["estimator"] == {"type": "grpo", "ddof": 1, "epsilon": 1e-4, "floor": None}


def test_a_trainer_nobody_knows_is_refused_with_what_to_send(post):
    status, problem = post("/v1/groups/score", example(estimator="nobody"))

    assert (status, problem["path"]) == (422, "/estimator")
    assert 'an object such as {"type": "grpo"}, or one of verl, openrlhf, ' in problem["detail"]


def test_a_run_may_name_one(http):
    run = {"profile": "egrpo", "group_size": 2, "deadline_s": 5, "estimator": "nemo_rl"}

    reply = http.put("/v1/runs/preset-run", json=run)

    assert reply.json()["estimator"]["type"] == "leave_one_out_std"


def test_a_floor_without_effect_is_refused(post):
    status, problem = post("/v1/groups/score", example(estimator={"type": "rloo", "floor": 0.1}))

    assert (status, "floor has no effect on rloo" in str(problem)) == (422, True)


def test_an_estimator_that_needs_the_whole_batch_is_taken_where_the_whole_batch_is(post):
    status, reply = post("/v1/groups/score", example(estimator={"type": "gdpo_trl"}))

    [group] = reply["groups"]
    assert (status, reply["estimator"]["type"]) == (200, "gdpo_trl")
    assert sum(one["advantage"] for one in group["rollouts"]) == pytest.approx(0, abs=1e-9)


def test_a_length_that_the_estimator_needs_is_sent_with_each_rollout(post):
    body = example(estimator={"type": "opo"}, partial={"policy": "survivors"})
    for rollout in body["groups"][0]["rollouts"][:2]:
        rollout["length"] = 10

    _, reply = post("/v1/groups/score", body)

    statuses = [one["status"] for one in reply["groups"][0]["rollouts"]]
    assert statuses == ["scored", "scored", "signal_missing"]
