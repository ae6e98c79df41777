"""The chart's own pods without a cluster: what was rendered is run by podman, one after the other, as Kubernetes would.

Only what a cluster gives is given by hand: the port, since all of them share the network of this machine, and the
addresses that names stand for.
"""

import contextlib
import time

import pytest

from reward_service.api.keys import generate
from reward_service.core.profiles import shipped
from tests.deploy.live.containers import BOUNDED, HARDENED, Engine
from tests.deploy.live.programs import answers, needed, port, say, until
from tests.deploy.rendered import NAME, objects, one, pod_of, settings_of
from tests.redis_server import RedisServer

IMAGE = "localhost/reward-service:test"


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = Engine(tmp_path_factory.mktemp("containers"))
    engine.base()
    engine.build("runtime", IMAGE)
    return engine


@pytest.fixture(scope="module")
def redis(tmp_path_factory):
    needed("redis-server")
    with RedisServer(tmp_path_factory.mktemp("redis"), port=port()) as server:
        yield server


@pytest.fixture(scope="module")
def cluster(engine, redis, tmp_path_factory):
    """Rendered objects, and the folders that stand for Secrets."""
    folder = tmp_path_factory.mktemp("secrets")
    token, lines = generate("trainer", ["score"])
    (folder / "keys.yaml").write_text(lines)
    (folder / "key").write_text(token)
    folder.chmod(0o755)
    at = f"redis://127.0.0.1:{redis.port}"
    values = {
        "replicas": 2,
        "keys": {"existingSecret": "keys"},
        "test": {"keySecret": "keys"},
        "redis": {"stateUrl": f"{at}/0", "indexUrl": f"{at}/1"},
        "indexLoad": {"datasets": [{"name": "sample", "version": "v1", "sample": True}]},
    }
    return objects(values), folder


def environment(found, container):
    """What Kubernetes would put into the environment."""
    secret = one(found, "Secret", f"{NAME}-redis")["stringData"]
    maps = [
        settings_of(found)
        for source in container.get("envFrom", ())
        if source["configMapRef"]["name"] == NAME
    ]
    values = {name: value for one_map in maps for name, value in one_map.items()}
    for entry in container.get("env") or ():
        reference = entry.get("valueFrom", {}).get("secretKeyRef")
        values[entry["name"]] = secret[reference["key"]] if reference else entry["value"]
    return values


def options(container, values, folder):
    """Options of podman run: the security context that was rendered, and the folders."""
    assert container["securityContext"]["readOnlyRootFilesystem"] is True
    entry = ("--entrypoint", container["command"][0]) if "command" in container else ()
    mounts = [
        f"--volume={folder}:{m['mountPath']}:ro"
        for m in container["volumeMounts"]
        if m["name"] in {"keys", "key"}
    ]
    settings = [f"--env={name}={value}" for name, value in values.items()]
    return ("--network", "host", *HARDENED, *BOUNDED, *entry, *settings, *mounts)


def arguments(container):
    return (*container.get("command", ())[1:], *container.get("args", ()))


@contextlib.contextmanager
def replica(engine, cluster, number):
    found, folder = cluster
    container = pod_of(one(found, "Deployment"))["spec"]["containers"][0]
    values = environment(found, container) | {
        "REWARD_SERVICE_PORT": str(number),
        "REWARD_SERVICE_DRAIN_DELAY_S": "1",
    }
    name = f"replica-{number}-{time.monotonic_ns()}"
    engine.podman(
        "run", "-d", "--name", name, *options(container, values, folder), IMAGE, *arguments(container)
    )
    try:
        yield name
    finally:
        engine.podman("rm", "-f", "-t", "2", name)


def test_the_chart_loads_its_data_set_starts_and_passes_its_own_test(engine, cluster):
    found, folder = cluster
    began = time.monotonic()
    job = pod_of(one(found, "Job"))["spec"]["containers"][0]
    loaded = engine.podman(
        "run", "--rm", *options(job, environment(found, job), folder), IMAGE, *arguments(job)
    )
    test = one(found, "Pod")["spec"]["containers"][0]
    numbers = [port(), port()]
    with replica(engine, cluster, numbers[0]), replica(engine, cluster, numbers[1]):
        for number in numbers:
            until(lambda number=number: answers(f"http://127.0.0.1:{number}/readyz"), "the replica is ready")
            sent = [a.replace(f"http://{NAME}:8000", f"http://127.0.0.1:{number}") for a in arguments(test)]
            said = engine.podman("run", "--rm", *options(test, {}, folder), IMAGE, *sent)
            assert said == f"{6 * len(shipped())} golden groups have the same rewards, bit for bit\n"

    assert "sample@v1" in loaded
    say(f"load job, two replicas and their test pods: {time.monotonic() - began:.0f} s")
