"""Builds the application. Nothing is opened at import time."""

import asyncio
import time
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from functools import partial

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
from reward_service.api.browsers import BrowserGuard
from reward_service.api.compat import router as compat_router
from reward_service.api.datasets import router as datasets_router
from reward_service.api.guard import AdmissionGuard
from reward_service.api.judge_check import JudgeCheck
from reward_service.api.keys import KeyRing
from reward_service.api.metrics import Metrics, count_closed, count_lookups, follow_judges
from reward_service.api.observe import Observe
from reward_service.api.readiness import Probe, Readiness
from reward_service.api.routes import router, unusable
from reward_service.api.runs import router as runs_router
from reward_service.api.runs import run_page
from reward_service.api.schema import with_request_bodies
from reward_service.api.self_check import SelfCheck
from reward_service.core.scoring import ENGINE_DIGEST
from reward_service.serve.anonymous import AnonymousGroups
from reward_service.serve.config import Settings
from reward_service.serve.datasets import Datasets
from reward_service.serve.errors import RefusedToStart, UnsafeStore
from reward_service.serve.groups.stores.memory import MemoryGroupStore
from reward_service.serve.groups.stores.observed import End, ObservedGroupStore
from reward_service.serve.groups.stores.protocols import GroupStore
from reward_service.serve.groups.stores.redis import RedisGroupStore
from reward_service.serve.groups.stores.urls import connect
from reward_service.serve.ledger import Ledger
from reward_service.serve.ledger_chain import seal_of
from reward_service.serve.profiles import load as load_profiles
from reward_service.serve.runs.reaper import Reaper
from reward_service.serve.runs.service import RunService
from reward_service.serve.runs.view import GroupView
from reward_service.serve.scorer import NO_SOURCES, Scorer
from reward_service.serve.sources.answers import LocalAnswers, SharedAnswers
from reward_service.serve.sources.backends import load as load_backends
from reward_service.serve.sources.budgets import Budgets
from reward_service.serve.sources.judges import Judges
from reward_service.serve.sources.protocol import Source

CACHE_TIMEOUT_S = 0.5  # of one command; without its answer the judge is asked
PROBE_KEPT_S = 1.0  # about as often as anything asks for readiness
DESCRIPTION = """\
Entity-aware group rewards (E-GRPO, arXiv:2510.24694) for training LLM search agents.

Post the rollouts of a question as one group. The response gives, for each rollout, its outcome, the ground-truth entities
it named in its own thoughts, its reward and its advantage. A reward that could not be computed is null with a status,
never 0.
"""


def _operation_id(route: APIRoute) -> str:
    """Name each operation after its function, so that generated clients have readable names."""
    return route.name


def create_scorer(
    settings: Settings,
    *,
    catalogue: WritableCatalogue | None = None,
    ledger: Ledger | None = None,
    sources: Mapping[str, Source] = NO_SOURCES,
) -> Scorer:
    """Build what scores behind the application.

    Raises:
        BadBackends: the backends file cannot be used.
        UnknownProfile: the default profile does not exist.
        BadProfile: a file in the folder of profiles cannot be used.
        FileNotFoundError: there is no such folder.
    """
    profiles = load_profiles(settings)
    profiles.named(None)
    return Scorer(
        settings,
        catalogue=catalogue,
        ledger=ledger,
        profiles=profiles,
        sources=sources,
        judges=create_judges(settings),
    )


def create_judges(settings: Settings) -> Judges:
    """Build what asks language models; nothing is sent yet.

    Raises:
        BadBackends: the backends file cannot be used.
        UnsafeStore: the URL of the cache is not one of a Redis.
        OSError: the backends file cannot be read.
    """
    backends = () if settings.backends is None else load_backends(settings.backends)
    local = LocalAnswers(settings.judge_cached_answers)
    url, prefix = settings.judge_cache_url, settings.state_prefix
    client = None if url is None else connect(url.get_secret_value(), timeout_s=CACHE_TIMEOUT_S)
    cache = (
        local
        if client is None
        else SharedAnswers(client, local, prefix=prefix, keep_s=settings.judge_cache_ttl_s)
    )
    budgets = Budgets(
        calls=settings.judge_run_calls,
        tokens=settings.judge_run_tokens,
        client=client,
        prefix=prefix,
        keep_s=settings.run_ttl_s,
    )
    return Judges(backends, cache=cache, budgets=budgets, share=settings.processes)


