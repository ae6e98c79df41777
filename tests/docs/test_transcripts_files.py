"""The part of docs/transcripts.md about files names every reader and every field."""

import re
from pathlib import Path

from reward_service.adapters.records import READERS
from reward_service.adapters.records.table import FIELDS
from reward_service.core.trajectory import DIALECTS

FILES = (
    Path("docs/transcripts.md").read_text(encoding="utf-8").partition("\n## Files\n")[2].partition("\n## ")[0]
)
ROWS = {row[1]: row[0] for row in re.finditer(r"^\| `(\w+)` \|.*$", FILES, re.MULTILINE)}


def test_every_reader_has_a_row_with_its_dialect():
    for name, reader in READERS.items():
        assert name in ROWS
        assert name == "native" or f"| `{reader.dialect}` |" in ROWS[name]
        assert reader.dialect in DIALECTS


def test_every_field_of_a_mapping_is_told():
    for name in FIELDS:
        assert f"`{name}`" in FILES
