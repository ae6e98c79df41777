"""What docs/index.md shows is what happens."""

import re
import subprocess
from pathlib import Path

import pytest

from entity_index.cli import app
from entity_index.readers import SHAPES
from reward_service.api.app import create_app
from reward_service.cli.proposals import COMMANDS
from reward_service.serve.config import Settings
from tests.conftest import serving

DOCS = Path(__file__).parents[2] / "docs"
PAGE = (DOCS / "index.md").read_text(encoding="utf-8")
ENTITIES_PAGE = (DOCS / "entities.md").read_text(encoding="utf-8")


def test_every_command_is_on_its_page():
    own = {str(command.name) for command in app.registered_commands} - set(COMMANDS)

    assert [name for name in own if not re.search(rf"`(entity-index )?{name}\b", PAGE)] == []
    assert [name for name in COMMANDS if f"\n$ entity-index {name} " not in ENTITIES_PAGE] == []


def test_every_reader_is_on_the_page():
    assert [name for name in SHAPES if f"| `{name}` |" not in PAGE] == []


def test_every_index_setting_is_told_where_it_matters():
    assert "REWARD_SERVICE_INDEX_URL" in PAGE
    assert "index_follow_s" in PAGE


@pytest.fixture
def empty_server(tmp_path):
    with serving(create_app(Settings(index=tmp_path))) as base:
        yield base


def test_the_curl_calls_run_one_after_the_other(empty_server, tmp_path):
    (calls,) = re.findall(r"```bash\n(.*?)```", PAGE, re.DOTALL)
    (tmp_path / "questions.jsonl").write_text('{"id": "q1", "question": "Who?", "entities": ["Radium"]}\n')
    script = calls.replace("curl ", "curl -sS --fail-with-body ").replace(
        "http://127.0.0.1:8000", empty_server
    )

    done = subprocess.run(["bash", "-ec", script], cwd=tmp_path, capture_output=True, text=True, check=False)

    assert done.returncode == 0, done.stdout + done.stderr
    assert '"name":"Radium"' in done.stdout
