"""Decides what becomes of a rollout and of its group; no other module repeats these rules.

Pure: a function of the state and the time. Stores, clocks and HTTP are elsewhere.

- A rollout is identified by (run, group, attempt, rollout id) and the digest of its content. Same key and digest: a replay,
  even if the group is closed. Same key, other digest: a conflict; the first one stays.
- `attempt` numbers the whole group. A higher one restarts the group, a lower one is rejected as stale.
- The first member pins question, step and engine. Another question or step is a conflict. An open group of another engine is neither
  extended nor closed, because numbers of two engines must not meet in one group: the upgrade has to finish, or a higher
  attempt to restart it. If no replica of its engine closes it in a grace after its deadline, it expires without rewards.
- A group closes when every declared member is scored, or when it stops waiting: at its deadline, under the policy
  `wait` at the end of its life. Members that are missing and members without a score are treated alike.
- A closed group never changes. A late rollout is refused.
"""

from dataclasses import dataclass, replace
from operator import attrgetter

from reward_service.core.scoring import unpaid
from reward_service.core.types import GroupStatus, RolloutFacts, RolloutStatus
from reward_service.serve import errors
from reward_service.serve.groups.state import ENGINE_GONE, Claim, Decision, GroupState, Member, Run

# Nothing is wrong with these rollouts: the same rollout may be measured again while its group is open.
RETRYABLE = frozenset(
    {
        RolloutStatus.SIGNAL_FAILED,
        RolloutStatus.JUDGE_FAILED,
        RolloutStatus.BACKEND_FAILED,
        RolloutStatus.TIMEOUT,
    }
)


