"""CONTRIBUTING.md: the hooks it mentions are parts of `make check`."""

from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "CONTRIBUTING.md").read_text(encoding="utf-8")


def test_every_hook_runs_what_make_check_runs():
    makefile = (ROOT / "Makefile").read_text(encoding="utf-8").replace("$(BIN)", ".venv/bin")
    recipe = makefile.partition("\ncheck:")[2].partition("\n\n")[0]
    (local,) = yaml.safe_load((ROOT / ".pre-commit-config.yaml").read_text(encoding="utf-8"))["repos"]

    assert local["repo"] == "local"
    assert [hook["entry"] for hook in local["hooks"] if f"\n\t{hook['entry']}" not in recipe] == []
