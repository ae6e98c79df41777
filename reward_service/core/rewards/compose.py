"""The algebra of shaped rewards.

    Rᵢ = r_error                                       if rollout i is an error
    Rᵢ = w_o · [i is correct] + Σₖ wₖ · nₖ(sᵢₖ) · gateₖ(i)   otherwise

A term k weighs a signal s, normalises it within the group (n) and asks for a condition (gate). E-GRPO is one term:
0.3 · entity match, normalised by the group's best, where the rollout is wrong (arXiv:2510.24694, Eq. 5). Without terms
it is GRPO. The parts are returned by name and add up to the reward.
"""

from collections.abc import Callable, Mapping
from math import fsum
from types import MappingProxyType

from reward_service.core.rewards.entity_match import match_rate, normalized_match_rate
from reward_service.core.types import Outcome, RewardSpec, Term

ENTITY_MATCH = "entity_match"

GATES: Mapping[str, frozenset[Outcome]] = MappingProxyType(
    {
        "always": frozenset({Outcome.CORRECT, Outcome.WRONG}),
        "wrong": frozenset({Outcome.WRONG}),
        "correct": frozenset({Outcome.CORRECT}),
    }
)
NORMALIZERS: Mapping[str, Callable[[int, int, int], float]] = MappingProxyType(
    {
        "none": lambda matched, entities, _best: match_rate(matched, entities),
        "group_max": lambda matched, _entities, best: normalized_match_rate(matched, best),
    }
)


def _term(term: Term, outcome: Outcome, *, matched: int, entities: int, best: int) -> float:
    if outcome not in GATES[term.when]:
        return 0.0
    return term.weight * NORMALIZERS[term.normalize](matched, entities, best)


def components(
    spec: RewardSpec, outcome: Outcome, *, matched: int, entities: int, best: int
) -> dict[str, float]:
    """Return the parts of one rollout's reward.

    Args:
        spec: weights and terms.
        outcome: of this rollout.
        matched: entities it names, in [0, entities].
        entities: m; with m = 0 the entity term is absent.
        best: the group's largest `matched`.

    Returns:
        `outcome` and one part a term, by name. An error has the profile's error reward as its outcome part and zeros.
    """
    own = {
        Outcome.CORRECT: spec.outcome_weight,
        Outcome.WRONG: 0.0,
        Outcome.ERROR: spec.error_reward,
    }
    terms = {
        term.signal: _term(term, outcome, matched=matched, entities=entities, best=best)
        for term in spec.terms
        if entities
    }
    return {"outcome": own[outcome], **terms}


def total(parts: Mapping[str, float]) -> float:
    """Return R, the sum of its parts."""
    return fsum(parts.values())
