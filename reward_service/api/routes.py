"""One function a call: read, ask the service, answer."""

import asyncio
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import asdict
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from fastapi.responses import PlainTextResponse
from typing_extensions import TypedDict

from reward_service import __version__
from reward_service.adapters.native import (
    ExplainIn,
    FactsGroupIn,
    GroupIn,
    MatchIn,
    RewardsIn,
    ScoreIn,
    StreamQuery,
)
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
    shown,
)
from reward_service.api import stream
from reward_service.api.body import beside, read_call, read_line
from reward_service.api.documents import POSTED, body_of, json_response, problems_of
from reward_service.api.metrics import CONTENT_TYPE, Metrics
from reward_service.api.readiness import INDEX, JUDGE, LEDGER, MODEL, STATE, Probe, Readiness
from reward_service.api.record import Record, record_of
from reward_service.core.profiles import Profile, as_yaml
from reward_service.core.profiles.described import described, known_limits
from reward_service.core.scoring import ENGINE_DIGEST, VERSIONS
from reward_service.core.types import Defaults, GroupResult, PartialPolicy
from reward_service.serve.config import shown as shown_settings
from reward_service.serve.errors import (
    BackendUnavailable,
    EngineMismatch,
    Forbidden,
    GroupError,
    IndexUnavailable,
    InvalidRequest,
    JudgeBudget,
    JudgeBusy,
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
from reward_service.serve.limits import check_call
from reward_service.serve.profiles import Origin, origin_of
from reward_service.serve.runs.service import RunService
from reward_service.serve.scorer import (
    Scorer,
    check_engine,
    check_estimator_of,
    check_progress,
    refusal_of,
)
from reward_service.serve.sources.backends import Backend
from reward_service.serve.sources.judges import Judges


# Dependencies are coroutines: FastAPI sends plain functions to a thread, which costs more than scoring a small group.
async def service_of(request: Request) -> Scorer:
    """Return the application's service."""
    service: Scorer = request.app.state.service
    return service


async def readiness_of(request: Request) -> Readiness:
    """Return the application's readiness."""
    readiness: Readiness = request.app.state.readiness
    return readiness


Service = Annotated[Scorer, Depends(service_of)]
Ready = Annotated[Readiness, Depends(readiness_of)]
router = APIRouter()
JUDGED = (BackendUnavailable, JudgeBudget)
PART = 512  # rollouts that are counted and recorded at once, some milliseconds


class LinesReply(Response):
    """Only for the OpenAPI document: what a stream of lines is."""

    media_type = stream.MEDIA_TYPE


def publish(service: Scorer, record: Record, groups: Iterable[Published], terms: Terms) -> None:
    """Record rewards in the ledger before they go out.

    Raises:
        LedgerUnavailable: they could not be recorded, so they do not go out.
    """
    with record.timings.stage("publish"):
        record.metrics.add("ledger_records_total", amount=service.publish(groups, terms))


async def long_json(service: Scorer, record: Record, reply: Callable[[], Mapping[str, Any]]) -> Response:
    """Write down a reply that is about as long as the call, and answer with it."""
    with record.timings.stage("encode"):
        return await beside(service, record.body_bytes, lambda: json_response(reply()))


@router.post(
    "/v1/groups/score",
    tags=["rewards"],
    response_model=ScoreOut,
    responses=problems_of(*POSTED, *JUDGED, Forbidden, UnknownProfile, IndexUnavailable, LedgerUnavailable),
    openapi_extra=body_of(ScoreIn),
)
async def score_groups(request: Request) -> Response:
    """Score whole groups: text in, rewards and advantages out. Stateless, exact, and the fastest way to score."""
    service = await service_of(request)  # as a dependency it would cost as much as decoding a small call
    record, call = record_of(request), await read_call(request, service, ScoreIn)
    profile = service.profiles.named(call.profile)
    terms = Terms(
        record.request_id, profile, call.estimator_or(profile.estimator), call.policy(), call.progress
    )
    check_call([len(group.rollouts) for group in call.groups], service.settings)
    how = call.defaults()
    reply = await _score(
        service, record, call.groups, terms, how=how, explain=call.explain, size=record.body_bytes
    )
    return Response(reply, media_type="application/json")


async def _score(
    service: Scorer,
    record: Record,
    groups: Sequence[GroupIn],
    terms: Terms,
    *,
    how: Defaults,
    explain: bool,
    size: int,
) -> bytes:
    """Score groups that came in so many bytes, record what is published, and write the reply."""
    profile, estimator, timings = terms.profile, terms.estimator, record.timings
    calls = await beside(service, size, lambda: [group.to_domain(how) for group in groups])
    if explain:
        record.check_explain(call.question for call in calls)
    scored = await service.score(
        calls,
        profile,
        estimator=estimator,
        policy=terms.policy,
        progress=terms.progress,
        explain=explain,
        owner=record.key.owner,
        timings=timings,
    )
    terms = terms.over(sum(one.result is not None for one in scored))
    for part in _parts([len(call.rollouts) for call in calls]):
        record.count_scored(scored[part])
        publish(service, record, published_by(scored[part]), terms)
        await asyncio.sleep(0)
    with timings.stage("encode"):
        names = record.may_see_names
        return await beside(
            service,
            size,
            lambda: encode(score_out([shown(scored_out(one), names=names) for one in scored], terms)),
        )


def _parts(rollouts: Sequence[int]) -> Iterator[slice]:
    """Cut the groups of a call into parts of some hundred rollouts: between them health checks are answered."""
    start = taken = 0
    for end, count in enumerate(rollouts, start=1):
        taken += count
        if taken >= PART or end == len(rollouts):
            yield slice(start, end)
            start, taken = end, 0


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
            "content": {
                stream.MEDIA_TYPE: {"schema": {"$ref": "#/components/schemas/GroupIn"}},
                stream.ARRAY: {
                    "schema": {"type": "array", "items": {"$ref": "#/components/schemas/GroupIn"}}
                },
            },
        }
    },
)
async def stream_groups(
    request: Request, service: Service, query: Annotated[StreamQuery, Query()]
) -> Response:
    """Score groups without a limit on their number: one JSON object per line, or the items of a JSON array.

    Line n of the reply is the response to a call with group n alone: a reply of `POST /v1/groups/score`, or a problem.
    Read the reply while you send.
    """
    cutter = stream.cutter_for(request)
    record, settings = record_of(request), service.settings
    terms = Terms(
        record.request_id,
        profile := service.profiles.named(query.profile),
        query.estimator_or(profile.estimator),
        PartialPolicy(query.policy, query.min_scored),
        query.progress,
    )
    record.timings.deadline = None  # each line has its own

    async def answer(line: bytes) -> bytes:
        record.timings.deadline = record.timings.clock() + settings.request_timeout_s
        group = await read_line(line, service, record, GroupIn)
        reply = await _score(
            service, record, [group], terms, how=query.defaults(), explain=query.explain, size=len(line)
        )
        record.timings.deadline = None
        return reply

    groups = stream.read_groups(request, cutter, settings)
    return stream.Replies(request, groups, answer, patience_s=settings.body_timeout_s)


