"""Signals of turns: one number per turn of a rollout.

A measured one is a function in `TURN_SIGNALS` that reads the facts of one rollout, or in `GROUP_TURN_SIGNALS` if it reads
those of its group. Every other name is a signal that came with the rollout.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from collections.abc import Set as AbstractSet
from math import fsum, log, tanh
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.signals.cells import Share, value
from reward_service.core.spread import standardized
from reward_service.core.types import Estimator, Outcome, RolloutFacts, Row

PRIOR = 0.5  # FactAgent (arXiv:2609.00833), epsilon of Eq. 7
GAP = 0.1  # TRACE (arXiv:2607.13988), from a re-implementation


def first_named(facts: RolloutFacts) -> list[set[int]]:
    """Return, for each turn, the entities that no earlier turn names."""
    seen: set[int] = set()
    fresh = []
    for named in facts.entity_named:
        fresh.append(set(named) - seen)
        seen.update(named)
    return fresh


def entity_new(facts: RolloutFacts) -> Row | None:
    """Return the number of entities that each turn names first; they add up to `matched`. None if there are no entities."""
    return tuple(map(len, first_named(facts))) if facts.entities else None


def trace_value(facts: RolloutFacts) -> Row:
    """Return V = log((0.1 - s₀) / (0.1 - s)) of the states s before each turn (TRACE, arXiv:2607.13988).

    s is `gold_logprob`, the mean log-probability of the gold answer. None where it is missing, or above 0.1, which no
    log-probability is.
    """
    first, *_ = states = facts.turn_signals["gold_logprob"]
    return tuple(
        None if first is None or s is None or max(first, s) >= GAP else log((GAP - first) / (GAP - s))
        for s in states
    )


def entity_utility(group: Sequence[RolloutFacts]) -> list[Row | None]:
    """Return Φ after each turn: tanh of the summed value of the entities named so far (FactAgent, arXiv:2609.00833).

        V(e) = (S + 0.5) / (N + 1) - mean outcome,     N rollouts of the group name e, S of them are correct

    FactAgent's facts are entities here. In a group without a correct rollout every entity has a value above 0, a rare one
    more.
    """
    named = [set().union(*one.entity_named) for one in group]
    holders = Counter(entity for entities in named for entity in entities)
    correct = [one.outcome is Outcome.CORRECT for one in group]
    solved = Counter(
        entity for entities, won in zip(named, correct, strict=True) if won for entity in entities
    )
    mean = sum(correct) / len(group)
    value = {entity: (solved[entity] + PRIOR) / (n + 2 * PRIOR) - mean for entity, n in holders.items()}
    return [_potentials(one, value) if one.entities else None for one in group]


def _potentials(facts: RolloutFacts, value: Mapping[int, float]) -> Row:
    values: list[float] = []
    potentials = []
    for fresh in first_named(facts):
        values += [value[entity] for entity in fresh]
        potentials.append(tanh(fsum(values)))
    return tuple(potentials)


def success_of(held: Sequence[AbstractSet[int]], correct: Sequence[bool]) -> dict[int, Share]:
    """Return, for each item, how many of the rollouts that hold it are correct, as the share correct / holders.

    Args:
        held: the items of each rollout, shape (G,).
        correct: whether each is correct.
    """
    holders = Counter(item for items in held for item in items)
    solved = Counter(item for items, won in zip(held, correct, strict=True) if won for item in items)
    return {item: Share(solved[item], n) for item, n in sorted(holders.items())}


def entity_success(group: Sequence[RolloutFacts]) -> list[Row | None]:
    """Return what the entities that each turn names first are worth: the sum of their z-scores among all that were named.

        z of P(e) = share of correct rollouts among those that name e;   ddof 1, epsilon 1e-6

    Graph-GRPO's statistic of an edge (arXiv:2603.02701, from summaries), read as one of an entity. Its policy over graphs is
    not here. Do not use it for groups without a correct rollout: every entity is worth 0.
    """
    success = success_of(
        [set().union(*one.entity_named) for one in group], [_is_correct(one) for one in group]
    )
    worth = dict(zip(success, standardized(list(map(value, success.values())), Estimator()), strict=True))
    return [
        tuple(fsum(worth[entity] for entity in fresh) for fresh in first_named(one)) if one.entities else None
        for one in group
    ]


def _is_correct(one: RolloutFacts) -> bool:
    return one.outcome is Outcome.CORRECT


TURN_SIGNALS: Mapping[str, Callable[[RolloutFacts], Row | None]] = MappingProxyType(
    {"entity_new": entity_new, "trace_value": trace_value}
)
"""Each returns one number per turn, None for a turn without one; or None if the question has no such quantity."""

GROUP_TURN_SIGNALS: Mapping[str, Callable[[Sequence[RolloutFacts]], list[Row | None]]] = MappingProxyType(
    {"entity_utility": entity_utility, "entity_success": entity_success}
)
"""Each takes the scored rollouts of a group, at least one, and returns one row for each."""

SOURCES: Mapping[str, str] = MappingProxyType(
    {
        "entity_new": "entity_named",
        "entity_utility": "entity_named",
        "entity_success": "entity_named",
        "trace_value": "gold_logprob",
    }
)
"""What a measured signal of turns is computed from, if a rollout can lack it: a field of `FIELDS`, or a signal that is sent."""

MEASURED_TURNS: Mapping[str, str] = MappingProxyType(
    {"answer_seen_turn": "1 for the turn whose tool responses first show a gold answer, else 0"}
)
"""Signals of turns that `core.measured` measures from the text, unless the rollout brings its own, and what each is."""

FIELDS = frozenset({"entity_named", "anchor"})
"""Fields of the facts with one item per turn."""


def turn_rows(name: str, group: Sequence[RolloutFacts]) -> list[Row] | None:
    """Return the numbers of the turns of each rollout; None if the question has no such quantity.

    Args:
        name: of a signal of turns.
        group: facts of scored rollouts.

    Raises:
        KeyError: the signal has to come with a rollout, and did not.
    """
    if name in GROUP_TURN_SIGNALS:
        rows = GROUP_TURN_SIGNALS[name](group)
    else:
        rows = [TURN_SIGNALS[name](one) if name in TURN_SIGNALS else one.turn_signals[name] for one in group]
    there = [row for row in rows if row is not None]
    return there if len(there) == len(rows) else None


class TurnNeed(NamedTuple):
    """A number per turn that every rollout has to have."""

    name: str
    """Of a signal that is sent, or a field of `FIELDS`."""
    more: int = 0
    """Numbers beyond one per turn: 1 where states are taken at both ends of every turn."""


def turn_defect(facts: RolloutFacts, needs: Sequence[TurnNeed]) -> str | None:
    """Return what a rollout lacks to be paid by turn; None if nothing."""
    turns = len(facts.turns)
    if not turns:
        return "the profile pays by turn, and the rollout does not say which segments belong to which turn"
    for name, more in needs:
        row = getattr(facts, name) if name in FIELDS else facts.turn_signals.get(name, ())
        if not row:
            return f"the profile needs the turn signal {name}, which the rollout does not have"
        if len(row) != turns + more:
            return f"{name} must have {turns + more} values, as the rollout has {turns} turns, and has {len(row)}"
    return None
