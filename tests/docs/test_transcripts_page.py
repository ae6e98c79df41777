"""docs/transcripts.md names every container, dialect, flag and field there is, and its tables say what the code says."""

import re
from pathlib import Path

import pytest

from reward_service.adapters.native import ReadingIn
from reward_service.core.answers import ANSWER_KINDS
from reward_service.core.profiles import shipped
from reward_service.core.trajectory import CONTAINERS, DIALECTS, FLAGS, SHORT_FORMS
from reward_service.core.trajectory.roles import ROLES

PAGE = (Path(__file__).parents[2] / "docs" / "transcripts.md").read_text(encoding="utf-8")
SETTINGS = re.search(r"## Settings for each system\n(.*?)\n## ", PAGE, re.DOTALL)[1]


@pytest.mark.parametrize("name", [*CONTAINERS, *DIALECTS, "messages"])
def test_the_picture_names_every_container_and_dialect(name):
    picture = re.search(r"```\n(.*?)```", PAGE, re.DOTALL)[1]

    assert re.search(rf"\b{name}\b", picture)


@pytest.mark.parametrize(
    "name", [*FLAGS, *ReadingIn.model_fields, "prompt", "prompt_messages", *SHORT_FORMS, *ANSWER_KINDS]
)
def test_every_name_is_explained(name):
    assert re.search(rf"[`\[ \"]{name}[`\]:,\"]", PAGE), name


def test_settings_name_only_what_there_is():
    rows = [line.split("|")[3:5] for line in SETTINGS.splitlines() if line.startswith("| ")][1:]

    assert {name for cell, _ in rows for name in re.findall(r"`(\w+)`", cell)} <= set(CONTAINERS)
    assert {name for _, cell in rows for name in re.findall(r"`(\w+)`", cell)} <= set(DIALECTS)


def test_every_role_of_the_table_is_known():
    table = re.search(r"## Roles\n(.*?)\n- ", PAGE, re.DOTALL)[1]
    names = set(re.findall(r"`(\w+)`", table)) - {"prompt_messages", "unknown_role"}

    assert names <= set(ROLES)


def test_the_answers_of_the_shipped_profiles_are_as_told():
    careful, paper = shipped()["egrpo"].measure, shipped()["grpo"].measure

    assert f"[{', '.join(careful.answer_from)}]" in PAGE
    assert f"[{', '.join(careful.answer_tools)}]" in PAGE
    assert (paper.answer_from, paper.answer_tools) == (("answer",), ())
    assert shipped()["egrpo-paper"].measure.answer_from == paper.answer_from