@router.post(
    "/v1/match",
    tags=["rewards"],
    response_model=FactsReply,
    responses=problems_of(*POSTED, *JUDGED, Forbidden, UnknownProfile, IndexUnavailable),
    openapi_extra=body_of(MatchIn),
)
async def match(request: Request, service: Service) -> Response:
    """Measure rollouts: text in, facts out. The first half of scoring, for callers that assemble groups themselves."""
    record, call = record_of(request), await read_call(request, service, MatchIn)
    profile = service.profiles.named(call.profile)
    check_call([len(group.rollouts) for group in call.groups], service.settings)
    how = call.defaults()
    groups = await beside(service, record.body_bytes, lambda: [group.to_domain(how) for group in call.groups])
    if call.explain:
        record.check_explain(group.question for group in groups)
    measured = await service.measure(
        groups, profile, explain=call.explain, owner=record.key.owner, timings=record.timings
    )
    return await long_json(
        service, record, lambda: facts_reply(measured, profile, names=record.may_see_names)
    )


@router.post(
    "/v1/rewards",
    tags=["rewards"],
    response_model=ScoreOut,
    responses=problems_of(*POSTED, UnknownProfile, ProfileMismatch, EngineMismatch, LedgerUnavailable),
    openapi_extra=body_of(RewardsIn),
)
async def rewards(request: Request, service: Service) -> Response:
    """Compute rewards from facts: numbers in, rewards and advantages out. The second half of scoring; it needs no text."""
    record, call = record_of(request), await read_call(request, service, RewardsIn)
    profile = service.profiles.pinned(*call.pin())
    check_engine(call.engine)
    rollouts = [len(group.rollouts) for group in call.groups]
    check_call(rollouts, service.settings)
    check_progress(profile, call.progress)
    terms = Terms(
        record.request_id, profile, call.estimator_or(profile.estimator), call.policy(), call.progress
    )
    check_estimator_of(profile, terms.estimator)
    rewarded = await _rewarded(service, record, call.groups, terms)
    terms = terms.over(sum(isinstance(one, GroupResult) for one in rewarded))
    for part in _parts(rollouts):
        record.count_rewarded(rewarded[part], call.groups[part])
        publish(service, record, recorded(call.groups[part], rewarded[part]), terms)
        await asyncio.sleep(0)
    groups = zip(call.groups, rewarded, strict=True)
    return await long_json(service, record, lambda: score_out([rewarded_out(*one) for one in groups], terms))


