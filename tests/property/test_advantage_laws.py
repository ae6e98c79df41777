"""Laws every estimator obeys."""

import sys
from math import fsum, isfinite, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reward_service.core.advantages import ESTIMATORS, advantages
from reward_service.core.types import Estimator

NAMES = sorted(ESTIMATORS)
LEAVE_ONE_OUT = Estimator("leave_one_out_std")
REWARDS = st.lists(st.integers(-1000, 1000).map(lambda n: n / 100), min_size=1, max_size=16)
MASKED = st.lists(st.none() | st.integers(-1000, 1000).map(lambda n: n / 100), min_size=1, max_size=16)


@pytest.mark.parametrize("name", NAMES)
@given(rewards=MASKED, data=st.data())
def test_the_order_of_rollouts_changes_no_bit(name, rewards, data):
    order = data.draw(st.permutations(range(len(rewards))))

    straight = advantages(rewards, Estimator(name))
    shuffled = advantages([rewards[n] for n in order], Estimator(name))

    assert [straight[n] for n in order] == shuffled


@pytest.mark.parametrize("name", NAMES)
@given(rewards=REWARDS)
def test_advantages_are_finite_and_sum_to_zero(name, rewards):
    values = advantages(rewards, Estimator(name))

    assert all(isfinite(value) for value in values)
    # Each reward is divided by another spread there, so that they add up to nothing in particular.
    assert name == "leave_one_out_std" or sum(values) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", NAMES)
@given(rewards=REWARDS, shift=st.integers(-5, 5))
def test_a_shift_of_all_rewards_changes_nothing(name, rewards, shift):
    straight = advantages(rewards, Estimator(name))

    assert advantages([reward + shift for reward in rewards], Estimator(name)) == pytest.approx(
        straight, abs=1e-6
    )


@pytest.mark.parametrize("name", NAMES)
@given(rewards=MASKED)
def test_an_unscored_rollout_neither_votes_nor_gets_an_advantage(name, rewards):
    values = advantages(rewards, Estimator(name))
    scored = [reward for reward in rewards if reward is not None]

    assert [value is None for value in values] == [reward is None for reward in rewards]
    assert [value for value in values if value is not None] == advantages(scored, Estimator(name))


@pytest.mark.parametrize("name", NAMES)
@given(reward=st.floats(-1e6, 1e6), size=st.integers(1, 16))
def test_no_spread_means_exactly_zero(name, reward, size):
    assert advantages([reward] * size, Estimator(name)) == [0.0] * size


@given(rewards=REWARDS)
def test_rloo_is_dr_grpo_stretched(rewards):
    size = len(rewards)
    centred = advantages(rewards, Estimator("dr_grpo"))

    stretched = [value * size / (size - 1) if size > 1 else 0.0 for value in centred]
    assert advantages(rewards, Estimator("rloo")) == pytest.approx(stretched, abs=1e-9)


def plainly_left_out(rewards, estimator):
    """The formula of `leave_one_out_std` as it is written, one rollout at a time."""
    found = []
    for n, reward in enumerate(rewards):
        others = rewards[:n] + rewards[n + 1 :]
        mean = fsum(others) / len(others)
        std = sqrt(fsum((other - mean) ** 2 for other in others) / (len(others) - estimator.ddof))
        spread = 1.0 if max(others) == min(others) else std + estimator.epsilon
        found.append((reward - mean) / spread)
    return found


FEW = st.sampled_from([0.0, -0.0, 0.1, 0.3, 1.0, -1.0, 1 / 3])


@given(rewards=st.lists(FEW | st.floats(-2, 2), min_size=3, max_size=24))
def test_leaving_one_out_gives_the_bits_of_the_plain_formula(rewards):
    assume(max(rewards) != min(rewards))

    values = advantages(rewards, LEAVE_ONE_OUT)

    assert [value.hex() for value in values] == [
        value.hex() for value in plainly_left_out(rewards, LEAVE_ONE_OUT)
    ]


def test_equal_rewards_are_estimated_once(monkeypatch):
    module = sys.modules["reward_service.core.advantages.leave_one_out_std"]
    asked, against = [], module._against
    monkeypatch.setattr(module, "_against", lambda *given: asked.append(given[0]) or against(*given))

    advantages([0.0, 1.0, 0.3] * 500, LEAVE_ONE_OUT)

    assert sorted(asked) == [0.0, 0.3, 1.0]
