"""A registry is the only list of its names: the wire, the docs, profiles and golden cases follow it."""

import json
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml

from entity_index.readers import READERS
from entity_index.types import CHECKER_KINDS
from reward_service.adapters.records import READERS as RECORD_READERS
from reward_service.core.advantages import BATCH_ESTIMATORS, ESTIMATORS, PRESETS
from reward_service.core.advantages.turns import RULES
from reward_service.core.answers import ANSWER_KINDS
from reward_service.core.checkers import CHECKERS
from reward_service.core.filters import FILTERS, VALUES
from reward_service.core.matching.spec import MATCHERS
from reward_service.core.profiles import parse_profile, shipped
from reward_service.core.profiles.bounds import bounds_of
from reward_service.core.profiles.formula import formula
from reward_service.core.rewards.compose import NORMALIZERS, OPS, PASSED_BY, WHEN
from reward_service.core.rewards.maps import ALIGNMENTS
from reward_service.core.rewards.turn_terms import TURN_NORMALIZERS
from reward_service.core.signals import MEASURED, SIGNALS
from reward_service.core.signals.by_turn import GROUP_TURN_SIGNALS, MEASURED_TURNS, TURN_SIGNALS
from reward_service.core.trajectory import DEFAULT_DIALECT, DIALECTS, FORMATS, GRAMMARS, MESSAGES, SHORT_FORMS
from reward_service.core.types import STOP_REASONS, Outcome, RolloutStatus, StopReason

ROOT = Path(__file__).parents[2]
OPENAPI = yaml.safe_load((ROOT / "openapi.yaml").read_text(encoding="utf-8"))
CASES = ROOT / "tests" / "golden" / "cases"


@dataclass(frozen=True)
class Registry:
    """Where the names of one registry have to be found."""

    names: tuple[str, ...]
    page: str
    """The page of docs/ that describes every name."""
    on_the_wire: tuple[str, ...] = ()
    """Places in openapi.yaml that take exactly these names."""
    in_a_profile: str | None = None
    """The YAML of a profile that uses a name."""


def field(schema: str, name: str) -> str:
    return f"components/schemas/{schema}/properties/{name}"


def every_reading(name: str) -> tuple[str, ...]:
    """Return the places of a setting that says how text is read: in a rollout, and for a call or run as its default."""
    return tuple(field(schema, name) for schema in ("RolloutIn", "ScoreIn", "MatchIn", "ExplainIn", "RunIn"))


REGISTRIES = {
    "estimators": Registry(
        tuple(ESTIMATORS), "formulas.md", (field("EstimatorIn", "type"),), "estimator: {{type: {name}}}"
    ),
    "batch estimators": Registry(tuple(BATCH_ESTIMATORS), "formulas.md"),
    "presets": Registry(
        tuple(PRESETS), "formulas.md", (field("ScoreIn", "estimator"), field("RunIn", "estimator"))
    ),
    "checkers": Registry(tuple(CHECKERS), "outcome.md", in_a_profile="measure: {{checker: {name}}}"),
    "grammars": Registry(tuple(GRAMMARS), "formulas.md", in_a_profile="measure: {{grammar: {name}}}"),
    "matchers": Registry(MATCHERS, "matching.md", in_a_profile="measure: {{matching: {{kind: {name}}}}}"),
    "signals": Registry(
        tuple(SIGNALS), "formulas.md", in_a_profile="reward: {{terms: [{{signal: {name}, weight: 1}}]}}"
    ),
    "measured signals": Registry(
        tuple(MEASURED), "formulas.md", in_a_profile="reward: {{terms: [{{signal: {name}, weight: 1}}]}}"
    ),
    "signals of turns": Registry(
        (*TURN_SIGNALS, *GROUP_TURN_SIGNALS, *MEASURED_TURNS),
        "formulas.md",
        in_a_profile="reward: {{turn_terms: [{{signal: {name}}}]}}",
    ),
    "normalizers of turns": Registry(
        TURN_NORMALIZERS,
        "formulas.md",
        in_a_profile="reward: {{turn_terms: [{{signal: x, normalize: {name}}}], turns: {{combine: add}}}}",
    ),
    "alignments": Registry(
        tuple(ALIGNMENTS),
        "formulas.md",
        in_a_profile="reward: {{turn_terms: [{{signal: x, map: [{{difference: {{at: {name}}}}}]}}]}}",
    ),
    "rules for turns": Registry(
        tuple(sorted({name for _, name in RULES} - {""})),
        "formulas.md",
    ),
    "normalizers": Registry(
        tuple(NORMALIZERS),
        "formulas.md",
        in_a_profile="reward: {{terms: [{{signal: entity_match, weight: 1, normalize: '{name}'}}]}}",
    ),
    "conditions": Registry(
        tuple(WHEN),
        "formulas.md",
        in_a_profile="reward: {{terms: [{{signal: entity_match, weight: 1, when: {name}}}]}}",
    ),
    "comparisons": Registry(
        tuple(OPS),
        "formulas.md",
        in_a_profile="reward: {{terms: [{{signal: x, gates: [{{signal: y, op: '{name}', value: 0}}]}}]}}",
    ),
    "what passes a gate": Registry(
        tuple(PASSED_BY),
        "formulas.md",
        in_a_profile="reward: {{terms: [{{signal: x, gates: [{{signal: y, op: '>', value: 0, by: {name}}}]}}]}}",
    ),
    "filters": Registry(
        tuple(FILTERS),
        "formulas.md",
        in_a_profile="filters: [{{type: {name}, signal: x, distance: 1, rate: 0.5}}]",
    ),
    "values of filters": Registry(
        tuple(VALUES), "formulas.md", in_a_profile="filters: [{{type: zero_spread, of: {name}}}]"
    ),
    "formats": Registry((*FORMATS, MESSAGES), "transcripts.md", every_reading("format")),
    "dialects": Registry(tuple(DIALECTS), "transcripts.md", every_reading("dialect")),
    "answer kinds": Registry(
        ANSWER_KINDS, "transcripts.md", in_a_profile="measure: {{answer_from: [{name}]}}"
    ),
    "record readers": Registry(tuple(RECORD_READERS), "transcripts.md"),
    "outcomes": Registry(
        tuple(Outcome), "formulas.md", (field("RolloutIn", "outcome"), field("FactsIn", "outcome"))
    ),
    "stop reasons": Registry(tuple(StopReason), "glossary.md"),
    "words for stop reasons": Registry(
        tuple(STOP_REASONS), "transcripts.md", (field("RolloutIn", "stop_reason"),)
    ),
    "statuses": Registry(tuple(RolloutStatus), "formulas.md"),
    "checker kinds": Registry(CHECKER_KINDS, "outcome.md", (field("QuestionIn", "checker"),)),
    "readers": Registry(tuple(READERS), "index.md"),
    "profiles": Registry(tuple(shipped()), "methods.md"),
}


