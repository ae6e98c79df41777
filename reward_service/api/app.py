"""Builds the application. Nothing is opened at import time."""

import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from fastapi import FastAPI
from fastapi.routing import APIRoute
from fastapi_offline import FastAPIOffline
from starlette.responses import RedirectResponse
from starlette.staticfiles import StaticFiles

from entity_index.stores.protocols import WritableCatalogue
from entity_index.stores.redis import open_redis
from entity_index.stores.sqlite import SqliteCatalogue
from reward_service import __version__
from reward_service.api import problems
from reward_service.api.admission import Admission
from reward_service.api.auth import Auth, is_loopback
from reward_service.api.compat import router as compat_router
from reward_service.api.datasets import router as datasets_router
from reward_service.api.guard import Guard
from reward_service.api.keys import KeyRing
from reward_service.api.metrics import Metrics, count_closed, count_lookups
from reward_service.api.observe import Observe
from reward_service.api.readiness import Readiness
from reward_service.api.routes import router
from reward_service.api.runs import router as runs_router
from reward_service.api.schema import with_request_bodies
from reward_service.api.self_check import Watch
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.serve.anonymous import CompatService
from reward_service.serve.config import Settings
from reward_service.serve.datasets import Datasets
from reward_service.serve.errors import RefusedToStart, UnsafeStore
from reward_service.serve.groups.stores.memory import MemoryStore
from reward_service.serve.groups.stores.observed import End, ObservedStore
from reward_service.serve.groups.stores.protocols import GroupStore
from reward_service.serve.groups.stores.redis import RedisStore
from reward_service.serve.groups.stores.urls import connect
from reward_service.serve.ledger import Ledger
from reward_service.serve.runs.reaper import Keeper
from reward_service.serve.runs.service import RunService
from reward_service.serve.runs.view import Seen
from reward_service.serve.scorer import RewardService

DESCRIPTION = """\
Entity-aware group rewards (E-GRPO, arXiv:2510.24694) for training LLM search agents.

Post the rollouts of a question as one group. The response gives, for each rollout, its outcome, the ground-truth entities
it named in its own thoughts, its reward and its advantage. A reward that could not be computed is null with a status,
never 0.
"""


def _operation_id(route: APIRoute) -> str:
    """Name operations after their functions, so that generated clients read well."""
    return route.name


def create_service(settings: Settings, *, catalogue: WritableCatalogue | None = None) -> RewardService:
    """Build the service behind the application; arguments and errors are those of `create_app`."""
    service = RewardService(settings, catalogue=catalogue or create_catalogue(settings))
    service.profile(None)
    return service


def _key_ring(settings: Settings, metrics: Metrics) -> KeyRing | None:
    """Return the keys; None where none are asked for.

    Raises:
        RefusedToStart: there are none, and others than this machine could call.
        BadKeyFile, OSError: the file cannot be used.
    """
    if settings.keys is not None:
        return KeyRing(
            settings.keys, clock=time.monotonic, failed=lambda: metrics.add("key_file_failures_total")
        )
    if not is_loopback(settings.host):
        raise RefusedToStart(
            f"{settings.host} is not a loopback address: give a file of API keys (setting `keys`)"
        )
    return None


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


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Look whether all is well before the first call, keep looking while the application serves, and close it."""
    runs: RunService = app.state.runs
    service: RewardService = app.state.service
    watch: Watch = app.state.watch
    await watch.look()
    watching = asyncio.create_task(watch.run())
    try:
        async with Keeper(runs.standing).running():
            yield
    finally:
        watching.cancel()
        service.close()


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


def _bare(settings: Settings) -> FastAPI:
    return FastAPIOffline(
        title="reward-service",
        version=__version__,
        description=DESCRIPTION,
        license_info={"name": "Apache-2.0", "identifier": "Apache-2.0"},
        generate_unique_id_function=_operation_id,
        lifespan=_lifespan,
        # Its logs would carry the messages of exceptions, its operation spans would cost more than a small call.
        telemetry={
            "tracing": settings.otel,
            "metrics": settings.otel,
            "auto_configure": settings.otel,
            "logs": False,
            "operation_spans": False,
        },
    )


def _equip(app: FastAPI, service: RewardService, store: GroupStore) -> None:
    """Give the application what its routes work with."""
    metrics = Metrics()
    metrics.set("engine_info", __version__, ENGINE_DIGEST, value=1)
    if service.lookup is not None:
        count_lookups(metrics, service.lookup)
    metrics.set("in_flight_limit_requests", value=service.settings.max_requests)
    metrics.set("in_flight_limit_bytes", value=service.settings.max_inflight_bytes)
    readiness = Readiness(metrics)
    app.state.service, app.state.metrics, app.state.readiness = service, metrics, readiness
    app.state.watch = Watch(
        service, metrics=metrics, readiness=readiness, interval_s=service.settings.canary_interval_s
    )
    app.state.runs = _runs(service, store, metrics)
    app.state.datasets = Datasets(service)


def _runs(service: RewardService, store: GroupStore, metrics: Metrics) -> RunService:
    """Let runs, their groups and their store be counted."""

    def operated(operation: str, end: End, *, seconds: float) -> None:
        metrics.observe("group_store_operation_seconds", operation, end, value=seconds)

    def closed(seen: Seen) -> None:
        policy, recorded = seen.run.declared.partial.policy, service.ledger is not None
        count_closed(metrics, seen.result, waited_s=seen.waited_s, policy=policy, recorded=recorded)

    runs = RunService(service, ObservedStore(store, operated))
    runs.standing.on_closed = closed
    metrics.follow("waiting_polls", lambda: len(runs.standing.watch))
    metrics.follow("open_groups", lambda: sum(runs.standing.runs_in_use.values()))
    return runs


def _guard(app: FastAPI, settings: Settings) -> None:
    """Put the layers in front that every request passes; the last one added stands outermost."""
    metrics: Metrics = app.state.metrics
    readiness: Readiness = app.state.readiness
    app.add_middleware(Guard, settings=settings, admission=Admission(settings))
    app.add_middleware(Auth, ring=_key_ring(settings, metrics))
    app.add_middleware(
        Observe,
        service=app.state.service,
        metrics=metrics,
        draining=lambda: readiness.draining,
    )


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
        RefusedToStart: the settings contradict each other.
        BadKeyFile: the key file cannot be used.
        OSError: the ledger cannot be written, or another process writes it.
        UnsafeStore: the settings name no store that groups can be kept in.
    """
    service = create_service(settings, catalogue=catalogue)
    if settings.ledger is not None:
        service.ledger = Ledger(settings.ledger, max_bytes=settings.ledger_max_bytes)
    app = _bare(settings)
    _equip(app, service, store or create_store(settings))
    app.include_router(router)
    app.state.compat = CompatService(service)
    app.include_router(runs_router)
    app.include_router(compat_router)
    app.include_router(datasets_router)
    routers = (router, runs_router, compat_router, datasets_router)
    app.state.routes = [route for one in routers for route in one.routes]
    app.mount("/ui", StaticFiles(packages=[("reward_service", "ui")], html=True), name="ui")
    app.add_route("/", lambda _request: RedirectResponse("/ui/"), include_in_schema=False)
    _guard(app, settings)
    problems.install(app)
    with_request_bodies(app)
    return app
