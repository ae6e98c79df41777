"""Results as people read them on a terminal."""

from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator, Sequence
from statistics import fmean

from rich.console import Group as Lines
from rich.console import RenderableType
from rich.table import Table
from rich.text import Text

from reward_service.adapters.records.results import RecordOut
from reward_service.adapters.replies import ExplainOut, GroupOut, MatchOut, RolloutOut

KIND_STYLE = {"thought": "", "tool_call": "dim cyan", "tool_response": "dim", "answer": "bold"}
MATCH_STYLE = "black on green"
UNCREDITED_STYLE = "black on yellow"
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


def summary(records: Sequence[RecordOut], profile: str) -> RenderableType:
    """Lay out what became of a file of rollouts."""
    groups = {(one["run_id"], one["group_id"]): one["group_status"] for one in records}
    table = Table(title=f"{len(records)} rollouts in {len(groups)} groups, profile {profile}")
    for heading in ("outcome", "rollouts", "mean match rate", "mean reward"):
        table.add_column(heading, justify="left" if heading == "outcome" else "right")
    by_outcome: dict[str, list[RecordOut]] = defaultdict(list)
    for one in records:
        by_outcome[one["outcome"] or "-" if one["status"] == "scored" else one["status"]].append(one)
    for name, rows in sorted(by_outcome.items()):
        table.add_row(
            name, str(len(rows)), _mean(r["match_rate"] for r in rows), _mean(r["reward"] for r in rows)
        )
    return Lines(table, Text(_group_line(records, Counter(groups.values()))))


def _group_line(records: Sequence[RecordOut], statuses: Counter[str]) -> str:
    with_signal = {(one["run_id"], one["group_id"]) for one in records if one["advantage"]}
    said = ", ".join(f"{count} {status}" for status, count in sorted(statuses.items()))
    return f"groups: {said}; {len(with_signal)} with a non-zero advantage"


def _mean(values: Iterable[float | None]) -> str:
    known = [value for value in values if value is not None]
    return number(fmean(known)) if known else "-"


def explanation(reply: ExplainOut) -> RenderableType:
    """Lay out one explained rollout: its text with the matches marked, then its counts."""
    texts = [_segment(reply, position) for position in range(len(reply["segments"]))]
    return Lines(*texts, Text(), _counts(reply))


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
