"""The calls of the API about runs, and about rollouts that arrive one by one."""

import secrets
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from entity_index.types import Question
from reward_service.core.advantages import overridden
from reward_service.core.profiles import Profile
from reward_service.core.rewards.compose import needs_progress
from reward_service.core.scoring import ENGINE_DIGEST, evaluate
from reward_service.core.types import Defaults, GroupResult, Rollout, RolloutFacts, RolloutResult
from reward_service.serve import errors
from reward_service.serve.groups.codec import decode_run, encode_run
from reward_service.serve.groups.digests import question_digest, rollout_digest
from reward_service.serve.groups.state import Claim, Decision, Declaration, GroupState, Pins, Run
from reward_service.serve.groups.stores.protocols import GroupKey, GroupStore
from reward_service.serve.groups.waiters import Waiter, WaitLimit
from reward_service.serve.runs.access import Access
from reward_service.serve.runs.groups import DecisionInput, Groups, KeyLock
from reward_service.serve.runs.recent import RecentGroups
from reward_service.serve.runs.view import GroupView
from reward_service.serve.scorer import Payer, Scorer, check_estimator_of, check_progress, outcome_only
from reward_service.serve.sources.budgets import Limit
from reward_service.serve.timings import Timings
from reward_service.serve.truth import QuestionRef, Truth

