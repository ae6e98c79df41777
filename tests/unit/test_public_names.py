"""The names that are importable from `reward_service`, and what importing it costs."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import reward_service

ROOT = Path(__file__).parents[2]
PACKAGE = ROOT / "reward_service"


def imported(path):
    """Yield module and name of every `from ... import` in a file."""
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module, alias.name) for alias in node.names)


@pytest.mark.parametrize("name", reward_service.__all__)
def test_every_name_resolves_to_what_its_module_defines(name):
    defined = getattr(reward_service, name)

    assert (defined.__module__, defined.__qualname__) == (reward_service._DEFINED_IN[name], name)


def test_names_are_sorted_and_listed():
    assert reward_service.__all__ == sorted(set(reward_service.__all__))
    assert set(reward_service.__all__) <= set(dir(reward_service))


def test_a_star_import_brings_exactly_the_public_names():
    namespace = {}

    exec("from reward_service import *", namespace)

    assert namespace.keys() - {"__builtins__"} == set(reward_service.__all__)


def test_type_checkers_see_the_same_names_from_the_same_modules():
    stub = PACKAGE / "__init__.pyi"

    assert {name: module for module, name in imported(stub)} == reward_service._DEFINED_IN


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'reward_service' has no attribute 'nothing'"):
        _ = reward_service.nothing


def test_importing_the_package_loads_nothing_but_the_package():
    code = "import reward_service, sys; print(sorted(m for m in sys.modules if m.startswith(('reward_', 'entity_', 'numpy', 'aiohttp'))))"

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout == "['reward_service']\n"


def test_inside_the_package_names_come_from_their_own_modules():
    """A name taken from the root would hide an import from the contracts."""
    taken = {
        (str(path.relative_to(ROOT)), name)
        for path in PACKAGE.rglob("*.py")
        for module, name in imported(path)
        if module == "reward_service" and name != "__version__" and not (PACKAGE / name).is_dir()
    }

    assert taken == set()
