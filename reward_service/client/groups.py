"""What a trainer sends and what comes back, as frozen values. A reward that could not be computed is None, never 0."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from reward_service.core.types import Rollout


@dataclass(frozen=True, slots=True)
class Group:
    """The rollouts of one question in one training step."""

    group_id: str
    """Your id of this question in this step."""
    question: str | Mapping[str, Any]
    """The question's id in the data set, or its ground truth `{"text", "answers", "entities", "checker"}` as the API takes it."""
    rollouts: Sequence[Rollout]
    dataset: str | None = None
    """Where a question named by its id stands: `name` or `name@version`."""
    run_id: str = "default"


@dataclass(frozen=True, slots=True)
class Run:
    """One training, for rollouts that come one by one. It is declared with the first of them."""

    run_id: str
    profile: str
    group_size: int
    deadline_s: float = 1800.0
    """How long a group waits for its rollouts, counted from the first. Rollouts of one group can end far apart."""
    dataset: str | None = None
    """Where questions named by their ids stand: `name` (the version active now is pinned) or `name@version`."""
    partial: Mapping[str, Any] | None = None
    """What a missing or unscored rollout does to its group, as the API takes it; by default it fails it."""
    estimator: str | Mapping[str, Any] | None = None
    """Overrides the profile's estimator: parameters, or the trainer that computes so itself."""


@dataclass(frozen=True, slots=True)
class Member:
    """One rollout and the group it belongs to."""

    group_id: str
    """Your id of this question in this step."""
    question: str | Mapping[str, Any]
    """The question's id in the run's data set, or its ground truth as the API takes it."""
    rollout: Rollout
    attempt: int = 0
    """Numbers the whole group: a higher one starts it afresh."""


@dataclass(frozen=True, slots=True)
class RolloutReward:
    """What one rollout is paid and why."""

    rollout_id: str
    status: str
    """`scored`, or why there is no reward."""
    reward: float | None = None
    advantage: float | None = None
    outcome: str | None = None
    matched: int | None = None
    match_rate: float | None = None
    normalized_match_rate: float | None = None
    in_baseline: bool = False
    in_loss: bool = False
    flags: tuple[str, ...] = ()
    detail: str | None = None


@dataclass(frozen=True, slots=True)
class GroupRewards:
    """What one group is paid, rollouts in the order they were sent."""

    run_id: str
    group_id: str
    status: str
    """`complete`, `partial`, `failed`, `expired`, or `open` while rollouts are missing."""
    rollouts: tuple[RolloutReward, ...]
    entities: int = 0
    group_max: int | None = None
    missing: tuple[str | None, ...] = ()
    """Rollouts that have not come, by name where the name can be known."""

    @property
    def rewards(self) -> list[float | None]:
        """One reward a rollout, in order; None where there is none."""
        return [one.reward for one in self.rollouts]

    @property
    def advantages(self) -> list[float | None]:
        """One advantage a rollout, in order; None where there is none."""
        return [one.advantage for one in self.rollouts]


def masked(rollout_id: str, why: str) -> RolloutReward:
    """Return the place of a rollout whose reward could not be had."""
    return RolloutReward(rollout_id, "backend_failed", detail=why)


def masked_group(group: Group, why: str) -> GroupRewards:
    """Return the place of a group whose rewards could not be had."""
    rollouts = tuple(masked(rollout.rollout_id, why) for rollout in group.rollouts)
    return GroupRewards(group.run_id, group.group_id, "failed", rollouts)
