"""API keys over HTTP."""

import socket

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.api.keys import BadKeyFile, generate
from reward_service.serve.config import Settings
from reward_service.serve.errors import RefusedToStart
from tests.builders import EXAMPLE
from tests.conftest import serving
from tests.redis_server import PATIENCE_S, until

SCORE, SCORE_LINES = generate("trainer", ["score"])
INGEST, INGEST_LINES = generate("loader", ["ingest"])


@pytest.fixture(scope="module")
def key_file(tmp_path_factory):
    file = tmp_path_factory.mktemp("keys") / "keys.yaml"
    file.write_text(SCORE_LINES + INGEST_LINES, encoding="utf-8")
    return file


@pytest.fixture(scope="module")
def guarded(key_file):
    with serving(create_app(Settings(keys=key_file, canary_interval_s=3600))) as base:
        yield base


def bearer(token):
    return {"headers": {"Authorization": b"Bearer " + token.encode()}}


@pytest.mark.parametrize(
    "how", [bearer(SCORE), {"auth": (SCORE, "")}, {"auth": ("anyone", SCORE)}, {"auth": ("", SCORE)}]
)
def test_a_key_goes_in_as_bearer_or_basic(guarded, how):
    assert httpx.post(f"{guarded}/v1/groups/score", json=EXAMPLE, **how).status_code == 200


def test_a_key_in_the_url_goes_in(guarded):
    url = guarded.replace("http://", f"http://{SCORE}@")

    assert httpx.post(f"{url}/v1/groups/score", json=EXAMPLE).status_code == 200


@pytest.mark.parametrize(
    "how",
    [
        {},
        {"headers": {"Authorization": "Bearer"}},
        bearer("é"),
        bearer(SCORE + "x"),
        bearer(SCORE[:-1]),
        bearer(SCORE.upper()),
        {"auth": ("a", "b")},
        {"headers": {"Authorization": "Basic ???"}},
        {"headers": {"Authorization": f"Digest {SCORE}"}},
    ],
)
def test_anything_else_is_401_and_says_how(guarded, how):
    reply = httpx.post(f"{guarded}/v1/groups/score", json=EXAMPLE, **how)

    assert (reply.status_code, reply.json()["type"]) == (401, "urn:reward-service:unauthenticated")
    assert reply.headers.get_list("WWW-Authenticate") == [
        'Bearer realm="reward-service"',
        'Basic realm="reward-service", charset="UTF-8"',
    ]


def test_a_401_tells_a_missing_an_unknown_and_an_ended_key_apart(tmp_path):
    ended, lines = generate("old", ["score"])
    (tmp_path / "keys.yaml").write_text(f"{lines}  not_after: 2020-01-31\n", encoding="utf-8")
    details = {
        None: "send the key as a Bearer token, or as the password of HTTP Basic",
        SCORE: "the service does not know this key: it may have been replaced",
        ended: "the key old was valid until 2020-01-31 23:59:59.999999+00:00",
    }

    with serving(create_app(Settings(keys=tmp_path / "keys.yaml", canary_interval_s=3600))) as base:
        for token, detail in details.items():
            reply = httpx.get(f"{base}/v1/info", **(bearer(token) if token else {}))
            assert (reply.status_code, reply.json()["detail"]) == (401, detail)


def test_a_key_without_the_scope_is_403(guarded):
    reply = httpx.post(f"{guarded}/v1/groups/score", json=EXAMPLE, **bearer(INGEST))

    assert (reply.status_code, reply.json()["type"]) == (403, "urn:reward-service:forbidden")
    assert httpx.get(f"{guarded}/v1/info", **bearer(INGEST)).status_code == 200


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("GET", "/v1/datasets/mine"),
        ("GET", "/v1/datasets/mine/questions/q1"),
        ("PUT", "/v1/datasets/mine/versions/v1"),
        ("POST", "/v1/datasets/mine/versions/v1/activate"),
    ],
)
def test_ground_truth_needs_the_scope_ingest(guarded, method, path):
    assert httpx.request(method, guarded + path, **bearer(SCORE)).status_code == 403
    assert httpx.request(method, guarded + path, **bearer(INGEST)).status_code in {404, 415}
    assert httpx.get(f"{guarded}/v1/datasets", **bearer(SCORE)).status_code == 200


