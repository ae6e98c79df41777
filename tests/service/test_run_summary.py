"""A run at one moment: `GET /v1/runs/{run}/summary`, and the page that shows it."""

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.client.trainers.verl_log import numbers_of_step, with_numbers
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.conftest import serving

RUN = {"profile": "egrpo-paper", "group_size": 3, "deadline_s": 60}
QUESTION = EXAMPLE["groups"][0]["question"]
ROLLOUTS = EXAMPLE["groups"][0]["rollouts"]


@pytest.fixture
def client():
    with serving(create_app(Settings())) as base, httpx.Client(base_url=base) as http:
        assert http.put("/v1/runs/r", json=RUN).status_code == 201
        yield http


def put(http, group, rollouts):
    for one in rollouts:
        path = f"/v1/runs/r/groups/{group}/rollouts/{one['rollout_id']}"
        assert http.put(path, json=one | {"question": QUESTION}).status_code in {200, 202}


def test_a_summary_counts_open_groups_and_their_missing_rollouts(client):
    put(client, "a", ROLLOUTS[:1])
    put(client, "b", ROLLOUTS[:2])

    found = client.get("/v1/runs/r/summary").json()

    assert (found["open"]["groups"], found["open"]["missing"]) == (2, 3)
    assert 0 <= found["open"]["oldest_s"] < found["open"]["next_deadline_s"] <= 60
    assert (found["statuses"], found["windows"]) == ({}, [])


def test_a_summary_has_the_numbers_of_the_closed_groups(client):
    put(client, "a", ROLLOUTS[:3])
    put(client, "b", ROLLOUTS[:3])

    found = client.get("/v1/runs/r/summary").json()

    assert found["open"] == {"groups": 0, "missing": 0, "oldest_s": None, "next_deadline_s": None}
    assert found["statuses"] == {"complete": 2}
    rewards = [one["reward"] for one in client.get("/v1/runs/r/groups/a").json()["rollouts"]]
    assert found["numbers"]["egrpo/reward"] == pytest.approx(sum(rewards) / 3)
    assert found["numbers"]["egrpo/groups"] == 2
    assert sum(window["groups"] for window in found["windows"]) == 2


def test_a_summary_may_be_of_the_latest_groups_alone(client):
    put(client, "a", ROLLOUTS[:3])
    put(client, "b", ROLLOUTS[:3])

    assert client.get("/v1/runs/r/summary?groups=1").json()["numbers"]["egrpo/groups"] == 1
    assert client.get("/v1/runs/r/summary?groups=0").status_code == 422


def test_verls_training_log_has_the_numbers_of_its_step(client):
    put(client, "a", ROLLOUTS[:3])
    kwargs = {"url": str(client.base_url), "profile": "egrpo-paper", "run_id": "r", "patience_s": 60}
    config = {
        "reward": {"custom_reward_function": {"reward_kwargs": kwargs}},
        "data": {"train_batch_size": 1},
    }
    tracking = with_numbers(type("Tracking", (Tracking,), {}))

    logger = tracking("project", "experiment", default_backend="console", config=config)
    logger.log(data={"training/global_step": 1, "loss": 0.5}, step=1)
    logger.log(data={"val/accuracy": 0.5}, step=1)

    step, validation = logger.logged
    assert (step["loss"], step["egrpo/groups"], step["egrpo/valid"]) == (0.5, 1, 1)
    assert validation == {"val/accuracy": 0.5}


def test_a_step_is_logged_without_the_numbers_if_the_service_refuses(client, caplog):
    kwargs = {"url": str(client.base_url), "profile": "egrpo-paper", "run_id": "nothing", "patience_s": 60}
    config = {
        "reward": {"custom_reward_function": {"reward_kwargs": kwargs}},
        "data": {"train_batch_size": 1},
    }

    assert numbers_of_step(config) == {}
    assert "logged without the numbers" in caplog.text


class Tracking:
    """The shape of verl's."""

    def __init__(self, project_name, experiment_name, default_backend="console", config=None):  # noqa: ARG002
        self.logged = []

    def log(self, data, step, backend=None):  # noqa: ARG002
        self.logged.append(data)


def test_a_run_that_was_deleted_has_no_summary(client):
    put(client, "a", ROLLOUTS[:3])
    client.delete("/v1/runs/r")

    assert client.get("/v1/runs/r/summary").status_code == 404

    client.put("/v1/runs/r", json=RUN)
    assert client.get("/v1/runs/r/summary").json()["windows"] == []


def test_the_page_holds_nothing_of_the_run_and_its_part_is_html(client):
    put(client, "a", ROLLOUTS[:3])

    page = client.get("/ui/runs/r")
    part = client.get("/v1/runs/r/summary", headers={"Accept": "text/html"})

    assert "egrpo" not in page.text
    assert "default-src 'none'" in page.headers["Content-Security-Policy"]
    assert "egrpo/reward" in part.text
    assert part.headers["Content-Type"].startswith("text/html")


def test_the_name_of_a_run_is_text_on_its_page(client):
    page = client.get("/ui/runs/%3Cimg%20src=x%3E")

    assert "<img" not in page.text
    assert "&lt;img src=x&gt;" in page.text
