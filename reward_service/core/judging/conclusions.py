"""From the answers to the asks about a rollout to its verdict, its numbers, and what is recorded of them."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, NamedTuple

from reward_service.core.judging.asks import Answered, Ask, Unanswered
from reward_service.core.judging.kinds import ENTITIES, VERDICT, Answers, Case, kind_name, kind_of, values_of
from reward_service.core.types import Asker, Judgement


class Concluded(NamedTuple):
    """What judges say of one rollout."""

    label: str | None
    """The verdict; None if none was asked for."""
    numbers: Mapping[str, float]
    """Of the askers that give one, by name."""
    judgements: tuple[Judgement, ...]
    failed: str | None = None
    """Why something has no answer, in a few words; None if everything has one."""


def pending(case: Case, answers: Answers) -> list[Ask]:
    """Return what can be asked now about a rollout and has no answer yet."""
    return [ask for _, asks in _ready(case, answers) for ask in asks if ask.key not in answers]


def concluded(case: Case, answers: Answers) -> Concluded:
    """Return what the answers say of a rollout, once nothing is pending."""
    label, numbers, judgements, failed = None, {}, [], None
    for asker, asks in _ready(case, answers):
        given = [(ask, answers[ask.key]) for ask in asks]
        judgements += [_judgement(ask, one) for ask, one in given if isinstance(one, Answered)]
        reasons = [one.reason for _, one in given if isinstance(one, Unanswered)]
        if reasons:
            failed = failed or f"{asker.name}: {reasons[0]}"
        elif kind_name(asker) == VERDICT:
            label = next(str(one.value) for _, one in given if isinstance(one, Answered))
        elif number := kind_of(asker).number:
            numbers[asker.name] = number(case, values_of(asks, answers), _names(asker, case, answers) or {})
    return Concluded(label, numbers, tuple(judgements), failed)


def _ready(case: Case, answers: Answers) -> Iterator[tuple[Asker, list[Ask]]]:
    """Yield each asker that waits for no other one, with its asks."""
    for asker in case.askers:
        names = _names(asker, case, answers)
        if names is not None:
            yield asker, kind_of(asker).asks(asker, case, names)


def _names(asker: Asker, case: Case, answers: Answers) -> dict[str, Any] | None:
    """Return the names that the asker before this one found; None where they are not known, or not yet."""
    if not asker.after:
        return {}
    before = next(one for one in case.askers if one.name == asker.after)
    asks = kind_of(before).asks(before, case, {})
    if not all(isinstance(answers.get(ask.key), Answered) for ask in asks):
        return None
    return values_of(asks, answers)


def _judgement(ask: Ask, answered: Answered) -> Judgement:
    """Return what is recorded of an answer: of names, only whether each was given, because they are text of the rollout."""
    value = answered.value
    recorded: Any = value if isinstance(value, str) else dict(value)
    if kind_name(ask.asker) == ENTITIES and not isinstance(value, str):
        recorded = {label: name is not None for label, name in value.items()}
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
