"""From the answers to the asks about a rollout to its verdict, its numbers, and what is recorded of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from reward_service.core.judging.asks import Answered, Ask, Unanswered
from reward_service.core.judging.kinds import (
    ENTITIES,
    SAMPLES,
    VERDICT,
    Answers,
    Case,
    FailedStatus,
    kind_name,
    kind_of,
    values_of,
)
from reward_service.core.types import Asker, Judgement, RolloutStatus


class Concluded(NamedTuple):
    """What judges say of one rollout."""

    label: str | None
    """The verdict; None if none was asked for."""
    numbers: Mapping[str, float]
    """Of the askers that give one, by name."""
    judgements: tuple[Judgement, ...]
    failed: str | None = None
    """Why something has no answer, in a few words; None if everything has one."""
    status: FailedStatus = RolloutStatus.JUDGE_FAILED
    """Of the rollout, if something has none."""
    degraded: bool = False
    """Whether a score was computed in a smaller batch than usual."""


def pending(case: Case, answers: Answers) -> list[Ask]:
    """Return what can be asked now about a rollout and has no answer yet."""
    return [ask for _, asks in _ready(case, answers) for ask in asks if ask.key not in answers]


def concluded(case: Case, answers: Answers) -> Concluded:
    """Return what the answers say of a rollout, once nothing is pending."""
    label, numbers, judgements = None, {}, []
    failed: tuple[str, FailedStatus] | None = None
    degraded = False
    for asker, asks in _ready(case, answers):
        given = [(ask, answers[ask.key]) for ask in asks]
        judgements += [_judgement(ask, one) for ask, one in given if isinstance(one, Answered)]
        degraded = degraded or any(isinstance(one, Answered) and one.degraded for _, one in given)
        reasons = [one.reason for _, one in given if isinstance(one, Unanswered)]
        if reasons:
            failed = failed or (f"{asker.name}: {reasons[0]}", kind_of(asker).failed)
        elif kind_name(asker) == VERDICT:
            label = next(str(one.value) for _, one in given if isinstance(one, Answered))
        elif decides := kind_of(asker).decides:
            label = decides(asker, values_of(asks, answers))
        elif number := kind_of(asker).number:
            found = _names(asker, case, answers) or {}
            numbers[asker.name] = number(asker, case, values_of(asks, answers), found)
    why, status = failed or (None, RolloutStatus.JUDGE_FAILED)
    return Concluded(label, numbers, tuple(judgements), why, status, degraded)


def _ready(case: Case, answers: Answers) -> Iterator[tuple[Asker, list[Ask]]]:
    """Yield each asker that waits for no other one, with its asks."""
    for asker in case.askers:
        names = _names(asker, case, answers)
        if names is not None:
            yield asker, kind_of(asker).asks(asker, case, names)


def _names(asker: Asker, case: Case, answers: Answers) -> dict[str, Any] | None:
    """Return what the asker before this one found; None where that is not known, not yet, or leaves nothing to ask."""
    if not asker.after:
        return {}
    before = next(one for one in case.askers if one.name == asker.after)
    asks = kind_of(before).asks(before, case, {})
    if not all(isinstance(answers.get(ask.key), Answered) for ask in asks):
        return None
    values = values_of(asks, answers)
    decides = kind_of(before).decides
    if decides is None:
        return values
    return {} if decides(before, values) is None else None


def _judgement(ask: Ask, answered: Answered) -> Judgement:
    """Return what is recorded of an answer: of names, only whether each was given, because they are text of the rollout; of samples, the weights."""
    value = answered.value
    recorded: Any = value if isinstance(value, str) else dict(value)
    if kind_name(ask.asker) == ENTITIES and not isinstance(value, str):
        recorded = {label: name is not None for label, name in value.items()}
    if kind_name(ask.asker) == SAMPLES and not isinstance(value, str):
        recorded = {f"S{n}": weight for n, weight in enumerate(value.values(), start=1)}
    return Judgement(ask.asker.name, ask.key, recorded, answered.model, answered.reply, answered.votes)


def in_order(askers: Iterable[Asker], wanted: Iterable[str]) -> tuple[Asker, ...]:
    """Return the askers of these names and those they come after, each behind the one it comes after."""
    by_name = {asker.name: asker for asker in askers}
    ordered: dict[str, Asker] = {}
    for name in wanted:
        asker = by_name[name]
        if asker.after:
            ordered[asker.after] = by_name[asker.after]
        ordered[name] = asker
    return tuple(ordered.values())
