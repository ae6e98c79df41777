"""Written rollouts in every container and dialect, against what a person says they are."""

import json
from pathlib import Path

import pytest

from reward_service.core.trajectory import parse
from reward_service.core.types import Reading, Text

CASES = json.loads((Path(__file__).parent / "cases" / "formats.json").read_text(encoding="utf-8"))["cases"]


def source(case):
    return Text(case["text"], case["format"], Reading(dialect=case.get("dialect")))


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_a_rollout_is_cut_as_a_person_would(case):
    parsed = parse(source(case), "none")

    assert [[one.kind, one.text] for one in parsed.segments] == case["segments"]
    assert parsed.format_error is None


@pytest.mark.parametrize("case", CASES, ids=lambda case: case["name"])
def test_its_format_is_judged_as_a_person_would(case):
    for grammar, expected in case["format_error"].items():
        assert parse(source(case), grammar).format_error == expected
