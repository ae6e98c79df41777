"""Estimators by a trainer's name, over HTTP."""

from tests.builders import example


def test_a_trainers_name_is_an_estimator(post):
    _, reply = post("/v1/groups/score", example(estimator="trl"))

    assert reply["estimator"] == {"type": "grpo", "ddof": 1, "epsilon": 1e-4}


def test_a_trainer_nobody_knows_is_refused(post):
    status, _ = post("/v1/groups/score", example(estimator="nobody"))

    assert status == 422


def test_a_run_may_name_one(http):
    run = {"profile": "egrpo", "group_size": 2, "deadline_s": 5, "estimator": "nemo_rl"}

    reply = http.put("/v1/runs/preset-run", json=run)

    assert reply.json()["estimator"]["type"] == "leave_one_out_std"
