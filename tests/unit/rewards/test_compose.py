"""The table of rewards: rows, columns, conditions."""

from dataclasses import replace

import pytest

from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.rewards.compose import components
from reward_service.core.scoring import evaluate, measure, reward, reward_alone
from reward_service.core.signals import Share, cell_of, lacks, ratio, sent, signals_of
from reward_service.core.types import (
    Base,
    Gate,
    Map,
    Outcome,
    PartialPolicy,
    RewardSpec,
    Rollout,
    RolloutFacts,
    RolloutStatus,
    Steps,
    Term,
)

BREVITY = RewardSpec((Term("brevity", 0.5, normalize="group_max", when="completed"),))
OWN_SIGNAL = Profile("mine", reward=BREVITY)


def facts(rollout_id, outcome=Outcome.WRONG, matched=0, entities=4, **signals) -> RolloutFacts:
    return RolloutFacts(
        rollout_id, RolloutStatus.SCORED, outcome=outcome, matched=matched, entities=entities, signals=signals
    )


def test_a_share_is_divided_once():
    assert ratio(Share(3, 7), Share(6, 7)) == 0.5
    assert ratio(Share(1, 3), Share(1, 2)) == 2 / 3
    assert ratio(Share(0, 7), Share(0, 7)) == 0.0


def test_a_float_is_compared_as_it_is():
    assert ratio(0.2, 0.8) == 0.25
    assert ratio(0.0, 0.0) == 0.0


def test_entity_match_is_a_share_and_absent_without_entities():
    assert cell_of("entity_match", facts("0", matched=3)) == Share(3, 4)
    assert cell_of("entity_match", facts("0", entities=0)) is None


def test_every_name_that_is_not_measured_comes_with_the_rollout():
    assert sent(["entity_match", "brevity"]) == ["brevity"]
    assert cell_of("brevity", facts("0", brevity=0.7)) == 0.7


def test_the_normaliser_sees_every_row_and_the_condition_decides_who_is_paid():
    spec = RewardSpec((Term("entity_match", 0.3, normalize="group_max", when="wrong"),))

    rows = components(
        spec, [facts("0", Outcome.CORRECT, 4), facts("1", matched=1), facts("2", Outcome.ERROR, 2)]
    )

    assert rows == [
        {"base": 1.0, "entity_match": 0.0},
        {"base": 0.0, "entity_match": 0.3 * 0.25},
        {"base": 0.0, "entity_match": 0.0},
    ]


def test_a_trainers_own_signal_is_paid_beside_the_outcome():
    result = reward([facts("0", Outcome.CORRECT, brevity=0.4), facts("1", brevity=0.8)], OWN_SIGNAL)

    assert [one.components for one in result.rollouts] == [
        {"base": 1.0, "brevity": 0.25},
        {"base": 0.0, "brevity": 0.5},
    ]


def test_a_rollout_without_a_signal_that_is_paid_for_is_unscored_and_has_no_vote():
    members = [facts("0", brevity=0.4), facts("1"), facts("2", brevity=0.1)]

    result = reward(members, OWN_SIGNAL, partial=PartialPolicy("survivors"))

    assert [one.reward for one in result.rollouts] == [0.5, None, 0.125]
    assert result.rollouts[1].status is RolloutStatus.SIGNAL_MISSING
    assert "brevity" in result.rollouts[1].detail


def test_a_missing_signal_is_seen_when_the_rollout_is_measured():
    rollout = Rollout("0", Steps(()), outcome=Outcome.WRONG)

    assert measure(rollout, Question("Who?"), OWN_SIGNAL).status is RolloutStatus.SIGNAL_MISSING
    assert reward_alone(facts("0"), OWN_SIGNAL, best=0).reward is None


def test_what_is_unscored_already_keeps_its_reason():
    aborted = RolloutFacts("0", RolloutStatus.ABORTED, entities=4, detail="sampling was aborted")

    [one] = reward([aborted], OWN_SIGNAL).rollouts

    assert (one.status, one.detail) == (RolloutStatus.ABORTED, "sampling was aborted")


