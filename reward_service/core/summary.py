"""The numbers of scored groups: one definition for pages, commands, trainers' logs and adapters.

Every number is a mean: each group yields some values, and the number is the mean of all of them. Groups, not rollouts, are
independent, so the interval of a mean r = S / N over G groups is that of a ratio, at 95 %:

    r ± t(G − 1) · √( G / (G − 1) · Σ (S_g − r · N_g)² ) / N

with S_g the sum and N_g the number of the values of group g (Cochran, Sampling Techniques, 6.4). It has no width where all
groups agree, and there is none for fewer than two groups. A number without any value is left out: missing is not zero.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import fsum, inf, sqrt
from types import MappingProxyType
from typing import NamedTuple, Protocol

from reward_service.core.types import Judgement, Outcome, RolloutStatus

PREFIX = "egrpo/"
# The client may not import the modules that define these three; a test compares them.
NO_THOUGHTS = "no_thoughts"
JUDGED_UNCOVERED = "judged_uncovered"
UNCREDITED = ("pasted", "listed", "ungrounded", "precision")
UNSCORED = tuple(status for status in RolloutStatus if status is not RolloutStatus.SCORED)
# Student's t at 97.5 % for 1 to 30 degrees of freedom; beyond, its expansion (Abramowitz and Stegun 26.7.5).
T_975 = (
    12.706, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262, 2.228, 2.201, 2.179, 2.160, 2.145, 2.131,
    2.120, 2.110, 2.101, 2.093, 2.086, 2.080, 2.074, 2.069, 2.064, 2.060, 2.056, 2.052, 2.048, 2.045, 2.042,
)  # fmt: skip


class ScoredRollout(Protocol):
    """What is read of a rollout: a `RolloutResult`, a client's `RolloutReward`, or a line of a file."""

    @property
    def status(self) -> str:
        """`scored`, or the reason why there is no reward."""
        ...

    @property
    def outcome(self) -> str | None:
        """`correct`, `wrong` or `error`."""
        ...

    @property
    def reward(self) -> float | None:
        """None if there is none."""
        ...

    @property
    def advantage(self) -> float | None:
        """None if there is none."""
        ...

    @property
    def matched(self) -> int | None:
        """Distinct entities named in thoughts."""
        ...

    @property
    def uncredited(self) -> Mapping[str, int]:
        """Entities named but not credited, by reason."""
        ...

    @property
    def measured(self) -> Mapping[str, float | None]:
        """Numbers measured from the text, by name."""
        ...

    @property
    def in_loss(self) -> bool:
        """Whether the trainer's loss should include it."""
        ...

    @property
    def flags(self) -> Sequence[str]:
        """What is odd about it."""
        ...

    @property
    def judgements(self) -> Sequence[Judgement]:
        """What judges said about it."""
        ...


class ScoredGroup(Protocol):
    """What is read of a group: a `GroupResult`, or a client's `GroupRewards`."""

    @property
    def entities(self) -> int:
        """m, the number of ground-truth entities that can earn credit."""
        ...

    @property
    def rollouts(self) -> Sequence[ScoredRollout]:
        """Its rollouts."""
        ...


Values = Callable[[ScoredGroup], Iterable[float]]


class Number(NamedTuple):
    """A row of the table of numbers."""

    about: str
    """Its meaning, and of what it is the mean."""
    values: Values
    low: float = 0.0
    high: float = 1.0
    """Between which bounds it lies."""


@dataclass(frozen=True, slots=True)
class Mean:
    """A mean over the values of groups, with the interval of 95 % that accounts for their groups."""

    value: float
    n: int
    """How many values it is the mean of, at least 1."""
    groups: int
    """How many groups they come from."""
    low: float | None = None
    high: float | None = None
    """The interval; None for a single group."""


def scored(group: ScoredGroup) -> list[ScoredRollout]:
    """Return the rollouts of a group that have a reward."""
    return [one for one in group.rollouts if one.status == RolloutStatus.SCORED]


def match_rates(group: ScoredGroup, outcome: str) -> list[float]:
    """Return γ = matched / m of the scored rollouts with an outcome; none where the group has no entities."""
    if not group.entities:
        return []
    return [(one.matched or 0) / group.entities for one in scored(group) if one.outcome == outcome]


def difference(group: ScoredGroup) -> list[float]:
    """Return by how much the mean match rate of the correct rollouts exceeds that of the wrong ones, if it has both."""
    correct, wrong = match_rates(group, Outcome.CORRECT), match_rates(group, Outcome.WRONG)
    return [fsum(correct) / len(correct) - fsum(wrong) / len(wrong)] if correct and wrong else []


