"""Measure and reward, composed."""

from dataclasses import replace

import pytest

from entity_index.types import Entity, Question
from reward_service.core.profiles import shipped
from reward_service.core.scoring import measure, measure_group, reward, reward_alone
from reward_service.core.types import (
    Estimator,
    GroupStatus,
    Messages,
    Outcome,
    PartialPolicy,
    Rollout,
    RolloutFacts,
    RolloutStatus,
    Segment,
    SegmentKind,
    Steps,
    StopReason,
    Text,
    Unreadable,
)

PAPER = shipped()["egrpo-paper"]
QUESTION = Question("Who?", ("x",), (Entity("Zanderheim"), Entity("Quillock", ("Quill",))))


def thinking(rollout_id, text, **more) -> Rollout:
    return Rollout(rollout_id, Steps((Segment(SegmentKind.THOUGHT, text),)), **more)


def facts(rollout_id="0", status=RolloutStatus.SCORED, **more) -> RolloutFacts:
    given = {"outcome": Outcome.WRONG, "matched": 0, "entities": 2} | more
    return RolloutFacts(rollout_id, status, **given)


def test_the_first_example_of_the_readme():
    rollouts = [
        thinking("0", "I found Zanderheim and Quillock.", outcome=Outcome.CORRECT),
        thinking("1", "Nothing yet.", outcome=Outcome.WRONG),
        thinking("2", "Perhaps Quillock.", outcome=Outcome.WRONG),
    ]

    result = reward(measure_group(rollouts, QUESTION, PAPER), PAPER)

    assert result.status is GroupStatus.COMPLETE
    assert (result.entities, result.group_max) == (2, 2)
    assert [one.reward for one in result.rollouts] == [1.0, 0.0, 0.15]
    assert result.rollouts[2].components == {"base": 0.0, "entity_match": 0.15}
    assert [one.advantage for one in result.rollouts] == pytest.approx(
        [1.143477, -0.71081, -0.432667], abs=1e-6
    )


def test_only_thoughts_count():
    elsewhere = (
        Segment(SegmentKind.TOOL_CALL, "Zanderheim"),
        Segment(SegmentKind.TOOL_RESPONSE, "Zanderheim"),
        Segment(SegmentKind.ANSWER, "Zanderheim"),
    )

    assert measure(Rollout("0", Steps(elsewhere)), QUESTION, PAPER).matched == 0


def test_measuring_alone_and_together_is_the_same():
    rollouts = [thinking("0", "Zanderheim"), thinking("1", "Quillock Zanderheim"), Rollout("2", Messages(()))]

    assert measure_group(rollouts, QUESTION, PAPER) == [measure(one, QUESTION, PAPER) for one in rollouts]


def test_explaining_adds_evidence_and_changes_nothing_else():
    plain = measure(thinking("0", "So Quillock."), QUESTION, PAPER)
    explained = measure(thinking("0", "So Quillock."), QUESTION, PAPER, explain=True)

    assert plain == replace(explained, evidence=None)
    assert explained.evidence is not None
    (match,) = explained.evidence.matches
    assert explained.evidence.segments[match.segment].text[match.start : match.end] == "Quillock"


@pytest.mark.parametrize(
    ("rollout", "status"),
    [
        (thinking("0", "Zanderheim", stop_reason=StopReason.ABORTED), RolloutStatus.ABORTED),
        (Rollout("0", Messages(())), RolloutStatus.INVALID_ROLLOUT),
    ],
)
def test_what_the_caller_could_not_record_is_not_scored(rollout, status):
    one = measure(rollout, QUESTION, PAPER)

    assert (one.status, one.outcome, one.matched, one.entities) == (status, None, None, 2)


def test_a_rollout_nobody_can_judge_is_not_scored():
    one = measure(thinking("0", "Zanderheim"), replace(QUESTION, answers=()), PAPER)

    assert (one.status, one.outcome, one.matched) == (RolloutStatus.INVALID_ROLLOUT, None, 1)


def test_a_format_error_is_scored_and_stays_in_the_loss():
    one = measure(Rollout("0", Text("<think>Zanderheim")), QUESTION, PAPER)
    result = reward([one], PAPER).rollouts[0]

    assert (one.status, one.outcome, one.matched) == (RolloutStatus.SCORED, Outcome.ERROR, 1)
    assert (result.reward, result.in_baseline, result.in_loss) == (0.0, True, True)


def test_an_unscored_member_fails_the_group_by_default():
    result = reward([facts("0", matched=2), facts("1", RolloutStatus.JUDGE_FAILED, outcome=None)], PAPER)

    assert (result.status, result.group_max) == (GroupStatus.FAILED, None)
    assert [one.status for one in result.rollouts] == [RolloutStatus.GROUP_FAILED, RolloutStatus.JUDGE_FAILED]
    for one in result.rollouts:
        assert (one.reward, one.advantage, one.components) == (None, None, {})
        assert not one.in_baseline
        assert not one.in_loss


def test_survivors_are_paid_among_themselves():
    members = [facts("0", matched=2), facts("1", matched=1), facts("2", RolloutStatus.TIMEOUT, matched=None)]

    result = reward(members, PAPER, partial=PartialPolicy("survivors"))

    assert (result.status, result.group_max) == (GroupStatus.PARTIAL, 2)
    assert [one.reward for one in result.rollouts] == [0.3, 0.15, None]
    assert result.rollouts[2].match_rate is None


