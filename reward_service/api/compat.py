"""Trainers' own protocols, one function a call. A caller who leaves gives up its place, so a retry is no twin."""

import asyncio
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Query, Request, Response
from pydantic_core import to_json

from reward_service.adapters.compat import (
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
from reward_service.adapters.native import decode
from reward_service.api.body import read_body
from reward_service.api.documents import POSTED, body_of, problems_of
from reward_service.api.routes import Service
from reward_service.api.runs import left
from reward_service.compat import Caller, CompatService, Paid
from reward_service.errors import IndexUnavailable, NoReward, QuotaExceeded, UnknownProfile
from reward_service.types import RolloutResult

REFUSED = (*POSTED, UnknownProfile, QuotaExceeded, IndexUnavailable)


def compat_of(request: Request) -> CompatService:
    """Return the application's meeting place."""
    compat: CompatService = request.app.state.compat
    return compat


Compat = Annotated[CompatService, Depends(compat_of)]
Asked = Annotated[CompatQuery, Query()]
router = APIRouter(prefix="/compat", tags=["compat"])


async def _paid(
    request: Request, compat: CompatService, caller: Caller | Unpayable, query: CompatQuery
) -> Paid:
    """Wait for what a caller gets, unless it leaves."""
    if isinstance(caller, Unpayable):
        return str(caller)
    paying = asyncio.ensure_future(
        compat.pay(caller, group_size=query.group_size, deadline_s=query.deadline_s)
    )
    leaving = asyncio.create_task(left(request.receive))
    try:
        await asyncio.wait([paying, leaving], return_when=asyncio.FIRST_COMPLETED)
        if not paying.done():
            paying.cancel()
            await asyncio.wait([paying])
            return "the caller has left"
        return paying.result()
    finally:
        paying.cancel()
        leaving.cancel()


async def _must_be_paid(
    request: Request, compat: CompatService, caller: Caller | Unpayable, query: CompatQuery
) -> RolloutResult:
    """Wait for a reward.

    Raises:
        NoReward: there is none.
    """
    paid = await _paid(request, compat, caller, query)
    if isinstance(paid, str):
        raise NoReward(paid)
    return paid


def _caller(body: SlimeIn | NemoGymIn | CarrIn, service: Service, query: CompatQuery) -> Caller | Unpayable:
    try:
        return body.caller(query, service.profile(query.profile))
    except Unpayable as why:
        return why


def _json(reply: Any) -> Response:
    return Response(to_json(reply), media_type="application/json")


@router.post("/openrlhf/get_reward", responses=problems_of(*REFUSED), openapi_extra=body_of(OpenRlhfIn))
async def openrlhf(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """OpenRLHF's `--reward.remote_url`, for single-turn training: rollouts of one prompt meet here.

    A rollout that cannot be scored is answered with 0 and `reward_valid` 0, because OpenRLHF dies of anything else.
    """
    body = decode(await read_body(request, service.settings.max_body_bytes), OpenRlhfIn)
    callers = body.callers(query, service.profile(query.profile))
    paid = await asyncio.gather(*[_paid(request, compat, caller, query) for caller in callers])
    return _json(openrlhf_out(paid, query.group_size))


@router.post("/slime/reward", responses=problems_of(*REFUSED, NoReward), openapi_extra=body_of(SlimeIn))
async def slime(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """Slime's `--rm-type remote_rm`: the body of the answer is the reward. Rollouts of one prompt meet here."""
    body = decode(await read_body(request, service.settings.max_body_bytes), SlimeIn)
    paid = await _must_be_paid(request, compat, _caller(body, service, query), query)
    return _json(slime_out(paid, query))


@router.post("/nemo_gym/verify", responses=problems_of(*REFUSED), openapi_extra=body_of(NemoGymIn))
async def nemo_gym(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """NeMo Gym's `/verify`. Rollouts of one task meet here, by task and rollout index."""
    body = decode(await read_body(request, service.settings.max_body_bytes), NemoGymIn)
    return _json(nemo_gym_out(body, await _paid(request, compat, _caller(body, service, query), query)))


@router.post("/carr/evaluate", responses=problems_of(*REFUSED, NoReward), openapi_extra=body_of(CarrIn))
async def carr(request: Request, service: Service, compat: Compat, query: Asked) -> Response:
    """The protocol of CaRR's reward server. Rollouts of one question meet here."""
    body = decode(await read_body(request, service.settings.max_body_bytes), CarrIn)
    return _json(carr_out(await _must_be_paid(request, compat, _caller(body, service, query), query)))