@pytest.mark.parametrize(("outcome", "worth"), [(Outcome.CORRECT, 1.0), (Outcome.WRONG, 0.0)])
def test_an_evaluation_pays_the_outcome_and_needs_no_signal(outcome, worth):
    rollout = Rollout("0", Steps(()), outcome=outcome)

    result = evaluate(measure(rollout, Question("Who?"), OWN_SIGNAL), OWN_SIGNAL)

    assert (result.status, result.reward, result.detail) == (RolloutStatus.SCORED, worth, None)


def column(*members, **term) -> list[float]:
    """Return the part of one term for each rollout; its signal is `x` unless another one is named."""
    spec = RewardSpec((Term(**{"signal": "x", "name": "part"} | term),))
    return [row["part"] for row in components(spec, members)]


ALL = [facts(str(n), outcome, x=1.0) for n, outcome in enumerate(Outcome)]


@pytest.mark.parametrize(
    ("when", "solved", "unsolved"),
    [
        ("completed", [1, 1, 0], [1, 0]),
        ("correct", [1, 0, 0], [0, 0]),
        ("wrong", [0, 1, 0], [1, 0]),
        ("unsolved", [0, 0, 0], [1, 0]),
        ("any", [1, 1, 1], [1, 1]),
    ],
)
def test_a_condition_pays_these_of_correct_wrong_and_error(when, solved, unsolved):
    assert column(*ALL, when=when) == solved
    assert column(*ALL[1:], when=when) == unsolved


@pytest.mark.parametrize(
    ("op", "paid"), [(">", [0, 0, 1]), (">=", [0, 1, 1]), ("<", [1, 0, 0]), ("<=", [1, 1, 0])]
)
def test_a_gate_compares_with_its_value(op, paid):
    members = [facts(str(n), x=1.0, y=y) for n, y in enumerate((0.2, 0.25, 0.3))]

    assert column(*members, gates=(Gate("y", op, 0.25),)) == paid


def test_all_gates_have_to_hold():
    members = [facts(str(n), x=1.0, y=y, z=z) for n, (y, z) in enumerate([(1, 1), (1, 0), (0, 1)])]

    assert column(*members, gates=(Gate("y", ">", 0), Gate("z", ">", 0))) == [1, 0, 0]


def test_a_gate_on_a_signal_that_the_question_does_not_have_is_shut():
    assert column(facts("0", entities=0, x=1.0), gates=(Gate("entity_match", ">=", 0.0),)) == [0.0]


def test_a_gate_by_group_is_open_for_all_if_one_rollout_passes():
    seen = (Gate("y", ">=", 1, by="group"),)

    assert column(*[facts(str(n), x=1.0, y=y) for n, y in enumerate((0, 1, 0))], gates=seen) == [1, 1, 1]
    assert column(*[facts(str(n), x=1.0, y=0) for n in range(3)], gates=seen) == [0, 0, 0]


def test_a_rollout_that_is_not_paid_can_open_a_gate_by_group():
    members = [facts("0", Outcome.ERROR, x=1.0, y=1), facts("1", x=1.0, y=0)]

    assert column(*members, gates=(Gate("y", ">", 0, by="group"),)) == [0, 1]


def test_different_rollouts_may_pass_different_gates_by_group():
    members = [facts(str(n), x=1.0, y=y, z=1 - y) for n, y in enumerate((0, 1))]

    assert column(*members, gates=(Gate("y", ">", 0, by="group"), Gate("z", ">", 0, by="group"))) == [1, 1]
    assert column(*members, gates=(Gate("y", ">", 0, by="group"), Gate("z", ">", 0))) == [1, 0]


def test_without_its_group_a_rollout_with_a_gate_by_group_is_pending():
    term = Term("entity_match", 0.3, "group_max", "wrong", gates=(Gate("answered", ">", 0, by="group"),))
    alone = facts("0", matched=1)

    assert reward_alone(alone, Profile("mine", reward=RewardSpec((term,))), best=2).status == "pending"
    by_itself = replace(term, gates=())
    assert reward_alone(alone, Profile("mine", reward=RewardSpec((by_itself,))), best=2).reward == 0.15


def test_gated_and_unpaid_rows_still_have_a_vote():
    members = [facts("0", Outcome.CORRECT, x=4.0), facts("1", x=2.0), facts("2", Outcome.ERROR, x=8.0)]

    assert column(*members, normalize="group_max", when="wrong") == [0.0, 0.25, 0.0]


