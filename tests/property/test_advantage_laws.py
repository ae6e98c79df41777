"""Laws every estimator obeys."""

import sys
from math import fsum, isfinite, sqrt

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from reward_service.core.advantages import ESTIMATORS, advantages
from reward_service.core.types import Estimator, Outcome, RolloutFacts

# Those that read rewards alone, and those that also leave a group at zero in sum and do not care where zero is.
NAMES = sorted(name for name, rule in ESTIMATORS.items() if not rule.needs)
CENTRED = sorted(set(NAMES) - {"leave_one_out_std", "maxrl", "pass_at_k"})
SHIFTED = sorted(set(NAMES) - {"maxrl"})
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
def test_advantages_are_finite(name, rewards):
    assert all(isfinite(value) for value in advantages(rewards, Estimator(name)))


@pytest.mark.parametrize("name", CENTRED)
@given(rewards=REWARDS)
def test_advantages_sum_to_zero(name, rewards):
    assert sum(advantages(rewards, Estimator(name))) == pytest.approx(0, abs=1e-6)


@pytest.mark.parametrize("name", SHIFTED)
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


@given(rewards=REWARDS, floor=st.floats(0, 10))
def test_a_floor_only_shrinks_and_a_low_one_changes_no_bit(rewards, floor):
    plain = advantages(rewards, Estimator())
    floored = advantages(rewards, Estimator(floor=floor))

    assert all(abs(less) <= abs(more) for less, more in zip(floored, plain, strict=True))
    assert advantages(rewards, Estimator(floor=0.0)) == plain


@given(size=st.integers(2, 16), ddof=st.sampled_from([0, 1]))
def test_the_floor_of_one_success_is_the_spread_of_one_success(size, ddof):
    rewards = [1.0, *[0.0] * (size - 1)]

    floored = advantages(rewards, Estimator(ddof=ddof, floor="one_success"))

    assert floored == pytest.approx(advantages(rewards, Estimator(ddof=ddof)), rel=1e-12)


@given(rewards=REWARDS)
def test_equal_lengths_make_opo_dr_grpo(rewards):
    facts = [RolloutFacts(str(n), length=7) for n in range(len(rewards))]

    assert advantages(rewards, Estimator("opo"), facts=facts) == pytest.approx(
        advantages(rewards, Estimator("dr_grpo")), abs=1e-9
    )


@given(rewards=REWARDS)
def test_one_tree_counts_the_group_twice(rewards):
    facts = [RolloutFacts(str(n), tree="root") for n in range(len(rewards))]

    twice = [2 * value for value in advantages(rewards, Estimator())]
    assert advantages(rewards, Estimator("tree_grpo"), facts=facts) == twice


@pytest.mark.parametrize("name", ["raft", "reinforce_rej", "disco_b"])
@given(outcomes=st.lists(st.sampled_from(Outcome), min_size=1, max_size=16), data=st.data())
def test_what_reads_the_outcome_ignores_the_reward(name, outcomes, data):
    facts = [RolloutFacts(str(n), outcome=outcome) for n, outcome in enumerate(outcomes)]
    some, others = (
        data.draw(st.lists(st.floats(-1, 1), min_size=len(facts), max_size=len(facts))) for _ in range(2)
    )

    assert advantages(some, Estimator(name), facts=facts) == advantages(others, Estimator(name), facts=facts)