MOST_SHOWN = 1000
"""Open groups in a summary."""
# Value of a declaration -> the setting that limits it, and the value's path in the body.
LIMITS = {
    "group_size": ("max_rollouts", "/group_size"),
    "deadline_s": ("max_deadline_s", "/deadline_s"),
    "open_groups": ("max_open_groups", "/quotas/open_groups"),
    "judge_calls": ("judge_run_calls", "/quotas/judge_calls"),
    "judge_tokens": ("judge_run_tokens", "/quotas/judge_tokens"),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A rollout that asks to become a member of a group."""

    key: GroupKey
    recorded: Callable[[Defaults], Rollout]
    """Returns the rollout, read as the run says where it does not say so itself."""
    access: Access
    question: Question | str
    """The question with its ground truth, or its id in the run's data set."""
    attempt: int = 0
    deadline_s: float | None = None
    explain: bool = False
    step: int | None = None
    """Step of the training; None where the trainer does not say."""


@dataclass(frozen=True, slots=True)
class Admitted:
    """A rollout that is a member of its group. Its text is kept only if an explanation was asked for."""

    claim: Claim
    view: GroupView
    replayed: bool
    explained: tuple[Truth, RolloutFacts] | None
    """The evidence for the answer to this call, which is stored nowhere; None if it was not asked for."""

    @property
    def closed_it(self) -> bool:
        """Whether the group was complete with this rollout."""
        return not self.replayed and not self.view.state.is_open


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A rollout that was scored for evaluation, outside any group."""

    run: Run
    profile: Profile
    truth: Truth
    entities: int
    result: RolloutResult


class RunService:
    """Declares runs, admits their rollouts, and returns their groups."""

    def __init__(self, scorer: Scorer, store: GroupStore, *, engine: str = ENGINE_DIGEST) -> None:
        self.settings = scorer.settings
        self.groups = Groups(scorer, store, engine=engine)
        self.scorer = scorer
        self.recent = RecentGroups()

    async def declare(
        self, run_id: str, declared: Declaration, *, access: Access, timings: Timings
    ) -> tuple[Run, bool]:
        """Declare a run. Returns it, and whether this call created it.

        Raises:
            Forbidden: another owner has declared a run of this id.
            RunConflict: it has been declared with other values.
            QuotaExceeded: this process, or the owner in it, has as many runs in use as it may.
            UnknownProfile, UnknownDataset: there is no such profile or data set.
            ProfileMismatch: it was declared with another content of its profile than this process has.
            InvalidRequest: a value exceeds a limit of the service.
        """
        run = await self.groups.run(run_id, timings=timings)
        is_new = False
        if run is None:
            self._check_runs(access.owner)
            async with timings.remote("look_up"):
                drawn = await self._pinned(run_id, declared, access.owner)
            async with timings.remote("state"):
                record = await self.groups.store.declare(
                    run_id, encode_run(drawn), keep_s=self.settings.run_ttl_s
                )
            run = decode_run(record)
            is_new = run == drawn
            if run_id not in self.groups.runs_in_use:
                self.groups.use(run_id, run, open_groups=0)
        access.check(run)
        if run.declared != declared:
            raise errors.RunConflict("a run can be declared only once: choose another name, or delete it")
        self.groups.profile(run)
        return run, is_new

    def _check_runs(self, owner: str) -> None:
        """Refuse another run where this process, or the owner in it, has as many in use as it may."""
        settings, owners = self.settings, list(self.groups.owners.values())
        if len(owners) >= settings.max_runs:
            raise errors.QuotaExceeded(f"{settings.max_runs} runs are in use")
        if owners.count(owner) >= settings.max_runs_per_owner:
            raise errors.QuotaExceeded(f"you have {settings.max_runs_per_owner} runs in use: delete one")

    async def check(self) -> None:
        """Check that the store answers, has room, and keeps what it is given.

        Raises:
            StateUnavailable: it does not.
        """
        await self.groups.store.check()

    def release_waiters(self) -> None:
        """Answer all waiting calls now, with the groups as they are: this process is about to end."""
        self.groups.waiters.release()

    async def find(self, run_id: str, *, access: Access, timings: Timings) -> Run:
        """Return a run.

        Raises:
            UnknownRun: there is none.
            Forbidden: it belongs to another owner.
        """
        return access.check(await self.groups.find(run_id, timings=timings))

    async def drop(self, run_id: str, *, access: Access, timings: Timings) -> None:
        """Delete a run and all its groups. Deleting a run that does not exist does nothing.

        Raises:
            Forbidden: it belongs to another owner.
            EngineMismatch, CorruptState: it cannot be read, so only those who may use every run may delete it.
        """
        if not access.every_run and (run := await self.groups.run(run_id, timings=timings)) is not None:
            access.check(run)
        async with timings.remote("state"):
            await self.groups.store.drop(run_id)
        self.recent.forget(run_id)

    async def standing(
        self, run_id: str, *, access: Access, timings: Timings
    ) -> tuple[Run, list[GroupView], Sequence[GroupResult]]:
        """Return a run, its open groups, and the latest groups that this process has closed.

        Raises:
            UnknownRun: there is none.
            Forbidden: it belongs to another owner.
        """
        run = await self.find(run_id, access=access, timings=timings)
        views = await self.open_groups(run_id, limit=MOST_SHOWN, access=access, timings=timings)
        return run, views, self.recent.of(run_id)

    async def open_groups(
        self, run_id: str, *, limit: int, access: Access, timings: Timings
    ) -> list[GroupView]:
        """Return the open groups of a run, ordered by when they close.

        Raises:
            UnknownRun: there is none.
            Forbidden: it belongs to another owner.
        """
        await self.find(run_id, access=access, timings=timings)
        async with timings.remote("state"):
            listed = await self.groups.store.open_groups(run_id, limit=limit)
        found = await self.groups.view_many(run_id, [group.group_id for group in listed], timings=timings)
        return [view for view in found if view is not None and view.state.is_open]

    @contextmanager
    def waiting(self, key: GroupKey, wait_s: float) -> Iterator[Waiter[GroupView] | None]:
        """Yield a waiter for a group; None if the caller does not want to wait, or too many wait already."""
        if wait_s <= 0:
            yield None
            return
        with self.groups.waiters.waiting(key) as waiter:
            yield waiter

    async def admit(self, arrival: Arrival, *, timings: Timings) -> Admitted:
        """Make a rollout a member of its group: decide whether it is wanted, measure it, and decide again.

        Raises:
            UnknownRun, UnknownQuestion: there is no such run or question.
            Forbidden: the run belongs to another owner.
            InvalidRequest: its profile needs a step, and the rollout names none.
            AttemptSuperseded, QuestionConflict, StepConflict, RolloutConflict, GroupFull, GroupClosed: it cannot be a member.
            QuotaExceeded: it would open one group more than the run may have.
            EngineMismatch, IndexUnavailable, StateUnavailable: it may be admitted later.
            DeadlineExceeded: the caller's time is over. The rollout may have been stored; sending it again tells.
        """
        with self.groups.key_lock(arrival.key) as key_lock:
            return await self._admit(arrival, key_lock, timings)

    async def _admit(self, arrival: Arrival, key_lock: KeyLock, timings: Timings) -> Admitted:
        key = arrival.key
        snapshot = await self.groups.snapshot(key, timings=timings)
        run = arrival.access.check(self.groups.run_of(snapshot.stored))
        rollout = arrival.recorded(run.declared.defaults)
        how, progress = ": name the step of the training", run.declared.progress(arrival.step)
        check_progress(self.groups.profile(run), progress, path="/step", how=how)
        claim = _claim(arrival, rollout, run, engine=self.groups.engine)
        change = partial(self.groups.change, key, access=arrival.access, timings=timings)
        changed = await change(lambda given: self._admission(given, claim), since=snapshot)
        measured = None
        if changed.decision.admitted or arrival.explain:
            measured = await self._measured(arrival, rollout, run, self.groups.profile(run), timings=timings)
        if changed.decision.admitted and measured is not None:
            add = partial(_addition, run=run, claim=claim, measured=measured)
            async with key_lock.held(timings=timings):
                since = key_lock.newest(changed.snapshot)
                changed = await change(add, since=since)
                key_lock.last = changed.snapshot
        if changed.view is None:
            raise AssertionError("unreachable: a rollout that was not refused is in a group")
        return Admitted(claim, changed.view, changed.decision.replayed, measured if arrival.explain else None)

    async def evaluate(self, arrival: Arrival, *, timings: Timings) -> Evaluated:
        """Score one rollout for evaluation. Nothing is stored, so the call can be repeated at will.

        Raises:
            UnknownRun, UnknownQuestion: there is no such run or question.
            Forbidden: the run belongs to another owner.
        """
        run = await self.find(arrival.key.run_id, access=arrival.access, timings=timings)
        rollout = arrival.recorded(run.declared.defaults)
        _claim(arrival, rollout, run, engine=self.groups.engine)
        profile = self.groups.profile(run)
        truth, facts = await self._measured(arrival, rollout, run, outcome_only(profile), timings=timings)
        with timings.stage("reward"):
            return Evaluated(run, profile, truth, facts.entities, evaluate(facts, profile))

    async def outcome(
        self, admitted: Admitted, waiter: Waiter[GroupView] | None, limit: WaitLimit, *, timings: Timings
    ) -> GroupView:
        """Wait for the group of an admitted rollout to close. Returns the group, still open if the limit came first.

        Raises:
            AttemptSuperseded: the group has been restarted with a higher attempt.
            StateLost, UnknownRun: the store has lost the rollout.
        """
        claim, view = admitted.claim, admitted.view
        if waiter is None or not view.state.is_open:
            return view
        with timings.stage("wait"):
            has_answer = await waiter.until(partial(_is_over, claim=claim), limit)
        latest = waiter.latest if has_answer else await self.groups.view(view.key, timings=timings)
        if latest is None or not _holds(latest.state, claim):
            await self.groups.find(view.key.run_id, timings=timings)
            raise _lost(latest, claim)
        return latest

    async def group(
        self,
        key: GroupKey,
        waiter: Waiter[GroupView] | None,
        limit: WaitLimit,
        *,
        access: Access,
        timings: Timings,
    ) -> GroupView:
        """Wait for a group to close, even one without members yet. Returns it, still open if the limit came first.

        Raises:
            UnknownRun, UnknownGroup: there is no such run or group.
            Forbidden: the run belongs to another owner.
            EngineMismatch: it is open, and another engine has measured it.
        """
        view = await self.groups.expire(key, access=access, timings=timings)
        if waiter is not None and not _is_closed(view):
            with timings.stage("wait"):
                has_answer = await waiter.until(lambda latest, _is_fresh: _is_closed(latest), limit)
            view = waiter.latest if has_answer else await self.groups.view(key, timings=timings)
        return self._existing(view, access)

    async def close(self, key: GroupKey, *, attempt: int, access: Access, timings: Timings) -> GroupView:
        """Close a group with the members it has.

        Raises:
            UnknownRun, UnknownGroup: there is no such run or group.
            Forbidden: the run belongs to another owner.
            EngineMismatch: it is open, and another engine has measured it.
            AttemptSuperseded: the group is at another attempt.
        """
        changed = await self.groups.change(
            key,
            lambda given: given.assembler.end(given.state, attempt=attempt, now=given.now),
            access=access,
            timings=timings,
        )
        return self._existing(changed.view, access)

    def _existing(self, view: GroupView | None, access: Access) -> GroupView:
        """Return a group that can be answered. Its run may have been declared by another owner while the caller waited."""
        if view is None:
            raise errors.UnknownGroup("no rollout of it has come, or it is kept no longer")
        access.check(view.run)
        self.groups.check_engine(view)
        return view

    async def _pinned(self, run_id: str, declared: Declaration, owner: str) -> Run:
        """Resolve the names of a declaration, and pin what they refer to."""
        for name, (setting, path) in LIMITS.items():
            limit = getattr(self.settings, setting)
            if limit is not None and (getattr(declared, name) or 0) > limit:
                raise errors.InvalidRequest(
                    f"{name} must be at most {limit}, the setting {setting}", path=path
                )
        profile = self.scorer.profiles.named(declared.profile)
        estimator = overridden(profile.estimator, declared.estimator)
        check_estimator_of(profile, estimator)
        if declared.total_steps is None and needs_progress(profile.reward):
            raise errors.InvalidRequest(
                f"the profile {profile.name} needs progress: declare the number of steps of the training",
                path="/total_steps",
            )
        return Run(
            run_id=run_id,
            epoch=secrets.token_hex(8),
            declared=declared,
            profile_digest=profile.digest,
            estimator=estimator,
            index=await self.scorer.truth.pin(declared.dataset),
            owner=owner,
        )

    def _admission(self, given: DecisionInput, claim: Claim) -> Decision:
        """Decide whether a rollout is wanted; one that would open a group must also fit the quota."""
        decision = given.assembler.admit(given.state, claim, now=given.now)
        quota = given.assembler.run.declared.open_groups or self.settings.max_open_groups
        if decision.state is None and given.open_groups >= quota:
            return Decision(
                None, refusal=errors.QuotaExceeded(f"{quota} groups are open, which is the quota")
            )
        return decision

    async def _measured(
        self, arrival: Arrival, rollout: Rollout, run: Run, profile: Profile, *, timings: Timings
    ) -> tuple[Truth, RolloutFacts]:
        truth, facts = await self.scorer.measure_one(
            _wanted(arrival.question, run),
            rollout,
            profile,
            explain=arrival.explain,
            run=Payer(run.owner, run.run_id, Limit(run.declared.judge_calls, run.declared.judge_tokens)),
            timings=timings,
        )
        if truth.index is not None and truth.index != run.index:
            raise errors.IndexUnavailable("this replica has different content for the run's index version")
        return truth, facts


def _addition(
    given: DecisionInput, *, run: Run, claim: Claim, measured: tuple[Truth, RolloutFacts]
) -> Decision:
    """Decide about adding a measured rollout to its group."""
    if given.assembler.run.epoch != run.epoch:
        return Decision(None, refusal=errors.StateUnavailable("the run has been declared again meanwhile"))
    truth, facts = measured
    return given.assembler.add(
        given.state, claim, facts, now=given.now, masked=truth.masked, unmatchable=truth.unmatchable
    )


def _claim(arrival: Arrival, rollout: Rollout, run: Run, *, engine: str) -> Claim:
    """Return a rollout's claim to be a member.

    Raises:
        InvalidRequest: it names a question by id, and the run has no data set.
    """
    question_id = arrival.question if isinstance(arrival.question, str) else None
    if question_id is not None and run.index is None:
        raise errors.InvalidRequest(
            "the run names no data set: send the question in the body", path="/question_id"
        )
    question = question_digest(arrival.question, None if question_id is None else run.index)
    return Claim(
        rollout_id=rollout.rollout_id,
        digest=rollout_digest(rollout),
        pins=Pins(question, engine, arrival.step),
        question_id=question_id,
        attempt=arrival.attempt,
        deadline_s=arrival.deadline_s,
    )


def _wanted(question: Question | str, run: Run) -> Question | QuestionRef:
    """Return the question itself, or a reference to it in the index version that the run has pinned."""
    if isinstance(question, Question):
        return question
    return QuestionRef(f"{run.index.dataset}@{run.index.version}" if run.index else "", question)


def _holds(state: GroupState, claim: Claim) -> bool:
    """Return whether a group has a rollout as a member."""
    member = state.find(claim.rollout_id)
    return state.attempt == claim.attempt and member is not None and member.digest == claim.digest


def _is_closed(view: GroupView | None) -> bool:
    return view is not None and not view.state.is_open


def _is_over(view: GroupView | None, is_fresh: bool, *, claim: Claim) -> bool:  # noqa: FBT001  # called by position
    """Return whether a member's wait is over: its group has closed, restarted or lost it."""
    if view is not None and (_holds(view.state, claim) or view.state.attempt > claim.attempt):
        return not view.state.is_open or view.state.attempt > claim.attempt
    return is_fresh


def _lost(view: GroupView | None, claim: Claim) -> errors.CallError:
    if view is not None and view.state.attempt > claim.attempt:
        return errors.AttemptSuperseded(f"the group is at attempt {view.state.attempt}")
    return errors.StateLost("the store lost this rollout; send it again")
