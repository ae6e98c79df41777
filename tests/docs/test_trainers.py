"""The trainers' pages: what they name exists."""

import ast
import importlib
import re
from dataclasses import fields
from pathlib import Path

import pytest

from reward_service.client.options import Options
from reward_service.serve.errors import CallError, GroupError, catalogue

FOLDER = Path(__file__).parents[2] / "docs" / "trainers"
PAGES = {page.name: page.read_text(encoding="utf-8") for page in sorted(FOLDER.glob("*.md"))}
INDEX = PAGES["README.md"]


def test_the_index_links_every_page():
    assert set(re.findall(r"\]\((\w+\.md)\)", INDEX)) == set(PAGES) - {"README.md"}


@pytest.mark.parametrize("name", PAGES)
def test_python_holds(name):
    for code in re.findall(r"```python\n(.*?)```", PAGES[name], re.DOTALL):
        compile(code, name, "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize("name", PAGES)
def test_what_is_named_of_this_package_is_there(name):
    for dotted in set(re.findall(r"reward_service(?:\.\w+)+", PAGES[name])):
        parts = dotted.split(".")
        try:
            importlib.import_module(dotted)
        except ModuleNotFoundError:
            assert hasattr(importlib.import_module(".".join(parts[:-1])), parts[-1]), dotted


def test_every_option_is_in_the_index():
    assert [field.name for field in fields(Options) if f"`{field.name}`" not in INDEX] == []


def test_a_refusal_is_quoted_as_the_service_words_it():
    known = {f"{one.status_hint} {one.title}" for one in catalogue(CallError)}
    known |= {f"200 {one.title}" for one in catalogue(GroupError)}
    quoted = {said for page in PAGES.values() for said in re.findall(r"`Refused: (\d+ [^`.]*\.)`", page)}

    assert quoted
    assert quoted <= known
