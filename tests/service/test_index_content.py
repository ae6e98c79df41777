"""An index whose content, or whose active version, is not what it says."""

import shutil
import sqlite3
from contextlib import closing

import httpx
import pytest

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.builders import EXAMPLE
from tests.conftest import serving
from tests.redis_server import until

CALL = {
    "profile": "egrpo-paper",
    "groups": [
        {
            "group_id": "g",
            "dataset": "sample",
            "question_id": "first-forecast",
            "rollouts": EXAMPLE["groups"][0]["rollouts"],
        }
    ],
}


@pytest.fixture
def index(sample_index, tmp_path):
    folder = tmp_path / "index"
    shutil.copytree(sample_index, folder)
    return folder


@pytest.fixture
def file(index):
    [file] = (index / "sample").glob("*.sqlite")
    return file


def take_a_record_out(file):
    """Each of the others has a checksum that is right."""
    with closing(sqlite3.connect(file)) as db, db:
        db.execute("DELETE FROM record WHERE id = (SELECT max(id) FROM record)")


def test_a_version_with_other_content_is_not_ready_and_pays_nothing_until_it_is_repaired(
    index, file, tmp_path
):
    sound = shutil.copy(file, tmp_path / "sound")
    take_a_record_out(file)
    with serving(create_app(Settings(index=index, canary_interval_s=0.05))) as base:
        ready = httpx.get(f"{base}/readyz")
        assert ready.status_code == 503
        assert "does not hold what its digest covers" in ready.json()["detail"]
        refused = httpx.post(f"{base}/v1/groups/score", json=CALL)
        assert (refused.status_code, refused.json()["type"]) == (503, "urn:reward-service:index-unavailable")

        shutil.copy(sound, tmp_path / "next")
        (tmp_path / "next").replace(file)
        until(lambda: httpx.get(f"{base}/readyz").status_code == 200, "it is ready")
        assert httpx.post(f"{base}/v1/groups/score", json=CALL).json()["groups"][0]["status"] == "complete"


@pytest.mark.parametrize(
    "content", [b"", b"gone\n", b"\xe9\n", None], ids=["empty", "dangling", "not ASCII", "folder"]
)
def test_an_active_version_that_is_not_there_is_not_ready_and_no_unknown_data_set(index, content):
    pointer = index / "sample" / "ACTIVE"
    pointer.unlink()
    if content is None:
        pointer.mkdir()
    else:
        pointer.write_bytes(content)

    with serving(create_app(Settings(index=index, canary_interval_s=3600))) as base:
        ready = httpx.get(f"{base}/readyz")
        assert (ready.status_code, ready.json()["type"]) == (503, "urn:reward-service:not-ready")
        assert "activate" in ready.json()["detail"]
        for reply in (
            httpx.post(f"{base}/v1/groups/score", json=CALL),
            httpx.get(f"{base}/v1/datasets"),
            httpx.get(f"{base}/v1/datasets/sample"),
        ):
            assert (reply.status_code, reply.json()["type"]) == (503, "urn:reward-service:index-unavailable")


def test_a_running_service_keeps_its_version_where_the_active_one_is_lost(index):
    with serving(create_app(Settings(index=index, index_follow_s=0, canary_interval_s=3600))) as base:
        before = httpx.post(f"{base}/v1/groups/score", json=CALL).json()
        (index / "sample" / "ACTIVE").write_bytes(b"")

        assert httpx.post(f"{base}/v1/groups/score", json=CALL).json() == before
        assert httpx.get(f"{base}/readyz").status_code == 503
