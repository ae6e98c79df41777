"""One function a call: read, ask the service, answer."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Request, Response
from typing_extensions import TypedDict

from reward_service import __version__
from reward_service.adapters.native import ExplainIn, MatchIn, RewardsIn, ScoreIn, decode
from reward_service.adapters.replies import (
    ExplainOut,
    FactsReply,
    GroupOut,
    ScoreOut,
    explain_out,
    facts_reply,
    rewarded_out,
    score_out,
    scored_out,
)
from reward_service.api.body import read_body
from reward_service.api.documents import POSTED, body_of, json_response, problems_of
from reward_service.errors import (
    EngineMismatch,
    IndexUnavailable,
    ProfileMismatch,
    StateUnavailable,
    UnknownDataset,
    UnknownProfile,
    UnknownQuestion,
)
from reward_service.profiles import Profile
from reward_service.scoring import ENGINE_DIGEST, VERSIONS
from reward_service.service import RewardService


def service_of(request: Request) -> RewardService:
    """Return the application's service."""
    service: RewardService = request.app.state.service
    return service


Service = Annotated[RewardService, Depends(service_of)]
router = APIRouter()


@router.post(
    "/v1/groups/score",
    tags=["rewards"],
    response_model=ScoreOut,
    responses=problems_of(*POSTED, UnknownProfile, IndexUnavailable),
    openapi_extra=body_of(ScoreIn),
)
async def score_groups(request: Request, service: Service) -> Response:
    """Score whole groups: text in, rewards and advantages out. Stateless, exact, and the fastest way in."""
    call = decode(await read_body(request, service.settings.max_body_bytes), ScoreIn)
    profile = service.profile(call.profile)
    estimator = call.estimator_or(profile.estimator)
    service.check_groups(len(call.groups))
    scored = await service.score(
        [group.to_domain() for group in call.groups],
        profile,
        estimator=estimator,
        policy=call.policy(),
        explain=call.explain,
    )
    return json_response(score_out([scored_out(one) for one in scored], profile, estimator))


@router.post(
    "/v1/match",
    tags=["rewards"],
    response_model=FactsReply,
    responses=problems_of(*POSTED, UnknownProfile, IndexUnavailable),
    openapi_extra=body_of(MatchIn),
)
async def match(request: Request, service: Service) -> Response:
    """Measure rollouts: text in, facts out. The first half of scoring, for callers that keep the group themselves."""
    call = decode(await read_body(request, service.settings.max_body_bytes), MatchIn)
    profile = service.profile(call.profile)
    service.check_groups(len(call.groups))
    measured = await service.measure(
        [group.to_domain() for group in call.groups], profile, explain=call.explain
    )
    return json_response(facts_reply(measured, profile))


@router.post(
    "/v1/rewards",
    tags=["rewards"],
    response_model=ScoreOut,
    responses=problems_of(*POSTED, UnknownProfile, ProfileMismatch, EngineMismatch),
    openapi_extra=body_of(RewardsIn),
)
async def rewards(request: Request, service: Service) -> Response:
    """Reward facts: numbers in, rewards and advantages out. The second half of scoring; it sees no text."""
    call = decode(await read_body(request, service.settings.max_body_bytes), RewardsIn)
    profile = service.pinned_profile(*call.pin())
    service.check_engine(call.engine)
    service.check_groups(len(call.groups))
    estimator = call.estimator_or(profile.estimator)
    groups: list[GroupOut] = [
        rewarded_out(
            group,
            service.reward(
                group.facts(), profile, estimator=estimator, policy=call.policy(), path=f"/groups/{n}"
            ),
        )
        for n, group in enumerate(call.groups)
    ]
    return json_response(score_out(groups, profile, estimator))


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
    call = decode(await read_body(request, service.settings.max_body_bytes), ExplainIn)
    profile = service.profile(call.profile)
    explained = await service.explain(call.truth(), call.rollout.to_domain(), profile, best=call.group_max)
    return json_response(explain_out(*explained, profile))


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


@router.get(
    "/readyz",
    tags=["health"],
    response_model=Health,
    responses=problems_of(IndexUnavailable, StateUnavailable),
)
async def readyz(request: Request, service: Service) -> Health:
    """Say that the index and the group state can be read."""
    await asyncio.to_thread(service.datasets)
    await request.app.state.runs.check()
    return {"status": "ok"}


@router.get("/v1/info", tags=["about"], response_model=InfoOut)
async def info(service: Service) -> InfoOut:
    """Return version, engine and effective settings."""
    return {
        "version": __version__,
        "engine": ENGINE_DIGEST,
        "engine_versions": dict(VERSIONS),
        "default_profile": service.settings.default_profile,
        "settings": service.settings.model_dump(mode="json"),
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
