"""The images are really built, and run as the chart would have them: nobody's user, nothing writable, no capabilities."""

import json
import os
import socket
import time
import urllib.request
from shutil import which

import pytest
import yaml

from reward_service.api.keys import generate
from reward_service.cli import golden
from reward_service.core.profiles import shipped
from tests.builders import EXAMPLE
from tests.deploy.live.containers import BOUNDED, HARDENED, Engine
from tests.deploy.live.programs import answers, call, needed, port, say, until
from tests.deploy.rendered import ROOT

IMAGE = "localhost/reward-service:test"
BODY = json.dumps(EXAMPLE).encode()


@pytest.fixture(scope="module")
def engine(tmp_path_factory):
    engine = Engine(tmp_path_factory.mktemp("containers"))
    engine.base()
    return engine


@pytest.fixture(scope="module")
def image(engine):
    seconds = engine.build("runtime", IMAGE)
    say(f"runtime: {engine.inspect(IMAGE)['Size'] / 1e6:.0f} MB, built in {seconds:.0f} s")
    return IMAGE


@pytest.fixture(scope="module")
def keys(tmp_path_factory):
    """A folder as the chart mounts it, and the key."""
    folder = tmp_path_factory.mktemp("keys")
    token, lines = generate("tester", ["score"])
    (folder / "keys.yaml").write_text(lines)
    folder.chmod(0o755)
    return folder, token


@pytest.fixture
def running(engine, image, keys):
    """A hardened container: its name and port."""
    number, name = port(), f"reward-service-{time.monotonic_ns()}"
    environment = {"PORT": number, "KEYS": "/keys/keys.yaml", "DRAIN_DELAY_S": 1, "DRAIN_TIMEOUT_S": 20}
    settings = [f"--env=REWARD_SERVICE_{key}={value}" for key, value in environment.items()]
    mount = f"{keys[0]}:/keys:ro"
    engine.podman(
        "run", "-d", "--name", name, "--network", "host", *HARDENED, *BOUNDED, *settings, "-v", mount, image
    )
    try:
        until(lambda: answers(f"http://127.0.0.1:{number}/readyz"), "the container is ready")
        yield name, number
    finally:
        engine.podman("rm", "-f", "-t", "1", name)


def test_it_pays_the_golden_groups_to_the_bit(running, keys):
    report = golden.compare(f"http://127.0.0.1:{running[1]}", key=keys[1])

    assert report == (24, ())


def test_it_is_nobody_and_can_write_nothing(engine, running):
    status = dict(
        line.split(":\t", 1)
        for line in engine.podman("exec", running[0], "cat", "/proc/1/status").splitlines()
        if ":\t" in line
    )
    code = "import os\nfor p in ('/opt/venv/x', '/var/lib/reward-service/x', '/etc/x'):\n try: open(p, 'w')\n except OSError as e: print(e.errno)"
    errnos = engine.podman("exec", running[0], "python", "-c", code).split()

    assert status["Uid"].split() == ["10001"] * 4
    assert int(status["CapEff"], 16) == int(status["CapBnd"], 16) == 0
    assert status["NoNewPrivs"] == "1"
    assert errnos == ["30", "30", "30"]  # EROFS


def test_its_health_check_is_the_command_line(engine, running):
    (container,) = json.loads(engine.podman("inspect", running[0]))

    assert container["Config"]["Healthcheck"]["Test"] == ["CMD", "reward-service", "health"]
    assert container["Config"]["User"] == "10001:10001"
    assert engine.podman("exec", running[0], "reward-service", "health") == "ready\n"
    engine.podman("healthcheck", "run", running[0])


