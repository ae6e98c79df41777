"""Trainers' own advantages, by hand."""

from math import sqrt

import pytest

from reward_service.core.advantages import PRESETS, advantages
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
