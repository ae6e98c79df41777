"""docs/architecture.md and docs/extending.md name files and folders that exist, and every room."""

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PAGES = {
    name: (ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("architecture.md", "extending.md")
}
TOP = tuple(f"{path.name}/" for path in ROOT.iterdir() if path.is_dir() and not path.name.startswith("."))


@pytest.mark.parametrize("name", PAGES)
def test_every_path_exists(name):
    named = [path for path in re.findall(r"`([\w./-]+)`", PAGES[name]) if path.startswith(TOP)]

    assert len(named) > 15
    assert [path for path in named if not (ROOT / path).exists()] == []


def test_every_room_of_the_import_contract_is_described():
    contracts = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["importlinter"][
        "contracts"
    ]
    (rooms,) = [one["layers"] for one in contracts if one["name"].startswith("Rooms")]
    described = set(re.findall(r"^\| `reward_service/(\w+)/` \|", PAGES["architecture.md"], re.MULTILINE))

    assert described == {room for layer in rooms for room in layer.split(" | ")} - {"__main__"}


def test_every_way_to_extend_names_its_test():
    sections = PAGES["extending.md"].split("\n## ")[1:]

    assert [section.split("\n")[0] for section in sections if "\nTest: `tests/" not in section] == []
