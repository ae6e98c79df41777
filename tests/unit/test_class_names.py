"""A class name has one meaning in both packages."""

import ast
from collections import defaultdict
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("reward_service", "entity_index")

PARALLEL = {
    "Run": "the run that a trainer declares, and the run as the service stores it",
    "Member": "the rollout that a trainer sends, and the same one as the service stores it",
    "NoReward": "a rollout without a reward, as an exception in the trainer and as an HTTP problem",
    "UnknownDataset": "a data set that the index does not have, as its own error and as an HTTP problem",
}
"""Names that may be defined in two modules, each with the one concept that both definitions are views of."""


def defined_twice(root):
    """Return the modules of each class name that several modules under a folder define, nested classes too."""
    modules = defaultdict(set)
    for package in PACKAGES:
        for path in sorted((root / package).rglob("*.py")):
            for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
                if isinstance(node, ast.ClassDef):
                    modules[node.name].add(path.relative_to(root).as_posix())
    return {name: sorted(found) for name, found in modules.items() if len(found) > 1}


def test_no_class_name_is_defined_in_two_modules():
    assert {name: found for name, found in defined_twice(ROOT).items() if name not in PARALLEL} == {}


@pytest.mark.parametrize("name", PARALLEL)
def test_every_exception_is_still_needed(name):
    assert len(defined_twice(ROOT)[name]) == 2


def test_a_second_definition_is_found_also_inside_a_function(tmp_path):
    for package, text in zip(
        PACKAGES, ["class A: ...\nclass B: ...", "def make():\n    class A: ..."], strict=True
    ):
        (tmp_path / package).mkdir()
        (tmp_path / package / "one.py").write_text(text, encoding="utf-8")

    assert defined_twice(tmp_path) == {"A": ["entity_index/one.py", "reward_service/one.py"]}