def _key_ring(settings: Settings, metrics: Metrics) -> KeyRing | None:
    """Return the API keys; None if calls need no key.

    Raises:
        RefusedToStart: no key file is set, and other machines could call the service.
        BadKeyFile, OSError: the key file cannot be read.
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
    """Open the index. Returns None if the settings name none.

    Raises:
        FileNotFoundError: the folder in the settings does not exist.
        EntityIndexError: the URL in the settings is not one of a Redis, or its Cluster does not answer.
    """
    if settings.index_url is not None:
        return open_redis(settings.index_url.get_secret_value(), timeout_s=settings.index_timeout_s)
    if settings.index is None:
        return None
    if not settings.index.is_dir():
        raise FileNotFoundError(f"there is no index at {settings.index}")
    return SqliteCatalogue(settings.index)


def create_ledger(settings: Settings) -> Ledger | None:
    """Open the ledger; None where the settings name none.

    Raises:
        OSError: it cannot be written, or another process writes it.
        BadLedger: its last line is no line of a ledger, or its key cannot be used.
    """
    if settings.ledger is None:
        return None
    seal = seal_of(settings.ledger_key)
    return Ledger(settings.ledger, max_bytes=settings.ledger_max_bytes, seal=seal)


def create_store(settings: Settings) -> GroupStore:
    """Build the store of runs and groups.

    Raises:
        UnsafeStore: several processes are set up without a shared store, or the URL is not one of a Redis.
    """
    if settings.state_url is not None:
        return RedisGroupStore(
            connect(settings.state_url.get_secret_value(), timeout_s=settings.state_timeout_s),
            prefix=settings.state_prefix,
            timeout_s=settings.state_timeout_s,
        )
    if settings.processes > 1:
        raise UnsafeStore("several processes need a shared store: set state_url to a Redis")
    return MemoryGroupStore()


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    """Check the service before the first call, keep checking it while it serves, and close it at the end."""
    runs: RunService = app.state.runs
    service: Scorer = app.state.service
    self_check: SelfCheck = app.state.self_check
    service.judges.start()
    await self_check.check()
    judge_check: JudgeCheck = app.state.judge_check
    checking = [asyncio.create_task(one.run()) for one in (self_check, judge_check)]
    try:
        async with Reaper(runs.groups).running():
            yield
    finally:
        for task in checking:
            task.cancel()
        await service.judges.close()
        service.close()


async def check_store(settings: Settings) -> None:
    """Check that the store of runs and groups is safe to use.

    Raises:
        UnsafeStore: it may lose groups.
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


def _equip(app: FastAPI, service: Scorer, store: GroupStore) -> None:
    """Put the objects that the routes use into the application's state."""
    metrics = Metrics()
    metrics.set("engine_info", __version__, ENGINE_DIGEST, value=1)
    if service.truth.lookup is not None:
        count_lookups(metrics, service.truth.lookup)
    metrics.set("in_flight_limit_requests", value=service.settings.max_requests)
    metrics.set("in_flight_limit_bytes", value=service.settings.max_inflight_bytes)
    metrics.set("queue_limit_requests", value=service.settings.max_queue)
    follow_judges(metrics, service.judges)
    readiness = Readiness(metrics)
    app.state.service, app.state.metrics, app.state.readiness = service, metrics, readiness
    app.state.self_check = SelfCheck(
        service, metrics=metrics, readiness=readiness, interval_s=service.settings.canary_interval_s
    )
    app.state.judge_check = JudgeCheck(
        service.judges, metrics=metrics, interval_s=service.settings.judge_canary_interval_s
    )
    app.state.runs = runs = _runs(service, store, metrics)
    app.state.probe = Probe(partial(unusable, service, runs), keep_s=PROBE_KEPT_S, clock=time.monotonic)
    app.state.datasets = Datasets(service.truth, max_bytes=service.settings.max_ingest_bytes)


