"""What the pages show in Python uses public names, and docs/python.md lists them."""

import ast
import re
from pathlib import Path

import pytest

import reward_service

ROOT = Path(__file__).parents[2]
PAGE = (ROOT / "docs" / "python.md").read_text(encoding="utf-8")
OURS = ("reward_service", "entity_index")
CODE = [
    pytest.param(code, id=f"{path.relative_to(ROOT)}-{number}")
    for path in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for number, code in enumerate(
        re.findall(r"```python\n(.*?)```", path.read_text(encoding="utf-8"), re.DOTALL)
    )
]


def modules_of_ours(code):
    """Yield every module of this project that a piece of code imports, with the names it takes."""
    for node in ast.walk(
        compile(code, "page", "exec", flags=ast.PyCF_ONLY_AST | ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)
    ):
        if isinstance(node, ast.ImportFrom):
            yield node.module, [alias.name for alias in node.names]
        elif isinstance(node, ast.Import):
            yield from ((alias.name, []) for alias in node.names)


@pytest.mark.parametrize("code", CODE)
def test_examples_import_public_names_only(code):
    for module, names in modules_of_ours(code):
        if module.partition(".")[0] in OURS and not module.startswith("reward_service.client.trainers."):
            assert module == "reward_service"
            assert set(names) <= set(reward_service.__all__)


def test_the_page_gives_every_public_name_one_line():
    assert sorted(re.findall(r"^\| `(\w+)` \|", PAGE, re.MULTILINE)) == reward_service.__all__


def test_links_hold():
    links = re.findall(r"\]\((?!http)([^)#]+)", PAGE)

    assert links
    assert [link for link in links if not (ROOT / "docs" / link).exists()] == []
