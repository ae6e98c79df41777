"""Requests and results as frozen values. A reward that could not be computed is None, never 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from reward_service.core.types import Judgement, Rollout


@dataclass(frozen=True, slots=True)
class Group:
    """The rollouts of one question in one training step."""

    group_id: str
    """Your id of this question in this step."""
    question: str | Mapping[str, Any]
    """The question's id in the data set, or its ground truth `{"text", "answers", "entities", "checker"}` as the API takes it."""
    rollouts: Sequence[Rollout]
    dataset: str | None = None
    """Data set of a question referred to by id: `name` or `name@version`."""
    run_id: str = "default"


@dataclass(frozen=True, slots=True)
class Run:
    """One training run, for rollouts sent one by one. It is declared with the first of them."""

    run_id: str
    profile: str
    group_size: int
    deadline_s: float = 1800.0
    """Seconds a group waits for its rollouts, counted from the first one. Rollouts of one group can end far apart."""
    dataset: str | None = None
    """Data set of questions referred to by id: `name` (pins the currently active version) or `name@version`."""
    partial: Mapping[str, Any] | None = None
    """How to treat a group with a missing or unscored rollout, in the format of the API; by default the group fails."""
    estimator: str | Mapping[str, Any] | None = None
    """Overrides the profile's estimator, by parameters or by the name of a trainer."""
    total_steps: int | None = None
    """Number of steps of the whole training, for profiles whose weights depend on its progress."""


@dataclass(frozen=True, slots=True)
class Member:
    """One rollout and the group it belongs to."""

    group_id: str
    """Your id of this question in this step."""
    question: str | Mapping[str, Any]
    """The question's id in the run's data set, or its ground truth as the API takes it."""
    rollout: Rollout
    attempt: int = 0
    """Attempt number of the whole group. A higher number restarts the group; a lower one is rejected as stale."""
    step: int | None = None
    """Step of the training that the group belongs to; all its rollouts name the same."""


@dataclass(frozen=True, slots=True)
class RolloutReward:
    """The reward of one rollout and how it came about."""

    rollout_id: str
    status: str
    """`scored`, or the reason why there is no reward."""
    reward: float | None = None
    advantage: float | None = None
    outcome: str | None = None
    matched: int | None = None
    match_rate: float | None = None
    normalized_match_rate: float | None = None
    uncredited: Mapping[str, int] = field(default_factory=dict)
    """Number of entities named but not credited, by reason."""
    measured: Mapping[str, float | None] = field(default_factory=dict)
    """Numbers measured from the text, by name."""
    weight: float | None = None
    """Product of the profile's filters: multiply the advantage by it."""
    turns: tuple[tuple[int, ...], ...] = ()
    """Positions of the segments of each turn."""
    turn_rewards: tuple[float | None, ...] | None = None
    """One per turn, None for a turn without a number; None if the profile does not pay by turn."""
    turn_advantages: tuple[float, ...] | None = None
    """One per turn; None if the profile has no rule for turns: `advantage` then applies to all tokens."""
    in_baseline: bool = False
    in_loss: bool = False
    flags: tuple[str, ...] = ()
    detail: str | None = None
    judgements: tuple[Judgement, ...] = ()
    """What judges said about it."""


@dataclass(frozen=True, slots=True)
class GroupRewards:
    """The rewards of one group, with rollouts in the order they were sent."""

    run_id: str
    group_id: str
    status: str
    """`complete`, `partial`, `failed`, `expired`, or `open` while rollouts are missing."""
    rollouts: tuple[RolloutReward, ...]
    entities: int = 0
    group_max: int | None = None
    missing: tuple[str | None, ...] = ()
    """Rollouts that have not arrived, by id if the id can be known."""

    @property
    def rewards(self) -> list[float | None]:
        """One reward per rollout, in order; None if there is none."""
        return [one.reward for one in self.rollouts]

    @property
    def advantages(self) -> list[float | None]:
        """One advantage per rollout, in order; None if there is none."""
        return [one.advantage for one in self.rollouts]


def masked(rollout_id: str, why: str) -> RolloutReward:
    """Return the placeholder of a rollout whose reward could not be obtained."""
    return RolloutReward(rollout_id, "backend_failed", detail=why)


def masked_group(group: Group, why: str) -> GroupRewards:
    """Return the placeholder of a group whose rewards could not be obtained."""
    rollouts = tuple(masked(rollout.rollout_id, why) for rollout in group.rollouts)
    return GroupRewards(group.run_id, group.group_id, "failed", rollouts)
