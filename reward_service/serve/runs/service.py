"""What callers ask of runs and groups."""

import secrets
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial

from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST, evaluate
from reward_service.core.types import Defaults, Rollout, RolloutFacts, RolloutResult
from reward_service.serve import errors
from reward_service.serve.groups.codec import decode_run, encode_run
from reward_service.serve.groups.digests import question_digest, rollout_digest
from reward_service.serve.groups.state import Claim, Decision, Declaration, GroupState, Pins, Run
from reward_service.serve.groups.stores.protocols import GroupKey, GroupStore
from reward_service.serve.groups.waiters import Patience, Waiter
from reward_service.serve.runs.groups import Company, Look, Standing
from reward_service.serve.runs.view import Seen
from reward_service.serve.scorer import QuestionRef, RewardService, Truth
from reward_service.serve.timings import Timings

# The setting that bounds a value of a declaration, and where that value stands in the body.
LIMITS = {
    "group_size": ("max_rollouts", "/group_size"),
    "deadline_s": ("max_deadline_s", "/deadline_s"),
    "open_groups": ("max_open_groups", "/quotas/open_groups"),
}


@dataclass(frozen=True, slots=True)
class Arrival:
    """A rollout on its way in."""

    key: GroupKey
    recorded: Callable[[Defaults], Rollout]
    """Returns the rollout, read as the run says where it does not say so itself."""
    question: Question | str
    """The ground truth, or its id in the run's data set."""
    attempt: int = 0
    deadline_s: float | None = None
    explain: bool = False


@dataclass(frozen=True, slots=True)
class Taken:
    """A rollout that is in. Unless it is to be explained, its text is gone."""

    claim: Claim
    seen: Seen
    replayed: bool
    explained: tuple[Truth, RolloutFacts] | None
    """Evidence goes into the answer to this call and is stored nowhere; None where it was not asked for."""

    @property
    def closed_it(self) -> bool:
        """Whether the group waited for nobody else."""
        return not self.replayed and not self.seen.state.is_open


@dataclass(frozen=True, slots=True)
class Evaluated:
    """A rollout that was scored outside of training."""

    run: Run
    profile: Profile
    truth: Truth
    entities: int
    result: RolloutResult


