"""Comparisons as people read them, on a terminal or as a page."""

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reward_service.cli.render import interval, number
from reward_service.cli.seeing.compare import REASONS
from reward_service.cli.seeing.report import alone
from reward_service.core.profiles import Profile
from reward_service.core.summary import Mean
from reward_service.pages import html

SHOWN = (
    "accuracy",
    "reward",
    "match_rate/correct",
    "match_rate/wrong",
    "match_rate/difference",
    "groups_with_signal",
    "valid",
)
"""Numbers that a terminal shows beside each other."""


class Comparison(NamedTuple):
    """What a comparison says, whatever shows it."""

    found: Mapping[str, Any]
    names: tuple[str, str]
    """Of the two profiles, or of the two files."""
    counted: str
    """What was compared."""
    sentences: Sequence[str]
    """Those that begin with two blanks say more about the one before."""


def of_profiles(found: Mapping[str, Any], compared: Sequence[Profile]) -> Comparison:
    """Say what a second profile changes."""
    a, b = (one.name for one in compared)
    counted = f"{found['rollouts']} rollouts in {found['groups']} groups"
    return Comparison(found, (a, b), counted, list(_changes(found, a, b)))


def of_files(found: Mapping[str, Any], paths: Sequence[Path]) -> Comparison:
    """Say how two files differ."""
    counted = f"{' and '.join(map(str, found['rollouts']))} rollouts"
    return Comparison(found, (paths[0].name, paths[1].name), counted, list(_differences(found)))


def terminal(one: Comparison) -> RenderableType:
    """Lay out a comparison on a terminal."""
    changed = [_changed(one)] if one.found.get("most_changed") else []
    return Lines(_beside(one), Text("\n".join(one.sentences)), *changed)


def page(one: Comparison) -> str:
    """Return a comparison as one HTML file that needs no network."""
    names = " and ".join(one.names)
    about = {"title": names, "profiles": ()}
    sentences = [sentence.strip() for sentence in one.sentences]
    return html("compare.html", **{**one._asdict(), "sentences": sentences}, about=about, **alone())


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


def _changed(one: Comparison) -> Table:
    table = Table(title=f"the rollouts that change most: {' -> '.join(one.names)}")
    for heading in ("group", "rollout"):
        table.add_column(heading, overflow="fold")
    for heading in ("outcome", "reward", "advantage"):
        table.add_column(heading, justify="right", no_wrap=True)
    for row in one.found["most_changed"]:
        outcomes = dict.fromkeys(outcome or "-" for outcome in row["outcomes"])
        table.add_row(
            Text(row["group_id"]),
            Text(row["rollout_id"]),
            " -> ".join(outcomes),
            " -> ".join(map(number, row["rewards"])),
            " -> ".join(map(number, row["advantages"])),
        )
    return table


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


def _beside(one: Comparison) -> Table:
    table = Table(title=one.counted)
    table.add_column("number")
    for name in one.names:
        table.add_column(Text(name), justify="right")
    for number_name in SHOWN:
        both = one.found["numbers"].get(number_name)
        if both is not None:
            table.add_row(number_name, *(interval(Mean(**mean) if mean else None) for mean in both))
    return table