async def _rewarded(
    service: Scorer, record: Record, groups: Sequence[FactsGroupIn], terms: Terms
) -> list[GroupResult | GroupError]:
    """Reward the facts of every group of a call."""
    facts = [group.facts() for group in groups]
    with record.timings.stage("reward"):
        refused = [
            refusal_of(one, path=f"/groups/{n}", settings=service.settings) for n, one in enumerate(facts)
        ]
        sound = [one for one, error in zip(facts, refused, strict=True) if error is None]
        places = [
            (group.run_id, group.group_id)
            for group, error in zip(groups, refused, strict=True)
            if error is None
        ]
        results = iter(await service.rewarded(sound, places, terms))
    return [error or next(results) for error in refused]


@router.post(
    "/v1/rollouts/explain",
    tags=["rewards"],
    response_model=ExplainOut,
    responses=problems_of(
        *POSTED,
        *JUDGED,
        JudgeBusy,
        Forbidden,
        UnknownProfile,
        UnknownDataset,
        UnknownQuestion,
        IndexUnavailable,
    ),
    openapi_extra=body_of(ExplainIn),
)
async def explain(request: Request, service: Service) -> Response:
    """Explain one rollout: its segments, where each entity was found, its counts.

    Values that depend on the group are null, because one rollout has no group. With `group_max`, the reward is computed
    as if the best rollout of the group had matched that many entities.
    """
    record, call = record_of(request), await read_call(request, service, ExplainIn)
    profile = service.profiles.named(call.profile)
    record.check_explain([truth := call.truth()])
    explained = await service.explain(
        truth,
        call.rollout.to_domain(call.defaults()),
        profile,
        best=call.group_max,
        owner=record.key.owner,
        timings=record.timings,
    )
    return await long_json(service, record, lambda: explain_out(*explained, profile))


class Health(TypedDict):
    """Reply of a health check."""

    status: str


class DatasetOut(TypedDict):
    """A data set in the index."""

    name: str
    active: str | None
    versions: list[str]


class DatasetsOut(TypedDict):
    """The data sets in the index."""

    datasets: list[DatasetOut]


class ProfileInfo(TypedDict):
    """An available profile."""

    name: str
    digest: str
    about: str
    default: bool
    source: Origin


class ProfilesOut(TypedDict):
    """The available profiles."""

    profiles: list[ProfileInfo]


class ProfileUses(TypedDict):
    """Names of the grammar, checker, matcher, signals and estimator that a profile uses."""

    grammar: str
    checker: str
    matcher: str
    signals: list[str]
    estimator: str


class ProfileContent(ProfileInfo):
    """A profile with its full content."""

    uses: ProfileUses
    formula: str
    """Reward and advantage on one line."""
    wrong_may_exceed_correct: bool
    """Whether a wrong rollout can earn more than a correct one, as far as the ranges of the signals tell."""
    bounds: dict[str, tuple[float | None, float | None]]
    """The least and the greatest reward by outcome; null where there is no limit, or none is known."""
    sends: list[str]
    """Signals and fields that each rollout has to bring."""
    needs_progress: bool
    """Whether calls have to give `progress`."""
    warnings: list[str]
    """What may not be meant, such as weights that do not add up to 1."""
    content: dict[str, Any]
    """Every key with its effective value, including defaults."""
    yaml: str
    """The same content as a YAML file. To start your own profile, save it under a new name, set `name` accordingly, and edit."""


class BackendInfo(TypedDict):
    """A server of language models that profiles ask."""

    name: str
    serves: list[str]
    """Roles and models that profiles can ask."""
    flavour: str
    egress: bool
    """Whether questions and answers may leave the cluster for it."""
    host: str | None
    """Null if the key lacks the scope `admin`."""
    drift: bool
    """Whether one of its judges gave at least two other verdicts than are known, at the last check."""


class InfoOut(TypedDict):
    """Version, engine and effective settings of the process."""

    version: str
    engine: str
    engine_versions: dict[str, int | str]
    default_profile: str
    profiles: dict[str, Origin]
    """Origin of each profile: shipped with the package, or read from the folder of the setting `profiles`."""
    backends: list[BackendInfo]
    settings: dict[str, Any]


async def unusable(service: Scorer, runs: RunService) -> dict[str, str]:
    """Return which of index, store, ledger, models of this process and required judges cannot be used, and why."""
    reasons = {}
    try:
        await asyncio.to_thread(service.truth.datasets)
    except IndexUnavailable as error:
        reasons[INDEX] = error.detail
    try:
        await runs.check()
    except StateUnavailable as error:
        reasons[STATE] = error.detail
    try:
        service.check_ledger()
    except LedgerUnavailable as error:
        reasons[LEDGER] = error.detail
    if not_ready := service.judges.why_not_ready:
        reasons[MODEL] = not_ready
    if why := await _why_unjudged(service):
        reasons[JUDGE] = why
    return reasons


