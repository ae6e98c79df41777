"""Credit per turn: rewards of turns and advantages of rollouts -> advantages of turns.

- `return`, `joint`: the return of each turn among the rewards of the group
- `return`, `separate`: standardised turns and the outcome's advantage, summed from each turn on (IGPO)
- `add`: the rollout's advantage plus what the turn itself earned (FactAgent)
- `add`, `first`: the same for the first turn only (MT-GRPO)
- `add`, `anchor`: turns that began in one state are compared with each other (GiGPO)
- `add`, `lookahead`: what the next turns earn (TRACE)
- `scale`, `bonus`: a stronger advantage for turns that bring something (STAMP)
- `scale`, `share`: a positive advantage divided among search turns by their use (CW-GRPO)
- `scale`, `relief`: a weaker punishment of good search turns (CalibAdv)

A turn without a number (None) adds nothing, does not vote and keeps its place. The last turn is the answer turn, all
others are search turns. Unscored rollouts are left out by the caller.
"""

# G: rollouts in the group, T: turns of a rollout, which may differ between rollouts

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate
from math import exp, fsum
from types import MappingProxyType
from typing import NamedTuple

from reward_service.core.advantages import ESTIMATORS, advantages
from reward_service.core.signals.by_turn import SOURCES, TURN_SIGNALS, TurnNeed
from reward_service.core.spread import is_flat
from reward_service.core.types import Estimator, RewardSpec, RolloutFacts, Row, Term, TurnRule

Advantages = list[list[float]]


class PaidGroup(NamedTuple):
    """The scored rollouts of a group with their rewards."""

    facts: Sequence[RolloutFacts]
    rewards: Sequence[float]
    """R, shape (G,)."""
    advantages: Sequence[float]
    """A, shape (G,)."""
    turns: Sequence[Row]
    """r, shape (G, T); for `return`, with the outcome's reward on the answer turn."""
    scores: Sequence[Row]
    """The same with z-scores, and without the outcome."""
    signal: Sequence[Row]
    """The signal of a `scale` rule, shape (G, T)."""
    estimator: Estimator
    weight: float = 1.0
    """Of the turns beside the outcome."""


def returns(turns: Sequence[float | None], *, discount: float) -> list[float]:
    """Return, for each turn, the sum of its number and of those that follow: Σ_{k≥t} discount^(k-t) · x_k."""
    backwards = accumulate((x or 0.0 for x in reversed(turns)), lambda later, x: x + discount * later)
    return list(backwards)[::-1]


def joint(rule: TurnRule, group: PaidGroup) -> Advantages:
    """Compare each turn's return with the rewards of the group.

        A_{i,t} = (Σ_{k≥t} discount^(k-t) · r_{i,k} - mean R) / (max(std R, floor) + ε) = A_i + (return_{i,t} - R_i) / divisor

    With discount 1 the first turn has the rollout's advantage. Exactly 0 where all rewards are equal.
    """
    if is_flat(group.rewards):
        return [[0.0] * len(turns) for turns in group.turns]
    below = _divisor(group)
    return [
        [advantage + (later - reward) / below for later in returns(turns, discount=rule.discount)]
        for turns, reward, advantage in zip(group.turns, group.rewards, group.advantages, strict=True)
    ]


def _divisor(group: PaidGroup) -> float:
    divisor = ESTIMATORS[group.estimator.type].divisor
    if divisor is None:
        raise ValueError(NO_DIVISOR.format(group.estimator.type))
    return divisor(group.rewards, group.estimator)


def separate(rule: TurnRule, group: PaidGroup) -> Advantages:
    """Add standardised turns to the advantage of the outcome, which belongs to the answer turn, and sum from each turn on.

    IGPO (arXiv:2510.14967) has discount 1 and weight 1; discount 0 pays each turn for itself alone. Turns that find nothing
    are punished, useful searches too, and a long rollout has more votes.
    """
    return [
        returns(
            [*(group.weight * (x or 0.0) for x in row[:-1]), group.weight * (row[-1] or 0.0) + advantage],
            discount=rule.discount,
        )
        for row, advantage in zip(group.scores, group.advantages, strict=True)
    ]


def own(_rule: TurnRule, group: PaidGroup) -> Advantages:
    """Add what each turn earned: A_i + weight · r_t. FactAgent (arXiv:2609.00833) has weight 0.5."""
    return [
        [advantage + group.weight * (x or 0.0) for x in row]
        for row, advantage in zip(group.scores, group.advantages, strict=True)
    ]


