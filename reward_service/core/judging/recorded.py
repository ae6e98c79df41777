"""From the judgements that are recorded of a rollout to its outcome and signals again, without any text.

What cannot be found out again is a signal whose formula reads the question, such as the weights of its criteria.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any, NamedTuple, cast

from entity_index.types import Question
from reward_service.core.judging.kinds import VERDICT, Case, Number, kind_name, kind_of
from reward_service.core.judging.replies import CORRECT, INCORRECT, SCORE
from reward_service.core.judging.votes import Undecided, tally
from reward_service.core.types import Asker, Judgement, Outcome, RolloutFacts

NO_CASE = Case(Question(""), (), "")


class Derived(NamedTuple):
    """What judgements say of one outcome or signal."""

    name: str
    problem: str | None
    """None: what is recorded follows from the judgements."""
    is_known: bool = True
    """False: judgements alone do not tell."""


def derive(
    facts: RolloutFacts, *, outcome_askers: Sequence[Asker], signal_askers: Sequence[Asker]
) -> Iterator[Derived]:
    """Yield, for a scored rollout, whether its votes, its outcome and its signals follow from its judgements.

    Args:
        facts: with their judgements.
        outcome_askers: those of the profile that decide the outcome, each behind the one it comes after.
        signal_askers: those that give signals, likewise.
    """
    askers = {asker.name: asker for asker in (*outcome_askers, *signal_askers)}
    for one in facts.judgements:
        problem = _vote_problem(one, askers.get(one.asker))
        if problem is not None:
            yield Derived(one.asker, problem)
    label = _label(facts.judgements, outcome_askers)
    if label is not None:
        follows = (facts.outcome is Outcome.CORRECT) == (label == CORRECT)
        yield Derived(
            "outcome", None if follows else f"the outcome {facts.outcome} does not follow from {label}"
        )
    yield from (_signal(facts, asker, number) for asker in signal_askers if (number := kind_of(asker).number))


def _vote_problem(one: Judgement, asker: Asker | None) -> str | None:
    """Return why a judgement cannot be what its profile records; None if it can."""
    if asker is None:
        return f"the profile has no asker {one.asker}"
    if asker.votes == 1:
        return None
    votes = [
        *one.votes,
        *[None] * (asker.votes - len(one.votes)),
    ]  # replies that cannot be read are not recorded
    decided = tally(votes, asker.votes, asker.quorum)
    if isinstance(decided, Undecided) and asker.abstain == "wrong":
        decided = INCORRECT
    return (
        None if decided == one.value else f"{one.value} does not follow from the votes {', '.join(one.votes)}"
    )


def _label(judgements: Sequence[Judgement], askers: Sequence[Asker]) -> str | None:
    """Return the verdict; None if no judge was asked for one."""
    label: str | None = None
    for asker in askers:
        own = [one for one in judgements if one.asker == asker.name]
        decides = kind_of(asker).decides
        if own and decides is not None:
            label = decides(asker, {one.key: _scores(one)[SCORE] for one in own})
        elif own and kind_name(asker) == VERDICT:
            label = str(own[0].value)
    return label


def _signal(facts: RolloutFacts, asker: Asker, number: Number) -> Derived:
    """Say whether the signal of an asker follows from its judgements; without any, it is 0."""
    own = [one for one in facts.judgements if one.asker == asker.name]
    if own and kind_of(asker).reads_question:
        return Derived(asker.name, None, is_known=False)
    recorded = facts.signals.get(asker.name)
    derived = number(asker, NO_CASE, _merged(asker, own), {}) if own else 0.0
    problem = f"the signal {asker.name} is {recorded} and should be {derived}"
    return Derived(asker.name, None if recorded == derived else problem)


def _merged(asker: Asker, own: Sequence[Judgement]) -> dict[str, Any]:
    if kind_of(asker).is_scored:
        return {one.key: _scores(one)[SCORE] for one in own}
    return {label: value for one in own for label, value in _scores(one).items()}


def _scores(one: Judgement) -> Mapping[str, bool | float]:
    return cast("Mapping[str, bool | float]", one.value)
