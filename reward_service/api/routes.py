"""One function a call: read, ask the service, answer."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from typing_extensions import TypedDict

from reward_service import __version__
from reward_service.adapters.native import ExplainIn, GroupIn, MatchIn, RewardsIn, ScoreIn, StreamQuery
from reward_service.adapters.published import published_by, recorded
from reward_service.adapters.replies import (
    ExplainOut,
    FactsReply,
    ScoreOut,
    encode,
    explain_out,
    facts_reply,
    rewarded_out,
    score_out,
    scored_out,
)
from reward_service.api import stream
from reward_service.api.body import read_call, read_line
from reward_service.api.documents import POSTED, body_of, problems_of, timed_json
from reward_service.api.metrics import CONTENT_TYPE, Metrics
from reward_service.api.readiness import INDEX, STATE, Readiness
from reward_service.api.record import Record, record_of
from reward_service.core.profiles import Profile
from reward_service.core.scoring import ENGINE_DIGEST, VERSIONS
from reward_service.core.types import Estimator, PartialPolicy
from reward_service.serve.config import shown
from reward_service.serve.errors import (
    EngineMismatch,
    IndexUnavailable,
    InvalidRequest,
    LedgerUnavailable,
    NotReady,
    ProfileMismatch,
    StateUnavailable,
    UnknownDataset,
    UnknownProfile,
    UnknownQuestion,
    UnsupportedEncoding,
    UnsupportedMediaType,
)
from reward_service.serve.ledger import Published, Terms
from reward_service.serve.scorer import GroupCall, RewardService


# Dependencies are coroutines: FastAPI sends plain functions to a thread, which costs more than scoring a small group.
async def service_of(request: Request) -> RewardService:
    """Return the application's service."""
    service: RewardService = request.app.state.service
    return service


async def readiness_of(request: Request) -> Readiness:
    """Return the application's readiness."""
    readiness: Readiness = request.app.state.readiness
    return readiness


Service = Annotated[RewardService, Depends(service_of)]
Ready = Annotated[Readiness, Depends(readiness_of)]
router = APIRouter()


class LinesReply(Response):
    """Only for the OpenAPI document: what a stream of lines is."""

    media_type = stream.MEDIA_TYPE


def publish(service: RewardService, record: Record, groups: Iterable[Published], terms: Terms) -> None:
    """Record rewards in the ledger before they go out.

    Raises:
        LedgerUnavailable: they could not be recorded, so they do not go out.
    """
    with record.timings.stage("publish"):
        record.metrics.add("ledger_records_total", amount=service.publish(groups, terms))


@router.post(
    "/v1/groups/score",
    tags=["rewards"],
    response_model=ScoreOut,
    responses=problems_of(*POSTED, UnknownProfile, IndexUnavailable, LedgerUnavailable),
    openapi_extra=body_of(ScoreIn),
)
async def score_groups(request: Request) -> Response:
    """Score whole groups: text in, rewards and advantages out. Stateless, exact, and the fastest way in."""
    service = await service_of(request)  # as a dependency it would cost as much as decoding a small call
    record, call = record_of(request), await read_call(request, service, ScoreIn)
    profile = service.profile(call.profile)
    terms = Terms(record.request_id, profile, call.estimator_or(profile.estimator), call.policy())
    service.check_groups(len(call.groups))
    groups = [group.to_domain(call.defaults()) for group in call.groups]
    reply = await _score(service, record, groups, terms, explain=call.explain)
    return Response(reply, media_type="application/json")


async def _score(
    service: RewardService, record: Record, groups: Sequence[GroupCall], terms: Terms, *, explain: bool
) -> bytes:
    """Score groups, record what is published, and write the reply."""
    profile, estimator, timings = terms.profile, terms.estimator, record.timings
    scored = await service.score(
        groups, profile, estimator=estimator, policy=terms.policy, explain=explain, timings=timings
    )
    record.count_scored(scored)
    publish(service, record, published_by(scored), terms)
    with timings.stage("encode"):
        return encode(score_out([scored_out(one) for one in scored], profile, estimator))


