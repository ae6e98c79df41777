"""Results as people read them on a terminal."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reward_service.adapters.replies import ExplainOut, GroupOut, MatchOut, RolloutOut
from reward_service.core.summary import NO_THOUGHTS, Mean, ScoredGroup, has_signal, mean_of, means, scored
from reward_service.core.types import GroupResult, Outcome

KIND_STYLE = {"thought": "", "tool_call": "dim cyan", "tool_response": "dim", "answer": "bold"}
MATCH_STYLE = "black on green"
UNCREDITED_STYLE = "black on yellow"
ERRORS_SHOWN = 4
OUTCOME_STYLE = {"correct": "green", "wrong": "yellow", "error": "red"}


def number(value: float | None) -> str:
    """Return a number with three decimals, a dash for none."""
    return "-" if value is None else f"{value:.3f}"


def _names(matches: Iterable[MatchOut]) -> Text:
    return Text(", ").join(Text(match["entity"], style=MATCH_STYLE) for match in matches)


def group(reply: GroupOut) -> Table:
    """Lay out one scored group, a row a rollout."""
    table = Table(title=f"group {reply['group_id']}: {reply['status']}, {reply['entities']} entities")
    for heading in ("rollout", "outcome", "entities matched"):
        table.add_column(heading)
    for heading in ("match rate", "reward", "advantage"):
        table.add_column(heading, justify="right")
    for one in reply["rollouts"]:
        outcome = one["outcome"] or one["status"]
        note = f" ({one['detail']})" if one["detail"] and one["outcome"] != "correct" else ""
        table.add_row(
            one["rollout_id"],
            Text(outcome + note, style=OUTCOME_STYLE.get(outcome, "magenta")),
            Text(f"{one['matched']}  ") + _names(one["matches"]),
            number(one["match_rate"]),
            number(one["reward"]),
            number(one["advantage"]),
        )
    return table


class SettledGroup(ScoredGroup, Protocol):
    """A scored group that says what became of it."""

    @property
    def status(self) -> str:
        """`complete`, `partial`, `failed`, ..."""
        ...


def interval(mean: Mean | None) -> str:
    """Return a mean with its interval at 95 %; a dash for none."""
    if mean is None:
        return "-"
    if mean.low is None or mean.high is None:
        return number(mean.value)
    return f"{mean.value:.3f} [{mean.low:.3f}, {mean.high:.3f}]"


def summary(
    groups: Sequence[GroupResult], profile: str, *, reasons: Sequence[tuple[str, int]] = ()
) -> RenderableType:
    """Lay out what became of groups of rollouts.

    Args:
        groups: their results.
        profile: the name of the profile.
        reasons: why rollouts have no reward, and how many.
    """
    rollouts = [one for group in groups for one in group.rollouts]
    numbers = means(groups)
    table = Table(title=f"{len(rollouts)} rollouts in {len(groups)} groups, profile {profile}")
    for heading in ("outcome", "rollouts", "match rate", "of rollouts", "mean reward"):
        table.add_column(heading, justify="left" if heading == "outcome" else "right")
    for outcome in ("correct", "wrong", "error"):
        table.add_row(*_outcome_row(outcome, groups, numbers))
    sentences = (*said(groups, numbers, reasons), *_errors(groups), *_reach(numbers))
    return Lines(table, Text("\n".join(sentences)))


def _errors(groups: Sequence[GroupResult]) -> Iterator[str]:
    """Yield what the policy did wrong in the rollouts that are errors, the most frequent first."""
    errors = [one for group in groups for one in group.rollouts if one.outcome == Outcome.ERROR]
    causes = Counter(one.detail for one in errors if one.reward is not None and one.detail)
    if causes:
        yield f"{causes.total()} rollouts are errors:"
        yield from (f"  {count} x {why}" for why, count in causes.most_common(ERRORS_SHOWN))


def _outcome_row(outcome: str, groups: Sequence[GroupResult], numbers: Mapping[str, Mean]) -> tuple[str, ...]:
    rewards = [one.reward for group in groups for one in scored(group) if one.outcome == outcome]
    rate = numbers.get(f"match_rate/{outcome}")
    mean = mean_of([[reward] for reward in rewards if reward is not None])
    return (
        outcome,
        str(len(rewards)),
        interval(rate),
        str(rate.n) if rate else "-",
        number(mean.value if mean else None),
    )


def said(
    groups: Sequence[SettledGroup], numbers: Mapping[str, Mean], reasons: Sequence[tuple[str, int]]
) -> Iterator[str]:
    """Yield what a summary says in sentences."""
    statuses = Counter(group.status for group in groups)
    states = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    with_signal = sum(map(has_signal, groups))
    yield f"groups: {states}; {with_signal} of {len(groups)} have a signal: an advantage other than 0"
    if apart := numbers.get("match_rate/difference"):
        yield f"match rate of correct minus wrong rollouts, within {apart.n} groups with both: {interval(apart)}"
    bare = [group for group in groups if not group.entities and scored(group)]
    if bare:
        yield f"{len(bare)} of {len(groups)} groups have no entities: they are in no match rate"
    voting = [one for group in groups for one in scored(group)]
    mute = sum(NO_THOUGHTS in one.flags for one in voting)
    if mute:
        yield f"{mute} of {len(voting)} rollouts have no thought: is the format right?"
    uncredited = sum((Counter(one.uncredited) for one in voting), Counter[str]())
    if uncredited:
        counts = ", ".join(f"{count} {reason}" for reason, count in sorted(uncredited.items()))
        yield f"entities named but not credited: {counts}"
    unscored = sum(one.reward is None for group in groups for one in group.rollouts)
    if unscored:
        yield f"{unscored} rollouts have no reward:"
        yield from (f"  {count} x {why}" for why, count in reasons)


REACH = (
    ("reach/groups_unseen", "no rollout had a gold answer on screen in {} of {} groups: corpus or search"),
    ("reach/correct_unseen", "never had it on screen: {} of {} correct rollouts, recall"),
    ("reach/wrong_seen", "had it on screen: {} of {} wrong rollouts, reading"),
)
"""Three illnesses with three cures; a page that holds the words of an answer need not support it."""


def _reach(numbers: Mapping[str, Mean]) -> Iterator[str]:
    for name, about in REACH:
        if mean := numbers.get(name):
            yield about.format(f"{mean.value:.0%}", mean.n)


def explanation(reply: ExplainOut, sum_: str = "") -> RenderableType:
    """Lay out one explained rollout: its text with the matches marked, its counts, and the reward as a sum if it is known."""
    texts = [_segment(reply, position) for position in range(len(reply["segments"]))]
    return Lines(*texts, Text(), _counts(reply), *([Text(sum_, style="bold")] if sum_ else []))


def _segment(reply: ExplainOut, position: int) -> Text:
    segment = reply["segments"][position]
    text = Text(segment["text"], style=KIND_STYLE[segment["kind"]])
    one = reply["rollout"]
    for style, matches in ((MATCH_STYLE, one["matches"]), (UNCREDITED_STYLE, one["uncredited_matches"])):
        for match in matches:
            if match["segment"] == position:
                text.stylize(style, match["start"], match["end"])
    text.rstrip()
    return Text(f"{segment['kind']}: ", style="bold blue") + text


def _counts(reply: ExplainOut) -> Table:
    one = reply["rollout"]
    table = Table(show_header=False)
    for name, value in _rows(reply, one):
        table.add_row(name, Text(value))
    for miss in one["near_misses"]:
        table.add_row(
            "near miss", Text(f"{miss['entity']}: {miss['text']!r}, similarity {miss['similarity']:.0f}")
        )
    return table


def _rows(reply: ExplainOut, one: RolloutOut) -> Iterator[tuple[str, str]]:
    entities = len(reply["entities"]) - len(reply["masked"]) - len(reply["unmatchable"])
    yield "outcome", f"{one['outcome'] or '-'}{' (' + one['detail'] + ')' if one['detail'] else ''}"
    yield "status", one["status"]
    yield "matched", f"{one['matched']} of {entities}: {_said(one['matches'])}"
    yield "masked", ", ".join(reply["masked"]) or "-"
    yield "unmatchable", ", ".join(reply["unmatchable"]) or "-"
    yield "uncredited", ", ".join(f"{count} {why}" for why, count in one["uncredited"].items()) or "-"
    yield "match rate", number(one["match_rate"])
    yield "normalized match rate", number(one["normalized_match_rate"])
    yield "precision", number(one["precision"])
    yield "reward", number(one["reward"])
    yield "flags", ", ".join(one["flags"]) or "-"


def _said(matches: Iterable[MatchOut]) -> str:
    return ", ".join(
        match["entity"]
        if match["channel"] == "exact"
        else f"{match['entity']} ({match['channel']} {match['text']!r})"
        for match in matches
    )