@dataclass(frozen=True, slots=True)
class GroupAssembler:
    """Decides for the groups of one run."""

    run: Run
    ttl_s: float
    """Seconds that a group lives under the policy `wait`."""
    engine: str
    """Digest of the engine that measures here."""
    engine_grace_s: float
    """Seconds after its deadline that a group of another engine is left to a replica of that engine."""

    def admit(self, state: GroupState | None, claim: Claim, *, now: float) -> Decision:
        """Decide whether a rollout is wanted, before it is measured.

        Args:
            state: the group's current state; None if there is none.
            claim: the rollout that asks.
            now: seconds since the epoch.
        """
        current = self.expire(state, now=now)
        if current is None or claim.attempt > current.attempt:
            return Decision(current, admitted=True)
        if refusal := self._refusal(current, claim):
            return Decision(current, refusal=refusal)
        known = current.find(claim.rollout_id)
        wanted = known is None or (current.is_open and known.facts.status in RETRYABLE)
        return Decision(current, admitted=wanted, replayed=not wanted)

    def add(
        self,
        state: GroupState | None,
        claim: Claim,
        facts: RolloutFacts,
        *,
        now: float,
        masked: tuple[str, ...] = (),
        unmatchable: tuple[str, ...] = (),
    ) -> Decision:
        """Make a measured rollout a member, if it is still wanted.

        Args:
            state: the group's current state; None if there is none.
            claim: the rollout that asks.
            facts: measured of the rollout.
            now: seconds since the epoch.
            masked: names of the question's entities that earn nothing; taken from the first member.
            unmatchable: names of its entities that have no form to search for; likewise.
        """
        decision = self.admit(state, claim, now=now)
        if not decision.admitted:
            return decision
        current = decision.state
        if current is None or claim.attempt > current.attempt:
            current = replace(self._opened(claim, now), masked=masked, unmatchable=unmatchable)
        grown = _with_member(current, Member(replace(facts, evidence=None), claim.digest))
        return replace(decision, state=self._settled(self._shortened(grown, claim, now), now))

    def owns(self, state: GroupState) -> bool:
        """Return whether a group belongs to this run, not to an earlier run of the same id."""
        return state.epoch == self.run.epoch

    def expire(self, state: GroupState | None, *, now: float) -> GroupState | None:
        """Return the group, closed if it is due; None if it belongs to another run."""
        if state is None or not self.owns(state):
            return None
        if not state.is_open or now < state.closes_at:
            return state
        if not self.is_foreign(state):
            return self.close(state, now=state.closes_at)
        return _given_up(state) if now >= state.closes_at + self.engine_grace_s else state

    def is_foreign(self, state: GroupState) -> bool:
        """Return whether a group is still open and was measured by another engine."""
        return state.is_open and state.pins.engine != self.engine

    def mismatch(self, state: GroupState) -> errors.EngineMismatch | None:
        """Return why nothing can be said of a group here; None if it is closed, or measured by this engine."""
        return (
            errors.EngineMismatch(f"{state.pins.engine} has measured it") if self.is_foreign(state) else None
        )

    def close(self, state: GroupState, *, now: float) -> GroupState:
        """Close a group with the members it has, as the policy says. A closed group stays unchanged."""
        if not state.is_open:
            return state
        declared = self.run.declared
        status = declared.partial.settle(_scored(state), declared.group_size)
        whole = len(state.members) == declared.group_size and declared.partial.policy != "wait"
        if status is GroupStatus.FAILED and not whole:
            status = GroupStatus.EXPIRED
        return replace(state, status=status, closes_at=now)

    def end(self, state: GroupState | None, *, attempt: int, now: float) -> Decision:
        """Decide about a call to close the group; repeating the call changes nothing."""
        current = self.expire(state, now=now)
        if current is None:
            return Decision(None)
        if attempt != current.attempt:
            return Decision(current, refusal=errors.AttemptSuperseded(_at(current)))
        if refusal := self.mismatch(current):
            return Decision(current, refusal=refusal)
        return Decision(self.close(current, now=now))

    def _refusal(self, state: GroupState, claim: Claim) -> errors.CallError | None:
        """Return why a rollout of this or an earlier attempt cannot be a member; None if it can."""
        known = state.find(claim.rollout_id)
        if claim.attempt < state.attempt:
            return errors.AttemptSuperseded(_at(state))
        if state.pins.engine != self.engine:
            is_replay = not state.is_open and known is not None and known.digest == claim.digest
            return (
                None
                if is_replay
                else errors.EngineMismatch(f"the group was measured by engine {state.pins.engine}")
            )
        if claim.pins.question != state.pins.question:
            return errors.QuestionConflict("the group's first rollout names a different question")
        if claim.pins.step != state.pins.step:
            return errors.StepConflict(f"the group's first rollout is of step {_or_none(state.pins.step)}")
        if known is not None:
            return None if known.digest == claim.digest else errors.RolloutConflict("the first one counts")
        if len(state.members) == self.run.declared.group_size:
            return errors.GroupFull(f"the run declares groups of {len(state.members)}")
        return None if state.is_open else errors.GroupClosed(f"the group is {state.status}")

    def _opened(self, claim: Claim, now: float) -> GroupState:
        waits = self.run.declared.partial.policy == "wait"
        return GroupState(
            epoch=self.run.epoch,
            attempt=claim.attempt,
            pins=claim.pins,
            question_id=claim.question_id,
            masked=(),
            unmatchable=(),
            opened_at=now,
            closes_at=now + (self.ttl_s if waits else self.run.declared.deadline_s),
            status=GroupStatus.OPEN,
            members=(),
        )

    def _shortened(self, state: GroupState, claim: Claim, now: float) -> GroupState:
        """Apply the caller's own deadline; under `wait` there is none to shorten."""
        if claim.deadline_s is None or self.run.declared.partial.policy == "wait":
            return state
        return replace(state, closes_at=min(state.closes_at, now + claim.deadline_s))

    def _settled(self, state: GroupState, now: float) -> GroupState:
        """Close a group that has all its members; under `wait` only once all of them are scored."""
        size, policy = self.run.declared.group_size, self.run.declared.partial.policy
        done = _scored(state) if policy == "wait" else len(state.members)
        return self.close(state, now=now) if done == size else state


def missing(state: GroupState, group_size: int) -> list[str | None]:
    """Return the members that have not arrived, one item each.

    If all ids are numbers from 0 to G-1 the missing ones are named; otherwise only their number is known: items are None.
    """
    numbers = [str(n) for n in range(group_size)]
    present = {one.facts.rollout_id for one in state.members}
    if present <= set(numbers):
        return [number for number in numbers if number not in present]
    return [None] * (group_size - len(present))


def _given_up(state: GroupState) -> GroupState:
    """Return a group that expired without rewards, because its engine is gone."""
    result = unpaid([one.facts for one in state.members])
    status = GroupStatus.EXPIRED
    return replace(state, status=status, result=replace(result, status=status, flags=(ENGINE_GONE,)))


def _with_member(state: GroupState, member: Member) -> GroupState:
    others = [one for one in state.members if one.facts.rollout_id != member.facts.rollout_id]
    return replace(state, members=tuple(sorted([*others, member], key=attrgetter("facts.rollout_id"))))


def _or_none(step: int | None) -> str:
    return "none" if step is None else str(step)


def _at(state: GroupState) -> str:
    return f"the group is at attempt {state.attempt}"


def _scored(state: GroupState) -> int:
    return sum(one.facts.status is RolloutStatus.SCORED for one in state.members)
