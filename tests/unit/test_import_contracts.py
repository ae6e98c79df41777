"""The import contracts refuse what they claim to refuse: a forbidden import is planted in a copy of the packages."""

import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]


@pytest.fixture
def tree(tmp_path):
    """A copy of everything the contracts are about."""
    shutil.copy(ROOT / "pyproject.toml", tmp_path)
    for package in ("reward_service", "entity_index"):
        shutil.copytree(ROOT / package, tmp_path / package, ignore=shutil.ignore_patterns("__pycache__"))
    return tmp_path


def report_on(tree):
    """Return the exit code of `lint-imports` and what it says, on one line."""
    command = [Path(sys.executable).parent / "lint-imports", "--no-cache", "--no-logo"]
    done = subprocess.run(command, cwd=tree, capture_output=True, text=True, check=False)
    return done.returncode, " ".join(done.stdout.split())


def test_the_packages_as_they_are_keep_every_contract(tree):
    code, said = report_on(tree)

    assert code == 0, said


@pytest.mark.parametrize(
    ("module", "imported", "contract"),
    [
        ("reward_service/core/matching/scan.py", "reward_service.client.aio", "Rooms: imports point down"),
        ("reward_service/serve/scorer.py", "reward_service.adapters.native", "Rooms: imports point down"),
        ("reward_service/serve/lookup.py", "reward_service.serve.scorer", "Inside serve: imports point down"),
        ("reward_service/serve/turns.py", "reward_service.serve.limits", "Inside serve: imports point down"),
        ("reward_service/core/types.py", "reward_service.core.profiles", "Inside core: imports point down"),
        ("reward_service/core/advantages/grpo.py", "torch", "The core computes and does nothing else"),
        # The core imports this module, so it would reach the loop through it.
        ("entity_index/spelling.py", "asyncio", "The core computes and does nothing else"),
        (
            "reward_service/trainer/rewards.py",
            "reward_service.core.scoring",
            "The client and the reference trainer",
        ),
        ("entity_index/build.py", "reward_service.core.types", "The entity index knows no HTTP and no RL"),
    ],
)
def test_a_planted_import_is_refused(tree, module, imported, contract):
    with (tree / module).open("a", encoding="utf-8") as file:
        file.write(f"\nimport {imported}\n")

    code, said = report_on(tree)

    assert code == 1
    assert contract in said.partition("Broken contracts")[2]
    assert imported in said.partition("Broken contracts")[2]


@pytest.mark.parametrize("module", ["loose", "core.loose", "serve.loose"])
def test_a_module_in_no_layer_is_refused(tree, module):
    (tree / "reward_service" / f"{module.replace('.', '/')}.py").touch()

    code, said = report_on(tree)

    assert code == 1
    assert f"not listed as layers: - reward_service.{module}" in said