def _runs(service: Scorer, store: GroupStore, metrics: Metrics) -> RunService:
    """Build the runs, with metrics of their groups and their store."""

    def operated(operation: str, end: End, *, seconds: float) -> None:
        metrics.observe("group_store_operation_seconds", operation, end, value=seconds)

    def closed(view: GroupView) -> None:
        policy = view.run.declared.partial.policy
        recorded = service.ledger is not None and view.is_published
        count_closed(metrics, view.result, waited_s=view.waited_s, policy=policy, recorded=recorded)
        runs.recent.add(view.key.run_id, view.result)

    runs = RunService(service, ObservedGroupStore(store, operated))
    runs.groups.on_closed = closed
    metrics.follow("waiting_polls", lambda: len(runs.groups.waiters))
    metrics.follow("open_groups", lambda: sum(runs.groups.runs_in_use.values()))
    return runs


def _guard(app: FastAPI, settings: Settings) -> None:
    """Add the middleware that every request passes; the one added last is the outermost."""
    metrics: Metrics = app.state.metrics
    readiness: Readiness = app.state.readiness
    admission = Admission(settings)
    metrics.follow("in_flight_requests", lambda: admission.process.requests)
    metrics.follow("in_flight_bytes", lambda: admission.process.bytes)
    metrics.follow("queued_requests", lambda: admission.room.places)
    metrics.follow("queued_bytes", lambda: admission.room.bytes)
    app.add_middleware(AdmissionGuard, settings=settings, admission=admission)
    ring = _key_ring(settings, metrics)
    app.add_middleware(Auth, ring=ring)
    app.add_middleware(BrowserGuard, has_keys=ring is not None, allowed_hosts=settings.allowed_hosts)
    app.add_middleware(
        Observe,
        timeout_s=settings.request_timeout_s,
        metrics=metrics,
        arrived=app.state.service.turns.arrive,
        draining=lambda: readiness.draining,
    )


def create_app(
    settings: Settings,
    *,
    catalogue: WritableCatalogue | None = None,
    store: GroupStore | None = None,
    sources: Mapping[str, Source] = NO_SOURCES,
) -> FastAPI:
    """Build the application.

    Args:
        settings: of the service.
        catalogue: the entity index; without it the one that the settings name, if any, is opened.
        store: of runs and groups; without it the one that the settings name.
        sources: judges and models that give signals, by the name of the signal.

    Raises:
        FileNotFoundError: the index folder in the settings does not exist.
        EntityIndexError: the index URL in the settings is not one of an index.
        UnknownProfile: the default profile does not exist.
        BadProfile: a file in the folder of profiles cannot be used.
        BadBackends: the backends file cannot be used.
        RefusedToStart: the settings contradict each other.
        BadKeyFile: the key file cannot be read.
        OSError: the ledger cannot be written, or another process is writing it.
        UnsafeStore: the settings name no store that is safe for groups.
    """
    catalogue = catalogue or create_catalogue(settings)
    service = create_scorer(settings, catalogue=catalogue, ledger=create_ledger(settings), sources=sources)
    app = _bare(settings)
    _equip(app, service, store or create_store(settings))
    app.include_router(router)
    app.state.anonymous = AnonymousGroups(service)
    app.include_router(runs_router)
    app.include_router(compat_router)
    app.include_router(datasets_router)
    routers = (router, runs_router, compat_router, datasets_router)
    app.state.routes = [route for one in routers for route in one.routes]
    app.add_route("/ui/runs/{run_id}", run_page, include_in_schema=False)
    app.mount("/ui/static", StaticFiles(packages=[("reward_service.pages", "static")]), name="static")
    app.mount("/ui", StaticFiles(packages=[("reward_service", "ui")], html=True), name="ui")
    app.add_route("/", lambda _request: RedirectResponse("/ui/"), include_in_schema=False)
    _guard(app, settings)
    problems.install(app)
    with_request_bodies(app)
    return app
