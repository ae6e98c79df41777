"""Laws of credit per turn."""

from dataclasses import replace
from itertools import pairwise
from math import copysign

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.core.advantages.turns import bonus, relief, returns, share
from reward_service.core.profiles import shipped
from reward_service.core.profiles.bounds import bounds_of
from reward_service.core.rewards.maps import difference
from reward_service.core.scoring import reward
from reward_service.core.types import Estimator, Outcome, RolloutFacts, StateDifference, TurnRule
from tests.golden.test_methods import EXAMPLES
from tests.golden.turn_cases import VARIANTS

NUMBERS = st.integers(-20, 20).map(lambda n: n / 4)
TURNS = st.lists(st.none() | NUMBERS, min_size=1, max_size=6)
USES = st.lists(st.none() | st.integers(0, 4).map(lambda n: n / 4), min_size=1, max_size=6)
ADVANTAGES = st.integers(-12, 12).map(lambda n: n / 4)
ENTITIES = 5
NAMED = st.lists(st.sets(st.integers(0, ENTITIES - 1), max_size=3), min_size=1, max_size=6)
ROWS = st.tuples(st.sampled_from(Outcome), NAMED)
GROUPS = st.lists(ROWS, min_size=1, max_size=8)
PROFILES = {
    name: profile
    for name, profile in {**shipped(), **EXAMPLES, **VARIANTS}.items()
    if profile.reward.is_by_turn
}


def members(rows) -> list[RolloutFacts]:
    return [
        RolloutFacts(
            str(n),
            outcome=outcome,
            matched=len(set().union(*named)),
            entities=ENTITIES,
            turns=tuple((turn,) for turn in range(len(named))),
            entity_named=tuple(tuple(sorted(turn)) for turn in named),
        )
        for n, (outcome, named) in enumerate(rows)
    ]


def paid(facts, profile, **more):
    return reward(facts, profile, **more).rollouts


@given(
    rows=GROUPS,
    estimator=st.sampled_from(
        [None, Estimator("dr_grpo"), Estimator("rloo"), Estimator(floor="one_success")]
    ),
)
def test_by_turn_pays_what_egrpo_pays_and_the_first_turn_has_its_advantage(rows, estimator):
    turns = paid(members(rows), shipped()["egrpo-turn"], estimator=estimator)
    whole = paid(members(rows), shipped()["egrpo"], estimator=estimator)

    assert [one.reward for one in turns] == [one.reward for one in whole]
    assert [one.advantage for one in turns] == [one.advantage for one in whole]
    assert [one.turn_advantages[0] for one in turns] == pytest.approx(
        [one.advantage for one in whole], abs=1e-9
    )


@given(rows=GROUPS)
def test_a_correct_rollout_keeps_its_advantage_and_a_wrong_one_loses_credit_turn_by_turn(rows):
    for one in paid(members(rows), shipped()["egrpo-turn"]):
        turns = one.turn_advantages
        if one.outcome is Outcome.CORRECT:
            assert turns == pytest.approx([one.advantage] * len(turns), abs=1e-9)
        assert all(later <= earlier + 1e-9 for earlier, later in pairwise(turns))


@given(rows=GROUPS)
def test_uncredited_names_change_rewards_by_turn_as_they_change_egrpo(rows):
    facts = [
        replace(one, uncredited={"pasted": ENTITIES - one.matched} if one.matched < ENTITIES else {})
        for one in members(rows)
    ]
    turns, whole = (paid(facts, shipped()[name]) for name in ("egrpo-turn", "egrpo"))

    assert [one.reward_with_uncredited for one in turns] == [one.reward_with_uncredited for one in whole]


@given(rows=GROUPS)
def test_first_mentions_keep_every_sign_and_every_reward(rows):
    by_turn, whole = (paid(members(rows), shipped()[name]) for name in ("egrpo-first-mention", "egrpo"))

    for one, other in zip(by_turn, whole, strict=True):
        assert (one.reward, one.advantage) == (other.reward, other.advantage)
        assert all(x == 0 or copysign(1, x) == copysign(1, one.advantage) for x in one.turn_advantages)