def first(_rule: TurnRule, group: PaidGroup) -> Advantages:
    """Add what the first turn earned to its advantage alone (MT-GRPO, arXiv:2505.11821; Multi-Turn-RL-Agent@7dbdd08).

    A rollout without a tool response has one turn: its advantage is that of R + weight · r in the group.
    """
    sums = [
        reward + group.weight * fsum(x for x in row if x is not None)
        for reward, row in zip(group.rewards, group.turns, strict=True)
    ]
    whole = _estimated(sums, group.facts, group.estimator)
    return [
        [advantage + group.weight * (row[0] or 0.0), *[advantage] * (len(row) - 1)]
        if len(row) > 1
        else [both]
        for row, advantage, both in zip(group.scores, group.advantages, whole, strict=True)
    ]


def anchor(rule: TurnRule, group: PaidGroup) -> Advantages:
    """Compare each turn's return with those of turns that began in the same state (GiGPO, arXiv:2505.10978).

        A_{i,t} = estimator of R_i among all turns + weight · estimator of return_{i,t} among the turns of its state

    The released code has the estimator `grpo` (with std) or `dr_grpo` (without), and discount 0.95.
    """
    rows = [
        (one, reward, later, state)
        for one, reward, turns in zip(group.facts, group.rewards, group.turns, strict=True)
        for later, state in zip(returns(turns, discount=rule.discount), one.anchor, strict=True)
    ]
    episodes = _estimated([row[1] for row in rows], [row[0] for row in rows], group.estimator)
    by_state = {
        state: iter(
            _estimated(
                [row[2] for row in rows if row[3] == state],
                [row[0] for row in rows if row[3] == state],
                group.estimator,
            )
        )
        for state in {row[3] for row in rows}
    }
    values = iter(
        [episode + group.weight * next(by_state[row[3]]) for episode, row in zip(episodes, rows, strict=True)]
    )
    return [[next(values) for _ in turns] for turns in group.turns]


def _estimated(
    rewards: Sequence[float], facts: Sequence[RolloutFacts], estimator: Estimator
) -> Sequence[float]:
    return [value for value in advantages(rewards, estimator, facts=facts) if value is not None]


def lookahead(rule: TurnRule, group: PaidGroup) -> Advantages:
    """Add the discounted mean of what the next turns earn (TRACE, arXiv:2607.13988, Algorithm 1 as re-implemented).

        A_t = A + weight · (Σ_k discount^k · r_{t+k} / Σ_k discount^k + fill · discount^(n-t+1) · A),   0 ≤ k < horizon

    over the n search turns; the last part only where the horizon reaches the last of them. The answer turn has A.
    """
    return [
        [advantage + group.weight * credit for credit in _ahead(rule, row[:-1], advantage)] + [advantage]
        for row, advantage in zip(group.scores, group.advantages, strict=True)
    ]


def _ahead(rule: TurnRule, searches: Row, advantage: float) -> list[float]:
    found = []
    for t in range(len(searches)):
        ahead = searches[t : t + rule.horizon]
        there = [(rule.discount**k, x) for k, x in enumerate(ahead) if x is not None]
        below = fsum(factor for factor, _ in there)
        mean = fsum(factor * x for factor, x in there) / below if below else 0.0
        left = len(searches) - t
        found.append(mean + (rule.fill * rule.discount**left * advantage if rule.horizon >= left else 0.0))
    return found


def _scaled(
    scale: Callable[[TurnRule, float, Row], list[float]],
) -> Callable[[TurnRule, PaidGroup], Advantages]:
    """Return a rule over a group made of a rule over one rollout's advantage and signal."""

    def scaled(rule: TurnRule, group: PaidGroup) -> Advantages:
        return [
            scale(rule, advantage, row) for row, advantage in zip(group.signal, group.advantages, strict=True)
        ]

    return scaled


def bonus(rule: TurnRule, advantage: float, turns: Row) -> list[float]:
    """Strengthen turns that bring something: A · (1 + sign A · min(cap, unit · x_t)); the sign of A never changes.

    The rule of STAMP (arXiv:2607.11172; unit 0.03 and cap 0.1 from secondary sources).
    """
    sign = 1.0 if advantage > 0 else -1.0
    return [advantage * (1.0 + sign * min(rule.cap, rule.unit * max(x or 0.0, 0.0))) for x in turns]


def share(rule: TurnRule, advantage: float, turns: Row) -> list[float]:
    """Divide a positive advantage among the n search turns by their use: A · n · p_t / Σp; the answer turn keeps A.

    CW-GRPO (arXiv:2604.14267). With a sharpness the shares are those of exp(sharpness · p). Below 0, every turn gets A. If
    no turn was useful, all search turns get 0, so treat a failed judge as unscored. A missing p counts as 0.
    """
    if advantage < 0:
        return [advantage] * len(turns)
    useful = _uses(rule.sharpness, turns[:-1])
    whole = fsum(useful)
    return [*(advantage * len(useful) * p / whole if whole else 0.0 for p in useful), advantage]


