"""The cost of rewarding by turn: `reward` on facts of 64 groups of 8 rollouts with 40 turns each, as ratios within one run.

    python -m benchmarks.turns [--quick]

Every time is the least processor time of several runs, in which the profiles take turns. Encoding is the reply's JSON for the same groups.
"""

import random
import time
from collections.abc import Callable

from benchmarks.report import Report
from reward_service.adapters.replies import encode, rollout_out
from reward_service.core.profiles import Profile, shipped
from reward_service.core.scoring import reward
from reward_service.core.types import Outcome, RolloutFacts

GROUPS, SIZE, TURNS, ENTITIES, RUNS = 64, 8, 40, 12, 7
PROFILES = ("grpo", "egrpo", "egrpo-first-mention", "egrpo-turn", "entity-utility", "igpo")


def _rollout(n: int, rng: random.Random) -> RolloutFacts:
    named = tuple(tuple(sorted(rng.sample(range(ENTITIES), rng.randrange(3)))) for _ in range(TURNS))
    return RolloutFacts(
        str(n),
        outcome=rng.choice((Outcome.CORRECT, Outcome.WRONG, Outcome.WRONG)),
        matched=len(set().union(*named)),
        entities=ENTITIES,
        signals={"f1": rng.random()},
        turns=tuple((3 * turn, 3 * turn + 1, 3 * turn + 2) for turn in range(TURNS)),
        entity_named=named,
        turn_signals={"gold_logprob": tuple(-rng.random() for _ in range(TURNS))},
    )


def _groups() -> list[list[RolloutFacts]]:
    rng = random.Random(7)
    return [[_rollout(n, rng) for n in range(SIZE)] for _ in range(GROUPS)]


def _seconds(work: Callable[[], object]) -> float:
    start = time.process_time()
    work()
    return time.process_time() - start


def _rewarded(groups: list[list[RolloutFacts]], profile: Profile) -> Callable[[], object]:
    return lambda: [reward(facts, profile) for facts in groups]


def _encoded(groups: list[list[RolloutFacts]], profile: Profile) -> Callable[[], object]:
    results = [reward(facts, profile) for facts in groups]
    return lambda: encode({"groups": [[rollout_out(one) for one in group.rollouts] for group in results]})


def main() -> None:
    """Measure, print, keep."""
    groups = _groups()
    work = {
        name: (_rewarded(groups, shipped()[name]), _encoded(groups, shipped()[name])) for name in PROFILES
    }
    runs = [{name: [_seconds(one) for one in both] for name, both in work.items()} for _ in range(RUNS)]
    best = {name: [min(run[name][part] for run in runs) for part in (0, 1)] for name in PROFILES}
    base = best["egrpo"]
    with Report("turns") as report:
        rows = [
            [
                name,
                f"{paid * 1e3:.1f} ms",
                f"{paid / base[0]:.2f}",
                f"{sent * 1e3:.1f} ms",
                f"{sent / base[1]:.2f}",
            ]
            for name, (paid, sent) in best.items()
        ]
        report.table(
            f"{GROUPS} groups of {SIZE} rollouts of {TURNS} turns",
            ["profile", "`reward`", "of egrpo", "encoding", "of egrpo"],
            rows,
        )


if __name__ == "__main__":
    main()
