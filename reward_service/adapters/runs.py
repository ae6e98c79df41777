"""The service's own wire format: runs, and rollouts that come one by one."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from typing_extensions import TypedDict

from entity_index.types import Question
from reward_service.adapters.native import (
    Id,
    IndexOut,
    Name,
    NamedEstimator,
    Positive,
    QuestionIn,
    ReadingIn,
    RolloutIn,
    Wire,
    as_usual,
)
from reward_service.adapters.replies import (
    EstimatorOut,
    GroupOut,
    ProfileOut,
    RolloutOut,
    estimator_out,
    evidence_out,
    index_out,
    paid_out,
    profile_out,
    rollout_out,
)
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.core.summary import summary
from reward_service.core.trajectory import DEFAULT_DIALECT
from reward_service.core.types import Defaults, GroupResult, PartialPolicy, Rollout
from reward_service.serve.groups.state import Declaration, Run
from reward_service.serve.groups.stores.protocols import GroupKey
from reward_service.serve.runs.access import Access
from reward_service.serve.runs.service import Admitted, Arrival, Evaluated
from reward_service.serve.runs.view import GroupView

WINDOWS = 20
"""Points of a curve over the closed groups of a run."""
YEAR_S = 366 * 86_400.0
Seconds = Annotated[FiniteFloat, Field(gt=0, le=YEAR_S)]
Attempt = Annotated[int, Field(ge=0, le=2**31)]
Step = Annotated[int, Field(ge=0, le=2**31)]


class RunPartialIn(Wire):
    """How to treat a group in which a rollout is missing at the deadline or could not be scored; both are treated alike."""

    policy: Literal["fail", "survivors", "wait"] = "fail"
    """`fail`: the group gets no rewards. `survivors`: the scored rollouts are rewarded as a group of their own. `wait`:
    the group stays open until all its rollouts are scored, or until it expires."""
    min_scored: Positive = 1
    """With `survivors`: the minimum number of scored rollouts; with fewer, the group fails."""


class QuotasIn(Wire):
    """Limits on the run's use of the service."""

    open_groups: Positive | None = None
    """Maximum number of open groups; a rollout that would open another one is refused with 429."""
    judge_calls: Positive | None = None
    """Maximum number of requests to judges; a rollout that would need more is refused with 429. The default is the service's limit."""
    judge_tokens: Positive | None = None
    """The same of judges' tokens, prompts and replies together."""


class RunIn(ReadingIn, Wire):
    """Body of `PUT /v1/runs/{run_id}`."""

    profile: Name
    """Name of the profile; its digest is pinned. See `/v1/profiles`."""
    group_size: Positive
    """Number of rollouts in a group."""
    deadline_s: Seconds
    """Seconds a group waits for its rollouts, counted from the first one."""
    dataset: Name | None = None
    """Data set of questions referred to by id: `name` (pins the currently active version) or `name@version`."""
    partial: RunPartialIn = RunPartialIn()
    estimator: NamedEstimator | None = None
    """Overrides the profile's estimator: with the same `type`, fields that you leave out keep the profile's values; another
    type replaces it. A trainer's name selects the estimator which that trainer uses itself."""
    quotas: QuotasIn = QuotasIn()
    total_steps: Positive | None = None
    """Number of steps of the whole training; required by profiles whose weights depend on its progress. Each rollout then
    names its `step`."""

    def to_domain(self) -> Declaration:
        """Return the declaration as a domain value."""
        return Declaration(
            profile=self.profile,
            group_size=self.group_size,
            deadline_s=self.deadline_s,
            dataset=self.dataset,
            partial=PartialPolicy(self.partial.policy, self.partial.min_scored),
            estimator=self.estimator.named() if self.estimator else None,
            open_groups=self.quotas.open_groups,
            judge_calls=self.quotas.judge_calls,
            judge_tokens=self.quotas.judge_tokens,
            total_steps=self.total_steps,
            defaults=replace(said := self.defaults(), reading=as_usual(said.reading)),
        )


class MemberIn(RolloutIn):
    """Body of `PUT /v1/runs/{run_id}/groups/{group_id}/rollouts/{rollout_id}`: a rollout and its question."""

    rollout_id: Id | None = None  # type: ignore[assignment]  # the path has it
    """Optional; if given, it must equal the id in the path."""
    question_id: Name | None = None
    """The question's id in the run's data set."""
    question: QuestionIn | None = None
    """The ground truth, sent inline."""

    @model_validator(mode="after")
    def _one_question(self) -> "MemberIn":
        if (self.question is None) == (self.question_id is None):
            raise ValueError("give exactly one of question and question_id")
        return self

    def asked(self) -> Question | str:
        """Return the ground truth, or its id."""
        return self.question_id or "" if self.question is None else self.question.to_domain()

    def to_rollout(self, rollout_id: str, defaults: Defaults) -> Rollout:
        """Return the rollout as a domain value; what it does not say about its reading is as its run says."""
        return self.model_copy(update={"rollout_id": rollout_id}).to_domain(defaults)


