"""docs/profiles.md has every key of a profile with its default, every name a key may have, and an example that holds."""

import re
from dataclasses import MISSING, fields
from pathlib import Path

import pytest
import yaml

from reward_service.api.canaries import compute
from reward_service.core.advantages import ESTIMATORS
from reward_service.core.advantages.turns import RULES
from reward_service.core.answers import ANSWER_KINDS
from reward_service.core.checkers import CHECKERS
from reward_service.core.filters import FILTERS, VALUES
from reward_service.core.judging.cascade import CASCADE, REJECTS
from reward_service.core.judging.templates import templates
from reward_service.core.matching.spec import MATCHERS, MatchSpec
from reward_service.core.profiles import MeasureSpec, PluginPin, Profile, parse_profile, shipped
from reward_service.core.profiles.checks import ABSTENTIONS, QUORUMS
from reward_service.core.rewards.compose import NORMALIZERS, PASSED_BY, WHEN
from reward_service.core.rewards.maps import ALIGNMENTS
from reward_service.core.trajectory import GRAMMARS
from reward_service.core.types import (
    Asker,
    Base,
    Cascade,
    Estimator,
    Filter,
    Gate,
    Map,
    RewardSpec,
    StateDifference,
    Term,
    TurnRule,
)
from tests.commands import run

PAGE = (Path(__file__).parents[2] / "docs" / "profiles.md").read_text(encoding="utf-8")
SPECS = {
    "Profile": Profile,
    "measure": MeasureSpec,
    "measure.cascade": Cascade,
    "measure.matching": MatchSpec,
    "reward": RewardSpec,
    "reward.base": Base,
    "reward.terms": Term,
    "reward.terms.map": Map,
    "reward.terms.map.difference": StateDifference,
    "reward.terms.gates": Gate,
    "reward.turns": TurnRule,
    "estimator": Estimator,
    "askers": Asker,
    "filters": Filter,
    "plugins": PluginPin,
}
NAMES = {
    ("measure", "grammar"): GRAMMARS,
    ("measure", "checker"): (*CHECKERS, CASCADE),
    ("measure.cascade", "accept"): CHECKERS,
    ("measure.cascade", "reject"): REJECTS,
    ("askers", "quorum"): QUORUMS,
    ("askers", "abstain"): ABSTENTIONS,
    ("askers", "template"): templates(),
    ("measure", "answer_from"): ANSWER_KINDS,
    ("measure.matching", "kind"): MATCHERS,
    ("reward.terms", "normalize"): NORMALIZERS,
    ("reward.terms", "when"): WHEN,
    ("reward.terms.gates", "by"): PASSED_BY,
    ("reward.terms.map.difference", "at"): ALIGNMENTS,
    ("reward.turns", "combine"): {"none", *(combine for combine, _ in RULES)},
    ("reward.turns", "statistics"): {name for combine, name in RULES if combine == "return"},
    ("reward.turns", "rule"): {name for combine, name in RULES if combine != "return"} - {""},
    ("estimator", "type"): ESTIMATORS,
    ("filters", "type"): FILTERS,
    ("filters", "of"): VALUES,
}


def rows(heading):
    """Key -> (default, range) of the table under a heading."""
    section = PAGE.partition(f"\n### {heading}\n")[2].partition("\n### ")[0]
    found = re.findall(r"^\| `(\w+)` \| ([^|]*) \| ([^|]*) \|", section, re.MULTILINE)
    return {key: (default, allowed) for key, default, allowed in found}


def written(spec):
    """The default of a field as the page writes it: as YAML."""
    if spec.default_factory is not MISSING:
        return "as below"
    if spec.default is MISSING:
        return "required"
    default = list(spec.default) if isinstance(spec.default, tuple) else spec.default
    return f"`{yaml.safe_dump(default, default_flow_style=True).splitlines()[0]}`"


@pytest.mark.parametrize("heading", SPECS)
def test_every_key_stands_there_with_its_default(heading):
    expected = {spec.name: written(spec) for spec in fields(SPECS[heading])}
    assert {key: default for key, (default, _) in rows(heading).items()} == expected


@pytest.mark.parametrize(("heading", "key"), NAMES)
def test_every_name_that_a_key_may_have_stands_there(heading, key):
    assert set(re.findall(r"`([\w-]+)`", rows(heading)[key][1])) == set(NAMES[heading, key])


def test_the_example_is_a_profile_that_pays_what_the_table_says():
    mine = parse_profile(PAGE.partition("```yaml\n")[2].partition("```")[0])
    table = re.findall(r"^\| \d \| \w+ \| \d \| ([\d.]+) \| ([\d.]+) \|", PAGE, re.MULTILINE)

    assert len(table) == 8
    for profile, said in ((shipped()["egrpo"], [row[0] for row in table]), (mine, [row[1] for row in table])):
        paid = compute(profile)["groups"]["first-forecast"]["reward"]
        assert [round(reward, 4) for reward in paid] == [float(one) for one in said]


@pytest.mark.parametrize("command", ["profile show carr"])
def test_the_page_shows_what_the_command_prints(command):
    block = PAGE.partition(f"$ reward-service {command}\n")[2].partition("```")[0]

    assert run(*command.split()) == (0, block, "")


def test_the_page_begins_a_file_of_ones_own(tmp_path):
    blocks = re.findall(r"\$ reward-service (profile \w+ .*)\n((?:[^$`].*\n)*)", PAGE)
    said = {command: text for command, text in blocks if "start.yaml" in command}

    for command, text in said.items():
        assert run(*command.split(), cwd=tmp_path) == (0, text, "")

    assert len(said) == 3