class RunService:
    """Declares runs, and takes their rollouts in."""

    def __init__(self, scorer: RewardService, store: GroupStore) -> None:
        self.settings = scorer.settings
        self.standing = Standing(scorer, store)
        self.scorer = scorer

    async def declare(self, run_id: str, declared: Declaration, *, timings: Timings) -> tuple[Run, bool]:
        """Declare a run, or find it declared; returns it, and whether it is new.

        Raises:
            RunConflict: it was declared with other values.
            UnknownProfile, UnknownDataset: it names what is not here.
            InvalidRequest: a value is over a limit of the service.
        """
        run = await self.standing.run(run_id, timings=timings)
        is_new = False
        if run is None:
            async with timings.remote("look_up"):
                drawn = await self._pinned(run_id, declared)
            async with timings.remote("state"):
                record = await self.standing.store.declare(
                    run_id, encode_run(drawn), keep_s=self.settings.run_ttl_s
                )
            run = decode_run(record)
            is_new = run == drawn
        if run.declared != declared:
            raise errors.RunConflict("a run is declared once: choose another name, or delete it")
        return run, is_new

    async def check(self) -> None:
        """Ask the store whether it answers.

        Raises:
            StateUnavailable: it does not.
        """
        await self.standing.store.read("")

    def let_go(self) -> None:
        """Answer everybody who waits with what there is: this process is about to end."""
        self.standing.watch.release()

    async def find(self, run_id: str, *, timings: Timings) -> Run:
        """Return a run.

        Raises:
            UnknownRun: there is none.
        """
        return await self.standing.find(run_id, timings=timings)

    async def drop(self, run_id: str, *, timings: Timings) -> None:
        """Forget a run and all its groups; nothing happens where there is none."""
        async with timings.remote("state"):
            await self.standing.store.drop(run_id)

    async def open_groups(self, run_id: str, *, limit: int, timings: Timings) -> list[Seen]:
        """Return open groups of a run, those that close first coming first.

        Raises:
            UnknownRun: there is none.
        """
        await self.find(run_id, timings=timings)
        async with timings.remote("state"):
            listed = await self.standing.store.open_groups(run_id, limit=limit)
        found = await self.standing.see_many(run_id, [group.group_id for group in listed], timings=timings)
        return [seen for seen in found if seen is not None and seen.state.is_open]

    @contextmanager
    def waiting(self, key: GroupKey, wait_s: float) -> Iterator[Waiter[Seen] | None]:
        """Make ready to wait for a group; None where nobody wants to, or there is no room."""
        if wait_s <= 0:
            yield None
            return
        with self.standing.watch.waiting(key) as waiter:
            yield waiter

    async def take(self, arrival: Arrival, *, timings: Timings) -> Taken:
        """Take a rollout in: decide, measure it where it is wanted, and decide again.

        Raises:
            UnknownRun, UnknownQuestion: there is no such thing.
            AttemptSuperseded, QuestionConflict, RolloutConflict, GroupFull, GroupClosed: it cannot be a member.
            QuotaExceeded: it would open one group too many.
            EngineMismatch, IndexUnavailable, StateUnavailable: it may be taken later.
            DeadlineExceeded: nobody waits any more; it may be in all the same, and sending it again tells.
        """
        with self.standing.company(arrival.key) as company:
            return await self._take(arrival, company, timings)

    async def _take(self, arrival: Arrival, company: Company, timings: Timings) -> Taken:
        key = arrival.key
        glance = await self.standing.glance(key, timings=timings)
        run = self.standing.run_of(glance.snapshot)
        rollout = arrival.recorded(run.declared.defaults)
        claim = _claim(arrival, rollout, run)
        now = await self.standing.change(
            key, lambda look: self._admitted(look, claim), timings=timings, since=glance
        )
        measured = None
        if now.decision.admitted or arrival.explain:
            measured = await self._measured(arrival, rollout, run, timings)
        if now.decision.admitted and measured is not None:
            truth, facts = measured

            def add(look: Look) -> Decision:
                if look.assembler.run.epoch != run.epoch:
                    return Decision(
                        None, refusal=errors.StateUnavailable("the run was declared anew meanwhile")
                    )
                return look.assembler.add(look.state, claim, facts, now=look.now, masked=truth.masked)

            async with company.turn(timings=timings):
                now = await self.standing.change(key, add, timings=timings, since=company.since(now.glance))
                company.left = now.glance
        if now.seen is None:
            raise AssertionError("a rollout that was not refused is in a group")
        return Taken(claim, now.seen, now.decision.replayed, measured if arrival.explain else None)

    async def evaluate(self, arrival: Arrival, *, timings: Timings) -> Evaluated:
        """Score one rollout outside of training. Nothing is kept, so it can be asked any number of times.

        Raises:
            UnknownRun, UnknownQuestion: there is no such thing.
        """
        run = await self.find(arrival.key.run_id, timings=timings)
        rollout = arrival.recorded(run.declared.defaults)
        _claim(arrival, rollout, run)
        profile = self.standing.profile(run)
        truth, facts = await self._measured(arrival, rollout, run, timings)
        with timings.stage("reward"):
            return Evaluated(run, profile, truth, facts.entities, evaluate(facts, profile))

    async def outcome(
        self, taken: Taken, waiter: Waiter[Seen] | None, patience: Patience, *, timings: Timings
    ) -> Seen:
        """Wait for the group of a rollout that is in; returns the group as it is then, maybe still open.

        Raises:
            AttemptSuperseded: the group was started afresh meanwhile.
            StateLost, UnknownRun: the store has lost the rollout.
        """
        claim, seen = taken.claim, taken.seen
        if waiter is None or not seen.state.is_open:
            return seen
        over = partial(_is_over, claim=claim)
        with timings.stage("wait"):
            was_told = await waiter.until(over, patience)
        now = waiter.told if was_told else await self.standing.see(seen.key, timings=timings)
        if now is None or not _holds(now.state, claim):
            await self.find(seen.key.run_id, timings=timings)
            raise _lost(now, claim)
        return now

    async def group(
        self, key: GroupKey, waiter: Waiter[Seen] | None, patience: Patience, *, timings: Timings
    ) -> Seen:
        """Return a group, waiting for it to close; it may still be open, and it may come while we wait.

        Raises:
            UnknownRun, UnknownGroup: there is no such thing.
        """
        seen = await self.standing.expire(key, timings=timings)
        if waiter is not None and not _is_closed(seen):
            with timings.stage("wait"):
                was_told = await waiter.until(lambda told, _is_fresh: _is_closed(told), patience)
            seen = waiter.told if was_told else await self.standing.see(key, timings=timings)
        return _there(seen)

    async def close(self, key: GroupKey, *, attempt: int, timings: Timings) -> Seen:
        """Close a group with the members it has.

        Raises:
            UnknownRun, UnknownGroup: there is no such thing.
            AttemptSuperseded: it is at another attempt.
        """
        changed = await self.standing.change(
            key, lambda look: look.assembler.end(look.state, attempt=attempt, now=look.now), timings=timings
        )
        return _there(changed.seen)

    async def _pinned(self, run_id: str, declared: Declaration) -> Run:
        """Settle everything a declaration names."""
        for name, (setting, path) in LIMITS.items():
            limit = getattr(self.settings, setting)
            if (getattr(declared, name) or 0) > limit:
                raise errors.InvalidRequest(f"it may be {limit} at most", path=path)
        profile = self.scorer.profile(declared.profile)
        return Run(
            run_id=run_id,
            epoch=secrets.token_hex(8),
            declared=declared,
            profile_digest=profile.digest,
            estimator=declared.estimator or profile.estimator,
            index=await self.scorer.pin(declared.dataset),
        )

    def _admitted(self, look: Look, claim: Claim) -> Decision:
        """Ask the assembler, and the quota where a group would be opened."""
        decision = look.assembler.admit(look.state, claim, now=look.now)
        quota = look.assembler.run.declared.open_groups or self.settings.max_open_groups
        if decision.state is None and look.open_groups >= quota:
            return Decision(None, refusal=errors.QuotaExceeded(f"{quota} groups are open"))
        return decision

    async def _measured(
        self, arrival: Arrival, rollout: Rollout, run: Run, timings: Timings
    ) -> tuple[Truth, RolloutFacts]:
        truth, facts = await self.scorer.measure_one(
            _wanted(arrival.question, run),
            rollout,
            self.standing.profile(run),
            explain=arrival.explain,
            timings=timings,
        )
        if truth.index is not None and truth.index != run.index:
            raise errors.IndexUnavailable("this replica holds other content under the run's index version")
        return truth, facts