def has_signal(group: ScoredGroup) -> bool:
    """Whether a group teaches anything: some advantage is not 0."""
    return any(one.advantage for one in group.rollouts)


def _of_outcome(outcome: str) -> Values:
    return lambda group: [float(one.outcome == outcome) for one in scored(group)]


def _match_rate(outcome: str) -> Values:
    return lambda group: match_rates(group, outcome)


def _uncredited(reason: str) -> Values:
    return lambda group: (
        [float(one.uncredited.get(reason, 0)) for one in scored(group)] if group.entities else []
    )


def _unscored(status: str) -> Values:
    return lambda group: [float(one.status == status) for one in group.rollouts]


def _all_are(outcome: str) -> Values:
    return lambda group: (
        [float(all(one.outcome == outcome for one in voting))] if (voting := scored(group)) else []
    )


def _measured(name: str, outcome: str = "") -> Values:
    """Return the values of a measured number, of the scored rollouts with an outcome or of all."""
    return lambda group: [
        value
        for one in scored(group)
        if outcome in {"", one.outcome} and (value := one.measured.get(name)) is not None
    ]


def _unseen(outcome: str) -> Values:
    """Return 1 for a rollout with an outcome whose tool responses never show a gold answer, else 0."""
    return lambda group: [1.0 - seen for seen in _measured("answer_seen", outcome)(group)]


def _verdicts(group: ScoredGroup) -> Iterator[tuple[ScoredRollout, Judgement]]:
    """Yield the verdicts that judges gave on answers, with their rollouts; their other judgements are no labels."""
    for rollout in scored(group):
        for one in rollout.judgements:
            if isinstance(one.value, str):
                yield rollout, one


def _uncovered(group: ScoredGroup) -> list[float]:
    """Return 1 for a rollout that a judge calls correct and whose answer contains no gold answer, else 0."""
    return [
        float(JUDGED_UNCOVERED in rollout.flags)
        for rollout, one in _verdicts(group)
        if one.value == Outcome.CORRECT
    ]


def _nobody_saw(group: ScoredGroup) -> list[float]:
    seen = list(_measured("answer_seen")(group))
    return [float(not any(seen))] if seen else []


NUMBERS: Mapping[str, Number] = MappingProxyType(
    {
        "valid": Number(
            "Share of rollouts that have a reward.",
            lambda group: [float(one.status == RolloutStatus.SCORED) for one in group.rollouts],
        ),
        "accuracy": Number(
            "Share of correct rollouts among those with a reward.", _of_outcome(Outcome.CORRECT)
        ),
        "error": Number(
            "Share of format and length errors among those with a reward.", _of_outcome(Outcome.ERROR)
        ),
        "reward": Number(
            "Mean reward.",
            lambda group: [one.reward for one in group.rollouts if one.reward is not None],
            -inf,
            inf,
        ),
        "in_loss": Number(
            "Share of rollouts with a reward that the loss should include.",
            lambda group: [float(one.in_loss) for one in scored(group)],
        ),
        "match_rate/correct": Number(
            "Mean match rate of correct rollouts, in groups with entities.", _match_rate(Outcome.CORRECT)
        ),
        "match_rate/wrong": Number(
            "Mean match rate of wrong rollouts, in groups with entities.", _match_rate(Outcome.WRONG)
        ),
        "match_rate/difference": Number(
            "Mean over groups with both of how much higher the match rate of their correct rollouts is than that of their "
            "wrong ones.",
            difference,
            -1.0,
        ),
        "groups_with_signal": Number(
            "Share of groups in which some advantage is not 0.", lambda group: [float(has_signal(group))]
        ),
        "groups_all_correct": Number(
            "Share of groups with rewards that are all correct.", _all_are(Outcome.CORRECT)
        ),
        "groups_all_wrong": Number(
            "Share of groups with rewards that are all wrong.", _all_are(Outcome.WRONG)
        ),
        "groups_without_entities": Number(
            "Share of groups with rewards whose question has no entities: their match rates are unknown, and in no mean.",
            lambda group: [float(not group.entities)] if scored(group) else [],
        ),
        "no_thoughts": Number(
            "Share of rollouts with a reward in which no thought was found: is the format right?",
            lambda group: [float(NO_THOUGHTS in one.flags) for one in scored(group)],
        ),
        "reach/groups_unseen": Number(
            "Share of groups in which no rollout had a gold answer on screen: no tool response shows one. Look at corpus and "
            "search.",
            _nobody_saw,
        ),
        "reach/correct_unseen": Number(
            "Share of correct rollouts that never had a gold answer on screen: they recall it.",
            _unseen(Outcome.CORRECT),
        ),
        "reach/wrong_unseen": Number(
            "Share of wrong rollouts that never had a gold answer on screen.", _unseen(Outcome.WRONG)
        ),
        "reach/wrong_seen": Number(
            "Share of wrong rollouts that had a gold answer on screen: they did not read it, or not believe it.",
            _measured("answer_seen", Outcome.WRONG),
        ),
        "reach/named_before_seen": Number(
            "Mean number of credited entities that a rollout names before a tool response shows them.",
            _measured("named_before_seen"),
            0.0,
            inf,
        ),
        "reach/retrieved": Number(
            "Mean number of tool responses with any text.", _measured("retrieved"), 0.0, inf
        ),
        "judge/asks": Number(
            "Mean number of answers of judges that a rollout needs; equal ones are asked for once.",
            lambda group: [float(len(one.judgements)) for one in group.rollouts],
            0.0,
            inf,
        ),
        "judge/accepted": Number(
            "Share of the answers on which a judge gave a verdict that it calls right.",
            lambda group: [float(one.value == Outcome.CORRECT) for _, one in _verdicts(group)],
        ),
        "judge/uncovered": Number(
            "Share of the answers that a judge calls right in which no gold answer occurs. For people it is about 0.09; far more "
            "is an alarm.",
            _uncovered,
        ),
        "judge/unanimous": Number(
            "Share of the verdicts with several votes on which all votes agree.",
            lambda group: [
                float(len(set(one.votes)) == 1) for _, one in _verdicts(group) if len(one.votes) > 1
            ],
        ),
        **{
            f"uncredited/{reason}": Number(
                f"Mean number of entities that a rollout names and that earn nothing as they are `{reason}`, in groups with "
                "entities.",
                _uncredited(reason),
                0.0,
                inf,
            )
            for reason in UNCREDITED
        },
        **{
            f"unscored/{status}": Number(f"Share of rollouts with the status `{status}`.", _unscored(status))
            for status in UNSCORED
        },
    }
)
"""By name, without the prefix."""


