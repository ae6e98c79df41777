"""Runs and groups as they stand in the store, and how they change.

Every change is the same loop: read, let the assembler decide, swap. Whoever loses the swap learns by it what stands there
now, and decides again. What was read once serves until somebody else has changed it: a rollout is admitted, measured, and
added to the group as it was when it was admitted, at that time; only if that group is no more is there another look.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field
from typing import NamedTuple

from reward_service.core.profiles import Profile
from reward_service.serve import errors
from reward_service.serve.groups.assembler import GroupAssembler
from reward_service.serve.groups.codec import decode_group, decode_run, encode_group
from reward_service.serve.groups.state import Decision, GroupState, Run
from reward_service.serve.groups.stores.protocols import GroupKey, GroupStore, Snapshot, Write
from reward_service.serve.groups.waiters import Watch
from reward_service.serve.ledger import Published, Terms
from reward_service.serve.runs.view import Seen
from reward_service.serve.scorer import RewardService
from reward_service.serve.timings import Timings

# In one process rollouts of a group take turns, so that only other processes make one lose: about every second time
# with two of them. This many losses in a row are a broken store.
TRIES = 64


class Look(NamedTuple):
    """What a decision is made on."""

    assembler: GroupAssembler
    state: GroupState | None
    now: float
    open_groups: int


class Glance(NamedTuple):
    """What was read of a run and one group."""

    asked: int
    """The moment of the watch when it was asked for."""
    snapshot: Snapshot


class Changed(NamedTuple):
    """What became of a group."""

    decision: Decision
    seen: Seen | None
    """The group that is there now."""
    glance: Glance
    """The same, for who wants to change it again."""


@dataclass(slots=True)
class Company:
    """The rollouts of this process that are on their way into one group; they change it one by one."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    size: int = 0
    left: Glance | None = None
    """The group as the one before has left it."""

    @asynccontextmanager
    async def turn(self, *, timings: Timings) -> AsyncIterator[None]:
        """Wait for the others, and let them wait."""
        async with timings.remote("turn"):
            await self.lock.acquire()
        try:
            yield
        finally:
            self.lock.release()

    def since(self, admitted: Glance) -> Glance:
        """Return what a rollout decides on: what it was admitted on, or what has been left there later than that.

        Never what was left earlier: a store may have lost that before the rollout came.
        """
        if self.left is None or self.left.asked < admitted.asked:
            return admitted
        now = max(self.left.snapshot.now, admitted.snapshot.now)
        return self.left._replace(snapshot=self.left.snapshot._replace(now=now))


