"""Laws of the reward algebra."""

from dataclasses import replace

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from reward_service.core.advantages import advantages
from reward_service.core.profiles import shipped
from reward_service.core.profiles.bounds import bounds_of
from reward_service.core.scoring import reward
from reward_service.core.signals import signals_of
from reward_service.core.types import Estimator, Gate, Outcome, RolloutFacts
from tests.golden.test_methods import EXAMPLES

# Those that pay by turn have laws of their own.
PROFILES = {name: one for name, one in {**shipped(), **EXAMPLES}.items() if not one.reward.is_by_turn}
OF_EACH = 40  # examples of each of some forty profiles, which share their code
ROWS = st.tuples(st.sampled_from(Outcome), st.integers(0, 6), st.integers(0, 9))
GROUPS = st.lists(ROWS, min_size=1, max_size=12)


def members(rows) -> list[RolloutFacts]:
    return [
        RolloutFacts(str(n), outcome=outcome, matched=matched, entities=6, mentions=matched + more)
        for n, (outcome, matched, more) in enumerate(rows)
    ]


def paid(rows, profile, **more):
    return [one.reward for one in reward(members(rows), PROFILES[profile], **more).rollouts]


def solved(rows) -> bool:
    return any(outcome is Outcome.CORRECT for outcome, _, _ in rows)


@given(rows=GROUPS)
def test_rescue_is_grpo_in_solved_groups_and_egrpo_in_the_others(rows):
    assert paid(rows, "egrpo-rescue") == paid(rows, "grpo-equal" if solved(rows) else "egrpo")


@given(rows=GROUPS)
def test_decay_begins_as_egrpo_and_ends_as_grpo(rows):
    assert paid(rows, "egrpo-decay", progress=0.0) == paid(rows, "egrpo")
    assert paid(rows, "egrpo-decay", progress=1.0) == paid(rows, "grpo-equal")


@given(rows=GROUPS)
def test_the_best_of_the_others_is_egrpo_unless_one_rollout_alone_named_anything(rows):
    alone = sum(matched > 0 for _, matched, _ in rows) == 1

    assert alone or paid(rows, "egrpo-loo") == paid(rows, "egrpo")


@given(rows=GROUPS)
def test_a_floor_pays_the_same_and_only_shrinks_advantages(rows):
    floored, plain = (
        reward(members(rows), PROFILES["egrpo"], estimator=one).rollouts for one in (None, Estimator())
    )

    assert [one.reward for one in floored] == [one.reward for one in plain]
    assert all(abs(one.advantage) <= abs(other.advantage) for one, other in zip(floored, plain, strict=True))


@given(rows=GROUPS)
def test_outcomes_alone_are_never_below_the_floor(rows):
    floored, plain = (reward(members(rows), PROFILES[name]).rollouts for name in ("grpo-equal", "grpo"))

    assert [one.advantage for one in floored] == pytest.approx([one.advantage for one in plain], rel=1e-12)


@given(rows=GROUPS)
def test_a_gate_by_group_pays_as_without_it_if_any_rollout_passes_and_nothing_otherwise(rows):
    plain = PROFILES["egrpo"]
    [term] = plain.reward.terms
    gated = replace(term, gates=(Gate("entity_match", ">=", 0.5, by="group"),))
    shut = replace(term, weight=0.0)
    passes = any(matched >= 3 for _, matched, _ in rows)

    found, expected = (
        reward(members(rows), replace(plain, reward=replace(plain.reward, terms=(one,))))
        for one in (gated, term if passes else shut)
    )
    assert found.rollouts == expected.rollouts


def sent_with(rows, profile, data) -> list[RolloutFacts]:
    """The members, with numbers in [0, 1] under every name that the profile reads."""
    names = [*signals_of(profile.reward), *(one.signal for one in profile.filters)]
    numbers = st.fixed_dictionaries(dict.fromkeys(names, st.floats(0, 1)))
    return [
        replace(one, length=data.draw(st.integers(1, 30000)), signals=data.draw(numbers))
        for one in members(rows)
    ]


@pytest.mark.parametrize("name", sorted(PROFILES))
@settings(max_examples=OF_EACH)
@given(rows=GROUPS, progress=st.floats(0, 1), data=st.data())
def test_no_reward_leaves_the_bounds_of_its_profile(name, rows, progress, data):
    facts = sent_with(rows, PROFILES[name], data)

    for one in reward(facts, PROFILES[name], progress=progress).rollouts:
        low, high = bounds_of(PROFILES[name].reward, one.outcome)
        assert low - 1e-9 <= one.reward <= high + 1e-9


@pytest.mark.parametrize("name", sorted(PROFILES))
@settings(max_examples=OF_EACH)
@given(rows=GROUPS, progress=st.floats(0, 1), data=st.data())
def test_the_order_of_rollouts_changes_no_bit_under_any_profile(name, rows, progress, data):
    facts = sent_with(rows, PROFILES[name], data)
    order = data.draw(st.permutations(range(len(facts))))

    straight = reward(facts, PROFILES[name], progress=progress).rollouts
    shuffled = reward([facts[n] for n in order], PROFILES[name], progress=progress).rollouts

    assert [straight[n] for n in order] == list(shuffled)


@pytest.mark.parametrize("name", sorted(PROFILES))
@settings(max_examples=OF_EACH)
@given(rows=GROUPS, progress=st.floats(0, 1), data=st.data())
def test_an_estimator_changes_advantages_and_no_reward(name, rows, progress, data):
    facts = sent_with(rows, PROFILES[name], data)
    others = [Estimator("dr_grpo"), Estimator("rloo"), Estimator("grpo", floor="one_success")]
    plain = reward(facts, PROFILES[name], progress=progress, estimator=Estimator()).rollouts

    for other in others:
        found = reward(facts, PROFILES[name], progress=progress, estimator=other).rollouts
        rewards = [one.reward for one in found]
        assert rewards == [one.reward for one in plain]
        assert [one.advantage for one in found] == advantages(rewards, other)
