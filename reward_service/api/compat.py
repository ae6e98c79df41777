"""Trainers' own protocols, one function a call. A caller who leaves gives up its place, so a retry is no twin."""

import asyncio
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
from reward_service.api.body import read_call
from reward_service.api.documents import POSTED, body_of, problems_of
from reward_service.api.record import record_of
from reward_service.api.routes import Service
from reward_service.api.runs import left, ticket_of
from reward_service.core.types import RolloutResult, RolloutStatus
from reward_service.serve.anonymous import Caller, CompatService, Paid, Seat, Unpaid
from reward_service.serve.errors import IndexUnavailable, NoReward, QuotaExceeded, UnknownProfile

REFUSED = (*POSTED, UnknownProfile, QuotaExceeded, IndexUnavailable)


async def compat_of(request: Request) -> CompatService:
    """Return the application's meeting place."""
    compat: CompatService = request.app.state.compat
    return compat


Compat = Annotated[CompatService, Depends(compat_of)]
Asked = Annotated[CompatQuery, Query()]
router = APIRouter(prefix="/compat", tags=["compat"])


async def _taken(compat: CompatService, caller: Caller | Unpayable) -> Seat | Unpaid:
    if isinstance(caller, Unpayable):
        return Unpaid(RolloutStatus.INVALID_ROLLOUT, str(caller))
    return await compat.take(caller)


async def _paid(request: Request, compat: CompatService, seat: Seat | Unpaid, query: CompatQuery) -> Paid:
    """Return what a rollout gets; where it gets nothing, the log says why."""
    paid = await _settled(request, compat, seat, query)
    if isinstance(paid, Unpaid):
        # What a trainer's own judge said may quote anybody.
        said = paid.status if paid.status is RolloutStatus.JUDGE_FAILED else paid.reason
        record_of(request).note_unpaid(paid.status, said)
    return paid


async def _settled(request: Request, compat: CompatService, seat: Seat | Unpaid, query: CompatQuery) -> Paid:
    """Wait for what a rollout gets, unless its caller leaves."""
    if isinstance(seat, Unpaid):
        return seat
    ticket_of(request).release()  # who waits holds no text
    paying = asyncio.ensure_future(compat.pay(seat, group_size=query.group_size, deadline_s=query.deadline_s))
    leaving = asyncio.create_task(left(request.receive))
    try:
        await asyncio.wait([paying, leaving], return_when=asyncio.FIRST_COMPLETED)
        if paying.done():
            return paying.result()
        paying.cancel()
        await asyncio.wait([paying])
        return Unpaid(RolloutStatus.ABORTED, "the caller has left")
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


def _caller(body: SlimeIn | NemoGymIn | CarrIn, service: Service, query: CompatQuery) -> Caller | Unpayable:
    try:
        return body.caller(query, service.profile(query.profile))
    except Unpayable as why:
        return why


async def _seat(
    request: Request,
    service: Service,
    compat: CompatService,
    *,
    query: CompatQuery,
    model: type[SlimeIn | CarrIn],
) -> Seat | Unpaid:
    """Take one rollout in; its text is let go of on return."""
    return await _taken(compat, _caller(await read_call(request, service, model), service, query))


async def _seats(
    request: Request, service: Service, compat: CompatService, *, query: CompatQuery
) -> list[Seat | Unpaid]:
    """Take the rollouts of one OpenRLHF call in; their text is let go of on return."""
    body = await read_call(request, service, OpenRlhfIn)
    callers = body.callers(query, service.profile(query.profile))
    return [await _taken(compat, caller) for caller in callers]


def _json(reply: Any) -> Response:
    return Response(to_json(reply), media_type="application/json")


@router.post("/openrlhf/get_reward", responses=problems_of(*REFUSED), openapi_extra=body_of(OpenRlhfIn))
async def openrlhf(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """OpenRLHF's `--reward.remote_url`, for single-turn training: rollouts of one prompt meet here.

    A rollout that cannot be scored is answered with 0 and `reward_valid` 0, because OpenRLHF dies of anything else.
    """
    seats = await _seats(request, service, compat, query=query)
    paid = await asyncio.gather(*[_paid(request, compat, seat, query) for seat in seats])
    return _json(openrlhf_out(paid, query.group_size))


@router.post("/slime/reward", responses=problems_of(*REFUSED, NoReward), openapi_extra=body_of(SlimeIn))
async def slime(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """Slime's `--rm-type remote_rm`: the body of the answer is the reward. Rollouts of one prompt meet here."""
    seat = await _seat(request, service, compat, query=query, model=SlimeIn)
    return _json(slime_out(_must(await _paid(request, compat, seat, query)), query))


@router.post("/nemo_gym/verify", responses=problems_of(*REFUSED), openapi_extra=body_of(NemoGymIn))
async def nemo_gym(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """NeMo Gym's `/verify`. Rollouts of one task meet here, by task and rollout index."""
    body = await read_call(request, service, NemoGymIn)
    seat = await _taken(compat, _caller(body, service, query))
    return _json(nemo_gym_out(body, await _paid(request, compat, seat, query)))


@router.post("/carr/evaluate", responses=problems_of(*REFUSED, NoReward), openapi_extra=body_of(CarrIn))
async def carr(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """The protocol of CaRR's reward server. Rollouts of one question meet here."""
    seat = await _seat(request, service, compat, query=query, model=CarrIn)
    return _json(carr_out(_must(await _paid(request, compat, seat, query)), service.profile(query.profile)))
