"""Whole groups from text to rewards: find the ground truth, ask the sources, measure, reward.

Values in, values out; no wire format and no HTTP. One bad group never fails the others. Waiting for the index and the
sources happens outside of the turns of measuring.
"""

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from entity_index.stores.protocols import WritableCatalogue
from entity_index.types import Question
from reward_service.core.advantages import BATCH_ESTIMATORS
from reward_service.core.advantages.turns import check_turn_rule
from reward_service.core.filters import Place
from reward_service.core.judging.asks import Ask, FailureReason, Given
from reward_service.core.judging.replies import NOT_ATTEMPTED
from reward_service.core.matching import MatchSpec, MentionNames
from reward_service.core.profiles import PluginPin, Profile, shipped
from reward_service.core.rewards.compose import needs_progress
from reward_service.core.scoring import (
    ENGINE_DIGEST,
    UNCOVERED,
    MeasurePlan,
    check_facts,
    conclude,
    plan,
    reward,
    reward_alone,
    reward_batch,
)
from reward_service.core.types import (
    Estimator,
    GroupResult,
    IndexVersion,
    Outcome,
    PartialPolicy,
    RewardSpec,
    Rollout,
    RolloutFacts,
    RolloutResult,
    RolloutStatus,
)
from reward_service.serve import errors, limits, plugins
from reward_service.serve.config import Settings
from reward_service.serve.ledger import Ledger, Published, Terms
from reward_service.serve.profiles import Profiles
from reward_service.serve.sources.asking import AskedRollout, ask, asked_by, check_sent, measured_by, settle
from reward_service.serve.sources.budgets import NO_LIMIT, Limit
from reward_service.serve.sources.judges import Judges
from reward_service.serve.sources.protocol import Source
from reward_service.serve.timings import Timings
from reward_service.serve.truth import GroundTruth, QuestionRef, Truth
from reward_service.serve.turns import Turns

T = TypeVar("T")
# Share of a call's remaining time that its sources may use; the rest is for measuring and replying.
ASKING_SHARE = 0.9
# Groups of more are rewarded in a thread: some estimators take time with the square of the group.
INLINE_ROLLOUTS = 64
STAGES: Mapping[Outcome | None, str] = {Outcome.CORRECT: "accept", Outcome.WRONG: "reject"}
UNASKED = frozenset({RolloutStatus.JUDGE_FAILED, RolloutStatus.BACKEND_FAILED})
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


class Payer(NamedTuple):
    """Whose budget pays for what judges are asked."""

    owner: str = ""
    run_id: str = "one"
    limit: Limit = NO_LIMIT
    """Of the run, in place of the service's."""


