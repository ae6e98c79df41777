"""A group as it was seen at one moment."""

from dataclasses import replace
from functools import cached_property

from reward_service.core.profiles import Profile
from reward_service.core.scoring import pending, reward, reward_alone
from reward_service.core.types import GroupResult, RolloutResult
from reward_service.serve.groups.assembler import missing
from reward_service.serve.groups.state import GroupState, Run
from reward_service.serve.groups.stores.protocols import GroupKey


class Seen:
    """A group with what it pays; that is computed once, however many members ask."""

    def __init__(self, key: GroupKey, run: Run, state: GroupState, *, profile: Profile, now: float) -> None:
        self.key = key
        self.run = run
        self.profile = profile
        self.state = state
        self.closes_in_s = max(state.closes_at - now, 0.0) if state.is_open else None
        """How long it will wait for its members; None once it is closed."""

    @cached_property
    def missing(self) -> list[str | None]:
        """The members that have not come, by name where the name can be known."""
        return missing(self.state, self.run.declared.group_size)

    @cached_property
    def result(self) -> GroupResult:
        """What the group pays; while it is open, what is known already."""
        facts = [member.facts for member in self.state.members]
        if self.state.is_open:
            return pending(facts, self.profile)
        paid = reward(
            facts,
            self.profile,
            estimator=self.run.estimator,
            partial=self.run.declared.partial,
            missing=len(self.missing),
        )
        return replace(paid, status=self.state.status)

    @property
    def group_max(self) -> int | None:
        """The best count of the group; None while it may still change, or nobody is paid."""
        return None if self.state.is_open else self.result.group_max

    @property
    def waited_s(self) -> float:
        """How long a closed group was open."""
        return self.state.closes_at - self.state.opened_at

    @property
    def entities(self) -> int:
        """How many entities its question has."""
        return self.state.members[0].facts.entities

    def result_of(self, rollout_id: str) -> RolloutResult:
        """What one member is paid; while the group is open, what is known already.

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
