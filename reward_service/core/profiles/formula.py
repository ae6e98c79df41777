"""A profile's reward and advantage on one line."""

from dataclasses import fields

from reward_service.core.profiles.spec import Profile
from reward_service.core.types import Base, Estimator, Filter, Knots, Map, Term


def formula(profile: Profile) -> str:
    """Return what a profile pays, such as `R = [correct] + 0.3 · group_max(entity_match) [wrong]; A = grpo`.

    Brackets are 1 if their condition holds and 0 if not; p is the progress of training; parameters that have their default
    are left out.
    """
    parts = [*_base(profile.reward.base), *map(_term, profile.reward.terms)]
    weighed = "".join(f"; weight {_named(one)}" for one in profile.filters)
    return f"R = {' + '.join(parts) or '0'}; A = {_named(profile.estimator)}{weighed}"


def _base(base: Base) -> list[str]:
    """Return the outcomes that are paid for; 1 is left out as a factor."""
    paid = [(one.name, getattr(base, one.name)) for one in fields(base)]
    return [f"[{name}]" if value == 1 else f"{value:g} [{name}]" for name, value in paid if value]


def _term(term: Term) -> str:
    inner = term.signal
    for one in term.map:
        inner = f"{_map(one)}({inner})"
    if term.normalize != "none":
        inner = f"{term.normalize}({inner})"
    gates = "".join(f" [{gate.signal} {gate.op} {gate.value:g}]" for gate in term.gates)
    return f"{_weight(term.weight)}{inner} [{term.when}]{gates}"


def _map(one: Map) -> str:
    if one.clip is not None:
        return f"clip{_points([one.clip])}"
    outside = "" if one.outside is None else f" else {one.outside:g}"
    return f"line{_points(one.knots or ())}{outside}"


def _weight(weight: float | Knots) -> str:
    if isinstance(weight, tuple):
        return f"line{_points(weight)}(p) · "
    return "" if weight == 1 else f"{weight:g} · "


def _points(points: Knots | list[tuple[float, ...]]) -> str:
    return "".join(f"[{', '.join(f'{number:g}' for number in point)}]" for point in points)


def _named(one: Estimator | Filter) -> str:
    """Return a type with the parameters that differ from their defaults."""
    named = [(f.name, getattr(one, f.name), f.default) for f in fields(one) if f.name != "type"]
    given = [f"{name} {value}" for name, value, default in named if value != default]
    return f"{one.type}({', '.join(given)})" if given else one.type
