"""Builds the application. Nothing is opened at import time."""

import uuid
from collections.abc import AsyncIterator, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.responses import RedirectResponse
from starlette.staticfiles import StaticFiles
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from entity_index.stores.protocols import WritableCatalogue
from entity_index.stores.redis import open_redis
from entity_index.stores.sqlite import SqliteCatalogue
from reward_service import __version__
from reward_service.api import problems
from reward_service.api.datasets import router as datasets_router
from reward_service.api.routes import router
from reward_service.api.runs import router as runs_router
from reward_service.api.schema import with_request_bodies
from reward_service.config import Settings
from reward_service.datasets import Datasets
from reward_service.errors import UnsafeStore
from reward_service.groups.stores.memory import MemoryStore
from reward_service.groups.stores.protocols import GroupStore
from reward_service.groups.stores.redis import RedisStore
from reward_service.groups.stores.urls import connect
from reward_service.runs.keeper import Keeper
from reward_service.runs.service import RunService
from reward_service.service import RewardService

DESCRIPTION = """\
Entity-aware group rewards (E-GRPO, arXiv:2510.24694) for training LLM search agents.

Post the rollouts of a question as one group; each comes back with its outcome, the ground-truth entities it named in
its own thoughts, its reward and its advantage. A reward that could not be computed is null with a status, never 0.
"""


class RequestId:
    """Gives every request an id, the caller's `X-Request-Id` where it is short and printable, and sends it back."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        request_id = _request_id(scope)
        scope.setdefault("state", {})["request_id"] = request_id

        async def send_with_id(message: Message) -> None:
            if message["type"] == "http.response.start":
                message["headers"] = [*message.get("headers", []), (b"x-request-id", request_id.encode())]
            await send(message)

        await self.app(scope, receive, send_with_id)


def _request_id(scope: MutableMapping[str, Any]) -> str:
    sent = dict(scope["headers"]).get(b"x-request-id", b"").decode("latin-1")
    return sent if 0 < len(sent) <= 128 and sent.isascii() and sent.isprintable() else uuid.uuid4().hex


def _operation_id(route: APIRoute) -> str:
    """Name operations after their functions, so that generated clients read well."""
    return route.name


def create_service(settings: Settings, *, catalogue: WritableCatalogue | None = None) -> RewardService:
    """Build the service behind the application; arguments and errors are those of `create_app`."""
    service = RewardService(settings, catalogue=catalogue or create_catalogue(settings))
    service.profile(None)
    return service


def create_catalogue(settings: Settings) -> WritableCatalogue | None:
    """Open the index; None where the settings name none.

    Raises:
        FileNotFoundError: the settings' folder does not exist.
        EntityIndexError: the settings' URL names no Redis, or a Cluster that does not answer.
    """
    if settings.index_url is not None:
        return open_redis(settings.index_url.get_secret_value(), timeout_s=settings.index_timeout_s)
    if settings.index is None:
        return None
    if not settings.index.is_dir():
        raise FileNotFoundError(f"there is no index at {settings.index}")
    return SqliteCatalogue(settings.index)


def create_store(settings: Settings) -> GroupStore:
    """Build the store of runs and groups.

    Raises:
        UnsafeStore: several processes were to share the memory of one, or the URL names no store.
    """
    if settings.state_url is not None:
        return RedisStore(
            connect(settings.state_url.get_secret_value(), timeout_s=settings.state_timeout_s),
            prefix=settings.state_prefix,
            timeout_s=settings.state_timeout_s,
        )
    if settings.processes > 1:
        raise UnsafeStore("several processes need a shared store: set state_url to a Redis")
    return MemoryStore()


async def check_store(settings: Settings) -> None:
    """Ask the store of runs and groups whether it is safe to begin.

    Raises:
        UnsafeStore: groups cannot be kept in it.
    """
    store = create_store(settings)
    try:
        await store.start()
    finally:
        await store.stop()


def create_app(
    settings: Settings, *, catalogue: WritableCatalogue | None = None, store: GroupStore | None = None
) -> FastAPI:
    """Build the application.

    Args:
        settings: how it runs.
        catalogue: the entity index; without it the one in the settings' folder, if any, is opened.
        store: where runs and groups are kept; without it the settings decide.

    Raises:
        FileNotFoundError: the settings' folder does not exist.
        EntityIndexError: the settings' URL names no index.
        UnknownProfile: the default profile does not exist.
        UnsafeStore: the settings name no store that groups can be kept in.
    """
    service = create_service(settings, catalogue=catalogue)
    runs = RunService(service, store or create_store(settings))

    @asynccontextmanager
    async def lifespan(_app: FastAPI) -> AsyncIterator[None]:
        try:
            async with Keeper(runs.standing).running():
                yield
        finally:
            service.close()

    app = FastAPIOffline(
        lifespan=lifespan,
        title="reward-service",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        generate_unique_id_function=_operation_id,
    )
    app.state.service = service
    app.state.runs = runs
    app.state.datasets = Datasets(service)
    app.include_router(router)
    app.include_router(runs_router)
    app.include_router(datasets_router)
    app.mount("/ui", StaticFiles(packages=[("reward_service", "ui")], html=True), name="ui")
    app.add_route("/", lambda _request: RedirectResponse("/ui/"), include_in_schema=False)
    app.add_middleware(RequestId)
    problems.install(app)
    with_request_bodies(app)
    return app
