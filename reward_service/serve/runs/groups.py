"""Reads and changes runs and groups in the store.

Every change is the same loop: read, let the assembler decide, and write with compare-and-set. A write that loses returns
the state that won, and the loop decides again on that. A snapshot stays in use until a write shows that it is out of
date: a rollout is admitted, measured, and added to the group as it was read at admission; only if the group has changed
since is it read again.
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace
from typing import NamedTuple

from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.serve import errors
from reward_service.serve.groups.assembler import GroupAssembler
from reward_service.serve.groups.codec import decode_group, decode_run, encode_group
from reward_service.serve.groups.state import Decision, GroupState, Run
from reward_service.serve.groups.stores.protocols import GroupKey, GroupStore, Snapshot, Write
from reward_service.serve.groups.waiters import Waiters
from reward_service.serve.ledger import Published, Terms
from reward_service.serve.runs.access import Access
from reward_service.serve.runs.view import GroupView
from reward_service.serve.scorer import INLINE_ROLLOUTS, Scorer
from reward_service.serve.timings import Timings

# Rollouts of one process take turns in a group, so a write loses only to other processes: with two of them about every
# second time. This many losses in a row mean that the store is broken.
TRIES = 64


class DecisionInput(NamedTuple):
    """The values that a decision about a group is based on."""

    assembler: GroupAssembler
    state: GroupState | None
    now: float
    open_groups: int


class GroupSnapshot(NamedTuple):
    """A run and one group as read from the store."""

    asked: int
    """Taken from `Waiters.moment` before the read began."""
    stored: Snapshot


class Changed(NamedTuple):
    """The result of a change."""

    decision: Decision
    view: GroupView | None
    """The group after the change."""
    snapshot: GroupSnapshot
    """The same group as stored, to base the next change on."""


@dataclass(slots=True)
class KeyLock:
    """Serialises the writes of this process to one group."""

    lock: asyncio.Lock = field(default_factory=asyncio.Lock)
    users: int = 0
    """Number of rollouts on their way into the group."""
    last: GroupSnapshot | None = None
    """The group after the latest write under this lock."""

    @asynccontextmanager
    async def held(self, *, timings: Timings) -> AsyncIterator[None]:
        """Hold the lock for the length of a block."""
        async with timings.remote("turn"):
            await self.lock.acquire()
        try:
            yield
        finally:
            self.lock.release()

    def newest(self, admitted: GroupSnapshot) -> GroupSnapshot:
        """Return the newer of the snapshot a rollout was admitted on and the latest write, at the later of both times.

        An older write is never used: the store may have lost it before the rollout arrived.
        """
        if self.last is None or self.last.asked < admitted.asked:
            return admitted
        now = max(self.last.stored.now, admitted.stored.now)
        return self.last._replace(stored=self.last.stored._replace(now=now))


class Groups:
    """All runs and groups."""

    def __init__(self, scorer: Scorer, store: GroupStore, *, engine: str = ENGINE_DIGEST) -> None:
        self.settings = scorer.settings
        self.engine = engine
        self.store = store
        self.waiters = Waiters[GroupView](self.settings.max_waiting)
        self._scorer = scorer
        self.runs_in_use: dict[str, int] = {}
        """Runs that this process has had calls for, each with its number of open groups when last read.

        The groups of all other runs are closed when they are next asked for.
        """
        self.owners: dict[str, str] = {}
        """Their owners."""
        self._key_locks: dict[GroupKey, KeyLock] = {}
        self.on_closed: Callable[[GroupView], None] = lambda _view: None
        """Called once for each group that this process closes."""

    def profile(self, run: Run) -> Profile:
        """Return the profile that a run has pinned.

        Raises:
            UnknownProfile, ProfileMismatch: this replica does not have it.
        """
        return self._scorer.profiles.pinned(run.declared.profile, run.profile_digest)

    async def read(self, run_id: str, group_ids: Sequence[str] = (), *, timings: Timings) -> Snapshot:
        """Read a run and some of its groups from the store."""
        async with timings.remote("state"):
            return await self.store.read(run_id, group_ids)

    async def run(self, run_id: str, *, timings: Timings) -> Run | None:
        """Return a run, or None if there is none of this id."""
        record = (await self.read(run_id, timings=timings)).run
        return None if record is None else decode_run(record)

    async def find(self, run_id: str, *, timings: Timings) -> Run:
        """Return a run.

        Raises:
            UnknownRun: there is none of this id.
        """
        return self.run_of(await self.read(run_id, timings=timings))

    def run_of(self, stored: Snapshot) -> Run:
        """Return the run of a snapshot.

        Raises:
            UnknownRun: the snapshot has none.
        """
        if stored.run is None:
            raise _unknown_run()
        return decode_run(stored.run)

    async def view(self, key: GroupKey, *, timings: Timings) -> GroupView | None:
        """Return a group without changing it, or None if there is none."""
        return (await self.view_many(key.run_id, [key.group_id], timings=timings))[0]

    async def view_many(
        self, run_id: str, group_ids: Sequence[str], *, timings: Timings
    ) -> list[GroupView | None]:
        """Return groups of a run without changing them, one item per id, None for an id without a group."""
        stored = await self.read(run_id, group_ids, timings=timings)
        return [
            self.view_of(GroupKey(run_id, group_id), stored, blob)
            for group_id, blob in zip(group_ids, stored.groups, strict=True)
        ]

    def view_of(self, key: GroupKey, stored: Snapshot, blob: bytes | None) -> GroupView | None:
        """Return a group of a snapshot; None if there is no such group in its run.

        Raises:
            EngineMismatch, CorruptState: the stored bytes cannot be decoded.
            UnknownProfile, ProfileMismatch: this replica does not have the run's profile.
        """
        if stored.run is None or blob is None:
            return None
        run, state = decode_run(stored.run), decode_group(blob)
        return self._view(key, run, state, stored.now) if self._assembler(run).owns(state) else None

    async def snapshot(self, key: GroupKey, *, timings: Timings) -> GroupSnapshot:
        """Read a run and one group, to base a decision on."""
        asked = self.waiters.moment()
        return GroupSnapshot(asked, await self.read(key.run_id, [key.group_id], timings=timings))

    async def change(
        self,
        key: GroupKey,
        decide: Callable[[DecisionInput], Decision],
        *,
        access: Access,
        timings: Timings,
        since: GroupSnapshot | None = None,
    ) -> Changed:
        """Change a group.

        Args:
            key: the group.
            decide: returns the decision; called again with the newer state each time another writer wins.
            access: of the caller, checked against the run each time it is read.
            timings: of the request.
            since: an earlier snapshot to decide on; without it the group is read.

        Raises:
            UnknownRun: there is no such run.
            Forbidden: the run belongs to another owner.
            CallError: the refusal of the decision. The state of the decision is stored all the same.
            DeadlineExceeded: the caller's time is over; the change may have been stored.
        """
        snapshot = since or await self.snapshot(key, timings=timings)
        for _ in range(TRIES):
            asked, stored = snapshot
            access.check(self.run_of(stored))
            run, before, decision = self._decided(key, stored, decide)
            closed = self._closed(key, run, before, decision.state)
            after = decision.state
            if closed is not None:
                await self._reward(closed)
                if closed.is_published:
                    self._publish(closed, timings)
                after = replace(closed.state, result=closed.result)
            snapshot, was_beaten = await self._swapped(key, snapshot, before, after, timings=timings)
            if was_beaten:
                continue
            if closed is not None:
                self.on_closed(closed)
            if decision.refusal is not None:
                raise decision.refusal
            view = closed or self._view(key, run, decision.state, stored.now)
            if view is not None and not view.state.is_open:
                self.waiters.notify(key, view, asked=asked)  # the store notifies the other processes
            return Changed(decision, view, snapshot)
        raise errors.StateUnavailable("too many concurrent changes to this group")

    def _decided(
        self, key: GroupKey, stored: Snapshot, decide: Callable[[DecisionInput], Decision]
    ) -> tuple[Run, GroupState | None, Decision]:
        run, (blob,) = self.run_of(stored), stored.groups
        self.use(key.run_id, run, open_groups=stored.open_groups)
        before = None if blob is None else decode_group(blob)
        return (
            run,
            before,
            decide(DecisionInput(self._assembler(run), before, stored.now, stored.open_groups)),
        )

    def use(self, run_id: str, run: Run, *, open_groups: int) -> None:
        """Count a run among those in use."""
        self.runs_in_use[run_id] = open_groups
        self.owners[run_id] = run.owner

    def forget_run(self, run_id: str) -> None:
        """Count a run that is gone no longer."""
        self.runs_in_use.pop(run_id, None)
        self.owners.pop(run_id, None)

    async def expire(self, key: GroupKey, *, access: Access, timings: Timings) -> GroupView | None:
        """Close a group if it is due. Returns the group after that, or None if there is none."""
        changed = await self.change(
            key,
            lambda given: Decision(given.assembler.expire(given.state, now=given.now)),
            access=access,
            timings=timings,
        )
        return changed.view

    @contextmanager
    def key_lock(self, key: GroupKey) -> Iterator[KeyLock]:
        """Yield the lock of a group, not yet held; all calls that use it at the same time share it."""
        key_lock = self._key_locks.setdefault(key, KeyLock())
        key_lock.users += 1
        try:
            yield key_lock
        finally:
            key_lock.users -= 1
            if not key_lock.users:
                del self._key_locks[key]

    def check_engine(self, view: GroupView) -> None:
        """Refuse to speak of an open group that another engine has measured.

        Raises:
            EngineMismatch: it is one.
        """
        if refusal := self._assembler(view.run).mismatch(view.state):
            raise refusal

    def _assembler(self, run: Run) -> GroupAssembler:
        settings = self.settings
        return GroupAssembler(run, settings.group_ttl_s, self.engine, settings.engine_grace_s)

    async def _reward(self, closed: GroupView) -> None:
        """Compute the rewards of a large group in a thread: they take some milliseconds, with some estimators forty."""
        if len(closed.state.members) > INLINE_ROLLOUTS:
            await self._scorer.turns.in_thread(lambda: closed.result)

    def _publish(self, closed: GroupView, timings: Timings) -> None:
        with timings.stage("reward"):
            record = published(closed)
        with timings.stage("publish"):
            self._scorer.publish([record], _terms(closed))

    async def _swapped(
        self,
        key: GroupKey,
        snapshot: GroupSnapshot,
        before: GroupState | None,
        after: GroupState | None,
        *,
        timings: Timings,
    ) -> tuple[GroupSnapshot, bool]:
        """Apply the decision with compare-and-set. Returns the current state and whether another writer won."""
        stored = snapshot.stored
        if after is None or after == before or stored.run is None:
            return snapshot, False
        is_restarted = before is not None and not _is_same(before, after)
        write = Write(
            encode_group(after),
            keep_s=max(after.closes_at - stored.now, 0.0) + self.settings.group_ttl_s,
            closes_at=after.closes_at if after.is_open else None,
            wake=is_restarted or not after.is_open,
        )
        (blob,) = stored.groups
        asked = self.waiters.moment()
        async with timings.remote("state"):
            winner = await self.store.swap(
                key, blob, write, run=stored.run, keep_run_s=self.settings.run_ttl_s
            )
        return GroupSnapshot(asked, winner or stored._replace(groups=(write.blob,))), winner is not None

    def _closed(
        self, key: GroupKey, run: Run, before: GroupState | None, after: GroupState | None
    ) -> GroupView | None:
        """Return the group if the decision closes it; None if it stays open, or was closed before."""
        if after is None or after.is_open:
            return None
        was_closed = before is not None and not before.is_open and _is_same(before, after)
        return None if was_closed else self._view(key, run, after, after.closes_at)

    def _view(self, key: GroupKey, run: Run, state: GroupState | None, now: float) -> GroupView | None:
        return None if state is None else GroupView(key, run, state, profile=self.profile(run), now=now)


def _is_same(before: GroupState, after: GroupState) -> bool:
    """Return whether two states belong to the same attempt at the same group."""
    return (before.epoch, before.attempt) == (after.epoch, after.attempt)


def _unknown_run() -> errors.UnknownRun:
    return errors.UnknownRun("declare it first: PUT /v1/runs/{run_id}")


def published(view: GroupView) -> Published:
    """Return the ledger's record of a closed group.

    The ledger is written before the store: a write that loses leaves one line too many, and no reward goes out without one.
    """
    index = view.run.index
    return Published(
        run_id=view.key.run_id,
        group_id=view.key.group_id,
        question_id=view.state.question_id,
        index_digest=index and index.digest,
        facts=[member.facts for member in view.state.members],
        result=view.result,
        missing=len(view.missing),
    )


def _terms(view: GroupView) -> Terms:
    return Terms("", view.profile, view.run.estimator, view.run.declared.partial, view.progress)
