"""Profiles that pay by turn: what they may not say, and facts that cannot be paid."""

import pytest

from reward_service.core.advantages import check_one_group
from reward_service.core.advantages.turns import PaidGroup, check_turn_rule, joint
from reward_service.core.profiles import parse_profile, shipped
from reward_service.core.profiles.formula import formula
from reward_service.core.scoring import check_facts, reward
from reward_service.core.signals.by_turn import TurnNeed, turn_defect
from reward_service.core.types import Estimator, Outcome, RolloutFacts, TurnRule

TERM = "turn_terms: [{signal: x, map: [{difference: {at: ends}}]}]"


def facts(*named, outcome=Outcome.WRONG, **more) -> RolloutFacts:
    given = {
        "matched": len(set().union(*named)),
        "entities": 3,
        "turns": tuple((n,) for n in range(len(named))),
        "entity_named": named,
    }
    return RolloutFacts("0", outcome=outcome, **(given | more))


@pytest.mark.parametrize(
    ("reward", "why"),
    [
        ("turns: {combine: best}", "turns must be one of none, return joint, .* got best"),
        ("turns: {combine: return, statistics: both}", "got return both"),
        ("turns: {combine: add, rule: bonus}", "got add bonus"),
        ("turns: {combine: scale}", "got scale"),
        ("turns: {combine: scale, rule: relief}", "signal is missing: relief reads a signal of turns"),
        ("turns: {discount: 0.9}", "discount has no effect on none"),
        ("turns: {combine: return, weight: 2}", "weight has no effect on return joint, got 2.0"),
        ("turns: {combine: add, statistics: separate}", "statistics has no effect on add"),
        ("turns: {combine: return, discount: 1.5}", r"discount must be in \[0, 1\], got 1.5"),
        ("turns: {combine: scale, rule: bonus, signal: x, cap: 1}", r"cap must be in \[0, 1\), got 1.0"),
        ("turns: {combine: add, rule: lookahead, horizon: 0}", "horizon must be at least 1, got 0"),
        ("turns: {combine: add, weight: [[1, 0], [0, 1]]}", "turns.weight must be in the order of x"),
        ("turn_terms: [{signal: entity_match}]", "has one number per rollout, so it belongs in terms"),
        ("turn_terms: [{signal: x, normalize: group_z}]", "group_z needs turns that stand apart"),
        (
            "turn_terms: [{signal: x, normalize: group_max_others}]",
            "normalize must be one of none, group_max",
        ),
        ("terms: [{signal: x, normalize: positives}]", "normalize must be one of none, group_max"),
        ("terms: [{signal: x}], turn_terms: [{signal: x}]", "must have different names"),
        ("terms: [{signal: entity_new}]", "has one number per turn, so it belongs in turn_terms"),
        ("terms: [{signal: x, map: [{difference: {at: before}}]}]", "a difference is for turns"),
        ("turn_terms: [{signal: x, map: [{clip: [0, 1]}, {difference: {at: before}}]}]", "must come first"),
        (
            "turn_terms: [{signal: x, map: [{difference: {at: noon}}]}]",
            "at must be one of before, after, ends",
        ),
        ("turn_terms: [{signal: x, map: [{difference: {at: ends, discount: 2}}]}]", "discount must be in"),
        (
            "turn_terms: [{signal: x, map: [{difference: {at: ends, start: 2}}]}]",
            "start has no effect with ends",
        ),
        (
            f"{TERM}, turns: {{combine: scale, rule: share, signal: x}}",
            "x cannot have both T and T . 1 values",
        ),
    ],
)
def test_a_profile_that_cannot_be_paid_by_turn_is_refused(reward, why):
    with pytest.raises(ValueError, match=why):
        parse_profile(f"name: mine\nreward: {{{reward}}}\n")


def test_an_estimator_that_a_rule_cannot_use_is_refused():
    with pytest.raises(ValueError, match="divides a group by one number, which maxrl does not"):
        parse_profile("name: mine\nreward: {turns: {combine: return}}\nestimator: {type: maxrl}\n")
    with pytest.raises(ValueError, match="which maxrl does not"):
        reward([facts((0,)), facts(())], shipped()["egrpo-turn"], estimator=Estimator("maxrl"))
    with pytest.raises(ValueError, match="only POST /v1/groups/score and POST /v1/rewards have"):
        check_one_group("gdpo")


