"""What becomes of a rollout and of its group."""

from dataclasses import replace

import pytest

from reward_service.core.types import (
    Estimator,
    Evidence,
    GroupStatus,
    Outcome,
    PartialPolicy,
    RolloutFacts,
    RolloutStatus,
)
from reward_service.serve import errors
from reward_service.serve.groups.assembler import GroupAssembler, missing
from reward_service.serve.groups.state import Claim, Declaration, Pins, Run

PINS = Pins("question", "engine")
RUN = Run("r", "epoch", Declaration("egrpo", 3, 60.0), "sha256:profile", Estimator())


def assembler(policy="fail", min_scored=1, size=3, engine="engine"):
    declared = replace(RUN.declared, group_size=size, partial=PartialPolicy(policy, min_scored))
    run = replace(RUN, declared=declared)
    return GroupAssembler(run, ttl_s=1000.0, engine=engine, engine_grace_s=500.0)


def claim(rollout_id="0", digest="d", **more):
    return Claim(rollout_id, digest, **({"pins": PINS} | more))


def facts(rollout_id="0", status=RolloutStatus.SCORED, **more):
    return RolloutFacts(rollout_id, status, outcome=Outcome.WRONG, matched=1, entities=2, **more)


def added(judge, *rollout_ids, now=0.0, state=None, status=RolloutStatus.SCORED):
    for rollout_id in rollout_ids:
        state = judge.add(state, claim(rollout_id), facts(rollout_id, status), now=now).state
    return state


def refusal(judge, state, asked, now=0.0):
    decision = judge.add(state, asked, facts(asked.rollout_id), now=now)
    before = judge.admit(state, asked, now=now)
    assert (decision.admitted, decision.replayed) == (before.admitted, before.replayed) == (False, False)
    assert type(decision.refusal) is type(before.refusal)
    return type(decision.refusal)


def test_the_first_member_opens_its_group():
    state = added(assembler(), "1", now=5.0)

    assert (state.status, state.opened_at, state.closes_at, state.pins) == (GroupStatus.OPEN, 5.0, 65.0, PINS)
    assert [one.facts.rollout_id for one in state.members] == ["1"]


def test_the_last_member_closes_it():
    state = added(assembler(), "2", "0", "1")

    assert state.status is GroupStatus.COMPLETE
    assert [one.facts.rollout_id for one in state.members] == ["0", "1", "2"]


def test_the_order_of_arrival_leaves_no_trace():
    judge = assembler()

    assert added(judge, "0", "1", "2") == added(judge, "2", "0", "1")


def test_evidence_is_not_kept():
    decision = assembler().add(None, claim(), facts(evidence=Evidence(())), now=0.0)

    assert decision.state.members[0].facts.evidence is None


def test_a_rollout_is_wanted_before_it_is_measured():
    decision = assembler().admit(None, claim(), now=0.0)

    assert (decision.admitted, decision.state, decision.refusal) == (True, None, None)


@pytest.mark.parametrize("members", [("0",), ("0", "1", "2")])
def test_the_same_rollout_again_is_a_replay_also_when_the_group_is_closed(members):
    judge = assembler()
    state = added(judge, *members)

    decision = judge.add(state, claim("0"), facts("0"), now=100.0 if len(members) == 3 else 1.0)

    assert (decision.replayed, decision.admitted, decision.refusal) == (True, False, None)
    assert decision.state == state


@pytest.mark.parametrize("members", [("0",), ("0", "1", "2")])
def test_another_rollout_under_the_same_id_is_a_conflict_and_the_first_one_stays(members):
    judge = assembler()
    state = added(judge, *members)

    assert refusal(judge, state, claim("0", "other")) is errors.RolloutConflict


def test_a_member_with_another_question_is_refused():
    judge = assembler()

    asked = claim("1", pins=replace(PINS, question="other"))
    assert refusal(judge, added(judge, "0"), asked) is errors.QuestionConflict
    again = claim("0", pins=replace(PINS, question="other"))
    assert refusal(judge, added(judge, "0"), again) is errors.QuestionConflict


@pytest.mark.parametrize(("first", "said"), [(3, "is of step 3"), (None, "is of step none")])
def test_the_first_member_pins_the_step_too(first, said):
    judge = assembler()
    opened = judge.add(None, claim("0", pins=replace(PINS, step=first)), facts("0"), now=0.0).state
    other = claim("1", pins=replace(PINS, step=4))

    assert refusal(judge, opened, other) is errors.StepConflict
    assert said in str(judge.admit(opened, other, now=0.0).refusal)


