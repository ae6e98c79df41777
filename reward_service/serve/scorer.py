"""The only place that awaits: look up ground truth, measure, reward, group by group.

Values in, values out; no wire format and no HTTP. One bad group never fails the others.
"""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from functools import partial
from itertools import islice
from typing import Any, NamedTuple, TypeVar

from entity_index.errors import EntityIndexError, InvalidName, UnknownDataset, UnknownVersion
from entity_index.stores.protocols import EntityStore, WritableCatalogue
from entity_index.types import Question
from entity_index.usable import why_unusable
from reward_service.core.matching import MatchSpec, MentionNames, compile_question
from reward_service.core.profiles import Profile, shipped
from reward_service.core.scoring import ENGINE_DIGEST, measure_group, reward, reward_alone
from reward_service.core.types import (
    Estimator,
    GroupResult,
    IndexVersion,
    Messages,
    PartialPolicy,
    Rollout,
    RolloutFacts,
    RolloutResult,
    Steps,
    Text,
    Unreadable,
)
from reward_service.serve import errors
from reward_service.serve.config import Settings
from reward_service.serve.ledger import Ledger, Published, Terms
from reward_service.serve.lookup import Lookup
from reward_service.serve.timings import Timings

T = TypeVar("T")
# Of the event loop, from a connection to its request at the door: accepted, made, read, begun. Each round accepts one connection.
ROUNDS_TO_ARRIVE = 4
# Most rounds before a piece of work: beyond some thirty refusals a call, refusing would leave no time for scoring.
MOST_ROUNDS = 32
NAMES_BATCH = 1000  # questions read at once when the names of a data set are gathered


@dataclass(frozen=True, slots=True)
class QuestionRef:
    """A question by its place in the index."""

    dataset: str
    """`name` for the active version, or `name@version`."""
    question_id: str


@dataclass(frozen=True, slots=True)
class GroupCall:
    """One group as a caller sends it."""

    run_id: str
    group_id: str
    question: Question | QuestionRef
    rollouts: tuple[Rollout, ...]


class DatasetVersions(NamedTuple):
    """What the index holds of one data set."""

    name: str
    active: str | None
    versions: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Truth:
    """A group's ground truth, and where it came from."""

    question: Question
    index: IndexVersion | None = None
    """None: the question was sent inline."""
    masked: tuple[str, ...] = ()
    """Names of the entities that left E_q under the profile: they stand in the question or equal an answer."""


@dataclass(frozen=True, slots=True)
class Measured:
    """The facts of a group's rollouts, or why there are none."""

    call: GroupCall
    truth: Truth | None = None
    facts: tuple[RolloutFacts, ...] = ()
    error: errors.GroupError | None = None


@dataclass(frozen=True, slots=True)
class Scored:
    """A measured group with its rewards; no result where the group was refused."""

    measured: Measured
    result: GroupResult | None = None