@pytest.mark.parametrize("rule", ["first", "anchor"])
def test_a_rule_that_estimates_within_a_group_refuses_an_estimator_over_the_batch(rule):
    with pytest.raises(ValueError, match="estimates within one group, which gdpo cannot"):
        check_turn_rule(TurnRule("add", rule=rule), Estimator("gdpo"))


@pytest.mark.parametrize("estimator", ["dr_grpo", "rloo", "opo"])
def test_estimators_that_only_centre_compare_returns_as_they_are(estimator):
    group = [facts((0,), (1,), length=10), facts((), length=10)]
    one, other = reward(group, shipped()["egrpo-turn"], estimator=Estimator(estimator)).rollouts

    assert one.turn_advantages[0] == pytest.approx(one.advantage)
    assert one.turn_advantages[0] - one.turn_advantages[1] == pytest.approx(0.15)
    assert other.turn_advantages == (other.advantage,)


def test_a_pruning_rate_is_a_share():
    with pytest.raises(ValueError, match=r"filters\[0\].rate must be above 0 and below 1, got 1.0"):
        parse_profile("name: mine\nfilters: [{type: dppo, rate: 1}]\n")


def test_a_rule_is_in_the_formula():
    rule = "turns: {combine: add, rule: lookahead, weight: [[0, 1], [1, 0]], horizon: 2}"
    profile = parse_profile(f"name: mine\nreward: {{turn_terms: [{{signal: x, when: any}}], {rule}}}\n")

    assert formula(profile) == (
        "R = [correct]; r = x [any]; A = grpo; A_t = add lookahead(weight [0, 1][1, 0], horizon 2)"
    )


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (facts((0,), (), turns=((0,),)), "entity_named must have one list for each of 1 turns"),
        (facts((0,), (1,), matched=1), "entity_named names 2 entities, but matched is 1"),
        (facts((), signals={"x": float("nan")}), "signals must have finite numbers only"),
        (facts((), turn_signals={"x": (None, float("inf"))}), "x must have finite numbers only"),
    ],
)
def test_facts_that_contradict_themselves_are_refused(one, why):
    with pytest.raises(ValueError, match=why):
        check_facts([one])
    with pytest.raises(ValueError, match=why):
        reward([one], shipped()["egrpo-turn"])


def test_a_profile_that_reads_no_turns_does_not_look_at_them():
    one = facts((0,), (1,), matched=1, turn_signals={"x": (None, float("inf"))})

    [paid] = reward([one], shipped()["egrpo"]).rollouts

    assert paid.reward == 0.3


def test_without_entities_there_is_no_part_to_pay_by_turn():
    [one] = reward([facts((), (), entities=0, outcome=Outcome.CORRECT)], shipped()["egrpo-turn"]).rollouts

    assert (one.components, one.turn_rewards, one.turn_advantages) == ({"base": 1.0}, (None, 1.0), (0.0, 0.0))


@pytest.mark.parametrize(
    ("one", "why"),
    [
        (facts((0,)), None),
        (facts((0,), turns=()), "does not say which segments belong to which turn"),
        (facts((0,), entity_named=()), "needs the turn signal entity_named, which the rollout does not have"),
        (
            facts((0,), (), entity_named=((0,),)),
            "entity_named must have 2 values, as the rollout has 2 turns, and has 1",
        ),
    ],
)
def test_what_a_rollout_lacks_is_said(one, why):
    found = turn_defect(one, [TurnNeed("entity_named")])

    assert found is None if why is None else why in found


def test_a_rule_with_joint_statistics_needs_one_divisor():
    group = PaidGroup([], [1.0, 0.0], [1.0, 0.0], [(1.0,), (0.0,)], [], [], Estimator("maxrl"))

    with pytest.raises(ValueError, match="which maxrl does not"):
        joint(TurnRule("return"), group)