@router.post(
    "/v1/groups/score/stream",
    tags=["rewards"],
    response_class=LinesReply,
    responses={
        200: {"content": {stream.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/ScoreOut"}}}},
        **problems_of(UnsupportedMediaType, UnsupportedEncoding, InvalidRequest, UnknownProfile),
    },
    openapi_extra={
        "requestBody": {
            "required": True,
            "content": {stream.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/GroupIn"}}},
        }
    },
)
async def stream_groups(
    request: Request, service: Service, query: Annotated[StreamQuery, Query()]
) -> Response:
    """Score groups as lines, one JSON object a line, without a limit on their number.

    Line n of the reply is what a call with group n alone would get: a reply of `POST /v1/groups/score`, or a problem.
    Read while you send.
    """
    stream.check_lines(request)
    record, settings = record_of(request), service.settings
    terms = Terms(
        record.request_id,
        profile := service.profile(query.profile),
        Estimator(query.estimator) if query.estimator else profile.estimator,
        PartialPolicy(query.policy, query.min_scored),
    )
    record.timings.deadline = None  # each line has its own

    async def answer(line: bytes) -> bytes:
        record.timings.deadline = record.timings.clock() + settings.request_timeout_s
        group = await read_line(line, service, record, GroupIn)
        reply = await _score(
            service, record, [group.to_domain(query.defaults())], terms, explain=query.explain
        )
        record.timings.deadline = None
        return reply

    lines = stream.read_lines(request, limit=settings.max_body_bytes)
    return stream.Lines(request, lines, answer, patience_s=settings.body_timeout_s)


@router.post(
    "/v1/match",
    tags=["rewards"],
    response_model=FactsReply,
    responses=problems_of(*POSTED, UnknownProfile, IndexUnavailable),
    openapi_extra=body_of(MatchIn),
)
async def match(request: Request, service: Service) -> Response:
    """Measure rollouts: text in, facts out. The first half of scoring, for callers that keep the group themselves."""
    record, call = record_of(request), await read_call(request, service, MatchIn)
    profile = service.profile(call.profile)
    service.check_groups(len(call.groups))
    measured = await service.measure(
        [group.to_domain(call.defaults()) for group in call.groups],
        profile,
        explain=call.explain,
        timings=record.timings,
    )
    return timed_json(record, lambda: facts_reply(measured, profile))


@router.post(
    "/v1/rewards",
    tags=["rewards"],
    response_model=ScoreOut,
    responses=problems_of(*POSTED, UnknownProfile, ProfileMismatch, EngineMismatch, LedgerUnavailable),
    openapi_extra=body_of(RewardsIn),
)
async def rewards(request: Request, service: Service) -> Response:
    """Reward facts: numbers in, rewards and advantages out. The second half of scoring; it sees no text."""
    record, call = record_of(request), await read_call(request, service, RewardsIn)
    profile = service.pinned_profile(*call.pin())
    service.check_engine(call.engine)
    service.check_groups(len(call.groups))
    estimator = call.estimator_or(profile.estimator)
    with record.timings.stage("reward"):
        rewarded = [
            service.reward(
                group.facts(), profile, estimator=estimator, policy=call.policy(), path=f"/groups/{n}"
            )
            for n, group in enumerate(call.groups)
        ]
    record.count_rewarded(rewarded, call.groups)
    terms = Terms(record.request_id, profile, estimator, call.policy())
    publish(service, record, recorded(call.groups, rewarded), terms)
    groups = zip(call.groups, rewarded, strict=True)
    return timed_json(record, lambda: score_out([rewarded_out(*one) for one in groups], profile, estimator))


@router.post(
    "/v1/rollouts/explain",
    tags=["rewards"],
    response_model=ExplainOut,
    responses=problems_of(*POSTED, UnknownProfile, UnknownDataset, UnknownQuestion, IndexUnavailable),
    openapi_extra=body_of(ExplainIn),
)
async def explain(request: Request, service: Service) -> Response:
    """Explain one rollout: its segments, where each entity stands, its counts.

    Quantities of a group are null: one rollout has no group. With `group_max` the reward is computed as if the best
    rollout of the group had matched that many.
    """
    record, call = record_of(request), await read_call(request, service, ExplainIn)
    profile = service.profile(call.profile)
    explained = await service.explain(
        call.truth(),
        call.rollout.to_domain(call.defaults()),
        profile,
        best=call.group_max,
        timings=record.timings,
    )
    return timed_json(record, lambda: explain_out(*explained, profile))


class Health(TypedDict):
    """A health answer."""

    status: str


class DatasetOut(TypedDict):
    """A data set of the index."""

    name: str
    active: str | None
    versions: list[str]


class DatasetsOut(TypedDict):
    """The data sets of the index."""

    datasets: list[DatasetOut]


class ProfileInfo(TypedDict):
    """A profile."""

    name: str
    digest: str
    about: str
    default: bool


class ProfilesOut(TypedDict):
    """The profiles."""

    profiles: list[ProfileInfo]


class InfoOut(TypedDict):
    """What runs here."""

    version: str
    engine: str
    engine_versions: dict[str, int | str]
    default_profile: str
    settings: dict[str, Any]


@router.get("/livez", tags=["health"], response_model=Health)
async def livez() -> Health:
    """Say that the process answers."""
    return {"status": "ok"}


@router.get("/readyz", tags=["health"], response_model=Health, responses=problems_of(NotReady))
async def readyz(request: Request, service: Service, readiness: Ready) -> Health:
    """Say that the process should get traffic, or what is missing: its index, its store, a canary, or it is draining."""
    reasons = readiness.reasons()
    try:
        await asyncio.to_thread(service.datasets)
    except IndexUnavailable as error:
        reasons[INDEX] = error.detail
    try:
        await request.app.state.runs.check()
    except StateUnavailable as error:
        reasons[STATE] = error.detail
    if reasons:
        raise NotReady("; ".join(f"{reason}: {why}" for reason, why in reasons.items()))
    return {"status": "ok"}


@router.get("/metrics", tags=["health"], response_class=PlainTextResponse)
async def metrics_page(request: Request) -> Response:
    """Return the metrics in Prometheus' text format; docs/metrics.md lists them."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.page(), media_type=CONTENT_TYPE)


@router.get("/v1/info", tags=["about"], response_model=InfoOut)
async def info(service: Service) -> InfoOut:
    """Return version, engine and effective settings."""
    return {
        "version": __version__,
        "engine": ENGINE_DIGEST,
        "engine_versions": dict(VERSIONS),
        "default_profile": service.settings.default_profile,
        "settings": shown(service.settings),
    }


def _profile_info(profile: Profile, default: str) -> ProfileInfo:
    return {
        "name": profile.name,
        "digest": profile.digest,
        "about": profile.about,
        "default": profile.name == default,
    }


@router.get("/v1/profiles", tags=["about"], response_model=ProfilesOut)
async def profiles(service: Service) -> ProfilesOut:
    """Return the profiles a call may name."""
    default = service.settings.default_profile
    return {"profiles": [_profile_info(profile, default) for profile in service.profiles.values()]}


@router.get(
    "/v1/datasets", tags=["about"], response_model=DatasetsOut, responses=problems_of(IndexUnavailable)
)
async def datasets(service: Service) -> DatasetsOut:
    """Return the data sets a call may name, with their versions."""
    found = await asyncio.to_thread(service.datasets)
    return {"datasets": [{"name": d.name, "active": d.active, "versions": list(d.versions)} for d in found]}
