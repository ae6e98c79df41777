"""Terms of turns: a rollout is a row of turns, and a column of the table is that of its flattened rows.

    r_{i,t} = Σₖ wₖ(progress) · [whenₖ(i)] · [gatesₖ(i)] · nₖ(fₖ(s_{i,t,k}))

Everything else is as in `compose`. A turn without a number adds nothing, does not vote and keeps its place. `group_max`
divides by the largest sum over the turns of a rollout. Sums are normalised as a whole, so that two rollouts with the same
sum get the same bits however it is split over their turns.
"""

# G: scored rollouts of the group, T: turns of a rollout, which differ between rollouts

from collections.abc import Callable, Iterator, Mapping, Sequence
from math import fsum
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.rewards.compose import NORMALIZERS, paying
from reward_service.core.rewards.maps import mapped_turns, weight_at
from reward_service.core.signals import MAX_TOTAL, POSITIVES, Cell
from reward_service.core.signals.by_turn import turn_rows
from reward_service.core.signals.cells import largest, value
from reward_service.core.spread import standardized
from reward_service.core.types import Estimator, Outcome, RewardSpec, RolloutFacts, Row, Term

GROUP_MAX, Z_SCORES = "group_max", "group_z"
TURN_NORMALIZERS = ("none", GROUP_MAX, Z_SCORES, POSITIVES)
"""Normalisers that turns can have; `group_z` only where they stand apart."""


class TurnTable(NamedTuple):
    """What the turns of a group are paid."""

    rewards: list[Row]
    """r before any z-score, shape (G, T); None where a turn has no number."""
    scores: list[Row]
    """r with z-scores, shape (G, T)."""
    totals: list[dict[str, float]]
    """Sums over the turns before any z-score, by the name of the term, shape (G,)."""


def _density(row: Row, facts: RolloutFacts) -> Row:
    """Divide by the number of positive turns of a correct rollout, else by the largest there could be; at least by 1.

    arXiv:2510.01132; meow-tea-taro@a9c248c. The largest number is the rollout's signal `max_total`.
    """
    positive = sum(x is not None and x > 0 for x in row)
    below = max(1.0, positive if facts.outcome is Outcome.CORRECT else facts.signals[MAX_TOTAL])
    return tuple(None if x is None else x / below for x in row)


def turn_table(
    spec: RewardSpec,
    facts: Sequence[RolloutFacts],
    *,
    estimator: Estimator,
    progress: float | None = None,
    tops: Mapping[str, Cell] = MappingProxyType({}),
) -> TurnTable:
    """Return what the terms of turns pay the turns of one group.

    Args:
        spec: its terms of turns.
        facts: of the group's scored rollouts; each has its turns, and every signal that the terms name.
        estimator: z-scores have its `ddof` and `epsilon`; a floor belongs to the scale of rewards, not of a signal.
        progress: share of the training that is done; None where no weight depends on it.
        tops: by signal, the largest sum over turns where the rest of the group is not in `facts`.
    """
    scale = Estimator(ddof=estimator.ddof, epsilon=estimator.epsilon)
    columns = [
        (term, _weighed(column, term, facts, weight_at(term.weight, progress)))
        for term in spec.turn_terms
        if (column := _column(term, facts, top=tops.get(term.signal), scale=scale))
    ]
    return TurnTable(
        _added([column.rewards for _, column in columns], facts),
        _added([column.scores for _, column in columns], facts),
        [{term.name or term.signal: column.totals[n] for term, column in columns} for n in range(len(facts))],
    )


class _Column(NamedTuple):
    """What one term pays."""

    rewards: list[Row]
    scores: list[Row]
    totals: list[float]


def _column(
    term: Term, facts: Sequence[RolloutFacts], *, top: Cell | None, scale: Estimator
) -> _Column | None:
    """Return what a term pays before it is weighed; None if the question does not have the signal."""
    rows = turn_rows(term.signal, facts)
    if rows is None:
        return None
    rows = [mapped_turns(term.map, row) for row in rows]
    if POSITIVES in term.normalizers:
        rows = [_density(row, one) for row, one in zip(rows, facts, strict=True)]
    sums: list[Cell] = [fsum(x for x in row if x is not None) for row in rows]
    if GROUP_MAX in term.normalizers:
        divide, best = NORMALIZERS[GROUP_MAX], largest(sums) if top is None else top
        rows, sums = _flattened(rows, lambda cells: divide(cells, best)), [*divide(sums, best)]
    scores = rows
    if Z_SCORES in term.normalizers:
        scores = _flattened(rows, lambda values: standardized(values, scale))
    return _Column(rows, scores, [value(cell) for cell in sums])


def _flattened(rows: Sequence[Row], normalize: Callable[[list[float]], list[float]]) -> list[Row]:
    """Return rows whose numbers are normalised as one column."""
    values = iter(normalize([x for row in rows for x in row if x is not None]))
    return [tuple(None if x is None else next(values) for x in row) for row in rows]


def _weighed(column: _Column, term: Term, facts: Sequence[RolloutFacts], weight: float) -> _Column:
    """Return what a term pays, by its condition, its gates and its weight."""
    factors = [weight if pays else 0.0 for pays in paying(term, facts)]
    rewards, scores = (
        [
            tuple(None if x is None else factor * x or 0.0 for x in row)  # never -0.0
            for row, factor in zip(rows, factors, strict=True)
        ]
        for rows in (column.rewards, column.scores)
    )
    return _Column(
        rewards, scores, [factor * x or 0.0 for factor, x in zip(factors, column.totals, strict=True)]
    )


def _added(columns: Sequence[Sequence[Row]], facts: Sequence[RolloutFacts]) -> list[Row]:
    """Return the sum of all terms for each turn."""
    if len(columns) == 1:
        return [*columns[0]]
    return [
        tuple(_sum(column[n][t] for column in columns) for t in range(len(one.turns)))
        for n, one in enumerate(facts)
    ]


def _sum(parts: Iterator[float | None]) -> float | None:
    """Return the sum of what is there; None if nothing is."""
    there = [part for part in parts if part is not None]
    return fsum(there) if there else None
