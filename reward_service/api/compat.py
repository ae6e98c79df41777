"""Routes in trainers' own protocols, one function per call.

A caller that disconnects gives up its place in the group, so its retry does not count twice.
"""

import asyncio
from collections.abc import Sequence
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic_core import to_json

from reward_service.adapters.trainer_bodies import (
    CarrIn,
    CompatQuery,
    NemoGymIn,
    OpenRlhfIn,
    SlimeIn,
    Unpayable,
    carr_out,
    nemo_gym_out,
    openrlhf_out,
    slime_out,
)
from reward_service.api.body import beside, read_call
from reward_service.api.documents import POSTED, body_of, problems_of
from reward_service.api.record import record_of
from reward_service.api.routes import Service
from reward_service.api.runs import disconnected, ticket_of
from reward_service.core.types import RolloutResult, RolloutStatus
from reward_service.serve.anonymous import AnonymousGroups, Caller, MeasuredRollout, Paid, Unpaid
from reward_service.serve.errors import (
    BackendUnavailable,
    IndexUnavailable,
    JudgeBudget,
    NoReward,
    QuotaExceeded,
    UnknownProfile,
)
from reward_service.serve.limits import check_call

AT_ONCE = 64  # rollouts of a call
REFUSED = (*POSTED, UnknownProfile, QuotaExceeded, IndexUnavailable, BackendUnavailable, JudgeBudget)


async def groups_of(request: Request) -> AnonymousGroups:
    """Return the application's anonymous groups."""
    groups: AnonymousGroups = request.app.state.anonymous
    return groups


Anonymous = Annotated[AnonymousGroups, Depends(groups_of)]
Asked = Annotated[CompatQuery, Query()]
router = APIRouter(prefix="/compat", tags=["compat"])


async def _measured(
    request: Request, groups: AnonymousGroups, caller: Caller | Unpayable
) -> MeasuredRollout | Unpaid:
    if isinstance(caller, Unpayable):
        return Unpaid(RolloutStatus.INVALID_ROLLOUT, str(caller))
    record = record_of(request)
    return await groups.measure(caller, owner=record.key.owner, timings=record.timings)


async def _paid(
    request: Request, groups: AnonymousGroups, measured: MeasuredRollout | Unpaid, query: CompatQuery
) -> Paid:
    """Return a rollout's result; if there is no reward, the log says why."""
    paid = await _settled(request, groups, measured, query)
    if isinstance(paid, Unpaid):
        # The message of a trainer's own judge may quote private text.
        said = paid.status if paid.status is RolloutStatus.JUDGE_FAILED else paid.reason
        record_of(request).note_unpaid(paid.status, said)
    return paid


async def _settled(
    request: Request, groups: AnonymousGroups, measured: MeasuredRollout | Unpaid, query: CompatQuery
) -> Paid:
    """Wait for a rollout's result, or until its caller disconnects."""
    if isinstance(measured, Unpaid):
        return measured
    ticket_of(request).release()  # the request holds no text while it waits
    paying = asyncio.ensure_future(
        groups.pay(measured, group_size=query.group_size, deadline_s=query.deadline_s)
    )
    leaving = asyncio.create_task(disconnected(request.receive))
    try:
        await asyncio.wait([paying, leaving], return_when=asyncio.FIRST_COMPLETED)
        if paying.done():
            return paying.result()
        paying.cancel()
        await asyncio.wait([paying])
        return Unpaid(RolloutStatus.ABORTED, "the caller disconnected")
    finally:
        paying.cancel()
        leaving.cancel()


def _must(paid: Paid) -> RolloutResult:
    """Return a reward.

    Raises:
        NoReward: there is none.
    """
    if isinstance(paid, Unpaid):
        raise NoReward(paid.reason)
    return paid


async def _caller(
    request: Request, body: SlimeIn | NemoGymIn | CarrIn, service: Service, query: CompatQuery
) -> Caller | Unpayable:
    profile = service.profiles.named(query.profile)
    try:
        return await beside(service, record_of(request).body_bytes, lambda: body.caller(query, profile))
    except Unpayable as why:
        return why