class Query(BaseModel):
    """Base of all query strings."""

    model_config = ConfigDict(extra="forbid", frozen=True, use_attribute_docstrings=True)


class WaitQuery(Query):
    """How long to wait for a group."""

    wait_s: Annotated[FiniteFloat, Field(ge=0)] = 0.0
    """Seconds to wait for the group to close, up to the service's limit. If it has not closed, repeat the call."""


class AttemptQuery(Query):
    """Attempt number of a group."""

    attempt: Attempt = 0
    """Attempt number of the whole group. A higher number restarts the group; a lower one is rejected as stale."""


class MemberQuery(WaitQuery, AttemptQuery):
    """Query of `PUT /v1/runs/{run_id}/groups/{group_id}/rollouts/{rollout_id}`."""

    deadline_s: Seconds | None = None
    """Closes the group this many seconds from now. It can only make the group's deadline earlier."""
    explain: bool = False
    """Also return where each entity was found, in the response to this call only."""
    step: Step | None = None
    """Step of the training that the group belongs to, the same for all its rollouts. Progress is step / `total_steps` of the
    run, at most 1."""
    purpose: Literal["train", "eval"] = "train"
    """`eval`: score the rollout by itself, immediately, by its outcome; it joins no group."""

    def arrival(self, key: GroupKey, rollout_id: str, member: MemberIn, *, access: Access) -> Arrival:
        """Return a rollout on its way in."""
        return Arrival(
            key,
            partial(member.to_rollout, rollout_id),
            access,
            member.asked(),
            attempt=self.attempt,
            deadline_s=self.deadline_s,
            explain=self.explain,
            step=self.step,
        )


class ListQuery(Query):
    """Query of `GET /v1/runs/{run_id}/groups`."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    """Maximum number of groups in the response."""


class SummaryQuery(Query):
    """Query of `GET /v1/runs/{run_id}/summary`."""

    groups: Annotated[int, Field(ge=1, le=1024)] = 1024
    """How many of the latest closed groups count."""


class PartialOut(TypedDict):
    """How a group with a missing or unscored rollout is treated."""

    policy: str
    min_scored: int


class QuotasOut(TypedDict):
    """Limits on a run's use of the service."""

    open_groups: int | None
    judge_calls: int | None
    judge_tokens: int | None


class ReadingOut(TypedDict):
    """How rollouts of a run are read unless they specify it themselves."""

    format: str
    dialect: str
    thought_open: bool | None
    responses_in_policy_turn: bool | None


class RunOut(TypedDict):
    """A declared run and the versions it pins."""

    run_id: str
    profile: ProfileOut
    group_size: int
    deadline_s: float
    dataset: str | None
    index: IndexOut | None
    partial: PartialOut
    estimator: EstimatorOut
    quotas: QuotasOut
    total_steps: int | None
    read_as: ReadingOut


class Receipt(TypedDict):
    """The profile, engine, estimator and progress that computed a response."""

    profile: ProfileOut
    engine: str
    estimator: EstimatorOut
    progress: float | None
    """Share of the training that is done at the group's step; null if it is not known, or not used."""


class AssembledOut(Receipt, GroupOut):
    """A group in the format of `POST /v1/groups/score`, with rollouts in order of their ids, and its progress."""

    attempt: int
    step: int | None
    missing: list[str | None]
    closes_in_s: float | None


class MemberOut(Receipt):
    """The result of one rollout and the progress of its group."""

    run_id: str
    group_id: str
    attempt: int
    question_id: str | None
    index: IndexOut | None
    masked: list[str] | None
    unmatchable: list[str] | None
    group_status: str
    group_max: int | None
    entities: int
    missing: list[str | None]
    closes_in_s: float | None
    replayed: bool
    rollout: RolloutOut


class EvaluatedOut(Receipt):
    """One rollout scored by its outcome. Values that need a group are null."""

    run_id: str
    question_id: str | None
    index: IndexOut | None
    masked: list[str] | None
    unmatchable: list[str] | None
    entities: int
    rollout: RolloutOut


class OpenGroupOut(TypedDict):
    """The progress of an open group."""

    group_id: str
    attempt: int
    question_id: str | None
    arrived: int
    missing: list[str | None]
    closes_in_s: float | None


class OpenGroupsOut(TypedDict):
    """Open groups of a run, earliest deadline first."""

    groups: list[OpenGroupOut]


class OpenSummaryOut(TypedDict):
    """The open groups of a run, at most the 1,000 with the earliest deadline."""

    groups: int
    missing: int
    """Rollouts that have not arrived."""
    oldest_s: float | None
    """Seconds since the oldest of them was opened; null if there is none."""
    next_deadline_s: float | None
    """Seconds until the first of them closes; null if there is none."""


class WindowOut(TypedDict):
    """Groups that closed one after the other."""

    groups: int
    numbers: dict[str, float]
    """See docs/seeing.md."""


class RunSummaryOut(TypedDict):
    """A run at this moment: its open groups, and the latest groups that this replica has closed."""

    run: RunOut
    open: OpenSummaryOut
    statuses: dict[str, int]
    """The closed groups by status."""
    numbers: dict[str, float]
    """The numbers of the closed groups, by the names of docs/seeing.md; one without any value is left out."""
    windows: list[WindowOut]
    """The same by the order in which groups closed, the oldest first."""