def _uses(sharpness: float | None, turns: Row) -> list[float]:
    uses = [max(x or 0.0, 0.0) for x in turns]
    if sharpness is None:
        return uses
    most = max(uses, default=0.0)  # a factor that all have in common: it keeps exp from overflowing
    return [exp(sharpness * (use - most)) for use in uses]


def relief(_rule: TurnRule, advantage: float, turns: Row) -> list[float]:
    """Spare good search turns of a failed rollout: A · (1 - q_t) where A < 0; the answer turn keeps A.

    CalibAdv (arXiv:2604.18235); its re-balancing of answer tokens belongs in the trainer. q is limited to [0, 1]; a
    missing one counts as 0.
    """
    if advantage >= 0:
        return [advantage] * len(turns)
    return [*(advantage * (1.0 - min(max(q or 0.0, 0.0), 1.0)) for q in turns[:-1]), advantage]


class CreditRule(NamedTuple):
    """A rule that gives turns their advantages."""

    estimate: Callable[[TurnRule, PaidGroup], Advantages]
    parameters: frozenset[str] = frozenset()
    """Fields of `TurnRule` that it uses, beside those that name it."""
    needs: tuple[str, ...] = ()
    """Fields of the facts with one item per turn."""


SCALED = frozenset({"signal"})
RULES: Mapping[tuple[str, str], CreditRule] = MappingProxyType(
    {
        ("return", "joint"): CreditRule(joint, frozenset({"discount"})),
        ("return", "separate"): CreditRule(separate, frozenset({"discount", "weight"})),
        ("add", ""): CreditRule(own, frozenset({"weight"})),
        ("add", "first"): CreditRule(first, frozenset({"weight"})),
        ("add", "anchor"): CreditRule(anchor, frozenset({"weight", "discount"}), needs=("anchor",)),
        ("add", "lookahead"): CreditRule(lookahead, frozenset({"weight", "discount", "horizon", "fill"})),
        ("scale", "bonus"): CreditRule(_scaled(bonus), SCALED | {"unit", "cap"}),
        ("scale", "share"): CreditRule(_scaled(share), SCALED | {"sharpness"}),
        ("scale", "relief"): CreditRule(_scaled(relief), SCALED),
    }
)
"""By `combine`, and by `statistics` for `return`, by `rule` for the others."""
ESTIMATED = frozenset({("add", "first"), ("add", "anchor")})
"""Rules that use the estimator themselves."""
NO_DIVISOR = (
    "turns with joint statistics need an estimator that divides a group by one number, which {} does not"
)


def key_of(rule: TurnRule) -> tuple[str, str]:
    """Return the key of a rule in `RULES`."""
    return rule.combine, rule.statistics if rule.combine == "return" else rule.rule


def needs_of_turns(spec: RewardSpec) -> tuple[TurnNeed, ...]:
    """Return what a reward needs to know of each turn: of its terms of turns, then of its rule for turns."""
    needs = [
        TurnNeed(SOURCES.get(term.signal, term.signal), int(_is_at_ends(term)))
        for term in spec.turn_terms
        if term.signal in SOURCES or term.signal not in TURN_SIGNALS
    ]
    if (signal := spec.turns.signal) and (signal in SOURCES or signal not in TURN_SIGNALS):
        needs.append(TurnNeed(SOURCES.get(signal, signal)))
    if spec.turns.combine != "none":
        needs += [TurnNeed(name) for name in RULES[key_of(spec.turns)].needs]
    return tuple(dict.fromkeys(needs))


def _is_at_ends(term: Term) -> bool:
    return any(one.difference is not None and one.difference.at == "ends" for one in term.map)


def check_turn_rule(rule: TurnRule, estimator: Estimator) -> None:
    """Refuse an estimator that a rule for turns cannot use.

    Raises:
        ValueError: the rule needs one divisor for the group, or an estimator of one group.
    """
    found = ESTIMATORS.get(estimator.type)
    if key_of(rule) == ("return", "joint") and (found is None or found.divisor is None):
        raise ValueError(NO_DIVISOR.format(estimator.type))
    if key_of(rule) in ESTIMATED and found is None:
        raise ValueError(f"the rule {rule.rule} estimates within one group, which {estimator.type} cannot")


def turn_advantages(rule: TurnRule, group: PaidGroup) -> Advantages:
    """Return the advantages of the turns of one group, shape (G, T)."""
    return RULES[key_of(rule)].estimate(rule, group)
