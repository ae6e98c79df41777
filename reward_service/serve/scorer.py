"""Whole groups from text to rewards: find the ground truth, ask the sources, measure, reward.

Values in, values out; no wire format and no HTTP. One bad group never fails the others. Waiting for the index and the
sources happens outside of the turns of measuring.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import TypeVar

from entity_index.stores.protocols import WritableCatalogue
from entity_index.types import Question
from reward_service.core.advantages import BATCH_ESTIMATORS
from reward_service.core.advantages.turns import check_turn_rule
from reward_service.core.filters import Place
from reward_service.core.matching import MatchSpec, MentionNames
from reward_service.core.profiles import PluginPin, Profile, shipped
from reward_service.core.rewards.compose import needs_progress
from reward_service.core.scoring import (
    ENGINE_DIGEST,
    check_facts,
    measure_group,
    reward,
    reward_alone,
    reward_batch,
)
from reward_service.core.types import (
    Estimator,
    GroupResult,
    IndexVersion,
    PartialPolicy,
    RewardSpec,
    Rollout,
    RolloutFacts,
    RolloutResult,
)
from reward_service.serve import errors, limits, plugins
from reward_service.serve.config import Settings
from reward_service.serve.ledger import Ledger, Published, Terms
from reward_service.serve.profiles import Profiles
from reward_service.serve.sources.asking import AskedRollout, ask, asked_by, check_sent, measured_by, settle
from reward_service.serve.sources.protocol import Source
from reward_service.serve.timings import Timings
from reward_service.serve.truth import GroundTruth, QuestionRef, Truth
from reward_service.serve.turns import Turns

T = TypeVar("T")
# Share of a call's remaining time that its sources may use; the rest is for measuring and replying.
ASKING_SHARE = 0.9
# Groups of more are rewarded in a thread: some estimators take time with the square of the group.
INLINE_ROLLOUTS = 64
NO_SOURCES: Mapping[str, Source] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class GroupCall:
    """One group as a caller sends it."""

    run_id: str
    group_id: str
    question: Question | QuestionRef
    rollouts: tuple[Rollout, ...]


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


@dataclass(frozen=True, slots=True)
class Checked:
    """A group that can be measured."""

    call: GroupCall
    truth: Truth
    work: int
    """What measuring it costs, in characters of a rollout; much is done in a thread."""


class Scorer:
    """Scores groups against an index, with the available profiles."""

    def __init__(
        self,
        settings: Settings,
        *,
        catalogue: WritableCatalogue | None = None,
        ledger: Ledger | None = None,
        profiles: Profiles | None = None,
        sources: Mapping[str, Source] = NO_SOURCES,
    ) -> None:
        """Use these resources; `close` releases the index and the ledger.

        Args:
            settings: the limits, and the default profile.
            catalogue: the index; without one, every question must be sent inline.
            ledger: where rewards are recorded before they are sent; without one, they are not recorded.
            profiles: profiles that calls may name; by default the shipped ones.
            sources: by the name of the signal that each provides. A source is asked if a term of the profile names its signal.
        """
        self.settings = settings
        self.profiles = profiles or Profiles(shipped(), settings.default_profile)
        self.plugins = {name: one.function for name, one in self.profiles.plugins.items()}
        self.turns = Turns(settings.threads)
        self.truth = GroundTruth(catalogue, settings, self.turns)
        self.ledger = ledger
        self.sources = sources

    def close(self) -> None:
        """Release threads, ledger and index."""
        self.turns.close()
        if self.ledger is not None:
            self.ledger.close()
        self.truth.close()

    def publish(self, published: Iterable[Published], terms: Terms) -> int:
        """Record rewards in the ledger, if there is one, before they are sent; return the number of groups.

        Raises:
            LedgerUnavailable: they could not be recorded.
        """
        return 0 if self.ledger is None else self.ledger.write(published, terms)

    def check_ledger(self) -> None:
        """Make sure that rewards could be recorded now, if they are recorded at all.

        Raises:
            LedgerUnavailable: they could not.
        """
        if self.ledger is not None:
            self.ledger.check()

    async def score(
        self,
        calls: Sequence[GroupCall],
        profile: Profile,
        *,
        estimator: Estimator | None = None,
        policy: PartialPolicy | None = None,
        progress: float | None = None,
        explain: bool = False,
        timings: Timings | None = None,
    ) -> list[Scored]:
        """Measure and reward groups; one result a group, in order.

        Raises:
            InvalidRequest: the profile needs progress and the call gives none, or cannot use the estimator.
            IndexUnavailable: the index cannot be read.
            DeadlineExceeded: the deadline of `timings` passed first.
        """
        check_progress(profile, progress)
        check_estimator_of(profile, estimator or profile.estimator)
        timings = timings or Timings()
        measured = await self.measure(calls, profile, explain=explain, timings=timings)
        terms = Terms("", profile, estimator or profile.estimator, policy or PartialPolicy(), progress)
        groups = [one.facts for one in measured if one.error is None]
        places = [(one.call.run_id, one.call.group_id) for one in measured if one.error is None]
        with timings.stage("reward"):
            results = iter(await self.rewarded(groups, places, terms))
        return [Scored(one, None if one.error else next(results)) for one in measured]

    async def rewarded(
        self, groups: Sequence[Sequence[RolloutFacts]], places: Sequence[Place], terms: Terms
    ) -> list[GroupResult]:
        """Return the rewards of the facts of groups, each with the ids of its run and group, with the terms of one call."""
        if terms.estimator.type in BATCH_ESTIMATORS:
            return await self.turns.in_thread(partial(_whole_batch, groups, places, terms))
        pay = partial(
            reward,
            profile=terms.profile,
            estimator=terms.estimator,
            partial=terms.policy,
            progress=terms.progress,
        )
        return [
            await self.paid(facts, partial(pay, place=place))
            for facts, place in zip(groups, places, strict=True)
        ]

    async def paid(self, facts: Sequence[RolloutFacts], pay: Callable[[Sequence[RolloutFacts]], T]) -> T:
        """Return what a function makes of the facts of one group; in a thread where they are many."""
        await asyncio.sleep(0)  # health checks are answered between groups
        work = partial(pay, facts)
        return work() if len(facts) <= INLINE_ROLLOUTS else await self.turns.in_thread(work)

    async def measure(
        self,
        calls: Sequence[GroupCall],
        profile: Profile,
        *,
        explain: bool = False,
        timings: Timings | None = None,
    ) -> list[Measured]:
        """Measure groups; one result a group, in order.

        Sources are asked about all groups at the same time. A rollout whose source fails is unscored, with the status
        that the source names; the call goes on.

        Raises:
            IndexUnavailable: the index cannot be read.
            DeadlineExceeded: the deadline of `timings` passed first.
        """
        timings = timings or Timings()
        async with timings.remote("look_up"):
            truths = await self.truth.look_up([call.question for call in calls])
        sources = asked_by(profile, self.sources)
        checked = [
            await self._checked(call, truth, sources, f"/groups/{n}", pins=profile.plugins)
            for n, (call, truth) in enumerate(zip(calls, truths, strict=True))
        ]
        ready = [one for one in checked if isinstance(one, Checked)]
        asked = iter(await _asked(ready, sources, timings))
        own = measured_by(profile, sources)
        return [
            one
            if isinstance(one, Measured)
            else await self._measured(one, next(asked), own, explain=explain, timings=timings)
            for one in checked
        ]

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
        """Measure one rollout with all its evidence, and reward it if the group's best count is known.

        Raises:
            UnknownDataset, UnknownQuestion: the index does not hold the question.
            InvalidRequest: the question, the rollout or the best count cannot be used.
        """
        truth, facts = await self.measure_one(question, rollout, profile, explain=True, timings=timings)
        try:
            return truth, facts, reward_alone(facts, profile, best=best)
        except ValueError as error:
            raise errors.InvalidRequest(str(error), path="/group_max") from None

    async def _checked(
        self,
        call: GroupCall,
        truth: Truth | errors.GroupError,
        sources: Mapping[str, Source],
        path: str,
        *,
        pins: Sequence[PluginPin],
    ) -> Checked | Measured:
        """Return a group that can be measured, or one that is refused."""
        await asyncio.sleep(0)  # health checks are answered between groups
        if isinstance(truth, errors.GroupError):
            return Measured(call, error=truth)
        try:
            work = limits.check_group(call.rollouts, truth.question, self.settings, path)
            check_sent(call.rollouts, sources, path)
            plugins.check_sent(call.rollouts, pins, path)
        except errors.GroupError as error:
            return Measured(call, truth, error=error)
        return Checked(call, truth, work)

    async def _measured(
        self,
        group: Checked,
        asked: Sequence[AskedRollout],
        profile: Profile,
        *,
        explain: bool,
        timings: Timings,
    ) -> Measured:
        question, spec = group.truth.question, profile.measure.matching
        names = await self._mention_names(group.truth.index, spec, timings)
        rollouts = [one.rollout for one in asked]
        run = self.turns.in_turn if group.work <= self.settings.inline_bytes else self.turns.in_thread
        with timings.stage("measure"):
            facts = await run(
                partial(
                    measure_group,
                    rollouts,
                    question,
                    profile,
                    explain=explain,
                    names=names,
                    plugins=self.plugins,
                )
            )
        settled = tuple(settle(fact, one.unscored) for fact, one in zip(facts, asked, strict=True))
        await asyncio.sleep(0)
        return Measured(group.call, group.truth.under(spec), settled)

    async def _mention_names(
        self, index: IndexVersion | None, spec: MatchSpec, timings: Timings
    ) -> MentionNames | None:
        """Return the names of a data set where the spec has a precision floor; None leaves the floor off."""
        if index is None or spec.precision_floor is None:
            return None
        async with timings.remote("look_up"):
            return await self.truth.mention_names(index)


def _whole_batch(
    groups: Sequence[Sequence[RolloutFacts]], places: Sequence[Place], terms: Terms
) -> list[GroupResult]:
    return reward_batch(
        groups,
        terms.profile,
        estimator=terms.estimator,
        partial=terms.policy,
        progress=terms.progress,
        places=places,
    )


def outcome_only(profile: Profile) -> Profile:
    """Return the profile for evaluation: it rewards the outcome alone, so no source and no plug-in is asked."""
    return replace(profile, reward=RewardSpec(base=profile.reward.base), filters=(), plugins=())


async def _asked(
    groups: Sequence[Checked], sources: Mapping[str, Source], timings: Timings
) -> list[list[AskedRollout]]:
    """Return the rollouts of each group with the values of its sources; unchanged if the profile uses no source."""
    if not sources:
        return [[AskedRollout(rollout) for rollout in group.call.rollouts] for group in groups]
    left_s = timings.remaining_s()
    timeout_s = None if left_s is None else ASKING_SHARE * left_s
    with timings.stage("ask"):
        async with timings.away():
            return await asyncio.gather(
                *(ask(sources, one.truth.question, one.call.rollouts, timeout_s=timeout_s) for one in groups)
            )


def check_engine(engine: str | None) -> None:
    """Refuse facts of another engine: two versions must not meet in one group.

    Raises:
        EngineMismatch: the engine is named and is not this one.
    """
    if engine is not None and engine != ENGINE_DIGEST:
        raise errors.EngineMismatch(f"the engine of this replica is {ENGINE_DIGEST}", path="/engine")


def check_progress(profile: Profile, progress: float | None, *, path: str = "/progress") -> None:
    """Refuse a call that does not say how far the training is, where the profile's weights depend on it.

    Args:
        profile: the one that is used.
        progress: share of the training that is done; None where the call does not say.
        path: of the value that says it: `progress`, or a `step`.

    Raises:
        InvalidRequest: progress is missing.
    """
    if progress is None and needs_progress(profile.reward):
        needed = "progress, in [0, 1]" if path == "/progress" else "progress: name the step of the training"
        raise errors.InvalidRequest(f"the profile {profile.name} needs {needed}", path=path)


def check_estimator_of(profile: Profile, estimator: Estimator) -> None:
    """Refuse an estimator that the profile's rule for turns cannot use.

    Raises:
        InvalidRequest: the call names one.
    """
    try:
        check_turn_rule(profile.reward.turns, estimator)
    except ValueError as error:
        raise errors.InvalidRequest(str(error), path="/estimator") from None


def refusal_of(facts: Sequence[RolloutFacts], *, path: str, settings: Settings) -> errors.GroupError | None:
    """Return why the facts of one group sent by a caller cannot be rewarded; None if they can."""
    try:
        limits.check_facts(facts, settings, path)
        check_facts(facts)
    except errors.GroupError as error:
        return error
    except ValueError as error:
        return errors.InconsistentFacts(str(error), path=f"{path}/rollouts")
    return None


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
