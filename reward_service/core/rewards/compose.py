"""The algebra of shaped rewards: a group is a table with one row per scored rollout and one column per term.

    Rᵢ = base(outcomeᵢ) + Σₖ wₖ · [whenₖ(i)] · nₖ(sᵢₖ)
    base: w_o if correct, 0 if wrong, r_error on an error

A term k names a signal s, normalises its column within the group (n), pays it under a condition on the outcome (when), and
weighs it. Normalisers see every row, conditions decide who is paid. E-GRPO is one term: 0.3 · entity match, normalised by the
group's best, when wrong (arXiv:2510.24694, Eq. 5). Without terms it is GRPO.
"""

from collections.abc import Callable, Mapping, Sequence
from math import fsum
from types import MappingProxyType

from reward_service.core.signals import Cell, cell_of, ratio
from reward_service.core.signals.cells import largest, value
from reward_service.core.types import Outcome, RewardSpec, RolloutFacts, Term

WHEN: Mapping[str, frozenset[Outcome]] = MappingProxyType(
    {
        "always": frozenset({Outcome.CORRECT, Outcome.WRONG}),
        "wrong": frozenset({Outcome.WRONG}),
        "correct": frozenset({Outcome.CORRECT}),
    }
)
"""Under which outcomes a term is paid."""

NORMALIZERS: Mapping[str, Callable[[Cell, Cell], float]] = MappingProxyType(
    {"none": lambda cell, _top: value(cell), "group_max": ratio}
)
"""What becomes of a cell, given the largest cell of its column."""


def components(
    spec: RewardSpec, facts: Sequence[RolloutFacts], *, tops: Mapping[str, Cell] = MappingProxyType({})
) -> list[dict[str, float]]:
    """Return the parts of the rewards of one group.

    Args:
        spec: weights and terms.
        facts: of the group's scored rollouts; each has every signal that the terms name.
        tops: by signal, the group's largest value where the rest of the group is not in `facts`.

    Returns:
        One mapping per rollout: `outcome`, and one part per term under the name of its signal. A term whose signal the
        question does not have (no entities) is left out. The parts add up to the reward.
    """
    base = {Outcome.CORRECT: spec.outcome_weight, Outcome.WRONG: 0.0, Outcome.ERROR: spec.error_reward}
    rows = [{"outcome": base[one.outcome or Outcome.ERROR]} for one in facts]
    for term in spec.terms:
        column = _column(term, facts, tops.get(term.signal))
        for row, part in zip(rows, column, strict=True):
            if part is not None:
                row[term.signal] = part
    return rows


def _column(term: Term, facts: Sequence[RolloutFacts], top: Cell | None) -> list[float | None]:
    """Return a term's part of every reward, shape (G,); None where the question does not have the signal."""
    cells = [cell_of(term.signal, one) for one in facts]
    best = largest(cell for cell in cells if cell is not None) if top is None else top
    normalized, paid = NORMALIZERS[term.normalize], WHEN[term.when]
    return [
        None if cell is None else term.weight * normalized(cell, best) if one.outcome in paid else 0.0
        for cell, one in zip(cells, facts, strict=True)
    ]


def total(parts: Mapping[str, float]) -> float:
    """Return R, the sum of its parts."""
    return fsum(parts.values())
