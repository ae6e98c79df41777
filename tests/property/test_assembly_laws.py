"""Groups under every interleaving: replicas that read, are overtaken and swap late; duplicates, twins, deadlines.

The store is one cell with compare-and-set, as the real ones are. The oracle is the whole-group call on what was
acknowledged: same bits, whatever the way.
"""

from dataclasses import replace

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from reward_service.core.profiles import shipped
from reward_service.core.scoring import reward
from reward_service.core.types import (
    Estimator,
    GroupStatus,
    Outcome,
    PartialPolicy,
    RolloutFacts,
    RolloutStatus,
)
from reward_service.serve.clock import ManualClock
from reward_service.serve.groups.assembler import GroupAssembler
from reward_service.serve.groups.codec import decode_group, encode_group
from reward_service.serve.groups.state import Claim, Declaration, Pins, Run
from reward_service.serve.groups.stores.protocols import GroupKey
from reward_service.serve.runs.view import GroupView

PROFILE = shipped()["egrpo-paper"]
ENTITIES = 7
REPLICAS = st.sampled_from("abc")
FACTS = st.one_of(
    st.builds(
        RolloutFacts,
        rollout_id=st.just(""),
        status=st.just(RolloutStatus.SCORED),
        outcome=st.sampled_from(Outcome),
        matched=st.integers(0, ENTITIES),
        entities=st.just(ENTITIES),
        overlength=st.booleans(),
    ),
    st.builds(
        RolloutFacts,
        rollout_id=st.just(""),
        status=st.sampled_from([RolloutStatus.ABORTED, RolloutStatus.INVALID_ROLLOUT]),
        entities=st.just(ENTITIES),
    ),
)
RUNS = st.builds(
    lambda size, policy, least: Run(
        "r", "e", Declaration("egrpo-paper", size, 10.0, None, PartialPolicy(policy, least)), "d", Estimator()
    ),
    st.integers(1, 5),
    st.sampled_from(["fail", "survivors", "wait"]),
    st.integers(1, 3),
)


def by_id(result):
    return {one.rollout_id: one for one in result.rollouts}