def test_the_best_of_the_others_divides_up_to_one():
    members = [facts(str(n), matched=matched) for n, matched in enumerate((4, 2, 1))]

    assert column(*members, signal="entity_match", normalize="group_max_others") == [1.0, 0.5, 0.25]


def test_a_lone_matcher_keeps_its_raw_rate():
    members = [facts(str(n), matched=matched) for n, matched in enumerate((3, 0, 0))]

    assert column(*members, signal="entity_match", normalize="group_max_others") == [0.75, 0.0, 0.0]
    assert column(facts("0", matched=3), signal="entity_match", normalize="group_max_others") == [0.75]


def test_z_scores_of_equal_values_are_zero():
    assert column(*[facts(str(n), x=0.3) for n in range(3)], normalize="group_z") == [0.0, 0.0, 0.0]
    assert sum(column(*[facts(str(n), x=float(n)) for n in range(3)], normalize="group_z")) == 0.0


def test_a_best_below_zero_divides_nothing():
    assert column(facts("0", x=-1.0), facts("1", x=-2.0), normalize="group_max") == [0.0, 0.0]


def test_a_map_comes_before_the_normaliser():
    members = [facts("0", x=50.0), facts("1", x=5.0)]

    assert column(*members, map=(Map(clip=(0.0, 10.0)),), normalize="group_max") == [1.0, 0.5]


def test_a_part_of_nothing_is_not_negative_zero():
    assert str(column(facts("0", x=0.0), weight=-1.0)) == "[0.0]"


def test_the_base_pays_each_outcome():
    spec = RewardSpec(base=Base(correct=0.7, wrong=0.1, error=-1.0))

    assert [row["base"] for row in components(spec, ALL)] == [0.7, 0.1, -1.0]


def test_gates_name_signals_too_and_each_name_comes_once():
    spec = RewardSpec((Term("x", gates=(Gate("y", ">", 0),)), Term("y"), Term("x", name="again")))

    assert signals_of(spec) == ["x", "y"]


def test_the_length_is_a_signal_that_is_sent_in_its_own_field():
    long = RolloutFacts("0", RolloutStatus.SCORED, outcome=Outcome.WRONG, matched=0, length=7)

    assert sent(["length", "entity_f"]) == ["length"]
    assert cell_of("length", long) == 7
    assert (lacks(long, "length"), lacks(facts("0"), "length")) == (False, True)


def test_the_f_score_counts_what_was_named_in_vain():
    few = RolloutFacts("0", matched=2, entities=4, mentions=2)
    many = RolloutFacts("0", matched=2, entities=4, mentions=12)

    assert (cell_of("entity_f", few), cell_of("entity_f", many)) == (Share(4, 6), Share(4, 16))
    assert cell_of("entity_f", RolloutFacts("0", entities=0)) is None


@pytest.mark.parametrize(
    "term",
    [
        Term("entity_match", when="unsolved"),
        Term("entity_match", normalize="group_z"),
        Term("x", normalize="group_max"),
        Term("entity_match", weight=((0.0, 1.0), (1.0, 0.0))),
    ],
)
def test_a_rollout_alone_is_not_paid_what_depends_on_its_group(term):
    alone = reward_alone(facts("0", matched=1, x=1.0), Profile("mine", reward=RewardSpec((term,))), best=2)

    assert (alone.status, alone.reward) == (RolloutStatus.PENDING, None)


def test_the_weight_follows_progress():
    fading = Profile("mine", reward=RewardSpec((Term("x", weight=((0.0, 1.0), (1.0, 0.0))),)))

    paid = [reward([facts("0", x=1.0)], fading, progress=p).rollouts[0].reward for p in (0.0, 0.25, 1.0)]

    assert paid == [1.0, 0.75, 0.0]
    with pytest.raises(ValueError, match="progress"):
        reward([facts("0", x=1.0)], fading)


def test_an_evaluation_pays_the_plain_outcome_whatever_the_base_says():
    carr = Profile("mine", reward=RewardSpec(base=Base(correct=0.7, error=-1.0)))

    assert [evaluate(one, carr).reward for one in ALL] == [1.0, 0.0, 0.0]