@pytest.mark.parametrize("path", ["/livez", "/readyz", "/metrics", "/docs", "/openapi.json"])
def test_health_and_documentation_need_no_key(guarded, path):
    assert httpx.get(guarded + path).status_code == 200


@pytest.mark.parametrize("path", ["/v1/info", "/v1/profiles", "/v1/datasets", "/v1/nowhere", "/docsx"])
def test_everything_else_does(guarded, path):
    assert httpx.get(guarded + path).status_code == 401


def test_a_refused_caller_is_answered_before_the_body_is_read(guarded):
    host, port = guarded.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=PATIENCE_S) as connection:
        connection.sendall(b"POST /v1/groups/score HTTP/1.1\r\nHost: x\r\nContent-Length: 1000000\r\n\r\n")
        assert connection.recv(65536).startswith(b"HTTP/1.1 401")


def test_keys_rotate_without_a_restart(tmp_path):
    file = tmp_path / "keys.yaml"
    file.write_text(SCORE_LINES, encoding="utf-8")
    new, new_lines = generate("trainer-2", ["score"])

    def status(token):
        return httpx.get(f"{base}/v1/info", **bearer(token)).status_code

    with serving(create_app(Settings(keys=file, canary_interval_s=3600))) as base:
        assert (status(SCORE), status(new)) == (200, 401)
        (tmp_path / "next").write_text(new_lines, encoding="utf-8")
        (tmp_path / "next").replace(file)
        until(lambda: status(new) == 200, "the new key counts")
        assert status(SCORE) == 401


def test_a_wrong_edit_of_the_key_file_changes_nothing_and_is_counted(tmp_path):
    file = tmp_path / "keys.yaml"
    file.write_text(SCORE_LINES, encoding="utf-8")
    with serving(create_app(Settings(keys=file, canary_interval_s=3600))) as base:
        (tmp_path / "next").write_text(SCORE_LINES + "- {id: bad, scopes: [[score]]}\n", encoding="utf-8")
        (tmp_path / "next").replace(file)

        def counted():
            assert httpx.get(f"{base}/v1/info", **bearer(SCORE)).status_code == 200
            page = httpx.get(f"{base}/metrics").text
            return "reward_service_key_file_failures_total 0" not in page

        until(counted, "the failure is counted")


@pytest.mark.parametrize("host", ["0.0.0.0", "::", "10.0.0.1", "example.org"])
def test_beyond_loopback_nothing_starts_without_keys(host):
    with pytest.raises(RefusedToStart, match="is not a loopback address"):
        create_app(Settings(host=host))


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.8.8", "::1", "localhost"])
def test_on_loopback_it_does(host):
    create_app(Settings(host=host)).state.service.close()


def test_a_bad_key_file_does_not_start(tmp_path):
    file = tmp_path / "keys.yaml"
    file.write_text("{}", encoding="utf-8")
    with pytest.raises(BadKeyFile):
        create_app(Settings(keys=file))


async def test_without_keys_a_caller_from_elsewhere_is_refused():
    transport = httpx.ASGITransport(create_app(Settings()), client=("10.0.0.9", 1))
    async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        assert (await client.get("/v1/info")).status_code == 401
        assert (await client.get("/livez")).status_code == 200


def test_secrets_in_settings_are_not_shown(guarded):
    settings = httpx.get(f"{guarded}/v1/info", **bearer(SCORE)).json()["settings"]

    assert SCORE.split("_", 2)[2] not in str(settings)
