"""Scored groups as the views show them: numbers, names and places, without the text of rollouts.

A group satisfies `core.summary.ScoredGroup`, so every number of a view is that of `client.summary`.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from types import MappingProxyType
from typing import Any, NamedTuple

from entity_index.types import Question
from reward_service.adapters.records.groups import Grouped
from reward_service.adapters.records.lines import LinePlace
from reward_service.cli.score import result_of
from reward_service.cli.second_look import second_look
from reward_service.core.fields import built
from reward_service.core.profiles import Profile
from reward_service.core.summary import has_signal, scored
from reward_service.core.types import GroupResult, Judgement, RolloutFacts, RolloutResult
from reward_service.serve.scorer import Scored
from reward_service.serve.truth import Truth


@dataclass(frozen=True, slots=True)
class OtherResult:
    """What a second profile says of a rollout."""

    outcome: str | None
    reward: float | None
    advantage: float | None


@dataclass(frozen=True, slots=True)
class SeenRollout:
    """One rollout."""

    rollout_id: str
    status: str
    outcome: str | None = None
    reward: float | None = None
    advantage: float | None = None
    matched: int | None = None
    uncredited: Mapping[str, int] = field(default_factory=dict)
    grounded: int = 0
    """Credited entities that an earlier tool response contains."""
    measured: Mapping[str, float | None] = field(default_factory=dict)
    """Numbers of `second_look.LENS`, whatever the profile reads."""
    in_loss: bool = False
    flags: tuple[str, ...] = ()
    detail: str | None = None
    named: tuple[int, ...] = ()
    """Entities that earn credit, by position."""
    refused: tuple[tuple[int, str], ...] = ()
    """Entities that are named and earn nothing, with the reason."""
    checker: str | None = None
    """What the profile's checker says, if the file says something else."""
    other: OtherResult | None = None
    meta: Mapping[str, Any] = field(default_factory=dict)
    judgements: tuple[Judgement, ...] = ()
    """What judges said about it."""
    place: tuple[str, int, int] = ("", 0, 0)
    """File, line, and which rollout of that line."""


@dataclass(frozen=True, slots=True)
class SeenGroup:
    """One group."""

    run_id: str
    group_id: str
    step: str | None
    question_id: str | None
    question: str
    answers: tuple[str, ...]
    names: tuple[str, ...]
    """The names of all entities, by position."""
    masked: tuple[str, ...]
    unmatchable: tuple[str, ...]
    entities: int
    """m, those that can earn credit."""
    group_max: int | None
    status: str
    flags: tuple[str, ...]
    rollouts: tuple[SeenRollout, ...]

    @property
    def has_signal(self) -> bool:
        """Whether some advantage is not 0."""
        return has_signal(self)

    @property
    def found(self) -> Counter[int]:
        """How many rollouts earn credit for each entity."""
        return Counter(entity for one in self.rollouts for entity in one.named)

    @property
    def never_found(self) -> list[str]:
        """Names of the entities that could earn credit and that no rollout names in a thought that counts."""
        out = {*self.masked, *self.unmatchable}
        return [name for n, name in enumerate(self.names) if n not in self.found and name not in out]

    @property
    def spread(self) -> float:
        """The largest reward minus the smallest; 0 where fewer than two are known."""
        rewards = [one.reward for one in self.rollouts if one.reward is not None]
        return max(rewards) - min(rewards) if rewards else 0.0

    def outcomes(self, outcome: str) -> int:
        """Return how many scored rollouts have an outcome."""
        return sum(one.outcome == outcome for one in scored(self))


