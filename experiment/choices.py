"""What to choose, computed from the results of both rounds, and whether the floor holds by the rule of its plan.

A method that both rounds have was trained with the same options in both, so its seeds are taken together.
"""

from collections.abc import Mapping, Sequence
from typing import NamedTuple

from experiment.second import (
    BOTH,
    CENTRED,
    CORE,
    DYNAMIC,
    FADED,
    FIRST,
    FLOOR,
    GROUP_SEEN,
    GRPO,
    HALF,
    METHODS,
    PAPER,
    RESCUE,
    SEEN,
    TENTH,
    TURN,
    UTILITY,
)
from experiment.settings import MIDDLE, STOP_EARLY
from experiment.statistics import Result, rollouts, verdict
from experiment.tables import Found, difference, differences, percent, table

ENOUGH = 3
"""Seeds from which a row may recommend something."""
FIRST_STEPS = 5
ROUNDS = ("main", "reward")
"""The parts that vary the method at each p0."""
MAIN = (*CORE, DYNAMIC, RESCUE)
"""The methods that are always told with their numbers."""
OTHERS = "What else was tried"
"""The heading under which all are."""
CHOICES = {
    GRPO: "`grpo`, or `grpo-equal` for its checker",
    PAPER: "`egrpo-paper`",
    FLOOR: "`egrpo`",
    DYNAMIC: "`grpo` with dynamic sampling",
    RESCUE: "`egrpo-rescue`",
    CENTRED: "`egrpo` with the estimator `dr_grpo` and doubled rewards",
    HALF: "`egrpo` with `floor: 0.177`",
    TENTH: "`egrpo` with `floor: 0.1`",
    BOTH: "`egrpo` with dynamic sampling",
    TURN: "`egrpo-turn`",
    FIRST: "`egrpo-first-mention`",
    UTILITY: "`entity-utility`",
    SEEN: "`egrpo` with the gate `answer_seen`",
    GROUP_SEEN: "`egrpo` with the gate `answer_seen`, `by: group`",
    FADED: "`egrpo` with a weight that falls to 0 as the success rate, sent as `progress`, rises to one half",
}
"""What to set to get a method; measured with the matching of `egrpo-paper`."""


class Candidate(NamedTuple):
    """A method against GRPO in one setting."""

    method: str
    seeds: int
    ahead: int
    numbers: tuple[float, float, float]
    cost: float
    """Rollouts, as a multiple of GRPO's."""

    @property
    def evidence(self) -> str:
        """What was measured, in words."""
        more = f", {self.cost:.1f} times the rollouts" if self.cost > 1.05 else ""
        return f"{self.method} {percent(self.numbers, sign=True)}, ahead in {self.ahead} of {self.seeds} seeds{more}"


def of_both(found: Found, p0: str, method: str) -> list[Result]:
    """Return a method's results of both rounds."""
    return [one for part in ROUNDS for one in found.get((part, p0, method), [])]


def candidates(found: Found, p0: str) -> list[Candidate]:
    """Return every method with enough seeds against GRPO, the highest mean first."""
    plain = of_both(found, p0, GRPO)
    rows = []
    for method in METHODS:
        results = of_both(found, p0, method)
        against = difference(results, plain) if method != GRPO else None
        if against and against[0] >= ENOUGH:
            rows.append(Candidate(method, *against, _cost(results, plain)))
    return sorted(rows, key=lambda row: row.numbers[0], reverse=True)


def _cost(results: Sequence[Result], plain: Sequence[Result]) -> float:
    return (sum(map(rollouts, results)) / len(results)) / (sum(map(rollouts, plain)) / len(plain))


def situation(found: Found, p0: str) -> str:
    """Say what the first steps look like at one p0, from the runs of GRPO."""
    sums = [result["steps"] for result in of_both(found, p0, GRPO)]
    sampled = sum(sum(steps["groups_sampled"][:FIRST_STEPS]) for steps in sums)
    solved = sum(sum(steps["groups_with_signal"][:FIRST_STEPS]) for steps in sums)
    seen = f"{solved / sampled:.1%} of groups, " if sampled else ""
    return f"{seen}p0 about {p0}"


def decision(found: Found, p0: str) -> list[str]:
    """Return a row: the situation, what to choose, and the evidence against GRPO."""
    rows = candidates(found, p0)
    if not rows:
        return [situation(found, p0), "not known", f"fewer than {ENOUGH} seeds have finished"]
    higher = [row for row in rows if verdict(*row.numbers[1:]) == "higher"]
    chosen = higher[0].method if higher else GRPO
    said = {"higher": "Higher than GRPO", "tie": "Tied with GRPO", "lower": "Lower than GRPO"}
    alike = {word: [row for row in rows if verdict(*row.numbers[1:]) == word] for word in said}
    parts = [f"{said[word]}: {_evidence(word, alike[word])}." for word in said if alike[word]]
    return [situation(found, p0), CHOICES[chosen], " ".join(parts)]


def _evidence(word: str, rows: Sequence[Candidate]) -> str:
    """Say what was measured; of the ties, count those that are not among the main methods."""
    told = [row for row in rows if word != "tie" or row.method in MAIN]
    rest = len(rows) - len(told)
    more = [f'{rest} of the variants in "{OTHERS}"'] if rest else []
    return "; ".join([*(row.evidence for row in told), *more])


def decisions(found: Found) -> str:
    """Return the table of choices."""
    rows = [decision(found, p0) for p0 in STOP_EARLY]
    return table(
        [
            "share of groups of 8 with right and other rollouts in the first five steps",
            "choose",
            "accuracy after 50 steps minus GRPO's, points [95 % interval]",
        ],
        rows,
    )


def primary(found: Found) -> str:
    """Return the planned comparisons and whether the floor holds, by the rule that was fixed before the runs."""
    compared = ((FLOOR, PAPER), (FLOOR, GRPO))
    shown = differences(found, "reward", compared, STOP_EARLY)
    against = {
        p0: difference(found.get(("reward", p0, FLOOR), []), found.get(("reward", p0, PAPER), []))
        for p0 in STOP_EARLY
    }
    words = {p0: verdict(*one[2][1:]) for p0, one in against.items() if one and one[0] >= ENOUGH}
    return f"{shown}\n\n{floor_holds(words)}"


def floor_holds(words: Mapping[str, str]) -> str:
    """Say whether the floor is better than E-GRPO at the middle p0 and not worse elsewhere.

    Args:
        words: for each p0 with enough seeds, how the floor compares with E-GRPO.
    """
    unknown = [p0 for p0 in STOP_EARLY if p0 not in words]
    rest = f" Too few seeds have finished at p0 {' and '.join(unknown)}." if unknown else ""
    lower = [p0 for p0, word in words.items() if word == "lower"]
    if MIDDLE not in words:
        return f"Whether the floor holds is not known.{rest}"
    if words[MIDDLE] != "higher":
        return f"**The floor does not hold**: at p0 {MIDDLE} it is not higher than E-GRPO.{rest}"
    if lower:
        return f"**The floor does not hold**: at p0 {' and '.join(lower)} it is lower than E-GRPO.{rest}"
    return f"**The floor holds** at p0 {_listed(list(words))}: higher than E-GRPO at {MIDDLE}, lower nowhere.{rest}"


def _listed(names: Sequence[str]) -> str:
    return " and ".join(filter(None, (", ".join(names[:-1]), names[-1])))
