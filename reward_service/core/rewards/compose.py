"""The algebra of shaped rewards: a group is a table with one row per scored rollout and one column per term.

    Rᵢ = base(outcomeᵢ) + Σₖ wₖ(progress) · [whenₖ(i)] · [gatesₖ(i)] · nₖ(fₖ(sᵢₖ))

A term k names a signal s, maps it (f), normalises its column within the group (n), pays it under a condition on the outcome
(when) if other signals pass their gates, and weighs it. Normalisers see every row; conditions and gates decide who is paid.
E-GRPO is one term: 0.3 · entity match, normalised by the group's best, when wrong (arXiv:2510.24694, Eq. 5). Without terms it
is GRPO.
"""

import operator
from collections.abc import Callable, Mapping, Sequence
from math import fsum
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.rewards.maps import mapped, weight_at
from reward_service.core.signals import Cell, cell_of, ratio
from reward_service.core.signals.by_turn import GROUP_TURN_SIGNALS
from reward_service.core.signals.cells import largest, value
from reward_service.core.spread import standardized
from reward_service.core.types import Estimator, Gate, Outcome, RewardSpec, RolloutFacts, Term

BASE = "base"  # the component that is no term
MATCH_COUNTS = frozenset({"entity_match", "entity_new"})  # the best of them is the best match count


class Condition(NamedTuple):
    """Which outcomes a term is paid for."""

    solved: frozenset[Outcome]
    """In a group with a correct rollout."""
    unsolved: frozenset[Outcome]
    """In a group without one."""


def _always(*outcomes: Outcome) -> Condition:
    paid = frozenset(outcomes)
    return Condition(paid, paid)


WHEN: Mapping[str, Condition] = MappingProxyType(
    {
        "completed": _always(Outcome.CORRECT, Outcome.WRONG),
        "correct": _always(Outcome.CORRECT),
        "wrong": _always(Outcome.WRONG),
        "unsolved": Condition(frozenset(), frozenset({Outcome.WRONG})),
        "any": _always(*Outcome),
    }
)
"""Under which outcomes a term is paid."""

OPS: Mapping[str, Callable[[float, float], bool]] = MappingProxyType(
    {">": operator.gt, ">=": operator.ge, "<": operator.lt, "<=": operator.le}
)
"""How a gate compares a signal with its value."""


def _itself(passing: list[bool]) -> list[bool]:
    return passing


def _some(passing: list[bool]) -> list[bool]:
    return [any(passing)] * len(passing)


PASSED_BY: Mapping[str, Callable[[list[bool]], list[bool]]] = MappingProxyType(
    {"rollout": _itself, "group": _some}
)
"""Which rollouts of a group a gate is open for, given which of them pass it: those that pass, or all if at least one passes."""


def _plain(cells: Sequence[Cell], _top: Cell | None) -> list[float]:
    return [value(cell) for cell in cells]


def _group_max(cells: Sequence[Cell], top: Cell | None) -> list[float]:
    """Divide by the largest; 0 where that is not above 0."""
    best = largest(cells) if top is None else top
    return [ratio(cell, best) for cell in cells]


def _group_max_others(cells: Sequence[Cell], _top: Cell | None) -> list[float]:
    """Divide by the largest of the others, up to 1; undivided where no other is above 0."""
    *_, second, best = [0.0, 0.0, *sorted(cells, key=value)]
    others = [second if value(cell) == value(best) else best for cell in cells]
    return [
        min(ratio(cell, other), 1.0) if value(other) > 0 else value(cell)
        for cell, other in zip(cells, others, strict=True)
    ]


def _group_z(cells: Sequence[Cell], _top: Cell | None) -> list[float]:
    """Standardise, with the sample standard deviation and 1e-6; 0 where all are equal."""
    return standardized([value(cell) for cell in cells], Estimator())


NORMALIZERS: Mapping[str, Callable[[Sequence[Cell], Cell | None], list[float]]] = MappingProxyType(
    {
        "none": _plain,
        "group_max": _group_max,
        "group_max_others": _group_max_others,
        "group_z": _group_z,
    }
)
"""What becomes of a column; the second argument is its largest cell where that is in a row that is not there."""


