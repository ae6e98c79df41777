"""Runs, claims, members and group states, as frozen values without any text of a rollout."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from reward_service.core.types import (
    Defaults,
    Estimator,
    GroupResult,
    GroupStatus,
    IndexVersion,
    PartialPolicy,
    RolloutFacts,
    progress_at,
)
from reward_service.serve.errors import CallError

ENGINE_GONE = "engine"
"""Flag of a group that expired without rewards, because no replica of the engine that measured it came to close it."""


@dataclass(frozen=True, slots=True)
class Declaration:
    """The declaration of a run; it never changes."""

    profile: str
    group_size: int
    """G, at least 1."""
    deadline_s: float
    """Seconds that a group waits for its members, counted from the first one."""
    dataset: str | None = None
    """The data set of questions named by id: `name` or `name@version`. None: every question is sent inline."""
    partial: PartialPolicy = field(default_factory=PartialPolicy)
    estimator: Mapping[str, Any] | None = None
    """The fields of the estimator that override the profile's; None takes the profile's."""
    open_groups: int | None = None
    """Most groups open at once. None: as many as the service allows."""
    defaults: Defaults = field(default_factory=Defaults)
    """How rollouts are read that do not say so themselves."""
    judge_calls: int | None = None
    """Most requests to judges. None: as many as the service allows."""
    judge_tokens: int | None = None
    """Most tokens of judges. None: as many as the service allows."""
    total_steps: int | None = None
    """Steps of the whole training, at least 1; None where the trainer does not say."""

    def progress(self, step: int | None) -> float | None:
        """Return the share of the training that is done at a step, in [0, 1]; None where it cannot be known."""
        return progress_at(step, self.total_steps)


@dataclass(frozen=True, slots=True)
class Run:
    """A declared run. The profile and the index version are pinned: later changes of either do not affect it."""

    run_id: str
    epoch: str
    """Random, drawn at the declaration. Groups of an earlier run of the same id have another one and are ignored."""
    declared: Declaration
    profile_digest: str
    estimator: Estimator
    index: IndexVersion | None = None
    """The version that was active at the declaration; None if the run has no data set."""
    owner: str = ""
    """Owner of the API key that declared it; empty if the service had no keys."""


@dataclass(frozen=True, slots=True)
class Pins:
    """The values that the first member fixes for its whole group."""

    question: str
    """Digest of the question and of the index version it comes from."""
    engine: str
    """Digest of the engine that measures."""
    step: int | None = None
    """Step of the training, at least 0; None where the trainer does not say."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A rollout that asks to become a member of a group."""

    rollout_id: str
    digest: str
    """Of the rollout's canonical domain value."""
    pins: Pins
    question_id: str | None = None
    attempt: int = 0
    """Attempt number of the whole group; a higher one restarts the group."""
    deadline_s: float | None = None
    """Seconds from now after which the caller wants the group closed. It can only bring the close forward."""


@dataclass(frozen=True, slots=True)
class Member:
    """A rollout that is a member of a group: its facts and its digest."""

    facts: RolloutFacts
    digest: str


@dataclass(frozen=True, slots=True)
class GroupState:
    """The complete state of a group."""

    epoch: str
    attempt: int
    pins: Pins
    question_id: str | None
    masked: tuple[str, ...]
    """Names of the question's entities that earn nothing under the profile."""
    unmatchable: tuple[str, ...]
    """Names of the question's entities that have no form to search for."""
    opened_at: float
    closes_at: float
    """When the group is due to close; once it is closed, when it closed."""
    status: GroupStatus
    members: tuple[Member, ...]
    """Ordered by rollout id, so that the order of arrival does not change the state."""
    result: GroupResult | None = None
    """The rewards of a closed group. Every replica answers with these, also one whose engine would compute others."""

    @property
    def is_open(self) -> bool:
        """Whether members may still change it."""
        return self.status is GroupStatus.OPEN

    def find(self, rollout_id: str) -> Member | None:
        """Return the member of an id, or None if there is none."""
        return next((one for one in self.members if one.facts.rollout_id == rollout_id), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """The decision about a claim, or about a call to close a group."""

    state: GroupState | None
    """The new state of the group; None if there is no group yet."""
    refusal: CallError | None = None
    admitted: bool = False
    """Whether the rollout is wanted, and is to be measured and added."""
    replayed: bool = False
    """Whether the rollout is a member already."""