def read_as_out(defaults: Defaults) -> ReadingOut:
    """Write down how rollouts are read."""
    reading = defaults.reading
    return {
        "format": defaults.format,
        "dialect": reading.dialect or DEFAULT_DIALECT,
        "thought_open": reading.thought_open,
        "responses_in_policy_turn": reading.responses_in_policy_turn,
    }


def run_out(run: Run) -> RunOut:
    """Return a run for the wire."""
    declared = run.declared
    return {
        "run_id": run.run_id,
        "profile": {"name": declared.profile, "digest": run.profile_digest},
        "group_size": declared.group_size,
        "deadline_s": declared.deadline_s,
        "dataset": declared.dataset,
        "index": index_out(run.index),
        "partial": {"policy": declared.partial.policy, "min_scored": declared.partial.min_scored},
        "estimator": estimator_out(run.estimator),
        "quotas": {
            "open_groups": declared.open_groups,
            "judge_calls": declared.judge_calls,
            "judge_tokens": declared.judge_tokens,
        },
        "total_steps": declared.total_steps,
        "read_as": read_as_out(declared.defaults),
    }


def _receipt(view: GroupView) -> Receipt:
    return {
        "profile": profile_out(view.profile),
        "engine": view.state.pins.engine,
        "estimator": estimator_out(view.run.estimator),
        "progress": view.progress,
    }


def _index(view: GroupView) -> IndexOut | None:
    return None if view.state.question_id is None else index_out(view.run.index)


def assembled_out(view: GroupView) -> AssembledOut:
    """Return a group for the wire."""
    return {
        **_receipt(view),
        **paid_out(*view.key, view.state.question_id, view.result),
        "masked": list(view.state.masked),
        "unmatchable": list(view.state.unmatchable),
        "index": _index(view),
        "attempt": view.state.attempt,
        "step": view.state.pins.step,
        "missing": view.missing,
        "closes_in_s": view.closes_in_s,
    }


def member_out(admitted: Admitted, view: GroupView) -> MemberOut:
    """Return one rollout and its group for the wire, with evidence if it was asked for."""
    rollout = rollout_out(view.result_of(admitted.claim.rollout_id))
    if admitted.explained is not None:
        truth, facts = admitted.explained
        rollout = {**rollout, **evidence_out(facts.evidence, truth.question)}
    return {
        **_receipt(view),
        "run_id": view.key.run_id,
        "group_id": view.key.group_id,
        "attempt": view.state.attempt,
        "question_id": view.state.question_id,
        "index": _index(view),
        "masked": list(view.state.masked),
        "unmatchable": list(view.state.unmatchable),
        "group_status": view.state.status,
        "group_max": view.group_max,
        "entities": view.entities,
        "missing": view.missing,
        "closes_in_s": view.closes_in_s,
        "replayed": admitted.replayed,
        "rollout": rollout,
    }


def evaluated_out(evaluated: Evaluated) -> EvaluatedOut:
    """Return a rollout that was scored for evaluation, for the wire."""
    truth = evaluated.truth
    return {
        "profile": profile_out(evaluated.profile),
        "engine": ENGINE_DIGEST,
        "estimator": estimator_out(evaluated.run.estimator),
        "progress": None,
        "run_id": evaluated.run.run_id,
        "question_id": truth.question.question_id,
        "index": index_out(truth.index),
        "masked": list(truth.masked),
        "unmatchable": list(truth.unmatchable),
        "entities": evaluated.entities,
        "rollout": rollout_out(evaluated.result, truth.question),
    }


def open_groups_out(groups: list[GroupView]) -> OpenGroupsOut:
    """Return open groups for the wire."""
    return {"groups": [_open_group(view) for view in groups]}


def _open_group(view: GroupView) -> OpenGroupOut:
    return {
        "group_id": view.key.group_id,
        "attempt": view.state.attempt,
        "question_id": view.state.question_id,
        "arrived": len(view.state.members),
        "missing": view.missing,
        "closes_in_s": view.closes_in_s,
    }


def run_summary_out(run: Run, views: Sequence[GroupView], closed: Sequence[GroupResult]) -> RunSummaryOut:
    """Return a run at this moment, for the wire."""
    size = max(run.declared.group_size, -(-len(closed) // WINDOWS), 1)
    windows = [closed[at : at + size] for at in range(0, len(closed), size)]
    ages = [view.age_s for view in views if view.age_s is not None]
    deadlines = [view.closes_in_s for view in views if view.closes_in_s is not None]
    return {
        "run": run_out(run),
        "open": {
            "groups": len(views),
            "missing": sum(len(view.missing) for view in views),
            "oldest_s": max(ages, default=None),
            "next_deadline_s": min(deadlines, default=None),
        },
        "statuses": dict(Counter(str(group.status) for group in closed)),
        "numbers": summary(closed),
        "windows": [{"groups": len(window), "numbers": summary(window)} for window in windows],
    }
