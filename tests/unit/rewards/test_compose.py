"""The table of rewards: rows, columns, conditions."""

import pytest

from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.rewards.compose import components
from reward_service.core.scoring import evaluate, measure, reward, reward_alone
from reward_service.core.signals import Share, cell_of, ratio, sent
from reward_service.core.types import (
    Outcome,
    PartialPolicy,
    RewardSpec,
    Rollout,
    RolloutFacts,
    RolloutStatus,
    Steps,
    Term,
)

BREVITY = RewardSpec((Term("brevity", 0.5, normalize="group_max", when="always"),))
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
        {"outcome": 1.0, "entity_match": 0.0},
        {"outcome": 0.0, "entity_match": 0.3 * 0.25},
        {"outcome": 0.0, "entity_match": 0.0},
    ]


def test_a_trainers_own_signal_is_paid_beside_the_outcome():
    result = reward([facts("0", Outcome.CORRECT, brevity=0.4), facts("1", brevity=0.8)], OWN_SIGNAL)

    assert [one.components for one in result.rollouts] == [
        {"outcome": 1.0, "brevity": 0.25},
        {"outcome": 0.0, "brevity": 0.5},
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
