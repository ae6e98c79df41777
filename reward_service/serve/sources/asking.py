"""The one place where sources are awaited.

Whatever a source does, every rollout is returned, in order: with the numbers of its sources, and with a status and a
reason if a number is missing. A rollout that lacks a number which its profile uses is unscored. It is never rewarded
without that term, and never as if the number were 0.

A signal that a source provides belongs to the source. If a rollout brings its own number under that name, its group is
refused: accepting the number would let a caller set its own verdict, and dropping it would hide that the caller and the
operator disagree about its origin.
"""

import asyncio
import logging
from collections.abc import Mapping, Sequence
from dataclasses import replace
from math import isfinite
from typing import NamedTuple

from entity_index.types import Question
from reward_service.core.profiles import Profile
from reward_service.core.signals import signals_of
from reward_service.core.types import RewardSpec, Rollout, RolloutFacts, RolloutStatus
from reward_service.serve.errors import SignalConflict
from reward_service.serve.sources.protocol import Failure, Given, Source

log = logging.getLogger("reward_service.sources")

# The share of its time that is announced to a source. In the rest it can still return the values it has.
TOLD_SHARE = 0.9


class Unscored(NamedTuple):
    """Why a rollout cannot be scored."""

    status: RolloutStatus
    detail: str


class AskedRollout(NamedTuple):
    """A rollout after its sources were asked."""

    rollout: Rollout
    """With the numbers of its sources among its signals."""
    unscored: Unscored | None = None
    """None: no number is missing."""


def asked_by(profile: Profile, sources: Mapping[str, Source]) -> dict[str, Source]:
    """Return the sources that a profile's terms ask for, by the name of the signal, in the order of the terms."""
    return {name: sources[name] for name in signals_of(profile.reward) if name in sources}


def measured_by(profile: Profile, sources: Mapping[str, Source]) -> Profile:
    """Return the profile without the terms of these sources: if they fail, the rollout does not lack a signal of its own."""
    if not sources:
        return profile  # itself, with all that it has derived from its fields
    spec = profile.reward
    terms, turn_terms = (
        tuple(term for term in terms if sources.keys().isdisjoint(signals_of(RewardSpec((term,)))))
        for terms in (spec.terms, spec.turn_terms)
    )
    return replace(profile, reward=replace(spec, terms=terms, turn_terms=turn_terms))


def check_sent(rollouts: Sequence[Rollout], numbers: Mapping[str, str], path: str) -> None:
    """Refuse a group in which a rollout sends a number that a source or a judge is asked for.

    Args:
        rollouts: of the group.
        numbers: what gives each number, by name.
        path: JSON Pointer to the group.

    Raises:
        SignalConflict: with the path of the number.
    """
    for n, rollout in enumerate(rollouts):
        if sent := [name for name in numbers if name in rollout.signals]:
            raise SignalConflict(
                f"the service gets {sent[0]} from {numbers[sent[0]]}: do not send it",
                path=f"{path}/rollouts/{n}/signals/{sent[0]}",
            )


async def ask(
    sources: Mapping[str, Source],
    question: Question,
    rollouts: Sequence[Rollout],
    *,
    timeout_s: float | None,
) -> list[AskedRollout]:
    """Ask every source about every rollout of a question, all sources at the same time.

    Args:
        sources: by the name of the signal; with none the rollouts come back as they are.
        question: what the rollouts answer.
        rollouts: of one group.
        timeout_s: how long to wait for all of it; None waits as long as the sources take.

    Returns:
        One item a rollout, in order. Never raises for what a source does.
    """
    columns = await asyncio.gather(
        *(_given(source, question, rollouts, timeout_s) for source in sources.values())
    )
    return [_asked(rollout, sources, [column[n] for column in columns]) for n, rollout in enumerate(rollouts)]


def settle(facts: RolloutFacts, unscored: Unscored | None) -> RolloutFacts:
    """Return facts that are unscored where a number is missing; a rollout unscored for another reason keeps that reason."""
    if unscored is None or facts.status is not RolloutStatus.SCORED:
        return facts
    return replace(facts, status=unscored.status, detail=unscored.detail)


async def _given(
    source: Source, question: Question, rollouts: Sequence[Rollout], timeout_s: float | None
) -> list[Given]:
    """Return the values of a source, one per rollout; if it breaks a promise, a failure for each rollout."""
    told_s = None if timeout_s is None else TOLD_SHARE * timeout_s
    try:
        async with asyncio.timeout(timeout_s):
            return _sound(await source.values(question, rollouts, timeout_s=told_s), len(rollouts))
    except asyncio.CancelledError:
        if _is_cancelled():
            raise
        why = "its work was cancelled"  # by another caller that shared it, or because the source was closed
    except TimeoutError:
        why = "it did not reply in time"
    except Exception as error:  # whatever the error, its rollouts are unscored and the call continues
        log.exception("a source failed", extra={"fields": {"source": source.name}})
        why = f"it failed with {type(error).__name__}"  # its message may quote a rollout
    return [Failure(why)] * len(rollouts)


def _sound(values: Sequence[Given], expected: int) -> list[Given]:
    """Return the values, with a failure for each that is not a finite number, or for all if their count is wrong."""
    if len(values) != expected:
        return [Failure(f"it returned {len(values)} values for {expected} rollouts")] * expected
    return [
        value if isinstance(value, Failure) or isfinite(value) else Failure("it returned no finite number")
        for value in values
    ]


def _is_cancelled() -> bool:
    """Return whether this task is being cancelled itself, and not just something that it waits for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _asked(rollout: Rollout, sources: Mapping[str, Source], given: Sequence[Given]) -> AskedRollout:
    """Add the values to one rollout; if sources failed, the first of them gives the reason."""
    if not sources:
        return AskedRollout(rollout)
    numbers = {
        name: float(value)
        for name, value in zip(sources, given, strict=True)
        if not isinstance(value, Failure)
    }
    failed = [
        Unscored(source.failed_status, f"{name}: {source.name}: {value.reason}")
        for (name, source), value in zip(sources.items(), given, strict=True)
        if isinstance(value, Failure)
    ]
    return AskedRollout(replace(rollout, signals={**rollout.signals, **numbers}), next(iter(failed), None))
