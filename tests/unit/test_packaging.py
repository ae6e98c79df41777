"""What is built: which files the wheel and the source archive hold, what the metadata says, and where the project lives."""

import email
import re
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
import yaml

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
ADDRESS = PROJECT["urls"]["Repository"]
PACKAGES = {"entity_index", "reward_service"}


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """A folder with the wheel and the source archive of this checkout."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "hatchling", "build", "-d", folder]
    subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return folder


@pytest.fixture(scope="module")
def wheel(built):
    (path,) = built.glob("*.whl")
    with zipfile.ZipFile(path) as file:
        yield file


@pytest.fixture(scope="module")
def metadata(wheel):
    (name,) = [name for name in wheel.namelist() if name.endswith(".dist-info/METADATA")]
    return email.message_from_bytes(wheel.read(name))


def files(*roots):
    """Return the files below some folders, and files named themselves, relative to the repository."""
    found = [
        path
        for root in roots
        for path in ((ROOT / root).rglob("*") if (ROOT / root).is_dir() else [ROOT / root])
    ]
    return {
        str(path.relative_to(ROOT)) for path in found if path.is_file() and "__pycache__" not in path.parts
    }


def test_the_wheel_holds_every_file_of_the_two_packages_and_its_metadata(wheel):
    names = {name for name in wheel.namelist() if ".dist-info/" not in name}

    assert {name.partition("/")[0] for name in names} == PACKAGES
    assert files(*PACKAGES) <= names


def test_the_wheel_carries_types_data_and_licence(wheel):
    names = wheel.namelist()

    assert {"reward_service/py.typed", "entity_index/py.typed", "reward_service/__init__.pyi"} <= set(names)
    assert [name for name in names if name.endswith(".dist-info/licenses/LICENSE")]


def test_the_source_archive_holds_what_the_wheel_is_built_from(built):
    (path,) = built.glob("*.tar.gz")
    with tarfile.open(path) as file:
        names = {name.partition("/")[2] for name in file.getnames()}

    assert files(*PACKAGES) <= names
    assert {name for name in names if name.partition("/")[0] not in PACKAGES} == {
        *(".gitignore", "CHANGELOG.md", "LICENSE", "PKG-INFO", "README.md", "pyproject.toml")
    }


def test_the_metadata_names_version_licence_and_pythons(metadata):
    classifiers = metadata.get_all("Classifier")

    assert metadata["License-Expression"] == "Apache-2.0"
    assert metadata["Requires-Python"] == ">=3.11"
    assert "Typing :: Typed" in classifiers
    assert [c.rpartition(" ")[2] for c in classifiers if re.search(r":: 3\.\d+$", c)] == [
        "3.11",
        "3.12",
        "3.13",
    ]


def test_the_base_install_is_the_core_and_the_client(metadata):
    required = [line for line in metadata.get_all("Requires-Dist") if "extra ==" not in line]

    assert {re.split(r"[<>=]", line)[0] for line in required} == {
        *("ahocorasick-rs", "aiohttp", "cachetools", "numpy"),
        *("pyyaml", "rapidfuzz", "snowballstemmer", "urllib3"),
    }


def test_links_of_the_readme_hold_outside_the_repository(metadata):
    links = re.findall(r"\]\(([^)]+)\)", metadata.get_payload())
    ours = [link.removeprefix(f"{ADDRESS}/blob/main/") for link in links if link.startswith(ADDRESS)]

    assert [link for link in links if not link.startswith("https://")] == []
    assert ours
    assert [path for path in ours if not (ROOT / path.partition("#")[0]).exists()] == []


def test_the_project_has_one_address():
    """Wherever a file names the repository with its host, it is the address of `project.urls`."""
    pages = [path.name for path in ROOT.glob("*.md")]
    places = files("docker", "docs", "helm", *PACKAGES, "Makefile", "openapi.yaml", "pyproject.toml", *pages)
    written = {
        (name, address)
        for name in places
        for address in re.findall(
            r"https://[\w.-]+/[\w.-]+/reward-service\b",
            (ROOT / name).read_text(encoding="utf-8", errors="replace"),  # pictures too
        )
    }

    assert {address for _, address in written} == {ADDRESS}
    assert {name for name, _ in written} >= {"docker/Dockerfile", "helm/reward-service/Chart.yaml"}


def test_every_link_of_the_metadata_begins_with_the_address():
    assert [url for url in PROJECT["urls"].values() if not url.startswith(ADDRESS)] == []


def test_the_chart_the_alerts_and_the_images_link_to_the_project():
    chart = yaml.safe_load((ROOT / "helm" / "reward-service" / "Chart.yaml").read_text(encoding="utf-8"))
    values = yaml.safe_load((ROOT / "helm" / "reward-service" / "values.yaml").read_text(encoding="utf-8"))
    labels = dict(
        re.findall(r'opencontainers\.image\.(\w+)="([^"]+)"', (ROOT / "docker" / "Dockerfile").read_text())
    )

    assert (chart["home"], chart["sources"]) == (ADDRESS, [ADDRESS])
    assert values["metrics"]["prometheusRule"]["runbookUrl"] == f"{ADDRESS}/blob/main/docs/deploy.md"
    assert (labels["url"], labels["source"]) == (ADDRESS, ADDRESS)
    assert labels["documentation"] == PROJECT["urls"]["Documentation"]
