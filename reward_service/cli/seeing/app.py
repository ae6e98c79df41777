"""The local server of the views: pages and the same as JSON, over the user's own files.

It reads and never writes anything but its cache, listens on loopback alone, and answers only to the names of loopback, so that
a page of another site cannot read through it (DNS rebinding).
"""

import asyncio
import json
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from rich.console import Console
from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.middleware.trustedhost import TrustedHostMiddleware
from starlette.requests import Request
from starlette.responses import HTMLResponse, JSONResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from reward_service.adapters.records.fields import BadLine
from reward_service.adapters.records.groups import group as join_group
from reward_service.cli.flags import FileFlags
from reward_service.cli.score import questions_of, score_group
from reward_service.cli.seeing.groups import FILTERS, SORTS, SeenGroup
from reward_service.cli.seeing.load import load
from reward_service.cli.seeing.pages import (
    Links,
    about_of,
    groups_json,
    groups_values,
    rollout_values,
    run_values,
)
from reward_service.cli.seeing.rollout import rollout_doc
from reward_service.cli.seeing.source import TextSource
from reward_service.cli.seeing.store import GroupQuery, Store, fingerprint
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.core.summary import NUMBERS
from reward_service.pages import CSP, html
from reward_service.serve.errors import ServiceError
from reward_service.serve.scorer import Scored, Scorer

LOOKS_EVERY_S = 2.0
HOSTS = ("127.0.0.1", "localhost")
HEADERS = {
    "Content-Security-Policy": CSP,
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cache-Control": "no-store",
}


@dataclass(slots=True)
class View:
    """Files, the way they are scored, and what is known of them."""

    paths: Sequence[Path]
    flags: FileFlags
    scorer: Scorer
    profiles: Sequence[Profile]
    store: Store
    console: Console
    source: TextSource = field(init=False)
    version: str = ""
    """Changes whenever the numbers do."""

    def __post_init__(self) -> None:
        """Decide how the files are read."""
        self.source = TextSource(self.paths, self.flags.asked)

    async def refresh(self) -> None:
        """Score what has changed since the store was built, if anything has."""
        now = self._identity()
        if self.store.document("identity") != now:
            loaded = await load(
                self.scorer,
                self.paths,
                self.flags,
                self.profiles,
                known=self.store.known,
                console=self.console,
            )
            documents = {**loaded.documents(self.paths), "identity": now}
            self.store.rebuild(loaded.groups, documents)
            self.source = TextSource(self.paths, self.flags.asked)
        self.version = str(hash(json.dumps(now)) & 0xFFFFFFFF)

    def _identity(self) -> dict[str, Any]:
        """Return what the numbers of the store depend on, beside profiles and options."""
        files = [list(one) for one in fingerprint(self.paths)]
        return {"files": files, "engine": ENGINE_DIGEST, "names": [*NUMBERS, *FILTERS]}

    async def follow(self) -> None:
        """Keep the numbers up to date while files are written."""
        while True:
            await asyncio.sleep(LOOKS_EVERY_S)
            with suppress(BadLine, ServiceError, OSError):  # a file is being replaced; look again
                await self.refresh()

    async def rollout(self, n: int, k: int, profile: Profile) -> tuple[SeenGroup, dict[str, Any]]:
        """Return a group, and the document of one of its rollouts as a profile pays it; raises what `scored` does."""
        group, scored = await self.scored(n, profile)
        if k >= len(group.rollouts):
            raise LookupError
        return group, rollout_doc(scored, k, profile)

    async def scored(self, n: int, profile: Profile) -> tuple[SeenGroup, Scored]:
        """Return a group, and what a profile makes of it, with evidence and text.

        Raises:
            LookupError: there is no such group.
            BadLine: the file has changed.
        """
        group = self.store.group(n)
        if group is None:
            raise LookupError
        lines = [self.source.line(one.place) for one in group.rollouts]
        dataset = await questions_of(self.scorer, self.flags.dataset)
        grouped = join_group((group.run_id, group.group_id), lines, dataset)
        return group, await score_group(self.scorer, grouped, profile, self.flags.pays, explain=True)


def view_app(view: View, *, follows: bool = False, hosts: Sequence[str] = HOSTS) -> Starlette:
    """Build the application.

    Args:
        view: what it shows; it has been refreshed.
        follows: whether the files are looked at again while it serves.
        hosts: the names to which it answers; `*` leaves that to the application it is mounted in.
    """

    @asynccontextmanager
    async def lifespan(_: Starlette) -> AsyncIterator[None]:
        task = asyncio.create_task(view.follow()) if follows else None
        yield
        if task is not None:
            task.cancel()
        await view.scorer.judges.close()

    pages = _Pages(view, follows=follows)
    routes = [
        Route("/", pages.run),
        Route("/run.json", pages.run_json),
        Route("/groups", pages.groups),
        Route("/groups.json", pages.groups_json),
        Route("/groups/{n:int}/{k:int}", pages.rollout),
        Route("/groups/{n:int}/{k:int}.json", pages.rollout_json),
        Route("/dataset", pages.dataset),
        Route("/dataset.json", pages.dataset_json),
        Route("/fresh/{version}", pages.fresh),
        Mount("/static", StaticFiles(packages=[("reward_service.pages", "static")])),
    ]
    return Starlette(
        routes=routes,
        lifespan=lifespan,
        middleware=[Middleware(TrustedHostMiddleware, allowed_hosts=list(hosts), www_redirect=False)],
        exception_handlers={HTTPException: pages.problem, BadLine: pages.gone, ServiceError: pages.gone},
    )