RANDOM = {"dppo"}  # whose cases are draws and probabilities


def enumeration(place: str) -> set[str]:
    """Return the names that a place of openapi.yaml takes; null aside."""
    node = OPENAPI
    for key in place.split("/"):
        node = node[key]
    return set(next(one for one in node.get("anyOf", [node]) if "enum" in one)["enum"])


@pytest.mark.parametrize("registry", REGISTRIES.values(), ids=list(REGISTRIES))
def test_the_docs_describe_every_name(registry):
    page = (ROOT / "docs" / registry.page).read_text(encoding="utf-8")

    assert [name for name in registry.names if f"`{name}`" not in page] == []


@pytest.mark.parametrize(
    ("names", "place"),
    [(registry.names, place) for registry in REGISTRIES.values() for place in registry.on_the_wire],
)
def test_the_wire_takes_exactly_the_names(names, place):
    assert enumeration(place) == set(names)


def test_the_stream_and_the_call_take_the_same_estimators():
    parameters = OPENAPI["paths"]["/v1/groups/score/stream"]["post"]["parameters"]
    [estimator] = [one["schema"] for one in parameters if one["name"] == "estimator"]

    assert set(estimator["anyOf"][0]["enum"]) == {*ESTIMATORS, *PRESETS}


def test_facts_have_any_status_but_pending():
    measured = enumeration(field("FactsIn", "status"))

    assert measured == set(RolloutStatus) - {RolloutStatus.PENDING}


@pytest.mark.parametrize(
    ("yaml_text", "name"),
    [
        (registry.in_a_profile, name)
        for registry in REGISTRIES.values()
        if registry.in_a_profile
        for name in registry.names
    ],
)
def test_a_profile_may_use_every_name(yaml_text, name):
    profile = parse_profile("name: mine\n" + yaml_text.format(name=name))

    assert formula(profile).startswith("R = ")
    assert bounds_of(profile.reward, Outcome.WRONG).low <= 1


@pytest.mark.parametrize(
    "yaml_text",
    [
        registry.in_a_profile
        for name, registry in REGISTRIES.items()
        if registry.in_a_profile
        and "signals" not in name  # a signal may have any name: it comes with the rollout
    ],
)
def test_a_profile_may_use_no_other_name(yaml_text):
    with pytest.raises(ValueError, match="must be one of"):
        parse_profile("name: mine\n" + yaml_text.format(name="nonsense"))


@pytest.mark.parametrize(
    ("names", "file", "key"),
    [
        (ESTIMATORS, "estimators.json", lambda case: case["estimator"]["type"]),
        (BATCH_ESTIMATORS, "batch_estimators.json", lambda case: case["estimator"]["type"]),
        (
            FILTERS.keys() - {"dppo"},
            "filters.json",
            lambda case: case["filter"]["type"],
        ),  # its cases say more
        (FORMATS, "formats.json", lambda case: case["format"]),
        (
            DIALECTS,
            "formats.json",
            lambda case: case.get("dialect") or SHORT_FORMS.get(case["format"], DEFAULT_DIALECT),
        ),
    ],
    ids=["estimators", "batch estimators", "filters", "formats", "dialects"],
)
def test_every_name_has_golden_cases(names, file, key):
    cases = json.loads((CASES / file).read_text(encoding="utf-8"))["cases"]

    assert {key(case) for case in cases} == set(names) - RANDOM


def test_every_profile_that_names_a_published_method_has_golden_groups():
    files = [
        json.loads((CASES / name).read_text(encoding="utf-8")) for name in ("methods.json", "turns.json")
    ]
    cases = [case for file in files for case in file["cases"]]
    elsewhere = {"grpo", "egrpo-paper", "egrpo-guarded", "egrpo-steady", "overlong"}
    judged = {name for name, profile in shipped().items() if profile.asks}  # the same formulas, asked about

    assert set(shipped()) - {case["profile"] for case in cases} == elsewhere | judged


def test_every_shipped_profile_is_among_the_canaries():
    canaries = json.loads((ROOT / "reward_service" / "api" / "canaries.json").read_text(encoding="utf-8"))

    assert set(canaries) == set(shipped())