@pytest.mark.parametrize(
    ("step", "total", "progress"),
    [(30, 80, 0.375), (90, 80, 1.0), (0, 80, 0.0), (None, 80, None), (30, None, None)],
)
def test_progress_is_the_share_of_steps_that_are_done(step, total, progress):
    assert replace(RUN.declared, total_steps=total).progress(step) == progress


def test_a_group_of_another_engine_is_left_alone():
    mine, other = assembler(), assembler(engine="other")
    state = added(mine, "0")

    assert refusal(other, state, claim("1")) is errors.EngineMismatch
    assert refusal(other, state, claim("0")) is errors.EngineMismatch
    assert type(other.end(state, attempt=0, now=1.0).refusal) is errors.EngineMismatch
    assert other.expire(state, now=60.0 + 499.0) is state
    assert mine.expire(state, now=60.0).status is GroupStatus.EXPIRED
    assert other.admit(state, claim("1", attempt=1), now=1.0).admitted


def test_a_closed_group_of_another_engine_replays_its_members_and_takes_no_others():
    state, other = added(assembler(), "0", "1", "2"), assembler(engine="other")

    assert other.admit(state, claim("1"), now=1.0).replayed
    assert other.end(state, attempt=0, now=1.0).state is state
    assert refusal(other, state, claim("1", digest="another")) is errors.EngineMismatch
    assert refusal(other, state, claim("3")) is errors.EngineMismatch


def test_a_group_whose_engine_is_gone_expires_after_a_grace_without_rewards():
    state = added(assembler("survivors"), "0", "1")

    gone = assembler("survivors", engine="other").expire(state, now=60.0 + 500.0)

    assert (gone.status, gone.result.status, gone.result.flags) == (
        GroupStatus.EXPIRED,
        GroupStatus.EXPIRED,
        ("engine",),
    )
    assert [one.reward for one in gone.result.rollouts] == [None, None]


def test_a_rollout_too_many_is_refused():
    judge = assembler()

    assert refusal(judge, added(judge, "0", "1", "2"), claim("3")) is errors.GroupFull


def test_a_late_rollout_is_refused_and_changes_nothing():
    judge = assembler("survivors")
    closed = judge.expire(added(judge, "0", "1"), now=60.0)

    assert closed.status is GroupStatus.PARTIAL
    assert refusal(judge, closed, claim("2"), now=61.0) is errors.GroupClosed
    assert judge.add(closed, claim("2"), facts("2"), now=61.0).state == closed


def test_whoever_comes_after_the_deadline_finds_the_group_closed():
    judge = assembler()
    decision = judge.add(added(judge, "0"), claim("1"), facts("1"), now=60.0)

    assert isinstance(decision.refusal, errors.GroupClosed)
    assert (decision.state.status, decision.state.closes_at) == (GroupStatus.EXPIRED, 60.0)


def test_a_higher_attempt_starts_afresh_and_a_lower_one_comes_too_late():
    judge = assembler()
    first = added(judge, "0", "1", "2")
    second = judge.add(first, claim("0", "new", attempt=2), facts("0"), now=1.0).state

    assert (second.attempt, second.status, len(second.members)) == (2, GroupStatus.OPEN, 1)
    assert refusal(judge, second, claim("0")) is errors.AttemptSuperseded
    assert refusal(judge, second, claim("1", attempt=1)) is errors.AttemptSuperseded


def test_a_group_of_an_earlier_run_of_the_same_name_does_not_count():
    judge = assembler()
    ghost = replace(added(judge, "0", "1"), epoch="earlier")

    assert not judge.owns(ghost)
    assert judge.expire(ghost, now=0.0) is None
    assert len(judge.add(ghost, claim("2"), facts("2"), now=0.0).state.members) == 1


@pytest.mark.parametrize(
    ("deadline_s", "closes_at"), [(10.0, 15.0), (60.0, 60.0), (None, 60.0)], ids=["earlier", "later", "none"]
)
def test_a_caller_may_only_shorten_the_deadline(deadline_s, closes_at):
    judge = assembler()
    state = judge.add(added(judge, "0"), claim("1", deadline_s=deadline_s), facts("1"), now=5.0).state

    assert state.closes_at == closes_at
    assert judge.expire(state, now=closes_at - 0.5) == state
    assert judge.expire(state, now=closes_at).status is GroupStatus.EXPIRED


