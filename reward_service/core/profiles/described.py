"""What people ask of a profile before they use it: what it pays, what it needs, and what may be wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import fields, is_dataclass
from math import isclose, isfinite
from typing import Any, NamedTuple

from reward_service.core.advantages import ESTIMATORS
from reward_service.core.profiles.bounds import Bounds, bounds_of, highest_correct, wrong_may_exceed_correct
from reward_service.core.profiles.formula import formula
from reward_service.core.profiles.spec import Profile
from reward_service.core.rewards.compose import needs_progress
from reward_service.core.signals.by_turn import MEASURED_TURNS
from reward_service.core.types import Outcome, RewardSpec

NOT_SENT = frozenset({"entity_named", *MEASURED_TURNS})
PROSE = frozenset({"name", "about"})


class Description(NamedTuple):
    """A profile in short."""

    formula: str
    """Reward and advantage on one line."""
    sends: tuple[str, ...]
    """What each rollout has to bring: signals and fields."""
    needs_progress: bool
    """Whether calls have to say how far the training is."""
    bounds: Mapping[Outcome, Bounds]
    """The least and the greatest reward by outcome."""
    wrong_may_exceed_correct: bool
    """Whether a wrong rollout can earn more than a correct one."""
    warnings: tuple[str, ...]
    """What may not be meant."""


def described(profile: Profile) -> Description:
    """Return what people ask of a profile."""
    needs = [name for name in ESTIMATORS[profile.estimator.type].needs if name != "outcome"]
    needs += [need.name for need in profile.turn_needs if need.name not in NOT_SENT]
    return Description(
        formula=formula(profile),
        sends=tuple(dict.fromkeys([*profile.sent_signals, *needs])),
        needs_progress=needs_progress(profile.reward),
        bounds={outcome: bounds_of(profile.reward, outcome) for outcome in Outcome},
        wrong_may_exceed_correct=wrong_may_exceed_correct(profile.reward),
        warnings=tuple(_warnings(profile.reward)),
    )


def _warnings(spec: RewardSpec) -> Iterator[str]:
    for progress in _steps(spec):
        most = highest_correct(spec, progress)
        if most is not None and not isclose(most, 1.0):
            when = f" at progress {progress:g}" if needs_progress(spec) else ""
            yield f"base.correct and the weights that a correct rollout is paid add up to {most:g}, not 1{when}"
    if wrong_may_exceed_correct(spec):
        yield "a wrong rollout can earn more than a correct one"


def _steps(spec: RewardSpec) -> list[float]:
    """Return where weights over progress bend; the start alone if none does."""
    knots = [x for term in spec.terms if isinstance(term.weight, tuple) for x, _ in term.weight]
    return sorted({*knots} or {0.0})


def differences(one: Profile, other: Profile) -> Iterator[tuple[str, Any, Any]]:
    """Yield the path of each computed value in which two profiles differ, with both values; None where one has none."""
    mine, theirs = dict(_leaves(one)), dict(_leaves(other))
    for path in dict.fromkeys([*mine, *theirs]):
        if mine.get(path) != theirs.get(path):
            yield path, mine.get(path), theirs.get(path)


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if is_dataclass(value):
        for one in fields(value):
            if path or one.name not in PROSE:
                yield from _leaves(getattr(value, one.name), f"{path}.{one.name}".strip("."))
    elif isinstance(value, tuple) and value and is_dataclass(value[0]):
        for n, item in enumerate(value):
            yield from _leaves(item, f"{path}[{n}]")
    elif value != ():
        yield path, value


def known_limits(bounds: Bounds) -> tuple[float | None, float | None]:
    """Return bounds with None for infinities: there is no such limit, or it is not known."""
    low, high = (end if isfinite(end) else None for end in bounds)
    return low, high