def seen(grouped: Grouped, result: Scored, profile: Profile) -> SeenGroup:
    """Return a scored group as the views show it."""
    truth = result.measured.truth or Truth(Question(""))
    group, question = result_of(result), truth.question
    seconds = second_look(result, profile)
    return SeenGroup(
        run_id=grouped.call.run_id,
        group_id=grouped.call.group_id,
        step=grouped.lines[0].step,
        question_id=question.question_id,
        question=question.text or grouped.lines[0].asked or "",
        answers=tuple(question.answers),
        names=tuple(entity.name for entity in question.entities),
        masked=tuple(truth.masked),
        unmatchable=tuple(truth.unmatchable),
        entities=group.entities,
        group_max=group.group_max,
        status=str(group.status),
        flags=group.flags,
        rollouts=tuple(
            replace(
                _rollout(one),
                checker=_disagreeing(second, given.outcome),
                measured=dict(second.measured),
                meta=line.meta,
                place=_place(line.at),
            )
            for one, line, given, second in zip(
                group.rollouts, grouped.lines, grouped.call.rollouts, seconds, strict=True
            )
        ),
    )


def _place(at: LinePlace | None) -> tuple[str, int, int]:
    return ("", 0, 0) if at is None else (str(at.path), at.line, at.item)


def _rollout(one: RolloutResult) -> SeenRollout:
    evidence = one.evidence
    refused = zip(evidence.uncredited, evidence.reasons, strict=True) if evidence else ()
    return SeenRollout(
        one.rollout_id,
        str(one.status),
        None if one.outcome is None else str(one.outcome),
        reward=one.reward,
        advantage=one.advantage,
        matched=one.matched,
        uncredited=dict(one.uncredited),
        grounded=one.grounded,
        in_loss=one.in_loss,
        flags=one.flags,
        detail=one.detail,
        judgements=one.judgements,
        named=tuple(match.entity for match in evidence.matches) if evidence else (),
        refused=tuple((match.entity, reason) for match, reason in refused),
    )


def _disagreeing(second: RolloutFacts, given: str | None) -> str | None:
    """Return the checker's verdict if the file says something else."""
    return str(second.outcome) if given and second.outcome not in {None, given} else None


def with_other(group: SeenGroup, other: GroupResult) -> SeenGroup:
    """Return a group with what a second profile says of its rollouts."""
    rollouts = (
        replace(mine, other=OtherResult(one.outcome and str(one.outcome), one.reward, one.advantage))
        for mine, one in zip(group.rollouts, other.rollouts, strict=True)
    )
    return replace(group, rollouts=tuple(rollouts))


def as_plain(group: SeenGroup) -> dict[str, Any]:
    """Return a group as plain data."""
    return asdict(group)


def from_plain(document: Mapping[str, Any]) -> SeenGroup:
    """Return a group from plain data: the inverse of `as_plain`, also after JSON."""
    rollouts = tuple(map(_rollout_from, document["rollouts"]))
    tuples = {name: tuple(document[name]) for name in ("answers", "names", "masked", "unmatchable", "flags")}
    return SeenGroup(**{**document, **tuples, "rollouts": rollouts})


def _rollout_from(document: Mapping[str, Any]) -> SeenRollout:
    other = document["other"]
    return SeenRollout(
        **{
            **document,
            "flags": tuple(document["flags"]),
            "named": tuple(document["named"]),
            "refused": tuple((entity, reason) for entity, reason in document["refused"]),
            "place": tuple(document["place"]),
            "other": OtherResult(**other) if other else None,
            "judgements": tuple(built(Judgement, one) for one in document["judgements"]),
        }
    )


class GroupFilter(NamedTuple):
    """A choice of groups."""

    label: str
    holds: Callable[[SeenGroup], bool]


def _all_wrong(group: SeenGroup) -> bool:
    return bool(scored(group)) and not group.outcomes("correct")


def _seen(group: SeenGroup, outcome: str = "") -> list[float]:
    """Return whether the scored rollouts with an outcome, or all, had a gold answer on screen: 1 or 0."""
    rollouts = [one for one in scored(group) if outcome in {"", one.outcome}]
    return [seen for one in rollouts if (seen := one.measured.get("answer_seen")) is not None]


