"""Comparisons as people read them on a terminal."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reward_service.cli.render import interval, number
from reward_service.cli.seeing.compare import REASONS
from reward_service.core.profiles import Profile
from reward_service.core.summary import Mean

SHOWN = (
    "accuracy",
    "reward",
    "match_rate/correct",
    "match_rate/wrong",
    "match_rate/difference",
    "groups_with_signal",
    "valid",
)
"""Numbers that are shown beside each other."""


def profiles(found: Mapping[str, Any], compared: Sequence[Profile]) -> RenderableType:
    """Lay out what a second profile changes."""
    a, b = (one.name for one in compared)
    title = f"{found['rollouts']} rollouts in {found['groups']} groups"
    return Lines(
        _beside(found, title, (a, b)),
        Text("\n".join(_changes(found, a, b))),
        *([_changed(found, (a, b))] if found["most_changed"] else []),
    )


def _changes(found: Mapping[str, Any], a: str, b: str) -> Iterator[str]:
    groups, rollouts = found["groups"], found["rollouts"]
    yield f"{b} instead of {a}:"
    yield f"  groups that gain a signal: {found['signals_gained']} of {groups}; that lose it: {found['signals_lost']}"
    yield f"  rewards that differ: {found['rewards_changed']} of {rollouts}"
    yield f"  advantages that change sign: {found['signs_changed']} of {rollouts}"
    if found["outcomes_changed"]:
        yield f"  outcomes that differ: {found['outcomes_changed']} of {rollouts}"
    yield from _credit(found["credit"], a, b)
    named, refused = found["exposure"]["named"], found["exposure"]["refused"]
    if named:
        share = sum(refused.values()) / named
        yield f"exposure: {share:.1%} of the {named} entities named earn credit only if the guards of {b} are off"
        yield from _reasons(refused)


def _credit(credit: Mapping[str, Any], a: str, b: str) -> Iterator[str]:
    if credit["only_first"] or credit["only_second"]:
        yield f"entities credited by both: {credit['both']}"
    for payer, refused in ((a, credit["only_first"]), (b, credit["only_second"])):
        if refused:
            alone = sum(refused.values())
            share = alone / (alone + credit["both"])
            yield f"credited by {payer} alone: {alone}, {share:.0%} of its credit, which for the other"
            yield from _reasons(refused)


def _reasons(refused: Mapping[str, int]) -> Iterator[str]:
    for reason, count in sorted(refused.items(), key=lambda one: -one[1]):
        yield f"  {count} x {reason}: {REASONS[reason]}"


def _changed(found: Mapping[str, Any], names: tuple[str, str]) -> Table:
    table = Table(title=f"the rollouts that change most: {' -> '.join(names)}")
    for heading in ("group", "rollout"):
        table.add_column(heading, overflow="fold")
    for heading in ("outcome", "reward", "advantage"):
        table.add_column(heading, justify="right", no_wrap=True)
    for one in found["most_changed"]:
        outcomes = dict.fromkeys(outcome or "-" for outcome in one["outcomes"])
        table.add_row(
            Text(one["group_id"]),
            Text(one["rollout_id"]),
            " -> ".join(outcomes),
            " -> ".join(map(number, one["rewards"])),
            " -> ".join(map(number, one["advantages"])),
        )
    return table


def files(found: Mapping[str, Any], paths: Sequence[Path]) -> RenderableType:
    """Lay out how two files differ."""
    rollouts = " and ".join(map(str, found["rollouts"]))
    table = _beside(found, f"{rollouts} rollouts", (paths[0].name, paths[1].name))
    return Lines(table, Text("\n".join(_differences(found))))


def _differences(found: Mapping[str, Any]) -> Iterator[str]:
    yield f"{found['shared_questions']} questions are in both files"
    for name, mean in found["differences"].items():
        verdict = _verdict(mean)
        yield f"  {name}, second minus first: {interval(Mean(**mean))} over {mean['n']} questions: {verdict}"


def _verdict(mean: Mapping[str, Any]) -> str:
    if mean["low"] is None:
        return "one question says nothing"
    if mean["low"] <= 0 <= mean["high"]:
        return "no difference can be told"
    return "higher" if mean["value"] > 0 else "lower"


def _beside(found: Mapping[str, Any], title: str, names: tuple[str, str]) -> Table:
    table = Table(title=title)
    table.add_column("number")
    for name in names:
        table.add_column(Text(name), justify="right")
    for number_name in SHOWN:
        both = found["numbers"].get(number_name)
        if both is not None:
            table.add_row(number_name, *(interval(Mean(**one) if one else None) for one in both))
    return table
