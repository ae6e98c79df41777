"""The numbers of scored groups."""

from math import isclose

import pytest

from reward_service import (
    GroupResult,
    GroupRewards,
    GroupStatus,
    Outcome,
    RolloutResult,
    RolloutReward,
    RolloutStatus,
    summary,
)
from reward_service.core import summary as numbers
from reward_service.core.matching import REASONS
from reward_service.core.scoring import UNCOVERED
from reward_service.core.summary import NUMBERS, mean_of, means, t_975
from reward_service.core.trajectory import NO_THOUGHTS
from reward_service.core.types import Judgement


def rollout(outcome="wrong", matched=0, *, reward=0.0, advantage=0.0, **more):
    return RolloutResult(
        "r",
        RolloutStatus.SCORED,
        Outcome(outcome),
        reward=reward,
        advantage=advantage,
        matched=matched,
        in_loss=more.pop("in_loss", True),
        **more,
    )


def unscored(status="aborted"):
    return RolloutResult("r", RolloutStatus(status))


def group(*rollouts, entities=4):
    return GroupResult(GroupStatus.COMPLETE, entities, 0, tuple(rollouts))


def test_a_group_without_entities_is_in_no_match_rate():
    found = means([group(rollout(matched=2)), group(rollout(), entities=0)])

    assert (found["match_rate/wrong"].value, found["match_rate/wrong"].n) == (0.5, 1)
    assert found["groups_without_entities"].value == 0.5


def test_match_rates_are_means_over_rollouts_by_outcome():
    found = summary([group(rollout("correct", 4), rollout(matched=1), rollout(matched=2))])

    assert (found["egrpo/match_rate/correct"], found["egrpo/match_rate/wrong"]) == (1.0, 0.375)


def test_the_difference_is_taken_within_groups_that_have_both():
    found = means(
        [
            group(rollout("correct", 4), rollout(matched=2)),
            group(rollout("correct", 1), rollout(matched=1)),
            group(rollout("correct", 4), rollout("correct", 4)),
        ]
    )

    assert (found["match_rate/difference"].value, found["match_rate/difference"].groups) == (0.25, 2)


def test_a_rollout_without_a_reward_is_counted_by_its_status_and_in_no_mean():
    found = summary([group(rollout("correct", reward=1.0), unscored(), unscored("too_costly"), unscored())])

    assert (found["egrpo/valid"], found["egrpo/accuracy"], found["egrpo/reward"]) == (0.25, 1.0, 1.0)
    assert (found["egrpo/unscored/aborted"], found["egrpo/unscored/too_costly"]) == (0.5, 0.25)


def test_without_any_value_a_number_is_left_out_and_not_zero():
    found = summary([group(unscored(), unscored())])

    assert found["egrpo/valid"] == 0.0
    assert found.keys().isdisjoint(
        {"egrpo/accuracy", "egrpo/reward", "egrpo/match_rate/wrong", "egrpo/no_thoughts"}
    )
    assert "egrpo/groups_without_entities" not in found


def test_of_no_groups_only_the_counts_are_known():
    assert summary([]) == {"egrpo/rollouts": 0.0, "egrpo/groups": 0.0}


def test_a_group_has_a_signal_if_an_advantage_is_not_0():
    found = summary([group(rollout(advantage=0.5), rollout(advantage=-0.5)), group(rollout(), rollout())])

    assert found["egrpo/groups_with_signal"] == 0.5


def test_a_group_is_all_correct_or_all_wrong_by_its_rollouts_with_a_reward():
    found = summary(
        [
            group(rollout("correct"), unscored()),
            group(rollout(), rollout()),
            group(rollout("correct"), rollout()),
        ]
    )

    third = pytest.approx(1 / 3)
    assert (found["egrpo/groups_all_correct"], found["egrpo/groups_all_wrong"]) == (third, third)


def test_uncredited_entities_are_counted_per_rollout_and_reason():
    found = summary([group(rollout(uncredited={"pasted": 3}), rollout(uncredited={"listed": 1}))])

    assert (found["egrpo/uncredited/pasted"], found["egrpo/uncredited/listed"]) == (1.5, 0.5)
    assert found["egrpo/uncredited/ungrounded"] == 0.0


def test_rollouts_without_thoughts_errors_and_overlength_are_shares_of_those_with_a_reward():
    found = summary([group(rollout(flags=("no_thoughts",)), rollout("error", in_loss=False), unscored())])

    assert (found["egrpo/no_thoughts"], found["egrpo/error"], found["egrpo/in_loss"]) == (0.5, 0.5, 0.5)


def seeing(seen, outcome="wrong"):
    return rollout(outcome, measured={"answer_seen": seen, "named_before_seen": 1.0, "retrieved": 3.0})