def test_a_stop_finishes_the_call_in_flight_and_ends_with_0(engine, running, keys):
    name, number = running
    head = "POST /v1/groups/score HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\n"
    head += f"Authorization: Bearer {keys[1]}\r\nContent-Length: {len(BODY)}\r\n\r\n"
    with socket.create_connection(("127.0.0.1", number), timeout=20) as half:
        half.sendall(head.encode() + BODY[:50])
        engine.podman("kill", "--signal", "TERM", name)
        until(lambda: not listens(number), "it takes no new calls")
        half.sendall(BODY[50:])
        answer = half.recv(65536)
    engine.podman("wait", name)

    assert answer.startswith(b"HTTP/1.1 200")
    assert engine.podman("inspect", "--format", "{{.State.ExitCode}}", name).strip() == "0"


def listens(number):
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", number)) == 0


def test_without_keys_it_does_not_start(engine, image):
    done = engine.podman("create", "--network", "none", *HARDENED, image).strip()
    engine.podman("start", done)

    assert engine.podman("wait", done).strip() == "1"
    engine.podman("rm", done)


def test_the_size_that_a_registry_holds(engine, image):
    say(f"runtime: {engine.compressed_mb(image):.0f} MB compressed")


def test_the_image_with_torch_for_the_cpu(engine):
    links = os.environ.get("REWARD_SERVICE_TORCH_LINKS")
    if links is None:
        pytest.skip("REWARD_SERVICE_TORCH_LINKS names no folder with a wheel of torch for the CPU")
    name = f"{IMAGE}-cpu"
    volume = ("-v", f"{links}:/torch-links:ro", "--build-arg", "TORCH_CPU_LINKS=/torch-links")
    seconds = engine.build("runtime-cpu", name, *volume)
    code = "import torch; print(torch.__version__, torch.ones(2).sum().item(), torch.cuda.is_available())"

    said = engine.podman(
        "run", "--rm", "--network", "none", *HARDENED, "--entrypoint", "python", name, "-c", code
    )

    assert said == "2.13.0+cpu 2.0 False\n"
    say(f"runtime-cpu: {engine.inspect(name)['Size'] / 1e6:.0f} MB, built in {seconds:.0f} s")


# podman 4.3 loses its way in the dependencies that podman-compose declares, which orders the start itself.
WITHOUT_REQUIRES = """#!/usr/bin/env bash
kept=(); for one in "$@"; do [[ $one == --requires=* ]] || kept+=("$one"); done
exec {podman} "${{kept[@]}}"
"""


def test_one_command_brings_up_service_redis_and_sample(engine, image, tmp_path):
    needed("podman-compose")
    number, podman = port(), tmp_path / "podman"
    podman.write_text(WITHOUT_REQUIRES.format(podman=which("podman")))
    podman.chmod(0o755)
    document = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text())
    (tmp_path / "compose.yaml").write_text(yaml.safe_dump(_with(document, image)))
    compose = ("podman-compose", "--podman-path", podman, "-p", "rs-test", "-f", tmp_path / "compose.yaml")
    environment = engine.environment | {"LOCAL_PORT": str(number)}
    began = time.monotonic()
    try:
        call(*compose, "up", "-d", env=environment)
        first = engine.podman("wait", "rs-test_first-group_1").strip()
        seconds = time.monotonic() - began
        said = engine.podman("logs", "rs-test_first-group_1")
        key = engine.podman("exec", "rs-test_service_1", "cat", "key").strip()
        reply = ask(f"http://127.0.0.1:{number}/v1/datasets", key)
    finally:
        call(*compose, "down", "-t", "2", "-v", env=environment)

    assert (first, said) == ("0", f"{6 * len(shipped())} golden groups have the same rewards, bit for bit\n")
    assert reply["datasets"][0]["name"] == "sample"
    say(f"compose: {seconds:.1f} s from the start to the golden groups scored, images built before")


def _with(document, image):
    """The compose file with images that are there."""
    for service in document["services"].values():
        service.pop("build", None)
        service["image"] = image if "reward-service" in service["image"] else service["image"]
    return {key: value for key, value in document.items() if not key.startswith("x-")}


def ask(url, key):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {key}"})
    with urllib.request.urlopen(request, timeout=10) as reply:
        return json.load(reply)