class Standing:
    """All runs and groups."""

    def __init__(self, scorer: RewardService, store: GroupStore) -> None:
        self.settings = scorer.settings
        self.store = store
        self.watch = Watch[Seen](self.settings.max_waiting)
        self._scorer = scorer
        self.runs_in_use: dict[str, int] = {}
        """Runs that this process has met, and how many of their groups were open when it last looked.

        What nobody asks about need not be closed before somebody does.
        """
        self._companies: dict[GroupKey, Company] = {}
        self.on_closed: Callable[[Seen], None] = lambda _seen: None
        """Called by the process that closes a group, once."""

    def profile(self, run: Run) -> Profile:
        """Return the profile that a run has pinned.

        Raises:
            UnknownProfile, ProfileMismatch: this replica does not have it.
        """
        return self._scorer.pinned_profile(run.declared.profile, run.profile_digest)

    async def read(self, run_id: str, group_ids: Sequence[str] = (), *, timings: Timings) -> Snapshot:
        """Read a run and some of its groups."""
        async with timings.remote("state"):
            return await self.store.read(run_id, group_ids)

    async def run(self, run_id: str, *, timings: Timings) -> Run | None:
        """Return a run; None where there is none."""
        record = (await self.read(run_id, timings=timings)).run
        return None if record is None else decode_run(record)

    async def find(self, run_id: str, *, timings: Timings) -> Run:
        """Return a run.

        Raises:
            UnknownRun: there is none.
        """
        return self.run_of(await self.read(run_id, timings=timings))

    def run_of(self, snapshot: Snapshot) -> Run:
        """Return the run that was read.

        Raises:
            UnknownRun: there is none.
        """
        if snapshot.run is None:
            raise _unknown_run()
        return decode_run(snapshot.run)

    async def see(self, key: GroupKey, *, timings: Timings) -> Seen | None:
        """Look at a group without touching it; None where there is none."""
        return (await self.see_many(key.run_id, [key.group_id], timings=timings))[0]

    async def see_many(self, run_id: str, group_ids: Sequence[str], *, timings: Timings) -> list[Seen | None]:
        """Look at groups of a run without touching them; one item each, None where there is none."""
        snapshot = await self.read(run_id, group_ids, timings=timings)
        return [
            self.seen(GroupKey(run_id, group_id), snapshot, blob)
            for group_id, blob in zip(group_ids, snapshot.groups, strict=True)
        ]

    def seen(self, key: GroupKey, snapshot: Snapshot, blob: bytes | None) -> Seen | None:
        """Read a group from what the store holds; None where there is none.

        Raises:
            EngineMismatch, CorruptState: it cannot be read.
            UnknownProfile, ProfileMismatch: this replica cannot say what it pays.
        """
        if snapshot.run is None or blob is None:
            return None
        run, state = decode_run(snapshot.run), decode_group(blob)
        return self._seen(key, run, state, snapshot.now) if self._assembler(run).owns(state) else None

    async def glance(self, key: GroupKey, *, timings: Timings) -> Glance:
        """Read a run and one group, to decide about it."""
        asked = self.watch.moment()
        return Glance(asked, await self.read(key.run_id, [key.group_id], timings=timings))

    async def change(
        self,
        key: GroupKey,
        decide: Callable[[Look], Decision],
        *,
        timings: Timings,
        since: Glance | None = None,
    ) -> Changed:
        """Change a group as somebody decides.

        Args:
            key: the group.
            decide: says what is to become of it; asked again for what stands there whenever somebody else was faster.
            timings: of the request.
            since: what was read of it before; without it, it is read now.

        Raises:
            UnknownRun: there is no run.
            CallError: what the decision refuses with; the state that goes with it is kept.
            DeadlineExceeded: nobody waits any more; the change may have been made all the same.
        """
        glance = since or await self.glance(key, timings=timings)
        for _ in range(TRIES):
            asked, snapshot = glance
            run, before, decision = self._decided(key, snapshot, decide)
            closed = self._closed(key, run, before, decision.state)
            if closed is not None:
                self._publish(closed, timings)
            glance, is_beaten = await self._swapped(key, glance, before, decision.state, timings=timings)
            if is_beaten:
                continue
            if closed is not None:
                self.on_closed(closed)
            if decision.refusal is not None:
                raise decision.refusal
            seen = closed or self._seen(key, run, decision.state, snapshot.now)
            if seen is not None and not seen.state.is_open:
                self.watch.tell(key, seen, asked=asked)  # other processes hear of it through the store
            return Changed(decision, seen, glance)
        raise errors.StateUnavailable("too many concurrent changes to this group")

    def _decided(
        self, key: GroupKey, snapshot: Snapshot, decide: Callable[[Look], Decision]
    ) -> tuple[Run, GroupState | None, Decision]:
        run, (blob,) = self.run_of(snapshot), snapshot.groups
        self.runs_in_use[key.run_id] = snapshot.open_groups
        before = None if blob is None else decode_group(blob)
        look = Look(self._assembler(run), before, snapshot.now, snapshot.open_groups)
        return run, before, decide(look)

    async def expire(self, key: GroupKey, *, timings: Timings) -> Seen | None:
        """Close a group if it has waited long enough; returns the group that is there now."""
        changed = await self.change(
            key, lambda look: Decision(look.assembler.expire(look.state, now=look.now)), timings=timings
        )
        return changed.seen

    @contextmanager
    def company(self, key: GroupKey) -> Iterator[Company]:
        """Join the rollouts that are on their way into a group."""
        company = self._companies.setdefault(key, Company())
        company.size += 1
        try:
            yield company
        finally:
            company.size -= 1
            if not company.size:
                del self._companies[key]

    def _assembler(self, run: Run) -> GroupAssembler:
        return GroupAssembler(run, self.settings.group_ttl_s)

    def _publish(self, closed: Seen, timings: Timings) -> None:
        with timings.stage("reward"):
            record = published(closed)
        with timings.stage("publish"):
            self._scorer.publish([record], _terms(closed))

    async def _swapped(
        self,
        key: GroupKey,
        glance: Glance,
        before: GroupState | None,
        after: GroupState | None,
        *,
        timings: Timings,
    ) -> tuple[Glance, bool]:
        """Make a decision true; returns what stands there now, and whether somebody else was faster."""
        snapshot = glance.snapshot
        if after is None or after == before or snapshot.run is None:
            return glance, False
        ttl_s = self.settings.group_ttl_s
        afresh = before is not None and not _is_same(before, after)
        write = Write(
            encode_group(after),
            keep_s=max(after.closes_at - snapshot.now, 0.0) + ttl_s,
            closes_at=after.closes_at if after.is_open else None,
            wake=afresh or not after.is_open,
        )
        (blob,) = snapshot.groups
        asked = self.watch.moment()
        async with timings.remote("state"):
            beaten = await self.store.swap(
                key, blob, write, run=snapshot.run, keep_run_s=self.settings.run_ttl_s
            )
        return Glance(asked, beaten or snapshot._replace(groups=(write.blob,))), beaten is not None

    def _closed(
        self, key: GroupKey, run: Run, before: GroupState | None, after: GroupState | None
    ) -> Seen | None:
        """Return a group that a decision closes; None where it stays as it was, or open."""
        if after is None or after.is_open:
            return None
        again = before is not None and not before.is_open and _is_same(before, after)
        return None if again else self._seen(key, run, after, after.closes_at)

    def _seen(self, key: GroupKey, run: Run, state: GroupState | None, now: float) -> Seen | None:
        return None if state is None else Seen(key, run, state, profile=self.profile(run), now=now)


def _is_same(before: GroupState, after: GroupState) -> bool:
    """Return whether two states are of one attempt at one group."""
    return (before.epoch, before.attempt) == (after.epoch, after.attempt)


def _unknown_run() -> errors.UnknownRun:
    return errors.UnknownRun("declare it first: PUT /v1/runs/{run_id}")


def published(seen: Seen) -> Published:
    """Return what the ledger keeps of a closed group.

    It is written before the swap: who loses that leaves a line too many, and no reward goes out without one.
    """
    index = seen.run.index
    return Published(
        run_id=seen.key.run_id,
        group_id=seen.key.group_id,
        question_id=seen.state.question_id,
        index_digest=index and index.digest,
        facts=[member.facts for member in seen.state.members],
        result=seen.result,
        missing=len(seen.missing),
    )


def _terms(seen: Seen) -> Terms:
    return Terms("", seen.profile, seen.run.estimator, seen.run.declared.partial)
