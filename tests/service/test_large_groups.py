"""A large group is rewarded in a thread when it closes, so that its arithmetic holds nothing else up."""

import threading

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from reward_service.serve.runs import view
from reward_service.serve.scorer import INLINE_ROLLOUTS
from tests.builders import thinking
from tests.conftest import serving


@pytest.mark.parametrize(("size", "threads"), [(INLINE_ROLLOUTS, {"loop"}), (INLINE_ROLLOUTS + 1, {"score"})])
def test_the_rewards_of_a_large_group_are_computed_in_a_thread(size, threads, monkeypatch):
    computed, reward = set(), view.reward

    def noted(*args, **kwargs):
        computed.add("score" if threading.current_thread().name.startswith("score") else "loop")
        return reward(*args, **kwargs)

    monkeypatch.setattr(view, "reward", noted)
    run = {"profile": "egrpo-paper", "group_size": size, "deadline_s": 600, "estimator": "nemo_rl"}
    with serving(create_app(Settings(canary_interval_s=3600))) as base, httpx.Client(base_url=base) as http:
        assert http.put("/v1/runs/r", json=run).status_code == 201
        for n in range(size):
            rollout = thinking(str(n), "", outcome="wrong") | {"question": {}}
            reply = http.put(f"/v1/runs/r/groups/g/rollouts/{n}", json=rollout)

    assert (reply.status_code, computed) == (200, threads)
