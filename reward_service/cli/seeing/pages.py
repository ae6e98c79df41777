"""The four views as pages: documents, and where their links lead."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from reward_service.cli.seeing.groups import FILTERS, SeenGroup
from reward_service.cli.seeing.store import PAGE, GroupQuery
from reward_service.core.profiles import Profile
from reward_service.pages.charts import Chart, Point
from reward_service.pages.curves import drawn

SORTED_BY = {
    "spread": "largest spread of rewards",
    "best": "most entities in one rollout",
    "entities": "most entities",
    "correct": "most correct",
    "wrong": "fewest correct",
}


class Links:
    """Where the links of the local server lead."""

    def __init__(self, prefix: str = "") -> None:
        """Lead to addresses below a prefix."""
        self.prefix = prefix

    def run(self) -> str:
        """Return the address of the view Run."""
        return f"{self.prefix}/"

    def groups(self, **query: str | int) -> str:
        """Return the address of the view Groups, with its state."""
        said = {name: value for name, value in query.items() if value not in {"", 1}}
        return f"{self.prefix}/groups" + (f"?{urlencode(said)}" if said else "")

    def rollout(self, n: int, k: int) -> str:
        """Return the address of a rollout."""
        return f"{self.prefix}/groups/{n}/{k}"

    def dataset(self) -> str:
        """Return the address of the view Data set."""
        return f"{self.prefix}/dataset"

    def static(self, name: str) -> str:
        """Return the address of a file."""
        return f"{self.prefix}/static/{name}"


def charts(steps: Sequence[Mapping[str, Any]], links: Links) -> list[Chart]:
    """Return the charts of a run; none where it has fewer than two steps."""
    if len(steps) < 2:
        return []
    return drawn(lambda number: _points(steps, number, links))


def _points(steps: Sequence[Mapping[str, Any]], number: str, links: Links) -> list[Point]:
    return [
        Point(
            row["step"],
            mean["value"],
            mean["low"],
            mean["high"],
            mean["n"],
            href=links.groups(step=row["step"]),
            note=f"Step {row['step']}: {row['breaks'][number]}" if number in row["breaks"] else "",
        )
        for row in steps
        if (mean := row["numbers"].get(number))
    ]


def about_of(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return what every page says of the files."""
    return {**document, "title": ", ".join(Path(one).name for one in document["files"])}


def run_values(run: Mapping[str, Any], links: Links) -> dict[str, Any]:
    """Return what the view Run shows."""
    shown = {"run": run, "charts": charts(run["steps"], links), "sentences": run["sentences"]}
    return {**shown, "filters": FILTERS}


def groups_values(
    found: tuple[int, list[tuple[int, SeenGroup]]], query: GroupQuery, counts: Mapping[str, int]
) -> dict[str, Any]:
    """Return what the view Groups shows."""
    total, groups = found
    pages = max(1, -(-total // PAGE))
    values = {"total": total, "groups": groups, "pages": pages, "query": query, "counts": counts}
    return {**values, "filters": FILTERS, "sorts": SORTED_BY}


def groups_json(found: tuple[int, list[tuple[int, SeenGroup]]], query: GroupQuery) -> dict[str, Any]:
    """Return the view Groups as plain data."""
    total, groups = found
    return {"total": total, "query": asdict(query), "groups": [{"n": n, **asdict(one)} for n, one in groups]}


def rollout_values(
    n: int, group: SeenGroup, doc: Mapping[str, Any], *, profile: Profile, profiles: Sequence[str]
) -> dict[str, Any]:
    """Return what the view Rollout shows."""
    mine = group.rollouts[doc["k"]]
    siblings = [
        {**now, "uncredited": was.uncredited, "checker": was.checker, "other": was.other}
        for now, was in zip(doc["siblings"], group.rollouts, strict=True)
    ]
    values = {"n": n, "group": group, "doc": doc, "mine": mine, "siblings": siblings}
    return {**values, "profile": profile, "profiles": profiles}
