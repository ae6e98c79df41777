"""docs/trainer.md explains what the trainer logs and offers."""

import json
import re
from pathlib import Path

import pytest

from experiment.plan import all_runs
from reward_service.trainer.options import parser

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "trainer.md").read_text(encoding="utf-8")
README = (ROOT / "README.md").read_text(encoding="utf-8")
EXPERIMENT = ROOT / "docs" / "experiment.md"


def logged():
    """Names of the metrics, as the code that writes them spells them."""
    code = "".join(
        (ROOT / "reward_service" / "trainer" / f"{name}.py").read_text(encoding="utf-8")
        for name in ("train", "evaluate", "update")
    )
    rows = re.findall(r'^ {8}"(\w+)": ', code, re.MULTILINE)
    fields = re.findall(r"^    (\w+): float$", code, re.MULTILINE)
    return {*rows, *fields} - {"digest", "model", "optimizer", "generator"}


def test_every_logged_name_is_explained():
    table = PAGE.partition("## What is logged")[2].partition("\n## ")[0]
    explained = set(re.findall(r"`(\w+)`", table))
    assert len(logged()) > 20
    assert logged() - explained == set()


@pytest.mark.parametrize("page", [PAGE, README], ids=["docs/trainer.md", "README.md"])
def test_every_option_that_is_named_exists(page):
    offered = {name for action in parser()._actions for name in action.option_strings}
    section = page.partition("## Train with it")[2].partition("\n## ")[0] or page
    assert set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", section)) - offered - {"--local-dir"} == set()


def test_links_hold():
    links = re.findall(r"\]\((?!http)([^)#]+)", PAGE)
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []


def test_the_experiments_results_are_those_of_its_plan():
    planned = {run.name: run for run in all_runs()}
    results = sorted((ROOT / "experiment" / "results").glob("*.json"))
    for path in results:
        found = json.loads(path.read_text(encoding="utf-8"))
        assert found["digest"] == planned[path.stem].digest
        assert path.stem.endswith(str(found["seed"]))
        every = planned[path.stem].options.eval_every
        assert [row["step"] for row in found["evaluations"]] == list(range(0, 51, every))
    count = re.search(r"(\d+) of \d+ runs have finished", EXPERIMENT.read_text(encoding="utf-8"))
    assert count
    assert int(count[1]) == len(results)
