"""Trainers' own advantages, by hand."""

from math import sqrt

import pytest

from reward_service.core.advantages import PRESETS, advantages, overridden
from reward_service.core.types import Estimator

REWARDS = [1.0, 0.0, 0.15, 0.3]


def test_leave_one_out_std_by_hand():
    first, *_ = advantages(REWARDS, PRESETS["nemo_rl"])

    assert first == pytest.approx((1.0 - 0.15) / (0.15 + 1e-6))


def test_leave_one_out_std_does_not_divide_by_nothing():
    assert advantages([1.0, 0.0, 0.0], Estimator("leave_one_out_std")) == pytest.approx(
        [1.0, -0.5 / (sqrt(0.5) + 1e-6), -0.5 / (sqrt(0.5) + 1e-6)]
    )
    assert advantages([1.0, 0.0], Estimator("leave_one_out_std")) == [1.0, -1.0]


def test_open_instruct_divides_by_the_spread_of_the_population():
    mean = sum(REWARDS) / 4
    std = sqrt(sum((reward - mean) ** 2 for reward in REWARDS) / 4)

    assert advantages(REWARDS, PRESETS["open_instruct"])[0] == pytest.approx((1.0 - mean) / (std + 1e-8))


STEADY = Estimator("grpo", epsilon=1e-4, floor="one_success")


def test_an_override_of_the_same_type_keeps_what_it_does_not_name():
    assert overridden(STEADY, {"type": "grpo", "ddof": 0}) == Estimator("grpo", 0, 1e-4, "one_success")
    assert overridden(STEADY, {"floor": None}) == Estimator("grpo", epsilon=1e-4)


def test_an_override_of_another_type_replaces_the_estimator():
    assert overridden(STEADY, {"type": "rloo"}) == Estimator("rloo")


def test_no_override_keeps_the_profiles_estimator():
    assert overridden(STEADY, None) is STEADY
