"""The real application in a real server."""

import contextlib
import json
import os
import socket
import threading
import time
from pathlib import Path

import httpx
import pytest
from httpx._config import DEFAULT_TIMEOUT_CONFIG
from hypothesis import HealthCheck, settings

from reward_service.api.app import create_app
from reward_service.api.server import server as server_for
from reward_service.cli.demo import build_sample
from reward_service.serve.config import Settings
from tests.redis_server import PATIENCE_S

# A law is true on a busy machine too: how long an example takes is no part of it.
settings.register_profile("laws", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("laws")

# A busy machine may need more than httpx's 5 s for an answer.
vars(DEFAULT_TIMEOUT_CONFIG).update(dict.fromkeys(("connect", "read", "write", "pool"), PATIENCE_S))

collect_ignore = ["trainers"]  # they run in the trainers' own environments: make test-trainers
if "REWARD_SERVICE_TEST_DEPLOY" not in os.environ:
    collect_ignore.append("deploy/live")  # they build images and run proxies: make test-deploy


@contextlib.contextmanager
def serving(app):
    """Serve an application, or a wrapper around one, on a free port of loopback; yields its base URL."""
    inner = app if hasattr(app, "state") else app.app
    listener = socket.socket()
    listener.bind(("127.0.0.1", 0))
    server = server_for(inner, inner.state.service.settings, front=app)
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listener]})
    thread.start()
    try:
        while not server.started:
            assert thread.is_alive(), "the server did not start"
            time.sleep(0.005)
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"
    finally:
        server.should_exit = True
        thread.join()
        listener.close()


@pytest.fixture(scope="session")
def sample_index(tmp_path_factory):
    """The bundled sample, built by the command a user would type."""
    folder = tmp_path_factory.mktemp("index")
    build_sample(folder)
    return folder


@pytest.fixture(scope="session")
def server(sample_index):
    """Base URL of a service with the sample data set."""
    with serving(
        create_app(Settings(index=sample_index, max_body_bytes=8 * 1024 * 1024, max_rollout_chars=6_000_000))
    ) as base:
        yield base


@pytest.fixture(scope="session")
def http(server):
    """A client of it."""
    with httpx.Client(base_url=server) as client:
        yield client


@pytest.fixture
def post(http):
    """Post JSON (a value, or bytes as they are) and return status, headers and the decoded reply."""

    def send(path, body, **headers):
        content = body if isinstance(body, bytes) else json.dumps(body).encode()
        reply = http.post(path, content=content, headers={"Content-Type": "application/json"} | headers)
        return reply.status_code, reply.json()

    return send


@pytest.fixture(scope="session")
def real_data():
    """Folder of the real data sets; they are not part of the repository."""
    beside = Path(__file__).parents[2] / "shared" / "data"
    folder = Path(os.environ.get("REWARD_SERVICE_TEST_DATA", beside))
    if not folder.is_dir():
        pytest.skip(f"no real data at {folder}: set REWARD_SERVICE_TEST_DATA")
    return folder
