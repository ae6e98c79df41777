"""Laws of credit per turn."""

from math import copysign

import pytest
from hypothesis import given
from hypothesis import strategies as st

from reward_service.core.advantages import advantages
from reward_service.core.advantages.turns import (
    bonus,
    difference,
    joint,
    relief,
    returns,
    share,
    standardized_turns,
)
from reward_service.core.types import Estimator

NUMBERS = st.integers(-20, 20).map(lambda n: n / 4)
TURNS = st.lists(st.none() | NUMBERS, min_size=1, max_size=6)
USES = st.lists(st.none() | st.integers(0, 4).map(lambda n: n / 4), min_size=1, max_size=6)
ADVANTAGES = st.integers(-12, 12).map(lambda n: n / 4)


@given(group=st.lists(TURNS, min_size=1, max_size=8), floor=st.none() | st.just("one_success"))
def test_the_first_turn_has_the_rollouts_own_advantage(group, floor):
    estimator = Estimator(floor=floor)
    rewards = [sum(x or 0.0 for x in turns) for turns in group]

    firsts = [turns[0] for turns in joint(group, rewards, estimator, discount=1.0)]

    assert firsts == pytest.approx(advantages(rewards, estimator), abs=1e-9)


@given(states=st.lists(NUMBERS, min_size=2, max_size=8))
def test_gains_add_up_to_the_way_from_the_first_to_the_last_state(states):
    assert sum(difference(states, at="ends")) == pytest.approx(states[-1] - states[0])


@given(turns=TURNS, discount=st.floats(0, 1))
def test_a_return_is_a_turns_number_and_the_discounted_rest(turns, discount):
    found = returns(turns, discount=discount)

    assert len(found) == len(turns)
    for n, x in enumerate(turns):
        later = found[n + 1] if n + 1 < len(turns) else 0.0
        assert found[n] == pytest.approx((x or 0.0) + discount * later)


@given(group=st.lists(TURNS, max_size=8))
def test_z_scores_keep_every_gap_and_sum_to_zero(group):
    found = standardized_turns(group, Estimator())

    assert [[x is None for x in turns] for turns in found] == [[x is None for x in turns] for turns in group]
    assert sum(x for turns in found for x in turns if x is not None) == pytest.approx(0, abs=1e-6)


@given(advantage=ADVANTAGES, turns=USES)
def test_no_scale_turns_a_sign_around(advantage, turns):
    scaled = [
        *bonus(advantage, turns, unit=0.03, cap=0.1),
        *share(advantage, turns),
        *share(advantage, turns, sharpness=3.0),
        *relief(advantage, turns),
    ]

    assert all(value == 0 or copysign(1, value) == copysign(1, advantage) for value in scaled)


@given(advantage=ADVANTAGES.filter(lambda a: a >= 0), turns=USES)
def test_shares_only_move_credit_between_search_turns(advantage, turns):
    *searching, answer = share(advantage, turns, sharpness=2.0)

    assert sum(searching) == pytest.approx(advantage * len(searching))
    assert answer == advantage
