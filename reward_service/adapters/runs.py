"""The service's own wire format: runs, and rollouts that come one by one."""

from dataclasses import replace
from functools import partial
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, FiniteFloat, model_validator
from typing_extensions import TypedDict

from entity_index.types import Question
from reward_service.adapters.native import (
    Id,
    IndexOut,
    NamedEstimator,
    QuestionIn,
    ReadAs,
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
from reward_service.core.trajectory import DEFAULT_DIALECT
from reward_service.core.types import Defaults, PartialPolicy, Rollout
from reward_service.serve.groups.state import Declaration, Run
from reward_service.serve.groups.stores.protocols import GroupKey
from reward_service.serve.runs.service import Arrival, Evaluated, Taken
from reward_service.serve.runs.view import Seen

Seconds = Annotated[FiniteFloat, Field(gt=0)]
Attempt = Annotated[int, Field(ge=0, le=2**31)]


class RunPartialIn(Wire):
    """What happens to a group in which a rollout is missing at the deadline, or could not be scored: both alike."""

    policy: Literal["fail", "survivors", "wait"] = "fail"
    """`fail`: the group gets no rewards. `survivors`: the scored rollouts are rewarded among themselves. `wait`: the
    group stays open until all its rollouts are scored, or it is forgotten."""
    min_scored: Annotated[int, Field(ge=1)] = 1
    """With `survivors`: fewer scored rollouts than this fail the group."""


class QuotasIn(Wire):
    """What the run may take of the service."""

    open_groups: Annotated[int, Field(ge=1)] | None = None
    """Most groups open at once; a rollout that would open one more is refused with 429."""


class RunIn(ReadAs, Wire):
    """Body of `PUT /v1/runs/{run_id}`."""

    profile: str
    """Name of the profile; its digest is pinned. See `/v1/profiles`."""
    group_size: Annotated[int, Field(ge=1)]
    """How many rollouts a group has."""
    deadline_s: Seconds
    """How long a group waits for its rollouts, counted from the first."""
    dataset: str | None = None
    """Where questions named by id stand: `name` (the version active now is pinned) or `name@version`."""
    partial: RunPartialIn = RunPartialIn()
    estimator: NamedEstimator | None = None
    """Overrides the profile's estimator. A trainer's name stands for what that trainer computes itself."""
    quotas: QuotasIn = QuotasIn()

    def to_domain(self) -> Declaration:
        """Return the declaration as a domain value."""
        return Declaration(
            profile=self.profile,
            group_size=self.group_size,
            deadline_s=self.deadline_s,
            dataset=self.dataset,
            partial=PartialPolicy(self.partial.policy, self.partial.min_scored),
            estimator=self.estimator.to_domain() if self.estimator else None,
            open_groups=self.quotas.open_groups,
            defaults=replace(said := self.defaults(), reading=as_usual(said.reading)),
        )


class MemberIn(RolloutIn):
    """Body of `PUT /v1/runs/{run_id}/groups/{group_id}/rollouts/{rollout_id}`: a rollout and its question."""

    rollout_id: Id | None = None  # type: ignore[assignment]  # the path has it
    """May be left out; if not, it is that of the path."""
    question_id: str | None = None
    """The question's id in the run's data set."""
    question: QuestionIn | None = None
    """The ground truth itself."""

    @model_validator(mode="after")
    def _one_question(self) -> "MemberIn":
        if (self.question is None) == (self.question_id is None):
            raise ValueError("exactly one of question and question_id must be given")
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
    """How long to wait for the group to close, up to the service's limit. Ask again where it has not."""


class AttemptQuery(Query):
    """Which attempt at a group."""

    attempt: Attempt = 0
    """Numbers the whole group: a higher one starts it afresh, a lower one comes too late."""


class MemberQuery(WaitQuery, AttemptQuery):
    """Query of `PUT /v1/runs/{run_id}/groups/{group_id}/rollouts/{rollout_id}`."""

    deadline_s: Seconds | None = None
    """Close the group this many seconds from now. It can only make the group's deadline earlier."""
    explain: bool = False
    """Also return where each entity was found, in the answer to this call alone."""
    purpose: Literal["train", "eval"] = "train"
    """`eval`: score the rollout alone and at once, by its outcome, as a member of no group."""

    def arrival(self, key: GroupKey, rollout_id: str, member: MemberIn) -> Arrival:
        """Return a rollout on its way in."""
        return Arrival(
            key,
            partial(member.to_rollout, rollout_id),
            member.asked(),
            attempt=self.attempt,
            deadline_s=self.deadline_s,
            explain=self.explain,
        )


class ListQuery(Query):
    """Query of `GET /v1/runs/{run_id}/groups`."""

    limit: Annotated[int, Field(ge=1, le=1000)] = 1000
    """Most groups in the answer."""


class PartialOut(TypedDict):
    """What a missing or unscored rollout does to its group."""

    policy: str
    min_scored: int


class QuotasOut(TypedDict):
    """What a run may take of the service."""

    open_groups: int | None


class ReadAsOut(TypedDict):
    """How rollouts of a run are read that do not say so themselves."""

    format: str
    dialect: str
    thought_open: bool | None
    responses_in_policy_turn: bool | None


class RunOut(TypedDict):
    """A declared run with what it has pinned."""

    run_id: str
    profile: ProfileOut
    group_size: int
    deadline_s: float
    dataset: str | None
    index: IndexOut | None
    partial: PartialOut
    estimator: EstimatorOut
    quotas: QuotasOut
    read_as: ReadAsOut


class Receipt(TypedDict):
    """What computed an answer."""

    profile: ProfileOut
    engine: str
    estimator: EstimatorOut


class AssembledOut(Receipt, GroupOut):
    """A group as `POST /v1/groups/score` answers it, rollouts in order of their ids, and how far it has come."""

    attempt: int
    missing: list[str | None]
    closes_in_s: float | None


class MemberOut(Receipt):
    """One rollout's result, and how far its group has come."""

    run_id: str
    group_id: str
    attempt: int
    question_id: str | None
    index: IndexOut | None
    masked: list[str]
    group_status: str
    group_max: int | None
    entities: int
    missing: list[str | None]
    closes_in_s: float | None
    replayed: bool
    rollout: RolloutOut


class EvaluatedOut(Receipt):
    """One rollout scored by its outcome. What needs a group is null."""

    run_id: str
    question_id: str | None
    index: IndexOut | None
    masked: list[str]
    entities: int
    rollout: RolloutOut


class OpenGroupOut(TypedDict):
    """How far an open group has come."""

    group_id: str
    attempt: int
    question_id: str | None
    arrived: int
    missing: list[str | None]
    closes_in_s: float | None


class OpenGroupsOut(TypedDict):
    """Open groups of a run, those that close first coming first."""

    groups: list[OpenGroupOut]


def read_as_out(defaults: Defaults) -> ReadAsOut:
    """Write down how rollouts are read."""
    reading = defaults.reading
    return {
        "format": defaults.format,
        "dialect": reading.dialect or DEFAULT_DIALECT,
        "thought_open": reading.thought_open,
        "responses_in_policy_turn": reading.responses_in_policy_turn,
    }


def run_out(run: Run) -> RunOut:
    """Write down a run."""
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
        "quotas": {"open_groups": declared.open_groups},
        "read_as": read_as_out(declared.defaults),
    }