@pytest.mark.parametrize(("min_scored", "status"), [(1, GroupStatus.PARTIAL), (2, GroupStatus.FAILED)])
def test_too_few_survivors_fail_the_group(min_scored, status):
    members = [facts("0"), facts("1", RolloutStatus.TIMEOUT)]

    assert reward(members, PAPER, partial=PartialPolicy("survivors", min_scored)).status is status


def test_nobody_survives_means_failed():
    result = reward([facts("0", RolloutStatus.TIMEOUT)], PAPER, partial=PartialPolicy("survivors"))

    assert result.status is GroupStatus.FAILED


def test_without_entities_the_term_is_absent():
    result = reward([facts(entities=0, outcome=Outcome.CORRECT), facts("1", entities=0)], PAPER)

    assert result.flags == ("no_entities",)
    assert [one.components for one in result.rollouts] == [{"base": 1.0}, {"base": 0.0}]
    assert [one.match_rate for one in result.rollouts] == [0.0, 0.0]


@pytest.mark.parametrize(
    ("members", "why"),
    [
        ([], "at least one rollout"),
        ([facts(), facts("1", entities=3)], "same entities"),
        ([facts(matched=3)], "must add up to at most 2, got 3"),
        ([facts(matched=1, uncredited={"pasted": 2})], "must add up to at most 2, got 3"),
        ([facts(matched=-1)], "got -1"),
        ([facts(outcome=None)], "must have an outcome"),
        ([facts(matched=None)], "and a matched count"),
    ],
)
def test_facts_no_measurement_makes_are_refused(members, why):
    with pytest.raises(ValueError, match=why):
        reward(members, PAPER)


def test_uncredited_spans_are_priced_beside_the_reward():
    members = [facts(matched=1), facts("1", matched=0, uncredited={"pasted": 2}, mentions=8, grounded=0)]

    one, other = reward(members, PAPER).rollouts

    assert (one.reward, other.reward) == (0.3, 0.0)
    assert (one.reward_with_uncredited, other.reward_with_uncredited) == (0.15, 0.3)
    assert (one.precision, other.precision) == (None, 0.0)


def test_a_rollout_alone_is_paid_only_where_the_groups_best_is_known():
    one = facts(matched=1)

    alone = reward_alone(one, PAPER, best=None)
    assert (alone.status, alone.reward, alone.normalized_match_rate, alone.match_rate) == (
        "pending",
        None,
        None,
        0.5,
    )
    paid = reward_alone(one, PAPER, best=2)
    assert (paid.status, paid.reward, paid.normalized_match_rate, paid.advantage) == (
        "scored",
        0.15,
        0.5,
        None,
    )
    unscored = reward_alone(facts(status=RolloutStatus.TIMEOUT), PAPER, best=2)
    assert (unscored.status, unscored.reward) == ("timeout", None)
    with pytest.raises(ValueError, match="group_max must be at least"):
        reward_alone(one, PAPER, best=0)


def answering(text, question, profile):
    """Return the outcome of a rollout that answers."""
    steps = (Segment(SegmentKind.THOUGHT, "I know."), Segment(SegmentKind.ANSWER, text))
    return measure(Rollout("0", Steps(steps)), question, shipped()[profile]).outcome


def test_a_question_that_names_its_checker_is_asked_by_it_under_egrpo_and_not_under_the_paper():
    question = Question("How many?", ("1.5",), checker="number")

    assert answering("about 1.50 in all", question, "egrpo") is Outcome.CORRECT
    assert answering("15", question, "egrpo") is Outcome.WRONG
    assert answering("15", question, "egrpo-paper") is Outcome.CORRECT
    assert answering("about 1.5 in all", question, "grpo") is Outcome.WRONG


def test_grpo_equal_is_egrpo_without_the_entity_term():
    egrpo = shipped()["egrpo"]

    assert replace(egrpo, reward=replace(egrpo.reward, terms=())).digest == shipped()["grpo-equal"].digest


def test_a_verdict_that_the_trainers_judge_could_not_reach_is_no_reward():
    one = measure(thinking("0", "Zanderheim", outcome_error="no reply"), QUESTION, PAPER)

    assert (one.status, one.outcome, one.matched, one.detail) == (
        RolloutStatus.JUDGE_FAILED,
        None,
        None,
        "no reply",
    )
    assert [paid.reward for paid in reward([one, facts("1")], PAPER).rollouts] == [None, None]


def test_a_rollout_without_the_length_that_the_estimator_compares_by_is_unscored():
    members = [facts("0", length=3, outcome=Outcome.CORRECT), facts("1"), facts("2", length=9)]
    members[1] = replace(members[1], length=None)

    result = reward(members, PAPER, estimator=Estimator("opo"), partial=PartialPolicy("survivors"))

    assert [one.advantage for one in result.rollouts] == [0.75, None, -0.25]
    assert result.rollouts[1].status is RolloutStatus.SIGNAL_MISSING
    assert "length" in result.rollouts[1].detail


def test_an_aborted_rollout_without_a_tree_stays_aborted():
    members = [facts("0", tree="a"), facts("1", RolloutStatus.ABORTED)]

    result = reward(members, PAPER, estimator=Estimator("tree_grpo"), partial=PartialPolicy("survivors"))

    assert result.rollouts[1].status is RolloutStatus.ABORTED


def test_a_length_below_one_is_refused():
    with pytest.raises(ValueError, match="length must be at least 1, got 0"):
        reward([facts(length=0)], PAPER)


def test_a_record_with_a_defect_is_unscored_with_its_reason():
    one = measure(Rollout("0", Unreadable("/luck: unknown key")), QUESTION, PAPER)

    assert (one.status, one.detail) == (RolloutStatus.INVALID_ROLLOUT, "/luck: unknown key")
