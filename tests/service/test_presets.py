"""Estimators by a trainer's name, over HTTP."""

import pytest

from tests.builders import example


def test_a_trainers_name_is_an_estimator(post):
    _, reply = post("/v1/groups/score", example(estimator="trl"))

    assert reply["estimator"] == {"type": "grpo", "ddof": 1, "epsilon": 1e-4, "floor": None}


def test_a_trainer_nobody_knows_is_refused(post):
    status, _ = post("/v1/groups/score", example(estimator="nobody"))

    assert status == 422


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