def sent_with(rows, profile, data) -> list[RolloutFacts]:
    """The members, with everything that a trainer has to send under a profile."""
    return [_sent(one, profile, data) for one in members(rows)]


def _sent(one, profile, data) -> RolloutFacts:
    rows = {
        need.name: tuple(
            data.draw(
                st.lists(
                    st.none() | NUMBERS,
                    min_size=len(one.turns) + need.more,
                    max_size=len(one.turns) + need.more,
                )
            )
        )
        for need in profile.turn_needs
        if need.name not in {"entity_named", "anchor"}
    }
    states = st.lists(st.sampled_from("abc"), min_size=len(one.turns), max_size=len(one.turns))
    signals = {name: data.draw(st.floats(0, 1)) for name in profile.sent_signals}
    return replace(one, turn_signals=rows, signals=signals, anchor=tuple(data.draw(states)))


@pytest.mark.parametrize("name", sorted(PROFILES))
@settings(max_examples=10)
@given(rows=GROUPS, progress=st.floats(0, 1), data=st.data())
def test_the_order_of_rollouts_changes_no_bit_of_their_turns(name, rows, progress, data):
    facts = sent_with(rows, PROFILES[name], data)
    order = data.draw(st.permutations(range(len(facts))))

    straight = paid(facts, PROFILES[name], progress=progress)
    shuffled = paid([facts[n] for n in order], PROFILES[name], progress=progress)

    assert [straight[n] for n in order] == list(shuffled)


@pytest.mark.parametrize("name", sorted(PROFILES))
@settings(max_examples=10)
@given(rows=GROUPS, progress=st.floats(0, 1), data=st.data())
def test_every_turn_has_one_number_of_each_kind(name, rows, progress, data):
    profile = PROFILES[name]
    for one in paid(sent_with(rows, profile, data), profile, progress=progress):
        assert (one.turn_rewards is None) == (not profile.reward.pays_turns)
        assert one.turn_rewards is None or len(one.turn_rewards) == len(one.turns)
        assert (one.turn_advantages is None) == (profile.reward.turns.combine == "none")
        assert one.turn_advantages is None or len(one.turn_advantages) == len(one.turns)
        assert sum(one.components.values()) == pytest.approx(one.reward, abs=1e-9)


@pytest.mark.parametrize("name", sorted(PROFILES))
@settings(max_examples=10)
@given(rows=GROUPS, progress=st.floats(0, 1), data=st.data())
def test_no_reward_leaves_the_bounds_of_its_profile(name, rows, progress, data):
    for one in paid(sent_with(rows, PROFILES[name], data), PROFILES[name], progress=progress):
        low, high = bounds_of(PROFILES[name].reward, one.outcome)
        assert low - 1e-9 <= one.reward <= high + 1e-9


@given(states=st.lists(NUMBERS, min_size=2, max_size=8))
def test_gains_add_up_to_the_way_from_the_first_to_the_last_state(states):
    assert sum(difference(tuple(states), StateDifference("ends"))) == pytest.approx(states[-1] - states[0])


@given(turns=TURNS, discount=st.floats(0, 1))
def test_a_return_is_a_turns_number_and_the_discounted_rest(turns, discount):
    found = returns(turns, discount=discount)

    assert len(found) == len(turns)
    for n, x in enumerate(turns):
        later = found[n + 1] if n + 1 < len(turns) else 0.0
        assert found[n] == pytest.approx((x or 0.0) + discount * later)


@given(advantage=ADVANTAGES, turns=USES)
def test_no_scale_turns_a_sign_around(advantage, turns):
    scaled = [
        *bonus(TurnRule(unit=0.03, cap=0.1), advantage, turns),
        *share(TurnRule(), advantage, turns),
        *share(TurnRule(sharpness=3.0), advantage, turns),
        *relief(TurnRule(), advantage, turns),
    ]

    assert all(value == 0 or copysign(1, value) == copysign(1, advantage) for value in scaled)


@given(advantage=ADVANTAGES.filter(lambda a: a >= 0), turns=USES)
def test_shares_only_move_credit_between_search_turns(advantage, turns):
    *searching, answer = share(TurnRule(sharpness=2.0), advantage, turns)

    assert sum(searching) == pytest.approx(advantage * len(searching))
    assert answer == advantage