def is_changed(one: SeenRollout) -> bool:
    """Whether a second profile pays a rollout differently, or compares it differently with its group."""
    return one.other is not None and (one.reward, one.advantage) != (one.other.reward, one.other.advantage)


FILTERS: Mapping[str, GroupFilter] = MappingProxyType(
    {
        "signal": GroupFilter("with a signal", lambda group: group.has_signal),
        "flat": GroupFilter("without a signal", lambda group: not group.has_signal),
        "wrong-spread": GroupFilter(
            "all wrong, credit tells them apart", lambda g: _all_wrong(g) and g.spread > 0
        ),
        "wrong-flat": GroupFilter("all wrong, all alike", lambda g: _all_wrong(g) and g.spread == 0),
        "unnamed": GroupFilter(
            "correct, named nothing",
            lambda g: (
                bool(g.entities) and any(one.outcome == "correct" and not one.matched for one in g.rollouts)
            ),
        ),
        "unreached": GroupFilter("answer never on screen", lambda g: bool(_seen(g)) and not any(_seen(g))),
        "recall": GroupFilter("correct, answer never on screen", lambda g: 0.0 in _seen(g, "correct")),
        "reading": GroupFilter("wrong, answer on screen", lambda g: 1.0 in _seen(g, "wrong")),
        "early": GroupFilter(
            "entities named before they are shown",
            lambda g: any(one.measured.get("named_before_seen") for one in g.rollouts),
        ),
        "uncredited": GroupFilter("named, not credited", lambda g: any(one.uncredited for one in g.rollouts)),
        "disputed": GroupFilter(
            "the file's outcome disagrees with the checker", lambda g: any(one.checker for one in g.rollouts)
        ),
        "never": GroupFilter("entities never found", lambda g: bool(g.never_found)),
        "unscored": GroupFilter(
            "rollouts without a reward", lambda g: any(one.reward is None for one in g.rollouts)
        ),
        "no-thoughts": GroupFilter(
            "rollouts without a thought", lambda g: any("no_thoughts" in one.flags for one in g.rollouts)
        ),
        "changed": GroupFilter("changed by the second profile", lambda g: any(map(is_changed, g.rollouts))),
    }
)
"""By the name in the URL."""

SORTS: Mapping[str, Callable[[SeenGroup], float]] = MappingProxyType(
    {
        "spread": lambda group: -group.spread,
        "best": lambda group: -(group.group_max or 0),
        "entities": lambda group: -group.entities,
        "correct": lambda group: -group.outcomes("correct") / len(group.rollouts),
        "wrong": lambda group: group.outcomes("correct") / len(group.rollouts),
    }
)
"""By the name in the URL; the smallest comes first, and the order of the file decides between equals."""


def words_of(group: SeenGroup) -> str:
    """Return what a text search looks in, in lower case."""
    names = (group.group_id, group.question_id or "", group.question, *group.answers, *group.names)
    return "\n".join(names).casefold()


def marks_of(group: SeenGroup) -> list[str]:
    """Return the filters that a group passes."""
    return [name for name, one in FILTERS.items() if one.holds(group)]


def telling(groups: Sequence[SeenGroup], most: int) -> list[tuple[int, int]]:
    """Return the rollouts whose text tells most, as (group, rollout) positions.

    First what a reader has to check: disputed, uncredited and changed rollouts; then the extremes of groups with a signal.
    """
    ranked = [
        (_weight(group, one), n, k) for n, group in enumerate(groups) for k, one in enumerate(group.rollouts)
    ]
    ranked.sort(key=lambda one: (-one[0], one[1], one[2]))
    return [(n, k) for _, n, k in ranked[:most]]


def _weight(group: SeenGroup, one: SeenRollout) -> float:
    odd = 4 * bool(one.checker) + 3 * bool(one.uncredited) + 2 * is_changed(one) + (one.reward is None)
    unnamed = one.outcome == "correct" and bool(group.entities) and not one.matched
    return odd + 2 * unnamed + abs(one.advantage or 0.0) / 4
