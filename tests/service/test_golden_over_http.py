"""What a cluster asks of a service after it was installed: is it ready, and does it pay to the bit what it should."""

import json
import subprocess
import sys

import pytest

from reward_service.api.app import create_app
from reward_service.api.keys import generate
from reward_service.cli import golden, health
from reward_service.client import Unreachable
from reward_service.core.profiles import shipped
from reward_service.serve.config import Settings
from tests.conftest import serving
from tests.redis_server import free_port


def run(*arguments):
    command = [sys.executable, "-m", "reward_service", *map(str, arguments)]
    return subprocess.run(command, capture_output=True, text=True, check=False)


@pytest.fixture
def nobody():
    return f"http://127.0.0.1:{free_port()}"


def test_a_ready_service_is_healthy(server):
    assert health.ask(server) == (True, "ready")
    assert health.ask(server, live=True) == (True, "live")


def test_health_needs_none_of_the_servers_packages():
    code = "import sys, reward_service.cli.health; print(sorted({'fastapi', 'typer', 'pydantic'} & set(sys.modules)))"

    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "[]\n"
    )


def test_a_service_that_is_not_ready_says_what_is_missing():
    app = create_app(Settings(canary_interval_s=3600))
    app.state.readiness.missing("draining", "the process is stopping")
    with serving(app) as base:
        done = run("health", "--url", base)

    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "not ready: draining: the process is stopping\n"


def test_nobody_there_is_not_healthy(nobody):
    done = run("health", "--url", nobody, "--live")

    assert done.returncode == 1
    assert "no response from" in done.stderr


def test_the_port_of_the_settings_is_asked(server):
    port = server.rpartition(":")[2]

    code = "import os, sys; os.environ['REWARD_SERVICE_PORT'] = sys.argv[1]; import reward_service.cli.health as h; sys.exit(h.main([]))"
    done = subprocess.run([sys.executable, "-c", code, port], capture_output=True, text=True, check=False)

    assert (done.returncode, done.stdout) == (0, "ready\n")


def test_the_golden_groups_come_out_to_the_bit(server):
    done = run("golden", "--url", server)

    assert (done.returncode, done.stdout) == (
        0,
        f"{6 * len(shipped())} golden groups have the same rewards, bit for bit\n",
    ), done.stderr


def test_the_golden_groups_need_the_key_where_keys_are_asked_for(tmp_path):
    token, lines = generate("tester", ["score"])
    (tmp_path / "keys.yaml").write_text(lines)
    (tmp_path / "key").write_text(token + "\n")
    with serving(create_app(Settings(keys=tmp_path / "keys.yaml", canary_interval_s=3600))) as base:
        with_key = run("golden", "--url", base, "--key-file", tmp_path / "key", "--wait-s", "5")
        without = run("golden", "--url", base)

    assert with_key.returncode == 0, with_key.stderr
    assert (without.returncode, without.stdout) == (1, "")
    assert "401" in without.stderr


def test_one_other_bit_is_found(server, monkeypatch):
    changed = json.loads(json.dumps(golden.golden()))
    changed["egrpo"]["groups"]["first-forecast"]["reward"][4] = 0.1
    monkeypatch.setattr(golden, "golden", lambda: changed)

    report = golden.compare(server)

    assert report.differences == ("profile egrpo gives the golden group first-forecast different rewards",)


def test_a_missing_group_and_another_digest_are_found(server, monkeypatch):
    changed = {"grpo": {"digest": "another", "groups": {}}}
    monkeypatch.setattr(golden, "golden", lambda: changed)

    assert list(golden._differences("grpo", {"profile": {"digest": "x"}, "groups": []})) == [
        "profile grpo has a different digest"
    ]
    assert golden._numbers(None, "grpo") is None


def test_a_service_that_is_not_ready_is_not_compared():
    app = create_app(Settings(canary_interval_s=3600))
    app.state.readiness.missing("draining", "the process is stopping")

    with serving(app) as base, pytest.raises(Unreachable, match="not ready: draining"):
        golden.compare(base)


def test_nobody_there_is_one_sentence(nobody):
    done = run("golden", "--url", nobody, "--wait-s", "0.1")

    assert done.returncode == 1
    assert "Traceback" not in done.stderr


def test_the_sample_is_written_as_files(tmp_path):
    done = run("sample", tmp_path / "new")

    assert done.returncode == 0, done.stderr
    assert len((tmp_path / "new" / "questions.jsonl").read_text().splitlines()) == 20
    assert len((tmp_path / "new" / "rollouts.jsonl").read_text().splitlines()) == 160