NO_RUN = Payer()


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
        judges: Judges | None = None,
    ) -> None:
        """Use these resources; `close` releases the index and the ledger.

        Args:
            settings: the limits, and the default profile.
            catalogue: the index; without one, every question must be sent inline.
            ledger: where rewards are recorded before they are sent; without one, they are not recorded.
            profiles: profiles that calls may name; by default the shipped ones.
            sources: by the name of the signal that each provides. A source is asked if a term of the profile names its signal.
            judges: answer what profiles ask language models; by default there are none.
        """
        self.settings = settings
        self.profiles = profiles or Profiles(shipped(), settings.default_profile)
        self.plugins = {name: one.function for name, one in self.profiles.plugins.items()}
        self.turns = Turns(settings.threads)
        self.truth = GroundTruth(catalogue, settings, self.turns)
        self.ledger = ledger
        self.sources = sources
        self.judges = judges or Judges()

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
        owner: str = "",
        timings: Timings | None = None,
    ) -> list[Scored]:
        """Measure and reward groups; one result a group, in order.

        Raises:
            InvalidRequest: the profile needs progress and the call gives none, or cannot use the estimator.
            BackendUnavailable, JudgeBudget: a judge that is needed cannot be asked.
            IndexUnavailable: the index cannot be read.
            DeadlineExceeded: the deadline of `timings` passed first.
        """
        check_progress(profile, progress)
        check_estimator_of(profile, estimator or profile.estimator)
        timings = timings or Timings()
        measured = await self.measure(calls, profile, explain=explain, owner=owner, timings=timings)
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
        owner: str = "",
        limit: Limit = NO_LIMIT,
        timings: Timings | None = None,
    ) -> list[Measured]:
        """Measure groups; one result a group, in order.

        Sources and judges are asked about all groups at the same time. A rollout whose source or judge fails is unscored,
        with a status that says so; the call goes on.

        Args:
            calls: the groups.
            profile: how to measure.
            explain: also return segments and the span of each match.
            owner: of the API key; a run's budget for judges belongs to it.
            limit: of the runs' budgets, in place of the service's.
            timings: of the request.

        Raises:
            IndexUnavailable: the index cannot be read.
            BackendUnavailable, JudgeBudget: a judge that is needed cannot be asked; nothing has been asked.
            DeadlineExceeded: the deadline of `timings` passed first.
        """
        timings = timings or Timings()
        async with timings.remote("look_up"):
            truths = await self.truth.look_up([call.question for call in calls])
        sources = asked_by(profile, self.sources)
        numbers = {
            **dict.fromkeys(profile.judged_signals, "a judge"),
            **{name: f"the source {one.name}" for name, one in sources.items()},
        }
        checked = [
            await self._checked(call, truth, numbers, f"/groups/{n}", pins=profile.plugins)
            for n, (call, truth) in enumerate(zip(calls, truths, strict=True))
        ]
        ready = [one for one in checked if isinstance(one, Checked)]
        asked = await _asked(ready, sources, timings)
        own = measured_by(profile, sources)
        plans = [
            await self._planned(one, rollouts, own, explain=explain, timings=timings)
            for one, rollouts in zip(ready, asked, strict=True)
        ]
        answers = (
            await self._answers(ready, plans, Payer(owner, limit=limit), timings) if profile.asks else {}
        )
        measured = iter(
            [
                await self._concluded(*one, answers, timings=timings)
                for one in zip(ready, asked, plans, strict=True)
            ]
        )
        return [one if isinstance(one, Measured) else next(measured) for one in checked]

    async def measure_one(
        self,
        question: Question | QuestionRef,
        rollout: Rollout,
        profile: Profile,
        *,
        explain: bool,
        run: Payer = NO_RUN,
        timings: Timings | None = None,
    ) -> tuple[Truth, RolloutFacts]:
        """Measure one rollout that is the whole call.

        Raises:
            UnknownDataset, UnknownQuestion: the index does not hold the question.
            InvalidRequest: the question or the rollout cannot be used.
            BackendUnavailable, JudgeBudget: a judge that is needed cannot be asked.
            JudgeBusy: the judge has not answered in time; the same call finds its answer later.
        """
        call = GroupCall(run.run_id, "one", question, (rollout,))
        measured = (
            await self.measure(
                [call], profile, explain=explain, owner=run.owner, limit=run.limit, timings=timings
            )
        )[0]
        if measured.error is not None or measured.truth is None:
            raise _call_error(measured.error)
        [facts] = measured.facts
        if facts.status in UNASKED and str(facts.detail).endswith(f": {FailureReason.BUSY}"):
            raise errors.JudgeBusy("its answer will be there when the call is repeated")
        return measured.truth, facts

    async def explain(
        self,
        question: Question | QuestionRef,
        rollout: Rollout,
        profile: Profile,
        *,
        best: int | None,
        owner: str = "",
        timings: Timings | None = None,
    ) -> tuple[Truth, RolloutFacts, RolloutResult]:
        """Measure one rollout with all its evidence, and reward it if the group's best count is known.

        Raises:
            UnknownDataset, UnknownQuestion: the index does not hold the question.
            InvalidRequest: the question, the rollout or the best count cannot be used.
        """
        truth, facts = await self.measure_one(
            question, rollout, profile, explain=True, run=Payer(owner), timings=timings
        )
        try:
            return truth, facts, reward_alone(facts, profile, best=best)
        except ValueError as error:
            raise errors.InvalidRequest(str(error), path="/group_max") from None

    async def _checked(
        self,
        call: GroupCall,
        truth: Truth | errors.GroupError,
        numbers: Mapping[str, str],
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
            check_sent(call.rollouts, numbers, path)
            plugins.check_sent(call.rollouts, pins, path)
        except errors.GroupError as error:
            return Measured(call, truth, error=error)
        return Checked(call, truth, work)

    async def _planned(
        self,
        group: Checked,
        asked: Sequence[AskedRollout],
        profile: Profile,
        *,
        explain: bool,
        timings: Timings,
    ) -> MeasurePlan:
        """Measure a group as far as its text decides."""
        question, spec = group.truth.question, profile.measure.matching
        names = await self._mention_names(group.truth.index, spec, timings)
        rollouts = [one.rollout for one in asked]
        work = partial(plan, rollouts, question, profile, explain=explain, names=names, plugins=self.plugins)
        with timings.stage("measure"):
            return await self._done(group, work)

    async def _done(self, group: Checked, work: Callable[[], T]) -> T:
        """Do work on a group, in a thread if the group is large."""
        run = self.turns.in_turn if group.work <= self.settings.inline_bytes else self.turns.in_thread
        return await run(work)

    async def _answers(
        self, groups: Sequence[Checked], plans: Sequence[MeasurePlan], payer: Payer, timings: Timings
    ) -> dict[str, Given]:
        """Return the answers of judges to all that the plans ask; what one answer leads to is asked next."""
        answers: dict[str, Given] = {}
        while by_run := await self._pending(groups, plans, answers, timings):
            with timings.stage("ask"):
                async with timings.away():
                    timeout_s = _share(timings)
                    found = await asyncio.gather(
                        *(
                            self.judges.answer(
                                asks, run=f"{payer.owner}/{run}", timeout_s=timeout_s, limit=payer.limit
                            )
                            for run, asks in by_run.items()
                        )
                    )
            for one in found:
                answers |= one
        return answers

    async def _pending(
        self,
        groups: Sequence[Checked],
        plans: Sequence[MeasurePlan],
        answers: Mapping[str, Given],
        timings: Timings,
    ) -> dict[str, dict[str, Ask]]:
        """Return what has to be asked next, by run and key; an ask of several runs is the first one's."""
        by_run: dict[str, dict[str, Ask]] = {}
        seen: set[str] = set()
        for group, planned in zip(groups, plans, strict=True):
            with timings.stage("measure"):
                asks = await self._done(group, partial(planned.pending, answers))
            new = {key: one for key, one in asks.items() if key not in seen}
            seen |= new.keys()
            if new:
                by_run.setdefault(group.call.run_id, {}).update(new)
        return by_run

    async def _concluded(
        self,
        group: Checked,
        asked: Sequence[AskedRollout],
        planned: MeasurePlan,
        answers: Mapping[str, Given],
        *,
        timings: Timings,
    ) -> Measured:
        work = partial(conclude, planned, answers)
        with timings.stage("measure"):
            facts = await self._done(group, work) if planned.profile.asks else work()
        if planned.profile.judge is not None:
            self._count_outcomes(planned, facts)
        settled = tuple(settle(fact, one.unscored) for fact, one in zip(facts, asked, strict=True))
        await asyncio.sleep(0)
        return Measured(group.call, group.truth.under(planned.compiled), settled)

    def _count_outcomes(self, planned: MeasurePlan, facts: Sequence[RolloutFacts]) -> None:
        """Count what decided each outcome, and what judges said."""
        for one, fact in zip(planned.rollouts, facts, strict=True):
            if one.needs_verdict:
                self.judges.count("cascade_total", "judge")
                verdict = NOT_ATTEMPTED if NOT_ATTEMPTED in fact.flags else fact.outcome or fact.status
                self.judges.count("judged_total", verdict)
                self.judges.count("judged_uncovered_total", amount=UNCOVERED in fact.flags)
            elif fact.outcome in STAGES:
                self.judges.count("cascade_total", STAGES[fact.outcome])

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
    timeout_s = _share(timings)
    with timings.stage("ask"):
        async with timings.away():
            return await asyncio.gather(
                *(ask(sources, one.truth.question, one.call.rollouts, timeout_s=timeout_s) for one in groups)
            )


def _share(timings: Timings) -> float | None:
    """Return how long a call's sources or judges may take."""
    left_s = timings.remaining_s()
    return None if left_s is None else ASKING_SHARE * left_s


def check_engine(engine: str | None) -> None:
    """Refuse facts of another engine: two versions must not meet in one group.

    Raises:
        EngineMismatch: the engine is named and is not this one.
    """
    if engine is not None and engine != ENGINE_DIGEST:
        raise errors.EngineMismatch(f"the engine of this replica is {ENGINE_DIGEST}", path="/engine")


def check_progress(
    profile: Profile, progress: float | None, *, path: str = "/progress", how: str = ", in [0, 1]"
) -> None:
    """Refuse a call that does not say how far the training is, where the profile's weights depend on it.

    Args:
        profile: the one that is used.
        progress: share of the training that is done; None where the call does not say.
        path: of the value that says it: `progress`, or a `step`.
        how: to say it.

    Raises:
        InvalidRequest: progress is missing.
    """
    if progress is None and needs_progress(profile.reward):
        raise errors.InvalidRequest(f"the profile {profile.name} needs progress{how}", path=path)


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