def t_975(freedom: int) -> float:
    """Return the 97.5 % quantile of Student's t distribution, to three decimals.

    Args:
        freedom: degrees of freedom, at least 1.
    """
    return T_975[freedom - 1] if freedom <= len(T_975) else 1.95996 + 2.3722 / freedom + 2.8225 / freedom**2


def mean_of(samples: Iterable[Sequence[float]], *, low: float = -inf, high: float = inf) -> Mean | None:
    """Return the mean of the values of groups; None if there is no value.

    Args:
        samples: the values of each group.
        low: the least the number can be; the interval ends there.
        high: the most it can be.
    """
    found = [(fsum(values), len(values)) for values in samples if values]
    if not found:
        return None
    n, groups = sum(count for _, count in found), len(found)
    mean = fsum(total for total, _ in found) / n
    if groups < 2:
        return Mean(mean, n, groups)
    spread = fsum((total - mean * count) ** 2 for total, count in found)
    half = t_975(groups - 1) * sqrt(groups / (groups - 1) * spread) / n
    return Mean(mean, n, groups, max(low, mean - half), min(high, mean + half))


def means(groups: Iterable[ScoredGroup]) -> dict[str, Mean]:
    """Return the numbers of groups by their name in `NUMBERS`; one without any value is left out."""
    groups = list(groups)
    found = {
        name: mean_of([list(number.values(group)) for group in groups], low=number.low, high=number.high)
        for name, number in NUMBERS.items()
    }
    return {name: mean for name, mean in found.items() if mean is not None}


def summary(groups: Iterable[ScoredGroup]) -> dict[str, float]:
    """Return the numbers of scored groups as a trainer logs them.

    Args:
        groups: `GroupRewards` of the client, or `GroupResult`s of `reward`.

    Returns:
        `egrpo/rollouts`, `egrpo/groups` and the numbers of `NUMBERS` under `egrpo/`, each with `/low` and `/high` of its
        interval at 95 % if it has one. A number without any value is left out.
    """
    groups = list(groups)
    counts = {"rollouts": sum(len(group.rollouts) for group in groups), "groups": len(groups)}
    flat = {name: float(count) for name, count in counts.items()} | dict(_flat(means(groups)))
    return {PREFIX + name: value for name, value in flat.items()}


def _flat(numbers: Mapping[str, Mean]) -> Iterator[tuple[str, float]]:
    for name, mean in numbers.items():
        yield name, mean.value
        if mean.low is not None and mean.high is not None:
            yield f"{name}/low", mean.low
            yield f"{name}/high", mean.high
