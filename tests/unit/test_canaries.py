"""Golden groups."""

import copy
from dataclasses import replace

from reward_service.api import canaries
from reward_service.core.profiles import shipped
from reward_service.core.types import RewardSpec


def test_the_recorded_rewards_are_those_of_this_build():
    assert list(canaries.differences(shipped(), canaries.golden())) == []
    assert set(canaries.golden()) == set(shipped())


def test_the_golden_groups_hold_what_can_go_wrong():
    numbers = [group for one in canaries.golden().values() for group in one["groups"].values()]

    assert {0.0, 1.0, 0.3} <= {reward for group in numbers for reward in group["reward"]}
    assert any(len(set(group["reward"])) > 3 for group in numbers)


def test_one_other_bit_shows():
    changed = copy.deepcopy(dict(canaries.golden()))
    rewards = changed["egrpo"]["groups"]["first-forecast"]["advantage"]
    rewards[0] += 2**-52

    (found,) = canaries.differences(shipped(), changed)

    assert found == "profile egrpo gives the golden group first-forecast different rewards"


def test_another_profile_under_the_same_name_shows():
    other = replace(shipped()["egrpo"], reward=RewardSpec())

    found = list(canaries.differences({**shipped(), "egrpo": other}, canaries.golden()))

    assert found[0] == "profile egrpo has a different digest"


def test_a_missing_profile_shows():
    assert list(canaries.differences({}, {"x": {}})) == ["profile x is missing"]