class RewardService:
    """Scores groups against an index."""

    def __init__(self, settings: Settings, *, catalogue: WritableCatalogue | None = None) -> None:
        self.settings = settings
        self.catalogue = catalogue
        self.profiles: Mapping[str, Profile] = shipped()
        self.lookup = None if catalogue is None else _lookup(catalogue, settings)
        self._names: dict[IndexVersion, asyncio.Task[MentionNames | None]] = {}
        self._opened: set[IndexVersion] = set()
        self.changed = asyncio.Event()
        """Set when an index version is opened for the first time; whoever watches clears it."""
        self.ledger: Ledger | None = None
        self.arrivals = 0
        """Calls of any kind that have begun; whoever lets them in counts them."""
        self._turn = asyncio.Lock()
        self._free_threads = asyncio.Semaphore(settings.threads)
        self._threads = ThreadPoolExecutor(settings.threads, thread_name_prefix="score")

    async def in_turn(self, work: Callable[[], T]) -> T:
        """Do work that is short on the event loop, one piece at a time, with everything that has arrived looked at in between.

        Without turns the loop itself becomes the queue: new calls wait behind the work of those before them, unseen, and
        nobody can refuse them or answer a health check. The loop accepts one connection a round, so where many have come
        there are more rounds, up to a limit.
        """
        async with self._turn:
            await self._look_around()
            return work()

    async def in_thread(self, work: Callable[[], T]) -> T:
        """Do work that takes long beside the event loop; there are few threads, and what waits for them is admitted work.

        Here too what has arrived is looked at first: while a thread works, each look costs the loop a wait for the interpreter.
        """
        async with self._free_threads:
            await self._look_around()
            return await asyncio.get_running_loop().run_in_executor(self._threads, work)

    async def _look_around(self) -> None:
        """Let the event loop go round until nothing more arrives, or for long enough."""
        quiet = 0
        for _ in range(MOST_ROUNDS):
            before = self.arrivals
            await asyncio.sleep(0)
            quiet = quiet + 1 if self.arrivals == before else 0
            if quiet == ROUNDS_TO_ARRIVE:
                return

    def close(self) -> None:
        """Let go of threads, ledger and index."""
        self._threads.shutdown()
        if self.ledger is not None:
            self.ledger.close()
        if self.lookup is not None:
            self.lookup.close()
        if self.catalogue is not None:
            self.catalogue.close()

    def profile(self, name: str | None) -> Profile:
        """Return a profile by name, the default one for None.

        Raises:
            UnknownProfile: there is none of that name.
        """
        wanted = name or self.settings.default_profile
        if wanted not in self.profiles:
            raise errors.UnknownProfile(f"known profiles: {', '.join(self.profiles)}", path="/profile")
        return self.profiles[wanted]

    def pinned_profile(self, name: str | None, digest: str | None) -> Profile:
        """Return a profile, and refuse it where its digest is not the one the caller measured with.

        Raises:
            UnknownProfile: there is none of that name.
            ProfileMismatch: it has another digest.
        """
        profile = self.profile(name)
        if digest is not None and digest != profile.digest:
            raise errors.ProfileMismatch(f"it is {profile.digest} here", path="/profile/digest")
        return profile

    def check_engine(self, engine: str | None) -> None:
        """Refuse facts of another engine: two versions must not meet in one group.

        Raises:
            EngineMismatch: the engine is named and is not this one.
        """
        if engine is not None and engine != ENGINE_DIGEST:
            raise errors.EngineMismatch(f"the engine is {ENGINE_DIGEST} here", path="/engine")

    def check_groups(self, count: int) -> None:
        """Refuse a call with more groups than the limit.

        Raises:
            InvalidRequest: there are too many.
        """
        if count > self.settings.max_groups:
            raise errors.InvalidRequest(f"a call may have {self.settings.max_groups} groups", path="/groups")

    def datasets(self) -> list[DatasetVersions]:
        """Return what the index holds.

        Raises:
            IndexUnavailable: it cannot be read.
        """
        if self.catalogue is None:
            return []
        try:
            return [
                DatasetVersions(name, self.catalogue.active(name), tuple(self.catalogue.versions(name)))
                for name in self.catalogue.datasets()
            ]
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error

    async def score(
        self,
        calls: Sequence[GroupCall],
        profile: Profile,
        *,
        estimator: Estimator | None = None,
        policy: PartialPolicy | None = None,
        explain: bool = False,
        timings: Timings | None = None,
    ) -> list[Scored]:
        """Measure and reward groups; one result a group, in order.

        Raises:
            IndexUnavailable: the index cannot be read.
            DeadlineExceeded: the deadline of `timings` passed first.
        """
        timings = timings or Timings()
        measured = await self.measure(calls, profile, explain=explain, timings=timings)
        with timings.stage("reward"):
            return [
                Scored(one, None)
                if one.error
                else Scored(one, reward(one.facts, profile, estimator=estimator, partial=policy))
                for one in measured
            ]

    def publish(self, published: Iterable[Published], terms: Terms) -> int:
        """Record rewards in the ledger, if there is one, before they go out; return how many groups.

        Raises:
            LedgerUnavailable: they could not be recorded.
        """
        return 0 if self.ledger is None else self.ledger.write(published, terms)

    async def probe(self, questions: int) -> list[IndexVersion]:
        """Read a few questions of every active version, and return which those are.

        Raises:
            IndexUnavailable: one cannot be read.
        """
        found = []
        for dataset in await self.in_thread(self.datasets):
            store = await self.open(dataset.name)
            if store is not None:
                await self.in_thread(partial(_read_some, store, questions))
                found.append(version_of(store))
        return found

    def reward(
        self,
        facts: Sequence[RolloutFacts],
        profile: Profile,
        *,
        estimator: Estimator,
        policy: PartialPolicy,
        path: str,
    ) -> GroupResult | errors.GroupError:
        """Reward the facts of one group, or say why they cannot be."""
        if not facts:
            return errors.EmptyGroup("a group needs at least one rollout", path=f"{path}/rollouts")
        if len({one.rollout_id for one in facts}) < len(facts):
            return errors.DuplicateRolloutId("ids must be unique within a group", path=f"{path}/rollouts")
        try:
            return reward(facts, profile, estimator=estimator, partial=policy)
        except ValueError as error:
            return errors.InconsistentFacts(str(error), path=f"{path}/rollouts")

    async def measure(
        self,
        calls: Sequence[GroupCall],
        profile: Profile,
        *,
        explain: bool = False,
        timings: Timings | None = None,
    ) -> list[Measured]:
        """Measure groups; one result a group, in order.

        Raises:
            IndexUnavailable: the index cannot be read.
            DeadlineExceeded: the deadline of `timings` passed first.
        """
        timings = timings or Timings()
        async with timings.remote("look_up"):
            truths = await self._look_up(calls)
        measured = []
        for n, (call, truth) in enumerate(zip(calls, truths, strict=True)):
            names = await self._mention_names(truth, profile.measure.matching, timings)
            with timings.stage("measure"):
                measured.append(
                    await self._measure_group(
                        call, truth, profile, path=f"/groups/{n}", explain=explain, names=names
                    )
                )
            await asyncio.sleep(0)  # health checks are answered between groups
        return measured

    async def _measure_group(
        self,
        call: GroupCall,
        truth: Truth | errors.GroupError,
        profile: Profile,
        *,
        path: str,
        explain: bool,
        names: MentionNames | None,
    ) -> Measured:
        if isinstance(truth, errors.GroupError):
            return Measured(call, error=truth)
        sizes = [rollout_chars(rollout) for rollout in call.rollouts]
        try:
            self._check(call, truth.question, sizes, path)
        except errors.GroupError as error:
            return Measured(call, truth, error=error)
        work = partial(measure_group, call.rollouts, truth.question, profile, explain=explain, names=names)
        facts = await (self.in_turn if sum(sizes) <= self.settings.inline_bytes else self.in_thread)(work)
        masked = compile_question(truth.question, profile.measure.matching).masked
        names_masked = tuple(truth.question.entities[n].name for n in masked)
        return Measured(call, replace(truth, masked=names_masked), tuple(facts))

    async def _mention_names(
        self, truth: Truth | errors.GroupError, spec: MatchSpec, timings: Timings
    ) -> MentionNames | None:
        """Return the names of a data set where the spec has a precision floor; None leaves the floor off."""
        if isinstance(truth, errors.GroupError) or truth.index is None or spec.precision_floor is None:
            return None
        index = truth.index
        if index not in self._names:
            self._names[index] = asyncio.create_task(self._read_names(index))
        reading = self._names[index]
        try:
            async with timings.remote("look_up"):
                return await asyncio.shield(reading)
        except errors.IndexUnavailable:
            self._names.pop(index, None)  # the next one reads again
            raise

    async def _read_names(self, index: IndexVersion) -> MentionNames | None:
        """Read the names of a data set once; None where it has more than the limit."""
        store = await self.open(f"{index.dataset}@{index.version}")
        if store is None:
            raise errors.IndexUnavailable(f"{index.dataset}@{index.version} is gone")
        limit = self.settings.max_mention_names
        try:
            names = await asyncio.to_thread(_names, store, limit)
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error
        return None if len(names) > limit else MentionNames(names)

    def _check(self, call: GroupCall, question: Question, sizes: Sequence[int], path: str) -> None:
        """Refuse a group that cannot be scored for a reason the caller can mend; `sizes` are the rollouts' characters."""
        if not call.rollouts:
            raise errors.EmptyGroup("a group needs at least one rollout", path=f"{path}/rollouts")
        seen: set[str] = set()
        for n, (rollout, size) in enumerate(zip(call.rollouts, sizes, strict=True)):
            where = f"{path}/rollouts/{n}"
            if rollout.rollout_id in seen:
                raise errors.DuplicateRolloutId(
                    "ids must be unique within a group", path=f"{where}/rollout_id"
                )
            seen.add(rollout.rollout_id)
            if size > self.settings.max_rollout_chars:
                limit = self.settings.max_rollout_chars
                raise errors.LimitExceeded(f"a rollout may have {limit} characters", path=where)
        if len(call.rollouts) > self.settings.max_rollouts:
            raise errors.LimitExceeded(
                f"a group may have {self.settings.max_rollouts} rollouts", path=f"{path}/rollouts"
            )
        check_entities(question, self.settings, f"{path}/question/entities")

    async def _look_up(self, calls: Sequence[GroupCall]) -> list[Truth | errors.GroupError]:
        """Find the ground truth of every group: one round a data set, however many groups ask for it."""
        wanted: dict[str, list[str]] = {}
        for call in calls:
            if isinstance(call.question, QuestionRef):
                wanted.setdefault(call.question.dataset, []).append(call.question.question_id)
        found = {dataset: await self._fetch(dataset, ids) for dataset, ids in wanted.items()}
        return [
            _truth(call.question, found, f"/groups/{n}")
            if isinstance(call.question, QuestionRef)
            else Truth(call.question)
            for n, call in enumerate(calls)
        ]

    async def _fetch(self, dataset: str, question_ids: Sequence[str]) -> dict[str, Truth] | None:
        """Return the questions a data set has; None where there is no such data set."""
        store = await self.open(dataset)
        if store is None or self.lookup is None:
            return None
        index = version_of(store)
        try:
            questions = await self.lookup.get_many(store, question_ids)
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error
        return {
            question_id: Truth(question, index)
            for question_id, question in zip(question_ids, questions, strict=True)
            if question is not None
        }

    async def open(self, dataset: str) -> EntityStore | None:
        """Open `name` or `name@version`; None where the index does not hold it.

        Raises:
            IndexUnavailable: it cannot be read.
        """
        if self.lookup is None:
            return None
        try:
            store = await self.lookup.open(dataset)
        except (InvalidName, UnknownDataset, UnknownVersion):
            return None
        except EntityIndexError as error:
            raise errors.IndexUnavailable(str(error)) from error
        if store is not None and (version := version_of(store)) not in self._opened:
            self._opened.add(version)
            self.changed.set()
        return store

    async def pin(self, dataset: str | None) -> IndexVersion | None:
        """Return the version that a data set's name stands for today; None for none.

        Raises:
            UnknownDataset: the index does not hold it.
        """
        if dataset is None:
            return None
        store = await self.open(dataset)
        if store is None:
            raise errors.UnknownDataset("the index has no such data set or version", path="/dataset")
        return version_of(store)

    async def measure_one(
        self,
        question: Question | QuestionRef,
        rollout: Rollout,
        profile: Profile,
        *,
        explain: bool,
        timings: Timings | None = None,
    ) -> tuple[Truth, RolloutFacts]:
        """Measure one rollout that is the whole call.

        Raises:
            UnknownDataset, UnknownQuestion: the index does not hold the question.
            InvalidRequest: the question or the rollout cannot be used.
        """
        call = GroupCall("one", "one", question, (rollout,))
        measured = (await self.measure([call], profile, explain=explain, timings=timings))[0]
        if measured.error is not None or measured.truth is None:
            raise _call_error(measured.error)
        return measured.truth, measured.facts[0]

    async def explain(
        self,
        question: Question | QuestionRef,
        rollout: Rollout,
        profile: Profile,
        *,
        best: int | None,
        timings: Timings | None = None,
    ) -> tuple[Truth, RolloutFacts, RolloutResult]:
        """Measure one rollout with all its evidence, and pay it where the group's best count is known.

        Raises:
            UnknownDataset, UnknownQuestion: the index does not hold the question.
            InvalidRequest: the question, the rollout or the best count cannot be used.
        """
        truth, facts = await self.measure_one(question, rollout, profile, explain=True, timings=timings)
        try:
            return truth, facts, reward_alone(facts, profile, best=best)
        except ValueError as error:
            raise errors.InvalidRequest(str(error), path="/group_max") from None