class Assembly(RuleBasedStateMachine):
    """One group, three replicas, a clock that moves when told to."""

    def __init__(self):
        super().__init__()
        self.clock = ManualClock(1000.0)
        self.cell = None
        self.held = {}
        self.sent = {}
        self.acknowledged = {}
        self.published = {}
        self.judge = None

    @precondition(lambda self: self.judge is None)
    @rule(run=RUNS)
    def declare(self, run):
        self.judge = GroupAssembler(run, ttl_s=100.0, engine="e", engine_grace_s=10.0)

    def state(self):
        return None if self.cell is None else decode_group(self.cell)

    @precondition(lambda self: self.judge)
    @rule(
        replica=REPLICAS,
        at=st.integers(0, 5),
        facts=FACTS,
        twin=st.booleans(),
        attempt=st.sampled_from([0, 0, 0, 0, 1]),
        deadline_s=st.sampled_from([None, None, 3.0]),
    )
    def receive(self, replica, at, facts, twin, attempt, deadline_s):
        """A replica reads the group for a rollout: a new one, one sent before, or its conflicting twin."""
        key = (attempt, str(at))
        first = self.sent.setdefault(key, replace(facts, rollout_id=str(at)))
        digest, said = ("twin", replace(first, outcome=Outcome.ERROR)) if twin else ("own", first)
        claim = Claim(str(at), digest, Pins("q", "e"), attempt=attempt, deadline_s=deadline_s)
        self.held[replica] = (self.cell, self.clock.now(), claim, said)

    @precondition(lambda self: self.held)
    @rule(data=st.data(), dies=st.sampled_from([False, False, False, True]), answers=st.booleans())
    def decide(self, data, dies, answers):
        """It decides on what it read, maybe long ago, and swaps; or dies before, or its answer is lost after."""
        replica = data.draw(st.sampled_from(sorted(self.held)))
        read, now, claim, said = self.held.pop(replica)
        if dies:
            return
        before = None if read is None else decode_group(read)
        decision = self.judge.add(before, claim, said, now=now)
        if decision.state != before and decision.state is not None:
            if self.cell != read:
                return  # overtaken: the caller tries again
            self.cell = encode_group(decision.state)
        if decision.admitted and answers:
            self.acknowledged[claim.attempt, claim.rollout_id] = (claim.digest, said)
        if decision.replayed:
            assert decode_group(read).find(claim.rollout_id).digest == claim.digest

    @precondition(lambda self: self.cell)
    @rule()
    def sweep(self):
        self.cell = encode_group(self.judge.expire(self.state(), now=self.clock.now()))

    @precondition(lambda self: self.cell)
    @rule(attempt=st.integers(0, 1))
    def close(self, attempt):
        self.cell = encode_group(self.judge.end(self.state(), attempt=attempt, now=self.clock.now()).state)

    @rule(seconds=st.sampled_from([0.5, 4.0, 10.0, 100.0]))
    def wait(self, seconds):
        self.clock.advance(seconds)

    @invariant()
    def what_was_acknowledged_is_a_member(self):
        state = self.state()
        for (attempt, rollout_id), (digest, _) in self.acknowledged.items():
            if state.attempt == attempt:
                assert state.find(rollout_id).digest == digest
            else:
                assert state.attempt > attempt

    @invariant()
    def a_published_group_never_changes(self):
        state = self.state()
        if state is None or state.is_open:
            return
        assert self.published.setdefault(state.attempt, self.cell) == self.cell

    @invariant()
    def it_is_paid_like_the_whole_group_call(self):
        state = self.state()
        if state is None:
            return
        run = self.judge.run
        seen = GroupView(GroupKey("r", "g"), run, state, profile=PROFILE, now=self.clock.now())
        facts = [one.facts for one in reversed(state.members)]
        assert len(facts) + len(seen.missing) == run.declared.group_size
        if state.status is GroupStatus.COMPLETE:
            whole = reward(facts, PROFILE, estimator=run.estimator)
            assert by_id(seen.result) == by_id(whole)
        elif state.status is GroupStatus.PARTIAL:
            survivors = reward(facts, PROFILE, estimator=run.estimator, partial=PartialPolicy("survivors"))
            assert by_id(seen.result) == by_id(survivors)
        else:
            assert {one.reward for one in seen.result.rollouts} == {None}
        assert seen.result.status is state.status
        assert all(seen.result_of(one.rollout_id) == one for one in seen.result.rollouts)

    @invariant()
    def it_is_complete_only_with_everybody_scored(self):
        state = self.state()
        if state is None:
            return
        scored = sum(one.facts.status is RolloutStatus.SCORED for one in state.members)
        size = self.judge.run.declared.group_size
        assert (state.status is GroupStatus.COMPLETE) == (scored == size)
        assert len(state.members) <= size


TestAssembly = Assembly.TestCase
TestAssembly.settings = settings(stateful_step_count=40, deadline=None)


@given(
    members=st.lists(FACTS, min_size=1, max_size=8),
    data=st.data(),
)
def test_any_order_with_any_repetition_is_the_same_state_and_the_same_bits(members, data):
    facts = [replace(one, rollout_id=str(n)) for n, one in enumerate(members)]
    declared = Declaration("egrpo-paper", len(facts), 10.0)
    judge = GroupAssembler(
        Run("r", "e", declared, "d", Estimator()), ttl_s=100.0, engine="e", engine_grace_s=10.0
    )

    def assembled(order):
        state = None
        for one in order:
            decision = judge.add(state, Claim(one.rollout_id, "d", Pins("q", "e")), one, now=1.0)
            assert not decision.refusal
            state = decision.state
        return state

    repeated = data.draw(st.permutations([*facts, *data.draw(st.lists(st.sampled_from(facts), max_size=8))]))
    straight, mixed = assembled(facts), assembled(repeated)

    assert encode_group(straight) == encode_group(mixed)
    seen = GroupView(GroupKey("r", "g"), judge.run, mixed, profile=PROFILE, now=1.0)
    assert seen.result == reward(facts, PROFILE, estimator=judge.run.estimator)