def test_a_replay_shortens_nothing():
    judge = assembler()
    state = added(judge, "0")

    assert judge.add(state, claim("0", deadline_s=1.0), facts("0"), now=5.0).state == state


@pytest.mark.parametrize(
    ("policy", "min_scored", "status"),
    [
        ("fail", 1, GroupStatus.EXPIRED),
        ("survivors", 2, GroupStatus.PARTIAL),
        ("survivors", 3, GroupStatus.EXPIRED),
        ("wait", 1, GroupStatus.OPEN),
    ],
)
def test_what_missing_members_do_at_the_deadline(policy, min_scored, status):
    judge = assembler(policy, min_scored)

    assert judge.expire(added(judge, "0", "1"), now=60.0).status is status


@pytest.mark.parametrize(
    ("policy", "min_scored", "status"),
    [
        ("fail", 1, GroupStatus.FAILED),
        ("survivors", 2, GroupStatus.PARTIAL),
        ("survivors", 3, GroupStatus.FAILED),
        ("wait", 1, GroupStatus.OPEN),
    ],
)
def test_what_an_unscored_member_does_when_all_have_come(policy, min_scored, status):
    judge = assembler(policy, min_scored)
    state = added(judge, "0", status=RolloutStatus.ABORTED)

    assert added(judge, "1", "2", state=state).status is status


def test_under_wait_only_the_end_of_its_life_ends_a_group():
    judge = assembler("wait")
    state = judge.add(None, claim("0", deadline_s=1.0), facts("0"), now=0.0).state

    assert judge.expire(state, now=999.0).status is GroupStatus.OPEN
    assert judge.expire(state, now=1000.0).status is GroupStatus.EXPIRED
    whole = added(judge, "1", "2", state=added(judge, "0", status=RolloutStatus.ABORTED))
    assert judge.expire(whole, now=1000.0).status is GroupStatus.EXPIRED


def test_a_member_we_could_not_score_may_be_measured_again_while_the_group_is_open():
    judge = assembler("wait")
    state = added(judge, "0", "1", state=added(judge, "2", status=RolloutStatus.JUDGE_FAILED))

    assert judge.admit(state, claim("2"), now=0.0).admitted
    healed = judge.add(state, claim("2"), facts("2"), now=0.0).state
    assert healed.status is GroupStatus.COMPLETE
    assert refusal(judge, state, claim("3")) is errors.GroupFull


def test_a_member_that_is_at_fault_is_not_measured_again():
    judge = assembler("wait")
    state = added(judge, "0", status=RolloutStatus.INVALID_ROLLOUT)

    assert judge.admit(state, claim("0"), now=0.0).replayed


def test_a_closed_group_is_not_healed():
    judge = assembler()
    state = added(judge, "0", "1", state=added(judge, "2", status=RolloutStatus.TIMEOUT))

    assert state.status is GroupStatus.FAILED
    assert judge.admit(state, claim("2"), now=0.0).replayed


@pytest.mark.parametrize(
    ("policy", "status"),
    [("fail", GroupStatus.EXPIRED), ("survivors", GroupStatus.PARTIAL), ("wait", GroupStatus.EXPIRED)],
)
def test_closing_early_is_a_deadline_now(policy, status):
    judge = assembler(policy)
    closed = judge.end(added(judge, "0"), attempt=0, now=7.0).state

    assert (closed.status, closed.closes_at) == (status, 7.0)
    assert judge.end(closed, attempt=0, now=8.0).state == closed


def test_closing_another_attempt_is_refused():
    judge = assembler()

    decision = judge.end(added(judge, "0"), attempt=1, now=0.0)

    assert isinstance(decision.refusal, errors.AttemptSuperseded)
    assert judge.end(None, attempt=0, now=0.0).state is None


def test_missing_rollouts_are_named_where_they_are_numbered():
    state = added(assembler(size=12), "0", "10", "3")

    assert missing(state, 12) == ["1", "2", "4", "5", "6", "7", "8", "9", "11"]
    assert missing(added(assembler(), "a", "0"), 3) == [None]
    assert missing(added(assembler(), "0", "1", "2"), 3) == []