def _lookup(catalogue: WritableCatalogue, settings: Settings) -> Lookup:
    return Lookup(
        catalogue,
        cached=settings.index_cached_questions,
        follow_s=settings.index_follow_s,
        threads=settings.index_threads,
    )


def _names(store: EntityStore, limit: int) -> set[str]:
    """Return the names of a data set; where there are more than `limit`, only so many that it shows."""
    names: set[str] = set()
    for question_ids in batched(store.question_ids(), NAMES_BATCH):
        questions = store.get_many(question_ids)
        names |= {entity.name for question in questions if question for entity in question.entities}
        if len(names) > limit:
            break
    return names


def version_of(store: EntityStore) -> IndexVersion:
    """Return which version a store holds."""
    return IndexVersion(store.info.dataset, store.info.version, store.info.digest)


def _read_some(store: EntityStore, questions: int) -> None:
    """Read the first few questions of a version.

    Raises:
        IndexUnavailable: they cannot be read.
    """
    try:
        store.get_many(list(islice(store.question_ids(), questions)))
    except EntityIndexError as error:
        raise errors.IndexUnavailable(str(error)) from error


def batched(items: Iterable[str], size: int) -> Iterator[list[str]]:
    """Yield the items in lists of at most `size`."""
    rest = iter(items)
    while batch := list(islice(rest, size)):
        yield batch


