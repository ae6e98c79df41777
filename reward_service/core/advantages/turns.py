"""Credit per turn: numbers of turns and advantages of rollouts -> advantages of turns.

A turn without a number (None) adds nothing, does not vote and keeps its place. The last turn is the answer turn. Unscored
rollouts are left out by the caller.
"""

# G: rollouts in the group, T: turns of a rollout, which may differ between rollouts

from collections.abc import Callable, Mapping, Sequence
from itertools import accumulate, pairwise
from math import exp, fsum
from types import MappingProxyType

from reward_service.core.spread import floor_of, is_flat, standardized, std_of
from reward_service.core.types import Estimator

Turns = Sequence[float | None]

ALIGNMENTS: Mapping[str, Callable[[Turns, float], list[float | None]]] = MappingProxyType(
    {
        "before": lambda states, _start: [*states, None],
        "after": lambda states, start: [start, *states],
        "ends": lambda states, _start: [*states],
    }
)
"""When the states of a signal were taken: before each turn (IGPO), after each turn with a known start (FactAgent), or at
both ends of every turn, which are T + 1 states (shaping). Each returns the T + 1 states around the turns."""


def difference(states: Turns, *, at: str, discount: float = 1.0, start: float = 0.0) -> list[float | None]:
    """Return what each turn gained: discount · state after it - state before it.

    A missing state loses the gain of both turns it touches. With discount 1 the gains add up to the last state minus the
    first (potential-based shaping).

    Args:
        states: shape (T,), or (T + 1,) for `ends`.
        at: a name in `ALIGNMENTS`.
        discount: in [0, 1].
        start: with `after`, the state before the first turn.

    Returns:
        Shape (T,); None where a state is missing, so with `before` always for the answer turn.
    """
    around = ALIGNMENTS[at](states, start)
    return [None if old is None or new is None else discount * new - old for old, new in pairwise(around)]


def standardized_turns(group: Sequence[Turns], estimator: Estimator) -> list[list[float | None]]:
    """Standardise over all turns of a group; longer rollouts have more votes (IGPO, arXiv:2510.14967, section 3.3).

    Args:
        group: shape (G, T).
        estimator: its `ddof`, `epsilon` and `floor`.

    Returns:
        The same shape, None where there was none; exactly 0 where all numbers are equal, or there is one.
    """
    scores = iter(standardized([x for turns in group for x in turns if x is not None], estimator))
    return [[None if x is None else next(scores) for x in turns] for turns in group]


def returns(turns: Turns, *, discount: float) -> list[float]:
    """Return, for each turn, the sum of its number and of those that follow: Σ_{k≥t} discount^(k-t) · x_k."""
    backwards = accumulate((x or 0.0 for x in reversed(turns)), lambda later, x: x + discount * later)
    return list(backwards)[::-1]


def joint(
    group: Sequence[Turns], rewards: Sequence[float], estimator: Estimator, *, discount: float
) -> list[list[float]]:
    """Compare each turn's return with the rewards of the group.

        A_{i,t} = (Σ_{k≥t} discount^(k-t) · r_{i,k} - mean R) / (max(std R, floor) + ε);   0 where all R are equal

    With discount 1, the first turn has the rollout's advantage under `grpo`. Rewards are given beside the turns because a
    sum of rounded parts is not always the reward: 0.3 · 3/7 + 0.3 · 4/7 is below 0.3.

    Args:
        group: r, shape (G, T), the outcome's reward on the last turn.
        rewards: R, shape (G,).
        estimator: its `ddof`, `epsilon` and `floor`.
        discount: in [0, 1].

    Returns:
        A, shape (G, T).
    """
    if is_flat(rewards):
        return [[0.0] * len(turns) for turns in group]
    mean = fsum(rewards) / len(rewards)
    std = std_of([reward - mean for reward in rewards], estimator.ddof)
    below = max(std, floor_of(estimator, len(rewards))) + estimator.epsilon
    return [[(later - mean) / below for later in returns(turns, discount=discount)] for turns in group]


def separate(
    group: Sequence[Turns], advantages: Sequence[float], *, discount: float, weight: float = 1.0
) -> list[list[float]]:
    """Add standardised turns to the advantage of the outcome, which belongs to the answer turn, and sum from each turn on.

    IGPO (arXiv:2510.14967) has discount 1 and weight 1. Turns that find nothing are punished, useful searches too.

    Args:
        group: z, shape (G, T), as `standardized_turns` returns them.
        advantages: A of the outcome, shape (G,).
        discount: in [0, 1]; 0 pays each turn for itself alone.
        weight: of the turns.

    Returns:
        A, shape (G, T).
    """
    return [
        returns([*_weighed(turns[:-1], weight), weight * (turns[-1] or 0.0) + advantage], discount=discount)
        for turns, advantage in zip(group, advantages, strict=True)
    ]


def _weighed(turns: Turns, weight: float) -> list[float]:
    return [weight * (x or 0.0) for x in turns]


def bonus(advantage: float, turns: Turns, *, unit: float, cap: float) -> list[float]:
    """Strengthen turns that bring something: A · (1 + sign A · min(cap, unit · x_t)); the sign of A never changes.

    The rule of STAMP (arXiv:2607.11172; 0.03 and 0.1 from secondary sources). Use `cap` below 1.
    """
    sign = 1.0 if advantage > 0 else -1.0
    return [advantage * (1.0 + sign * min(cap, unit * (x or 0.0))) for x in turns]


def share(advantage: float, turns: Turns, *, sharpness: float | None = None) -> list[float]:
    """Divide a positive advantage among the n search turns by their use: A · n · p_t / Σp; the answer turn keeps A.

    CW-GRPO (arXiv:2604.14267). If no turn was useful, all search turns get 0, so treat a failed judge as unscored.

    Args:
        advantage: A; below 0, every turn gets it.
        turns: p, shape (T,), each at least 0; a missing one counts as 0.
        sharpness: None for the shares of p, a number for those of exp(sharpness · p).
    """
    if advantage < 0:
        return [advantage] * len(turns)
    useful = [x or 0.0 if sharpness is None else exp(sharpness * (x or 0.0)) for x in turns[:-1]]
    whole = fsum(useful)
    return [*(advantage * len(useful) * p / whole if whole else 0.0 for p in useful), advantage]


def relief(advantage: float, turns: Turns) -> list[float]:
    """Spare good search turns of a failed rollout: A · (1 - q_t) where A < 0; the answer turn keeps A.

    CalibAdv (arXiv:2604.18235); its re-balancing of answer tokens belongs in the trainer.

    Args:
        advantage: A; at 0 and above, every turn gets it.
        turns: q, shape (T,), in [0, 1]; a missing one counts as 0.
    """
    if advantage >= 0:
        return [advantage] * len(turns)
    return [*(advantage * (1.0 - (q or 0.0)) for q in turns[:-1]), advantage]
