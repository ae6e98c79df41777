"""Published rewards as profiles: each group's rewards and advantages, against numbers from another program."""

import json
from dataclasses import replace
from pathlib import Path

import pytest

from reward_service.core.profiles import Profile, parse_profile, shipped
from reward_service.core.scoring import reward
from reward_service.core.types import Outcome, PartialPolicy, RolloutFacts, RolloutStatus

ROOT = Path(__file__).parents[2]
FILE = json.loads((Path(__file__).parent / "cases" / "methods.json").read_text(encoding="utf-8"))
FLOORED = [case for case in FILE["cases"] if "floored" in case]
EXAMPLES = {
    file.stem: parse_profile(file.read_text(encoding="utf-8"))
    for file in sorted((ROOT / "examples" / "profiles").glob("*.yaml"))
}


def profile_named(name: str) -> Profile:
    return EXAMPLES.get(name) or shipped()[name]


def as_published(profile: Profile) -> dict:
    """Return what a call says so that a profile divides by the std alone, as the methods were published."""
    return {"estimator": {"floor": None}} if profile.estimator.floor else {}


def close(values):
    """Compare with the tolerance the file states; null stays null."""
    tolerance = {"rel": FILE["relative"], "abs": FILE["absolute"]}
    return [value if value is None else pytest.approx(value, **tolerance) for value in values]


def facts_of(case) -> list[RolloutFacts]:
    return [
        RolloutFacts(
            str(n),
            RolloutStatus.SCORED if outcome else RolloutStatus.ABORTED,
            outcome=Outcome(outcome) if outcome else None,
            matched=case.get("matched", [0] * len(case["outcome"]))[n] or 0,
            entities=case["entities"],
            mentions=case.get("mentions", {n: 0})[n] or 0,
            signals={name: values[n] for name, values in case.get("signals", {}).items() if outcome},
        )
        for n, outcome in enumerate(case["outcome"])
    ]


def paid(case, profile: Profile, **more):
    partial = PartialPolicy("survivors")
    return reward(facts_of(case), profile, partial=partial, progress=case.get("progress"), **more).rollouts


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_profile_pays_what_its_method_pays(case):
    profile = profile_named(case["profile"])

    rollouts = paid(case, profile, estimator=replace(profile.estimator, floor=None))

    for field in ("reward", "advantage"):
        assert [getattr(one, field) for one in rollouts] == close(case[field])


@pytest.mark.parametrize("case", FLOORED, ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_profile_with_a_floor_divides_by_at_least_the_std_of_one_success(case):
    rollouts = paid(case, profile_named(case["profile"]))

    assert [one.reward for one in rollouts] == close(case["reward"])
    assert [one.advantage for one in rollouts] == close(case["floored"])


def test_every_case_of_a_profile_with_a_floor_says_what_the_floor_does():
    floors = [profile_named(case["profile"]).estimator.floor for case in FILE["cases"]]

    assert [floor is not None for floor in floors] == ["floored" in case for case in FILE["cases"]]
    assert set(floors) == {None, "one_success"}


def test_an_example_is_named_like_its_file():
    assert {name: profile.name for name, profile in EXAMPLES.items()} == {name: name for name in EXAMPLES}


def test_no_example_has_a_shipped_name():
    assert not EXAMPLES.keys() & shipped().keys()