def components(
    spec: RewardSpec,
    facts: Sequence[RolloutFacts],
    *,
    progress: float | None = None,
    tops: Mapping[str, Cell] = MappingProxyType({}),
) -> list[dict[str, float]]:
    """Return the parts of the rewards of one group.

    Args:
        spec: base and terms.
        facts: of the group's scored rollouts; each has every signal that the terms name.
        progress: share of the training that is done, in [0, 1]; None where no weight depends on it.
        tops: by signal, the group's largest value where the rest of the group is not in `facts`.

    Returns:
        One mapping per rollout: `base`, and one part per term under the term's name. A term whose signal the question does
        not have (no entities) is left out. The parts add up to the reward.

    Raises:
        ValueError: a weight depends on the progress, which is not given.
    """
    paid = spec.base
    base = {Outcome.CORRECT: paid.correct, Outcome.WRONG: paid.wrong, Outcome.ERROR: paid.error}
    rows = [{BASE: base[one.outcome or Outcome.ERROR]} for one in facts]
    for term in spec.terms:
        name, weight = term.name or term.signal, weight_at(term.weight, progress)
        for row, part in zip(rows, _column(term, facts, tops.get(term.signal)), strict=False):
            row[name] = weight * part or 0.0  # never -0.0
    return rows


def _column(term: Term, facts: Sequence[RolloutFacts], top: Cell | None) -> list[float]:
    """Return what a term pays before it is weighed, shape (G,); empty if the question does not have the signal."""
    cells = [cell for one in facts if (cell := cell_of(term.signal, one)) is not None]
    if len(cells) < len(facts):
        return []
    if term.map:
        cells = [mapped(term.map, value(cell)) for cell in cells]
    for name in term.normalizers:
        cells = [*NORMALIZERS[name](cells, top)]
    return [value(cell) if pays else 0.0 for cell, pays in zip(cells, paying(term, facts), strict=True)]


def paying(term: Term, facts: Sequence[RolloutFacts]) -> list[bool]:
    """Return which rollouts of a group a term is paid for, by its condition and its gates."""
    paid = _paid(term, facts)
    passed = [_passed(gate, facts) for gate in term.gates]
    return [one.outcome in paid and all(gates) for one, *gates in zip(facts, *passed, strict=True)]


def _paid(term: Term, facts: Sequence[RolloutFacts]) -> frozenset[Outcome]:
    solved, unsolved = WHEN[term.when]
    if solved is unsolved:
        return solved
    return solved if any(one.outcome is Outcome.CORRECT for one in facts) else unsolved


def _passed(gate: Gate, facts: Sequence[RolloutFacts]) -> list[bool]:
    return PASSED_BY[gate.by]([_holds(gate, one) for one in facts])


def _holds(gate: Gate, facts: RolloutFacts) -> bool:
    """Whether a signal passes its gate; one that the question does not have never does."""
    cell = cell_of(gate.signal, facts)
    return cell is not None and OPS[gate.op](value(cell), gate.value)


def total(parts: Mapping[str, float]) -> float:
    """Return R, the sum of its parts."""
    return fsum(parts.values())


def needs_progress(spec: RewardSpec) -> bool:
    """Whether a weight depends on how far the training is."""
    weights = [term.weight for term in (*spec.terms, *spec.turn_terms)]
    return any(isinstance(weight, tuple) for weight in (*weights, spec.turns.weight))


def needs_group(spec: RewardSpec) -> bool:
    """Whether the reward depends on more of the group than the best match count."""
    return any(
        term.when == "unsolved"
        or any(gate.by == "group" for gate in term.gates)
        or term.signal in GROUP_TURN_SIGNALS
        or not {"none", "positives", "group_max"}.issuperset(term.normalizers)
        or ("group_max" in term.normalizers and term.signal not in MATCH_COUNTS)
        for term in (*spec.terms, *spec.turn_terms)
    )
