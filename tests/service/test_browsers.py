"""Web pages of other sites, and names that lead to loopback."""

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.api.keys import generate
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.conftest import serving

TOKEN, LINES = generate("trainer", ["admin"])
BEARER = {"Authorization": f"Bearer {TOKEN}"}
CHANGES = [
    ("POST", "/v1/datasets/sample/versions/v2/activate"),
    ("POST", "/v1/runs/r/groups/g/close"),
    ("PUT", "/v1/datasets/sample/versions/evil?activate=true"),
    ("DELETE", "/v1/runs/r"),
    ("POST", "/v1/groups/score"),
    ("POST", "/compat/slime/reward?run=r&group_size=1"),
]
PAGES = [
    {"Origin": "http://attacker.test:8260"},
    {"Origin": "null"},
    {"Origin": "http://localhost:3000"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Sec-Fetch-Site": "same-site"},
]


@pytest.fixture(scope="module")
def loopback():
    settings = Settings(allowed_hosts="proxy.example, compose", canary_interval_s=3600)
    with serving(create_app(settings)) as base, httpx.Client(base_url=base) as client:
        yield client


@pytest.fixture(scope="module")
def guarded(tmp_path_factory):
    keys = tmp_path_factory.mktemp("keys") / "keys.yaml"
    keys.write_text(LINES, encoding="utf-8")
    settings = Settings(keys=keys, canary_interval_s=3600)
    with serving(create_app(settings)) as base, httpx.Client(base_url=base) as client:
        yield client


def problem(reply):
    return reply.status_code, reply.json()["type"].rpartition(":")[2]


@pytest.mark.parametrize("headers", PAGES, ids=lambda headers: "-".join(headers.values()))
@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_a_page_of_another_site_changes_nothing(loopback, method, path, headers):
    assert problem(loopback.request(method, path, headers=headers)) == (403, "foreign-site")


@pytest.mark.parametrize(("method", "path"), CHANGES)
def test_nor_with_a_key_that_the_browser_remembers(guarded, method, path):
    reply = guarded.request(method, path, headers={"Sec-Fetch-Site": "cross-site"} | BEARER)

    assert problem(reply) == (403, "foreign-site")


@pytest.mark.parametrize("path", ["/v1/datasets", "/v1/info", "/ui/", "/metrics", "/docs"])
@pytest.mark.parametrize(
    "host", ["attacker.test", "attacker.test:8250", "127.0.0.1.attacker.test", "10.0.0.1", "[", "@"]
)
def test_a_name_that_was_made_to_lead_here_reads_nothing(loopback, path, host):
    assert problem(loopback.get(path, headers={"Host": host})) == (403, "foreign-site")


@pytest.mark.parametrize(
    "host",
    [
        "localhost",
        "localhost:8250",
        "127.0.0.1:1",
        "127.8.8.8",
        "[::1]:8000",
        "LOCALHOST",
        "proxy.example",
        "Compose:80",
    ],
)
def test_the_names_of_loopback_and_those_that_are_allowed_are_answered(loopback, host):
    assert loopback.get("/v1/info", headers={"Host": host}).status_code == 200


def test_the_services_own_page_is_answered(loopback):
    own = {"Origin": str(loopback.base_url).rstrip("/"), "Sec-Fetch-Site": "same-origin"}

    assert loopback.post("/v1/groups/score", json=EXAMPLE, headers=own).status_code == 200


def test_a_page_behind_an_allowed_proxy_is_answered(loopback):
    proxied = {"Origin": "https://proxy.example", "Host": "localhost", "Sec-Fetch-Site": "same-origin"}

    assert loopback.post("/v1/groups/score", json=EXAMPLE, headers=proxied).status_code == 200


def test_with_keys_any_name_is_answered(guarded):
    headers = {"Host": "rewards.example", "Origin": "https://public.example"} | BEARER

    assert guarded.post("/v1/groups/score", json=EXAMPLE, headers=headers).status_code == 200


@pytest.mark.parametrize("path", ["/ui/", "/docs", "/v1/info", "/v1/nowhere", "/livez"])
def test_no_answer_is_shown_in_a_foreign_frame_or_taken_for_another_type(loopback, path):
    headers = loopback.get(path).headers

    assert headers["X-Content-Type-Options"] == "nosniff"
    assert headers["Content-Security-Policy"] == "frame-ancestors 'none'"
