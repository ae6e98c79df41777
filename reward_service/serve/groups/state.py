"""The values groups are made of; frozen, and without any text of a rollout."""

from dataclasses import dataclass, field

from reward_service.core.types import (
    Defaults,
    Estimator,
    GroupStatus,
    IndexVersion,
    PartialPolicy,
    RolloutFacts,
)
from reward_service.serve.errors import CallError


@dataclass(frozen=True, slots=True)
class Declaration:
    """What a run says about itself, once."""

    profile: str
    group_size: int
    """G, at least 1."""
    deadline_s: float
    """How long a group may wait for its members, counted from the first one."""
    dataset: str | None = None
    """Where questions stand that are named by id: `name` or `name@version`. None: every question is sent inline."""
    partial: PartialPolicy = field(default_factory=PartialPolicy)
    estimator: Estimator | None = None
    """None takes the profile's."""
    open_groups: int | None = None
    """How many groups may be open at once. None: as many as the service allows."""
    defaults: Defaults = field(default_factory=Defaults)
    """How its rollouts are read that do not say so themselves."""


@dataclass(frozen=True, slots=True)
class Run:
    """A declared run. What its declaration names is pinned: later changes of a profile or an index do not reach it."""

    run_id: str
    epoch: str
    """Drawn when the run was declared. Groups of an earlier run of the same name carry another one and do not count."""
    declared: Declaration
    profile_digest: str
    estimator: Estimator
    index: IndexVersion | None = None
    """The version that was active when the run was declared; None where it names no data set."""


@dataclass(frozen=True, slots=True)
class Pins:
    """What the first member settles for its whole group."""

    question: str
    """Digest of the question, with the index version it comes from."""
    engine: str
    """Digest of the engine that measures."""


@dataclass(frozen=True, slots=True)
class Claim:
    """A rollout that asks to become a member."""

    rollout_id: str
    digest: str
    """Of the rollout's canonical domain value."""
    pins: Pins
    question_id: str | None = None
    attempt: int = 0
    """Numbers the whole group: a higher one starts it afresh."""
    deadline_s: float | None = None
    """The caller wants the group to close this many seconds from now, or earlier. It can only shorten."""


@dataclass(frozen=True, slots=True)
class Member:
    """A rollout that has become one."""

    facts: RolloutFacts
    digest: str


@dataclass(frozen=True, slots=True)
class GroupState:
    """Everything there is to know about a group."""

    epoch: str
    attempt: int
    pins: Pins
    question_id: str | None
    masked: tuple[str, ...]
    """Names of the question's entities that earn nothing under the profile."""
    opened_at: float
    closes_at: float
    """When the group stops waiting; once it is closed, when it was closed."""
    status: GroupStatus
    members: tuple[Member, ...]
    """In order of rollout id: the same members are the same state, whatever order they came in."""

    @property
    def is_open(self) -> bool:
        """Whether members may still change it."""
        return self.status is GroupStatus.OPEN

    def find(self, rollout_id: str) -> Member | None:
        """Return a member; None where there is none of that id."""
        return next((one for one in self.members if one.facts.rollout_id == rollout_id), None)


@dataclass(frozen=True, slots=True)
class Decision:
    """What becomes of a claim."""

    state: GroupState | None
    """The group from now on; None where there is none yet."""
    refusal: CallError | None = None
    admitted: bool = False
    """The rollout is wanted: measure it and add it."""
    replayed: bool = False
    """The rollout is a member already."""