def test_three_illnesses_are_told_apart():
    found = summary(
        [
            group(seeing(0.0), seeing(0.0, "correct")),
            group(seeing(1.0), seeing(0.0)),
            group(seeing(None), rollout()),
        ]
    )

    third = pytest.approx(1 / 3)
    assert (found["egrpo/reach/groups_unseen"], found["egrpo/reach/correct_unseen"]) == (0.5, 1.0)
    assert (found["egrpo/reach/wrong_seen"], found["egrpo/reach/wrong_unseen"]) == (
        third,
        pytest.approx(2 / 3),
    )
    assert (found["egrpo/reach/named_before_seen"], found["egrpo/reach/retrieved"]) == (1.0, 3.0)


def test_what_was_not_measured_reaches_no_number():
    assert not [name for name in summary([group(rollout(), rollout("correct"))]) if "/reach/" in name]


def test_the_interval_of_a_mean_accounts_for_groups():
    mean = mean_of([[1.0, 1.0], [0.0, 0.0], [1.0, 0.0]])

    # r = 1/2, residuals 1, -1, 0: half = t(2) · √(3/2 · 2) / 6
    half = 4.303 * 3**0.5 / 6
    assert mean is not None
    assert (mean.value, mean.n, mean.groups) == (0.5, 6, 3)
    assert (mean.low, mean.high) == (pytest.approx(0.5 - half), pytest.approx(0.5 + half))


def test_an_interval_stays_within_the_bounds_of_its_number():
    accuracy = means([group(rollout("correct")), group(rollout())])["accuracy"]

    assert (accuracy.low, accuracy.high) == (0.0, 1.0)


def test_a_single_group_has_no_interval():
    found = summary([group(rollout("correct"), rollout())])

    assert found["egrpo/accuracy"] == 0.5
    assert "egrpo/accuracy/low" not in found


def test_groups_that_agree_have_an_interval_without_width():
    found = summary([group(rollout(reward=0.1)), group(rollout(reward=0.1))])

    assert found["egrpo/reward/low"] == found["egrpo/reward/high"] == found["egrpo/reward"] == 0.1


@pytest.mark.parametrize(
    ("freedom", "quantile"), [(1, 12.706), (30, 2.042), (31, 2.040), (60, 2.000), (1000, 1.962)]
)
def test_t_is_that_of_the_tables(freedom, quantile):
    assert isclose(t_975(freedom), quantile, abs_tol=6e-4)


def judged(value, *, votes=(), flags=(), outcome="wrong"):
    return rollout(outcome, judgements=(Judgement("a", "k", value, "m", "sha256:0", votes),), flags=flags)


def test_verdicts_of_judges_are_counted_apart_from_what_strings_decide():
    found = means(
        [
            group(
                judged("correct", outcome="correct"),
                judged("correct", outcome="correct", flags=(UNCOVERED,)),
                judged("incorrect"),
                judged("not_attempted"),
                rollout("correct"),
            )
        ]
    )

    assert (found["judge/accepted"].value, found["judge/accepted"].n) == (0.5, 4)
    assert (found["judge/uncovered"].value, found["judge/uncovered"].n) == (0.5, 2)
    assert found["judge/asks"].value == 0.8
    assert "judge/unanimous" not in found


def test_votes_agree_or_do_not():
    one, other = ("correct", "correct"), ("correct", "incorrect", "correct")

    found = means([group(judged("correct", votes=one), judged("correct", votes=other), judged("correct"))])

    assert (found["judge/unanimous"].value, found["judge/unanimous"].n) == (0.5, 2)


def test_a_judges_numbers_are_answers_and_no_verdicts():
    found = means([group(judged({"C1": True}))])

    assert found["judge/asks"].value == 1.0
    assert "judge/accepted" not in found


def test_what_the_client_receives_has_the_same_numbers():
    said = (Judgement("answer", "k", "incorrect", "m", "sha256:0"),)
    more = {"uncredited": {"pasted": 1}, "judgements": said}
    paid = RolloutReward("r", "scored", 0.2, 0.5, "wrong", 2, **more, in_loss=True)
    received = GroupRewards("run", "g", "complete", (paid,), entities=4)
    computed = group(rollout(matched=2, reward=0.2, advantage=0.5, **more))

    assert summary([received]) == summary([computed])


def test_the_table_has_every_reason_status_and_flag():
    assert numbers.UNCREDITED == REASONS
    assert numbers.NO_THOUGHTS == NO_THOUGHTS
    assert numbers.JUDGED_UNCOVERED == UNCOVERED
    assert {f"unscored/{status}" for status in RolloutStatus} - NUMBERS.keys() == {"unscored/scored"}
    assert all(number.about.endswith(".") or number.about.endswith("?") for number in NUMBERS.values())
