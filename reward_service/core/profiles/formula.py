"""A profile's reward and advantage on one line."""

from collections.abc import Sequence
from dataclasses import fields

from reward_service.core.advantages.turns import key_of
from reward_service.core.profiles.spec import Profile
from reward_service.core.types import (
    Base,
    Estimator,
    Filter,
    Gate,
    Knots,
    Map,
    StateDifference,
    Term,
    TurnRule,
)


def formula(profile: Profile) -> str:
    """Return what a profile pays, such as `R = [correct] + 0.3 · group_max(entity_match) [wrong]; A = grpo`.

    Brackets are 1 if their condition holds and 0 if not; p is the progress of training; parameters that have their default
    are left out. r is the reward of a turn, A_t its advantage.
    """
    spec = profile.reward
    of_turns = " + ".join(map(_term, spec.turn_terms))
    sums = ["Σ r"] if of_turns and not spec.turns_stand_apart else []
    lines = [f"R = {' + '.join([*_base(spec.base), *map(_term, spec.terms), *sums]) or '0'}"]
    lines += [f"r = {of_turns}"] if of_turns else []
    lines += [f"A = {_named(profile.estimator, profile.estimator.type, ('type',))}"]
    lines += [f"A_t = {_rule(spec.turns)}"] if spec.turns.combine != "none" else []
    lines += [f"weight {_named(one, one.type, ('type',))}" for one in profile.filters]
    return "; ".join(lines)


def _base(base: Base) -> list[str]:
    """Return the outcomes that are paid for; 1 is left out as a factor."""
    paid = [(one.name, getattr(base, one.name)) for one in fields(base)]
    return [f"[{name}]" if value == 1 else f"{value:g} [{name}]" for name, value in paid if value]


def _term(term: Term) -> str:
    inner = term.signal
    for one in term.map:
        inner = f"{_map(one)}({inner})"
    for name in term.normalizers:
        inner = inner if name == "none" else f"{name}({inner})"
    return f"{_weight(term.weight)}{inner} [{term.when}]{''.join(map(_gate, term.gates))}"


def _gate(gate: Gate) -> str:
    some = "some " if gate.by == "group" else ""
    return f" [{some}{gate.signal} {gate.op} {gate.value:g}]"


def _map(one: Map) -> str:
    if one.clip is not None:
        return f"clip{_points([one.clip])}"
    if one.difference is not None:
        return _named(one.difference, f"difference {one.difference.at}", ("at",))
    outside = "" if one.outside is None else f" else {one.outside:g}"
    return f"line{_points(one.knots or ())}{outside}"


def _weight(weight: float | Knots) -> str:
    if isinstance(weight, tuple):
        return f"line{_points(weight)}(p) · "
    return "" if weight == 1 else f"{weight:g} · "


def _points(points: Knots | list[tuple[float, ...]]) -> str:
    return "".join(f"[{', '.join(f'{number:g}' for number in point)}]" for point in points)


def _rule(rule: TurnRule) -> str:
    """Return a rule for turns by its words, such as `scale bonus`, with its parameters."""
    name = " ".join(key_of(rule)).strip()
    weight = {"weight": _points(rule.weight)} if isinstance(rule.weight, tuple) else {}
    return _named(rule, name, ("combine", "statistics", "rule"), **weight)


def _named(
    one: Estimator | Filter | StateDifference | TurnRule, name: str, naming: Sequence[str], **said: str
) -> str:
    """Return a name with the parameters that differ from their defaults.

    Args:
        one: the parameters.
        name: what they are parameters of.
        naming: fields that are said in the name.
        **said: parameters that are written in another way.
    """
    values = [(f.name, said.get(f.name, getattr(one, f.name)), f.default) for f in fields(one)]
    given = [
        f"{key} {value:g}" if isinstance(value, float) else f"{key} {value}"
        for key, value, default in values
        if value != default and key not in naming
    ]
    return f"{name}({', '.join(given)})" if given else name