def _receipt(seen: Seen) -> Receipt:
    return {
        "profile": profile_out(seen.profile),
        "engine": ENGINE_DIGEST,
        "estimator": estimator_out(seen.run.estimator),
    }


def _index(seen: Seen) -> IndexOut | None:
    return None if seen.state.question_id is None else index_out(seen.run.index)


def assembled_out(seen: Seen) -> AssembledOut:
    """Write down a group."""
    return {
        **_receipt(seen),
        **paid_out(*seen.key, seen.state.question_id, seen.result),
        "masked": list(seen.state.masked),
        "index": _index(seen),
        "attempt": seen.state.attempt,
        "missing": seen.missing,
        "closes_in_s": seen.closes_in_s,
    }


def member_out(taken: Taken, seen: Seen) -> MemberOut:
    """Write down what became of one rollout; evidence where it was asked for."""
    rollout = rollout_out(seen.result_of(taken.claim.rollout_id))
    if taken.explained is not None:
        truth, facts = taken.explained
        rollout = {**rollout, **evidence_out(facts.evidence, truth.question)}
    return {
        **_receipt(seen),
        "run_id": seen.key.run_id,
        "group_id": seen.key.group_id,
        "attempt": seen.state.attempt,
        "question_id": seen.state.question_id,
        "index": _index(seen),
        "masked": list(seen.state.masked),
        "group_status": seen.state.status,
        "group_max": seen.group_max,
        "entities": seen.entities,
        "missing": seen.missing,
        "closes_in_s": seen.closes_in_s,
        "replayed": taken.replayed,
        "rollout": rollout,
    }


def evaluated_out(evaluated: Evaluated) -> EvaluatedOut:
    """Write down a rollout that was scored outside of training."""
    truth = evaluated.truth
    return {
        "profile": profile_out(evaluated.profile),
        "engine": ENGINE_DIGEST,
        "estimator": estimator_out(evaluated.run.estimator),
        "run_id": evaluated.run.run_id,
        "question_id": truth.question.question_id,
        "index": index_out(truth.index),
        "masked": list(truth.masked),
        "entities": evaluated.entities,
        "rollout": rollout_out(evaluated.result, truth.question),
    }


def open_groups_out(groups: list[Seen]) -> OpenGroupsOut:
    """Write down open groups."""
    return {"groups": [_open_group(seen) for seen in groups]}


def _open_group(seen: Seen) -> OpenGroupOut:
    return {
        "group_id": seen.key.group_id,
        "attempt": seen.state.attempt,
        "question_id": seen.state.question_id,
        "arrived": len(seen.state.members),
        "missing": seen.missing,
        "closes_in_s": seen.closes_in_s,
    }
