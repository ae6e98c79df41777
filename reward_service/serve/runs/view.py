"""A group as it was at one moment, with its rewards."""

from dataclasses import replace
from functools import cached_property

from reward_service.core.profiles import Profile
from reward_service.core.scoring import pending, reward, reward_alone
from reward_service.core.types import GroupResult, RolloutResult
from reward_service.serve.groups.assembler import missing
from reward_service.serve.groups.state import ENGINE_GONE, GroupState, Run
from reward_service.serve.groups.stores.protocols import GroupKey


class GroupView:
    """A group and its rewards. The rewards are computed once, however many members ask for them."""

    def __init__(self, key: GroupKey, run: Run, state: GroupState, *, profile: Profile, now: float) -> None:
        self.key = key
        self.run = run
        self.profile = profile
        self.state = state
        self.closes_in_s = max(state.closes_at - now, 0.0) if state.is_open else None
        """Seconds until the group stops waiting for its members; None once it is closed."""
        self.age_s = max(now - state.opened_at, 0.0) if state.is_open else None
        """Seconds since its first member arrived; None once it is closed."""

    @cached_property
    def missing(self) -> list[str | None]:
        """The members that have not arrived, one item each: the rollout id if it can be known, else None."""
        return missing(self.state, self.run.declared.group_size)

    @cached_property
    def result(self) -> GroupResult:
        """The rewards of the group, as they were when it closed; while it is open, the part that is known already."""
        if self.state.result is not None:
            return self.state.result
        facts = [member.facts for member in self.state.members]
        if self.state.is_open:
            return pending(facts, self.profile)
        paid = reward(
            facts,
            self.profile,
            estimator=self.run.estimator,
            partial=self.run.declared.partial,
            missing=len(self.missing),
            progress=self.progress,
            place=(self.key.run_id, self.key.group_id),
        )
        return replace(paid, status=self.state.status)

    @property
    def progress(self) -> float | None:
        """The share of the training that was done at the group's step; None where it cannot be known."""
        return self.run.declared.progress(self.state.pins.step)

    @property
    def group_max(self) -> int | None:
        """The highest match count in the group; None while it may still change, or if no member has a reward."""
        return None if self.state.is_open else self.result.group_max

    @property
    def is_published(self) -> bool:
        """Whether the closed group has rewards to record; a group whose engine is gone has none."""
        return ENGINE_GONE not in self.result.flags

    @property
    def waited_s(self) -> float:
        """Seconds that a closed group was open."""
        return self.state.closes_at - self.state.opened_at

    @property
    def entities(self) -> int:
        """Number of entities of the group's question."""
        return self.state.members[0].facts.entities

    def result_of(self, rollout_id: str) -> RolloutResult:
        """Return the result of one member; while the group is open, the part that is known already.

        Raises:
            KeyError: the group has no such member.
        """
        for at, member in enumerate(self.state.members):
            if member.facts.rollout_id == rollout_id:
                alone = self.state.is_open
                return (
                    reward_alone(member.facts, self.profile, best=None) if alone else self.result.rollouts[at]
                )
        raise KeyError(rollout_id)
