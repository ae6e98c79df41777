"""Runs belong to the owner of the key that declared them."""

import asyncio

import httpx
import pytest
import yaml

from reward_service.api.app import create_app
from reward_service.api.keys import generate
from reward_service.serve.config import Settings
from reward_service.serve.groups.codec import decode_run, encode_run
from tests.builders import EXAMPLE
from tests.conftest import serving
from tests.redis_server import until

RUN = {"profile": "egrpo-paper", "group_size": 3, "deadline_s": 60}
ROLLOUTS = EXAMPLE["groups"][0]["rollouts"]
BODY = {"question": EXAMPLE["groups"][0]["question"], **ROLLOUTS[0]}


def key(key_id, scope="score", **more):
    token, lines = generate(key_id, [scope])
    return token, yaml.safe_dump([yaml.safe_load(lines)[0] | more])


TOKENS, LINES = zip(
    key("a"),
    key("a-2", owner="a"),
    key("b"),
    key("root", "admin"),
    strict=True,
)
A, A_2, B, ROOT = ({"Authorization": f"Bearer {token}"} for token in TOKENS)
GROUP = "/v1/runs/theirs/groups/g"

EVERY_CALL = [
    ("PUT", "/v1/runs/theirs", RUN),
    ("GET", "/v1/runs/theirs", None),
    ("DELETE", "/v1/runs/theirs", None),
    ("GET", "/v1/runs/theirs/groups", None),
    ("PUT", f"{GROUP}/rollouts/0", BODY),
    ("PUT", f"{GROUP}/rollouts/2?attempt=2147483648", BODY | {"rollout_id": "2"}),
    ("PUT", f"{GROUP}/rollouts/0?purpose=eval", BODY),
    ("GET", GROUP, None),
    ("GET", f"{GROUP}?wait_s=1", None),
    ("POST", f"{GROUP}/close", None),
]


@pytest.fixture(scope="module")
def app(tmp_path_factory):
    keys = tmp_path_factory.mktemp("owners") / "keys.yaml"
    keys.write_text("".join(LINES), encoding="utf-8")
    return create_app(Settings(keys=keys, canary_interval_s=3600))


@pytest.fixture(scope="module")
def http(app):
    with serving(app) as base, httpx.Client(base_url=base) as client:
        assert client.put("/v1/runs/theirs", json=RUN, headers=A).status_code == 201
        assert client.put(f"{GROUP}/rollouts/0", json=BODY, headers=A).status_code == 202
        yield client


@pytest.mark.parametrize(("method", "path", "body"), EVERY_CALL)
def test_a_run_of_another_owner_is_out_of_reach_by_every_call(http, method, path, body):
    reply = http.request(method, path, json=body, headers=B)

    assert (reply.status_code, reply.json()["type"]) == (403, "urn:reward-service:forbidden")
    assert "another owner" in reply.json()["detail"]
    group = http.get(GROUP, headers=A).json()
    assert (group["status"], group["attempt"], len(group["rollouts"])) == ("open", 0, 1)


@pytest.mark.parametrize("headers", [A, A_2, ROOT], ids=["its key", "another key of the owner", "admin"])
def test_its_owner_and_administrators_reach_it(http, headers):
    assert http.put("/v1/runs/theirs", json=RUN, headers=headers).status_code == 200
    assert http.get(GROUP, headers=headers).status_code == 200
    assert http.put(f"{GROUP}/rollouts/0", json=BODY, headers=headers).json()["replayed"]


def test_a_run_id_is_free_for_another_owner_once_the_run_is_deleted(http):
    assert http.put("/v1/runs/passed-on", json=RUN, headers=A).status_code == 201
    assert http.delete("/v1/runs/passed-on", headers=A_2).status_code == 204
    assert http.put("/v1/runs/passed-on", json=RUN, headers=B).status_code == 201
    assert http.get("/v1/runs/passed-on", headers=A).status_code == 403


def test_deleting_what_is_not_there_changes_nothing(http):
    assert http.delete("/v1/runs/nothing", headers=B).status_code == 204


async def test_a_run_that_no_version_here_can_read_is_deleted_by_administrators(app, http):
    store = app.state.runs.groups.store
    assert http.put("/v1/runs/old", json=RUN, headers=A).status_code == 201
    record = (await store.read("old")).run
    await store.drop("old")
    await store.declare(
        "old", encode_run(decode_run(record)).replace(b'"version":2', b'"version":0'), keep_s=60
    )

    assert (await asyncio.to_thread(http.delete, "/v1/runs/old", headers=A)).status_code == 503
    assert (await asyncio.to_thread(http.delete, "/v1/runs/old", headers=ROOT)).status_code == 204
    assert (await store.read("old")).run is None


@pytest.mark.parametrize(
    "path",
    [
        "/v1/runs/%ED%A0%80",
        "/v1/runs/%FF",
        "/v1/runs/r/groups/%E9",
        "/v1/profiles/%80",
        "/compat/slime/reward?group_size=2&run=%E9",
        "/v1/datasets/d/questions/%C0%AF",
    ],
)
def test_an_id_that_is_not_utf_8_is_refused_and_not_taken_for_another(http, path):
    reply = http.request("POST" if "slime" in path else "GET", path, headers=ROOT)

    assert (reply.status_code, reply.json()["type"]) == (400, "urn:reward-service:malformed-url")


def test_an_id_in_any_script_is_one_id(http):
    assert http.put("/v1/runs/%C3%A9-%E6%97%A5", json=RUN, headers=A).json()["run_id"] == "é-日"


def test_an_owner_has_only_so_many_runs_in_use(tmp_path):
    (tmp_path / "keys.yaml").write_text("".join(LINES), encoding="utf-8")
    settings = Settings(keys=tmp_path / "keys.yaml", max_runs_per_owner=1, canary_interval_s=3600)
    with serving(create_app(settings)) as base, httpx.Client(base_url=base) as http:
        replies = [
            http.put(f"/v1/runs/{name}", json=RUN, headers=who)
            for name, who in zip("wxyz", (A, A_2, B, B), strict=True)
        ]
        deleted = http.delete("/v1/runs/w", headers=A)
        until(
            lambda: http.put("/v1/runs/x", json=RUN, headers=A_2).status_code == 201,
            "the deleted run is not counted",
        )

    assert [reply.status_code for reply in replies] == [201, 429, 201, 429]
    assert replies[1].json()["type"] == "urn:reward-service:quota-exceeded"
    assert deleted.status_code == 204
