"""Filters of a profile: weights beside advantages."""

from reward_service.core.filters import weights
from reward_service.core.profiles import parse_profile
from reward_service.core.scoring import reward
from reward_service.core.types import Filter, Outcome, PartialPolicy, RolloutFacts, RolloutStatus


def facts(rollout_id, outcome=Outcome.WRONG, **more) -> RolloutFacts:
    return RolloutFacts(rollout_id, RolloutStatus.SCORED, **{"outcome": outcome, "matched": 0} | more)


def test_without_filters_every_scored_rollout_weighs_one():
    assert weights([], [0.5, None], [facts("0"), facts("1")]) == [1.0, None]
    assert weights([Filter("zero_spread")], [None], [facts("0")]) == [None]


def test_filters_multiply():
    members = [facts("0", Outcome.CORRECT), facts("1")]
    both = [Filter("zero_spread"), Filter("mean_range", high=0.4)]

    assert weights(both[:1], [1.0, 0.0], members) == [1.0, 1.0]
    assert weights(both, [1.0, 0.0], members) == [0.0, 0.0]


def test_a_filter_may_look_at_the_outcome_instead_of_the_reward():
    members, rewards = [facts("0"), facts("1")], [0.3, 0.0]

    assert weights([Filter("zero_spread")], rewards, members) == [1.0, 1.0]
    assert weights([Filter("zero_spread", of="outcome")], rewards, members) == [0.0, 0.0]


def test_the_weight_stands_beside_an_advantage_that_is_not_changed():
    plain = parse_profile("name: mine\n")
    filtered = parse_profile("name: mine\nfilters: [{type: mean_range, high: 0.4}]\n")
    members = [facts("0", Outcome.CORRECT), facts("1")]

    before, after = (reward(members, one).rollouts for one in (plain, filtered))

    assert [one.weight for one in before] == [1.0, 1.0]
    assert [one.weight for one in after] == [0.0, 0.0]
    assert [one.advantage for one in before] == [one.advantage for one in after]
    assert all(one.in_loss for one in after)


def test_a_rollout_without_the_signal_of_a_filter_is_unscored():
    profile = parse_profile("name: mine\nfilters: [{type: dagrpo, signal: quality, distance: 0.2}]\n")
    members = [facts("0", Outcome.CORRECT, signals={"quality": 0.9}), facts("1")]

    result = reward(members, profile, partial=PartialPolicy("survivors"))

    assert [one.status for one in result.rollouts] == ["scored", "signal_missing"]
    assert [one.weight for one in result.rollouts] == [0.0, None]


def test_rollouts_can_be_told_apart_by_a_measured_or_a_counted_signal():
    members = [
        facts("0", Outcome.CORRECT, matched=2, entities=4, measured={"f1": 1.0}),
        facts("1", matched=1, entities=4, measured={"f1": 0.9}),
    ]

    by_f1, by_entities = (Filter("dagrpo", signal=name, distance=0.2) for name in ("f1", "entity_match"))
    assert weights([by_f1], [1.0, 0.0], members) == [0.0, 0.0]
    assert weights([by_entities], [1.0, 0.0], members) == [1.0, 1.0]


def test_without_the_quantity_there_is_nothing_to_tell_rollouts_apart_by():
    members = [
        facts(name, outcome, measured={"answer_seen": None})
        for name, outcome in zip("01", Outcome, strict=False)
    ]

    assert weights([Filter("dagrpo", signal="answer_seen", distance=0.5)], [1.0, 0.0], members) == [1.0, 1.0]