def _call_error(error: errors.GroupError | None) -> errors.CallError:
    """Turn what refuses one group into what refuses a call about one rollout."""
    detail = str(error)
    match error:
        case errors.UnknownGroupDataset():
            return errors.UnknownDataset(detail, path="/dataset")
        case errors.UnknownGroupQuestion():
            return errors.UnknownQuestion(detail, path="/question_id")
        case _:
            path = error.path.removeprefix("/groups/0") if error and error.path else None
            return errors.InvalidRequest(detail, path=path and path.replace("/rollouts/0", "/rollout"))


def _truth(
    ref: QuestionRef, found: Mapping[str, Mapping[str, Truth] | None], path: str
) -> Truth | errors.GroupError:
    questions = found[ref.dataset]
    if questions is None:
        return errors.UnknownGroupDataset("the index has no such data set or version", path=f"{path}/dataset")
    if ref.question_id not in questions:
        return errors.UnknownGroupQuestion("the data set has no such question", path=f"{path}/question_id")
    return questions[ref.question_id]


def check_entities(question: Question, settings: Settings, path: str) -> None:
    """Refuse entities that would match nothing, or anything.

    Raises:
        UnusableEntity, LimitExceeded: with the path of the entity.
    """
    if len(question.entities) > settings.max_entities:
        raise errors.LimitExceeded(f"a question may have {settings.max_entities} entities", path=path)
    for n, entity in enumerate(question.entities):
        if why := why_unusable(entity.name):
            raise errors.UnusableEntity(f"the name {why}", path=f"{path}/{n}/name")
        if len(entity.aliases) > settings.max_entities:
            raise errors.LimitExceeded(
                f"an entity may have {settings.max_entities} aliases", path=f"{path}/{n}/aliases"
            )


def rollout_chars(rollout: Rollout) -> int:
    """Return how many characters of text a rollout carries."""
    match rollout.source:
        case Text(text=text):
            return len(text)
        case Steps(segments):
            return sum(len(segment.text) for segment in segments)
        case Messages(messages=messages):
            return _chars(messages)
        case Unreadable():
            return 0


def _chars(value: Sequence[object]) -> int:
    """Count the characters of the strings in a JSON value."""
    found = 0
    containers: list[Any] = [value]
    for container in containers:  # it grows as it is read
        for item in container.values() if type(container) is dict else container:
            if type(item) is str:
                found += len(item)
            elif type(item) is dict or type(item) is list:
                containers.append(item)
    return found
