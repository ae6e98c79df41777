"""Views without a server: one file that stands alone, or a folder of pages.

A page with the text of 16,000 rollouts loads 13 times slower than one of 320. So the file has the numbers of all rollouts and the
text of those that tell most, and the folder has a page a group.
"""

import hashlib
import json
from base64 import b64encode
from collections.abc import AsyncIterator, Collection
from typing import Any

from reward_service.cli.seeing.app import View
from reward_service.cli.seeing.groups import FILTERS, SeenGroup, as_plain, telling
from reward_service.cli.seeing.pages import Links, about_of, groups_values, rollout_values, run_values
from reward_service.cli.seeing.rollout import rollout_doc
from reward_service.cli.seeing.store import PAGE, GroupQuery
from reward_service.pages import html, inline

TELLING = 200
EVERYTHING = 10**9


class Anchors(Links):
    """Links inside one file."""

    def __init__(self, shown: Collection[tuple[int, int]]) -> None:
        """Lead to the rollouts that are shown, and for the others to the row of their group."""
        super().__init__()
        self.shown = frozenset(shown)

    def run(self) -> str:
        """Return the anchor of the view Run."""
        return "#run"

    def groups(self, **_: str | int) -> str:
        """Return the anchor of the groups."""
        return "#all-groups"

    def rollout(self, n: int, k: int) -> str:
        """Return the anchor of a rollout, or of its group."""
        return f"#g{n}-r{k}" if (n, k) in self.shown else f"#g{n}"

    def dataset(self) -> str:
        """Return the anchor of the data set."""
        return "#dataset"


class Files(Links):
    """Links between the files of one folder."""

    def run(self) -> str:
        """Return the file of the view Run."""
        return "index.html"

    def groups(self, **query: str | int) -> str:
        """Return the file of a page of groups."""
        return f"groups-{query.get('page', 1)}.html"

    def rollout(self, n: int, k: int) -> str:
        """Return the file of a group, at one of its rollouts."""
        return f"group-{n}.html#g{n}-r{k}"

    def dataset(self) -> str:
        """Return the file of the data set."""
        return "dataset.html"


def alone() -> dict[str, Any]:
    """Return style and script for a page that stands alone, and the policy that lets nothing else run."""
    style, script = inline("view.css"), inline("view.js")
    policy = f"default-src 'none'; style-src '{_hash(style)}'; script-src '{_hash(script)}'; img-src data:"
    return {"style": style, "script": script, "policy": policy, "layout": "alone.html"}


def _hash(text: str) -> str:
    return "sha256-" + b64encode(hashlib.sha256(text.encode()).digest()).decode()


def shared(view: View, links: Links) -> dict[str, Any]:
    """Return what every part of a report shows."""
    about = about_of(view.store.document("about"))
    run = run_values(view.store.document("run"), links)
    return {**alone(), **run, "links": links, "about": about, "dataset": view.store.document("dataset")}


def all_groups(view: View) -> list[SeenGroup]:
    """Return all groups, in the order of the files."""
    return [group for _, group in view.store.page(GroupQuery(), EVERYTHING)[1]]


async def report_file(view: View) -> str:
    """Return the report: the numbers of all groups, and the text of the rollouts that tell most."""
    groups = all_groups(view)
    chosen = telling(groups, TELLING)
    links = Anchors(chosen)
    rollouts = [one async for one in _rollouts(view, chosen)]
    found = len(groups), list(enumerate(groups))
    table = {**groups_values(found, GroupQuery(), {}), "pages": 1}
    return html("report.html", view="", **{**table, **shared(view, links)}, rollouts=rollouts)


async def _rollouts(view: View, chosen: Collection[tuple[int, int]]) -> AsyncIterator[dict[str, Any]]:
    """Yield what is shown of rollouts, by group."""
    profile = view.profiles[0]
    by_group: dict[int, list[int]] = {}
    for n, k in sorted(chosen):
        by_group.setdefault(n, []).append(k)
    for n, members in by_group.items():
        group, scored = await view.scored(n, profile)
        for k in members:
            yield rollout_values(n, group, rollout_doc(scored, k, profile), profile=profile, profiles=())


async def bundle(view: View) -> AsyncIterator[tuple[str, str]]:
    """Yield the pages of a folder, each with the name of its file; `index.html` is the first."""
    links, groups = Files(), all_groups(view)
    values = shared(view, links)
    yield links.run(), html("bundled.html", view="Run", part="_run.html", **values)
    yield links.dataset(), html("bundled.html", view="Data set", part="_dataset.html", **values)
    for page in range(1, max(1, -(-len(groups) // PAGE)) + 1):
        query = GroupQuery(page=page)
        table = groups_values(view.store.page(query), query, {})
        yield (
            links.groups(page=page),
            html("bundled.html", view="Groups", part="_groups.html", **{**values, **table}),
        )
    for n, group in enumerate(groups):
        rollouts = [one async for one in _rollouts(view, [(n, k) for k in range(len(group.rollouts))])]
        text = html("bundled.html", view="Groups", part="_group.html", **values, rollouts=rollouts)
        yield f"group-{n}.html", text


def report_json(view: View) -> str:
    """Return the numbers of all groups as JSON, without text of rollouts."""
    documents = {name: view.store.document(name) for name in ("about", "run", "dataset")}
    groups = [{"n": n, **as_plain(group)} for n, group in enumerate(all_groups(view))]
    return json.dumps({**documents, "filters": list(FILTERS), "groups": groups}, ensure_ascii=False)