async def _why_unjudged(service: Scorer) -> str | None:
    """Return why a judge that readiness depends on does not judge; None if all do, or it depends on none."""
    needs = service.settings.judge_readiness
    why = None if needs == "ignored" else await service.judges.why_unavailable()
    return why or (service.judges.why_differing if needs == "agreeing" else None)


@router.get("/livez", tags=["health"], response_model=Health)
async def livez() -> Health:
    """Return 200 if the process responds at all."""
    return {"status": "ok"}


@router.get("/readyz", tags=["health"], response_model=Health, responses=problems_of(NotReady))
async def readyz(request: Request, readiness: Ready) -> Health:
    """Return 200 if the process should receive traffic, otherwise the reason: its index, its store, its ledger, a model in it, a required judge, a canary, or draining."""
    probe: Probe = request.app.state.probe
    reasons = readiness.reasons() | await probe.reasons()
    if reasons:
        raise NotReady("; ".join(f"{reason}: {why}" for reason, why in reasons.items()))
    return {"status": "ok"}


@router.get("/metrics", tags=["health"], response_class=PlainTextResponse)
async def metrics_page(request: Request) -> Response:
    """Return metrics in the Prometheus text format; docs/metrics.md lists them."""
    metrics: Metrics = request.app.state.metrics
    return Response(metrics.page(), media_type=CONTENT_TYPE)


@router.get("/v1/info", tags=["about"], response_model=InfoOut)
async def info(request: Request, service: Service) -> InfoOut:
    """Return the version, the engine, the backends and the effective settings."""
    is_admin = record_of(request).key.allows("admin")
    return {
        "version": __version__,
        "engine": ENGINE_DIGEST,
        "engine_versions": dict(VERSIONS),
        "default_profile": service.profiles.default,
        "profiles": {name: origin_of(profile) for name, profile in service.profiles.known.items()},
        "backends": [
            _backend_info(desk.backend, service.judges, is_admin=is_admin) for desk in service.judges.desks
        ],
        "settings": shown_settings(service.settings),
    }


def _backend_info(backend: Backend, judges: Judges, *, is_admin: bool) -> BackendInfo:
    roles = list(backend.names)
    return {
        "name": backend.name,
        "serves": roles,
        "flavour": backend.flavour if backend.torch is None else "torch",
        "egress": backend.egress is not None,
        "host": backend.host if is_admin else None,
        "drift": any(
            drifts and label.partition("@")[2] in roles for label, drifts in judges.drifting.items()
        ),
    }


def _profile_info(profile: Profile, default: str) -> ProfileInfo:
    return {
        "name": profile.name,
        "digest": profile.digest,
        "about": profile.about,
        "default": profile.name == default,
        "source": origin_of(profile),
    }


def _profile_uses(profile: Profile) -> ProfileUses:
    return {
        "grammar": profile.measure.grammar,
        "checker": profile.measure.checker,
        "matcher": profile.measure.matching.kind,
        "signals": list(profile.signals),
        "estimator": profile.estimator.type,
    }


@router.get("/v1/profiles", tags=["about"], response_model=ProfilesOut)
async def profiles(service: Service) -> ProfilesOut:
    """Return the available profiles."""
    known, default = service.profiles.known, service.profiles.default
    return {"profiles": [_profile_info(profile, default) for profile in known.values()]}


@router.get(
    "/v1/profiles/{name}",
    tags=["about"],
    response_model=ProfileContent,
    responses=problems_of(UnknownProfile),
)
async def profile(service: Service, name: str) -> ProfileContent:
    """Return the full content of a profile, also as YAML to start your own profile from."""
    found = service.profiles.named(name)
    said = described(found)
    return {
        **_profile_info(found, service.profiles.default),
        "uses": _profile_uses(found),
        "formula": said.formula,
        "wrong_may_exceed_correct": said.wrong_may_exceed_correct,
        "bounds": {outcome.value: known_limits(limits) for outcome, limits in said.bounds.items()},
        "sends": list(said.sends),
        "needs_progress": said.needs_progress,
        "warnings": list(said.warnings),
        "content": asdict(found),
        "yaml": as_yaml(found),
    }


@router.get(
    "/v1/datasets", tags=["about"], response_model=DatasetsOut, responses=problems_of(IndexUnavailable)
)
async def datasets(service: Service) -> DatasetsOut:
    """Return the available data sets with their versions."""
    found = await asyncio.to_thread(service.truth.datasets)
    return {"datasets": [{"name": d.name, "active": d.active, "versions": list(d.versions)} for d in found]}
