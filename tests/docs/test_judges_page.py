"""docs/judges.md: its snippets are ones that the service takes, and its tables have every key, template and status."""

import re
from pathlib import Path

import pytest

from reward_service.adapters.native import ScoreIn, decode
from reward_service.core.judging.asks import FailureReason
from reward_service.core.judging.templates import templates
from reward_service.core.profiles import parse_profile
from reward_service.serve.sources.backends import Backend, parse

PAGE = (Path(__file__).parents[2] / "docs" / "judges.md").read_text(encoding="utf-8")


def section(heading):
    return PAGE.partition(f"\n{heading}\n")[2].partition("\n## ")[0]


def test_the_backends_of_the_page_are_read():
    [one] = parse(re.search(r"echo '(.*)' > backends.yaml", PAGE)[1], environment={})

    assert one.names == {"judge": "Qwen/Qwen2.5-72B-Instruct"}


def test_the_call_of_the_page_is_one():
    call = decode(re.search(r"-d '(\{.*?\})'\n", PAGE, re.DOTALL)[1].encode(), ScoreIn)

    assert call.profile == "egrpo-judged"
    assert call.groups[0].rollouts[0].text.endswith("Peru</answer>")


def test_the_profile_of_the_page_is_one():
    text = PAGE.partition("```yaml\n")[2].partition("```")[0]

    assert parse_profile(f"name: mine\n{text}").judge.template == "grade-v1"


def test_every_key_of_a_backend_has_a_row():
    rows = re.findall(r"^\| ((?:`\w+`(?:, )?)+) \|", section("## Backends"), re.MULTILINE)

    assert set(re.findall(r"`(\w+)`", " ".join(rows))) == set(Backend.model_fields)


@pytest.mark.parametrize("name", templates())
def test_every_template_has_a_row(name):
    assert f"`{name}`" in section("## What a profile asks").partition("\n### ")[0]


@pytest.mark.parametrize(
    "reason", [one for one in FailureReason if one not in {FailureReason.ABSTAIN, FailureReason.UNSERVED}]
)
def test_every_reason_for_no_answer_has_a_row(reason):
    assert f"`{reason}`" in section("## What happens when a judge fails")