async def _all_paid(
    request: Request,
    groups: AnonymousGroups,
    measured: Sequence[MeasuredRollout | Unpaid],
    query: CompatQuery,
) -> list[Paid]:
    """Pay the rollouts of one call, which may meet each other; so many at a time as take the loop some milliseconds."""
    paying: list[asyncio.Task[Paid]] = []
    try:
        for start in range(0, len(measured), AT_ONCE):
            part = measured[start : start + AT_ONCE]
            paying += [asyncio.create_task(_paid(request, groups, one, query)) for one in part]
            await asyncio.sleep(0)
        return await asyncio.gather(*paying)
    finally:
        for task in paying:
            task.cancel()  # those of a caller who has left; the others have ended


async def _read(
    request: Request,
    service: Service,
    groups: AnonymousGroups,
    *,
    query: CompatQuery,
    model: type[SlimeIn | CarrIn],
) -> MeasuredRollout | Unpaid:
    """Read and measure one rollout. Nothing holds its text after the return."""
    body = await read_call(request, service, model)
    return await _measured(request, groups, await _caller(request, body, service, query))


async def _read_many(
    request: Request, service: Service, groups: AnonymousGroups, *, query: CompatQuery
) -> list[MeasuredRollout | Unpaid]:
    """Read and measure the rollouts of one OpenRLHF call. Nothing holds their text after the return."""
    body = await read_call(request, service, OpenRlhfIn)
    check_call([len(body.query)], service.settings)
    profile = service.profiles.named(query.profile)
    callers = await beside(service, record_of(request).body_bytes, lambda: body.callers(query, profile))
    return [await _measured(request, groups, caller) for caller in callers]


def _json(reply: Any) -> Response:
    return Response(to_json(reply), media_type="application/json")


@router.post("/openrlhf/get_reward", responses=problems_of(*REFUSED), openapi_extra=body_of(OpenRlhfIn))
async def openrlhf(request: Request, service: Service, groups: Anonymous, query: Asked) -> Response:
    """OpenRLHF's `--reward.remote_url`, for single-turn training; groups the rollouts of one prompt.

    A rollout that cannot be scored gets 0 and `reward_valid` 0, because OpenRLHF crashes on anything else.
    """
    measured = await _read_many(request, service, groups, query=query)
    return _json(openrlhf_out(await _all_paid(request, groups, measured, query), query.group_size))


@router.post("/slime/reward", responses=problems_of(*REFUSED, NoReward), openapi_extra=body_of(SlimeIn))
async def slime(request: Request, service: Service, groups: Anonymous, query: Asked) -> Response:
    """Slime's `--rm-type remote_rm`; groups the rollouts of one prompt. The response body is the reward."""
    measured = await _read(request, service, groups, query=query, model=SlimeIn)
    return _json(slime_out(_must(await _paid(request, groups, measured, query)), query))


@router.post("/nemo_gym/verify", responses=problems_of(*REFUSED), openapi_extra=body_of(NemoGymIn))
async def nemo_gym(request: Request, service: Service, groups: Anonymous, query: Asked) -> Response:
    """NeMo Gym's `/verify`; groups the rollouts of one task, by task and rollout index."""
    body = await read_call(request, service, NemoGymIn)
    measured = await _measured(request, groups, await _caller(request, body, service, query))
    paid = await _paid(request, groups, measured, query)
    return await beside(service, record_of(request).body_bytes, lambda: _json(nemo_gym_out(body, paid)))


@router.post("/carr/evaluate", responses=problems_of(*REFUSED, NoReward), openapi_extra=body_of(CarrIn))
async def carr(request: Request, service: Service, groups: Anonymous, query: Asked) -> Response:
    """The protocol of CaRR's reward server; groups the rollouts of one question."""
    measured = await _read(request, service, groups, query=query, model=CarrIn)
    paid = _must(await _paid(request, groups, measured, query))
    signals = measured.facts.signals if isinstance(measured, MeasuredRollout) else {}
    return _json(carr_out(paid, service.profiles.named(query.profile), signals))