def _claim(arrival: Arrival, rollout: Rollout, run: Run) -> Claim:
    """Say who asks to become a member."""
    question_id = arrival.question if isinstance(arrival.question, str) else None
    if question_id is not None and run.index is None:
        raise errors.InvalidRequest(
            "the run names no data set: send the question itself", path="/question_id"
        )
    question = question_digest(arrival.question, None if question_id is None else run.index)
    return Claim(
        rollout_id=rollout.rollout_id,
        digest=rollout_digest(rollout),
        pins=Pins(question, ENGINE_DIGEST),
        question_id=question_id,
        attempt=arrival.attempt,
        deadline_s=arrival.deadline_s,
    )


def _wanted(question: Question | str, run: Run) -> Question | QuestionRef:
    """Return the question, or where it stands in the version that the run has pinned."""
    if isinstance(question, Question):
        return question
    return QuestionRef(f"{run.index.dataset}@{run.index.version}" if run.index else "", question)


def _holds(state: GroupState, claim: Claim) -> bool:
    """Return whether a rollout is a member."""
    member = state.find(claim.rollout_id)
    return state.attempt == claim.attempt and member is not None and member.digest == claim.digest


def _is_closed(seen: Seen | None) -> bool:
    return seen is not None and not seen.state.is_open


def _is_over(seen: Seen | None, is_fresh: bool, *, claim: Claim) -> bool:  # noqa: FBT001  # called by position
    """Return whether a member need not wait any longer: its group is closed, or no longer its group."""
    if seen is not None and (_holds(seen.state, claim) or seen.state.attempt > claim.attempt):
        return not seen.state.is_open or seen.state.attempt > claim.attempt
    return is_fresh


def _lost(seen: Seen | None, claim: Claim) -> errors.CallError:
    if seen is not None and seen.state.attempt > claim.attempt:
        return errors.AttemptSuperseded(f"the group is at attempt {seen.state.attempt}")
    return errors.StateLost("the store has lost it; nothing else is lost with it")


def _there(seen: Seen | None) -> Seen:
    if seen is None:
        raise errors.UnknownGroup("no rollout of it has come, or it is kept no longer")
    return seen