class _Pages:
    """The routes."""

    def __init__(self, view: View, *, follows: bool) -> None:
        self.view = view
        self.follows = follows

    def _page(
        self, request: Request, template: str, name: str, *, status: int = 200, **values: Any
    ) -> Response:
        about = about_of(self.view.store.document("about"))
        shared = {"view": name, "about": about, "links": _links(request), "layout": "served.html"}
        fresh = {"follows": self.follows, "version": self.view.version}
        return HTMLResponse(html(template, **shared, **fresh, **values), status_code=status, headers=HEADERS)

    async def run(self, request: Request) -> Response:
        values = run_values(self.view.store.document("run"), _links(request))
        return self._page(request, "run.html", "Run", **values)

    async def run_json(self, _: Request) -> Response:
        return _json({"about": self.view.store.document("about"), **self.view.store.document("run")})

    async def groups(self, request: Request) -> Response:
        query = query_of(request.query_params)
        values = groups_values(self.view.store.page(query), query, self.view.store.counts(list(FILTERS)))
        return self._page(request, "groups.html", "Groups", **values)

    async def groups_json(self, request: Request) -> Response:
        query = query_of(request.query_params)
        return _json(groups_json(self.view.store.page(query), query))

    async def rollout(self, request: Request) -> Response:
        n, k, profile = self._asked(request)
        group, doc = await self._rollout(n, k, profile)
        names = list(
            dict.fromkeys((*(one.name for one in self.view.profiles), *self.view.scorer.profiles.known))
        )
        values = rollout_values(n, group, doc, profile=profile, profiles=names)
        return self._page(request, "rollout.html", "Groups", **values)

    async def rollout_json(self, request: Request) -> Response:
        n, k, profile = self._asked(request)
        group, doc = await self._rollout(n, k, profile)
        return _json({"group": group.group_id, "profile": profile.name, **doc})

    def _asked(self, request: Request) -> tuple[int, int, Profile]:
        own = {one.name: one for one in self.view.profiles}
        name = request.query_params.get("profile") or self.view.profiles[0].name
        profile = own.get(name) or self.view.scorer.profiles.named(name)
        return request.path_params["n"], request.path_params["k"], profile

    async def _rollout(self, n: int, k: int, profile: Profile) -> tuple[SeenGroup, dict[str, Any]]:
        try:
            return await self.view.rollout(n, k, profile)
        except LookupError:
            raise HTTPException(404, "There is no such rollout.") from None

    async def dataset(self, request: Request) -> Response:
        return self._page(request, "dataset.html", "Data set", dataset=self.view.store.document("dataset"))

    async def dataset_json(self, _: Request) -> Response:
        return _json(self.view.store.document("dataset"))

    async def fresh(self, request: Request) -> Response:
        """Answer a page that asks whether its numbers are still those of the files: 204 if they are."""
        if request.path_params["version"] == self.view.version:
            return Response(status_code=204, headers=HEADERS)
        return HTMLResponse(html("fresh.html"), headers=HEADERS)

    async def problem(self, request: Request, error: Exception) -> Response:
        status = error.status_code if isinstance(error, HTTPException) else 500
        why = error.detail if isinstance(error, HTTPException) else str(error)
        return self._page(request, "error.html", "", status=status, title=f"Error {status}", why=why)

    async def gone(self, request: Request, error: Exception) -> Response:
        """Say that the file no longer holds what a page asks for, or that a profile is not known."""
        return self._page(request, "error.html", "", status=404, title="Not found", why=str(error))


def _links(request: Request) -> Links:
    """Return links below the address at which the views are mounted."""
    return Links(request.scope.get("root_path", "").rstrip("/"))


def query_of(said: Mapping[str, str]) -> GroupQuery:
    """Return the state that a URL of the view Groups carries; what it does not know is left out."""
    page = said.get("page", "")
    return GroupQuery(
        filter=said.get("filter", "") if said.get("filter") in FILTERS else "",
        sort=said.get("sort", "") if said.get("sort") in SORTS else "",
        text=said.get("text", ""),
        step=said.get("step", ""),
        page=int(page) if page.isdecimal() and 0 < int(page) < 10**9 else 1,
    )


def _json(document: Mapping[str, Any]) -> Response:
    return JSONResponse(document, headers=HEADERS)
