"""Methods that pay by turn as profiles: rewards and advantages of turns, against numbers from another program."""

from dataclasses import replace

import pytest

from reward_service.core.profiles import as_yaml, parse_profile
from reward_service.core.scoring import reward
from reward_service.core.types import PartialPolicy
from tests.golden.turn_cases import FILE, VARIANTS, facts_of, profile_of

COLUMNS = {
    "reward": "reward",
    "advantage": "advantage",
    "turn_reward": "turn_rewards",
    "turn_advantage": "turn_advantages",
}
FLOORED = [case for case in FILE["cases"] if "floored" in case]


def paid(case, **more):
    partial = PartialPolicy("survivors")
    progress = case.get("progress")
    return reward(facts_of(case), profile_of(case), partial=partial, progress=progress, **more).rollouts


def close(found, expected):
    """Whether numbers agree within the tolerance that the file states, nested alike; null says nothing of a number."""
    if isinstance(expected, list):
        return len(found) == len(expected) and all(map(close, found, expected))
    return expected is None or found == pytest.approx(expected, rel=FILE["relative"], abs=FILE["absolute"])


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: f"{case['profile']}-{case['name']}")
def test_a_profile_pays_the_turns_what_its_method_pays(case):
    rollouts = paid(case, estimator=replace(profile_of(case).estimator, floor=None))

    for column, field in COLUMNS.items():
        if column in case:
            found = [getattr(one, field) for one in rollouts]
            assert close(found, case[column]), (column, found, case[column])


@pytest.mark.parametrize("case", FLOORED, ids=lambda case: f"{case['profile']}-{case['name']}")
def test_turns_are_divided_by_at_least_the_std_of_one_success(case):
    rollouts = paid(case)

    assert close([one.reward for one in rollouts], case["reward"])
    assert close([one.turn_advantages for one in rollouts], case["floored"])


@pytest.mark.parametrize("case", FILE["cases"], ids=lambda case: f"{case['profile']}-{case['name']}")
def test_an_unscored_member_has_no_numbers(case):
    for one, sent in zip(paid(case), case["rollouts"], strict=True):
        numbers = (one.reward, one.advantage, one.turn_rewards, one.turn_advantages)
        assert (sent["outcome"] is None) == (numbers == (None, None, None, None))


@pytest.mark.parametrize("name", VARIANTS)
def test_a_variant_can_be_written_as_a_profile(name):
    profile = VARIANTS[name]

    assert parse_profile(as_yaml(profile)) == profile
