"""Routes of runs, and of rollouts that arrive one by one: one function per call.

A long poll holds no text: the function that reads and measures the rollout has returned before the wait begins. A caller
that disconnects frees its place; its rollout stays stored.
"""

from collections.abc import Sequence
from functools import partial
from typing import Annotated

from fastapi import APIRouter, Depends, Path, Query, Request, Response
from fastapi.responses import HTMLResponse
from starlette.types import Receive

from reward_service.adapters.native import Id
from reward_service.adapters.replies import shown
from reward_service.adapters.runs import (
    AssembledOut,
    AttemptQuery,
    EvaluatedOut,
    ListQuery,
    MemberIn,
    MemberOut,
    MemberQuery,
    OpenGroupsOut,
    RunIn,
    RunOut,
    RunSummaryOut,
    SummaryQuery,
    WaitQuery,
    WindowOut,
    assembled_out,
    evaluated_out,
    member_out,
    open_groups_out,
    run_out,
    run_summary_out,
)
from reward_service.api.admission import Ticket
from reward_service.api.body import read_call
from reward_service.api.documents import POSTED, body_of, problems_of, timed_json
from reward_service.api.metrics import count_evaluated
from reward_service.api.record import Record, record_of
from reward_service.core.summary import PREFIX
from reward_service.pages import CSP, html
from reward_service.pages.charts import Chart, Point
from reward_service.pages.curves import drawn
from reward_service.serve.errors import (
    AttemptSuperseded,
    BackendUnavailable,
    CallError,
    CorruptState,
    DeadlineExceeded,
    EngineMismatch,
    Forbidden,
    GroupClosed,
    GroupFull,
    IndexUnavailable,
    InvalidRequest,
    JudgeBudget,
    JudgeBusy,
    LedgerUnavailable,
    ProfileMismatch,
    QuestionConflict,
    QuotaExceeded,
    RolloutConflict,
    RunConflict,
    StateLost,
    StateUnavailable,
    StepConflict,
    UnknownDataset,
    UnknownGroup,
    UnknownProfile,
    UnknownQuestion,
    UnknownRun,
)
from reward_service.serve.groups.stores.protocols import GroupKey
from reward_service.serve.groups.waiters import WaitLimit
from reward_service.serve.runs.service import Admitted, Arrival, RunService
from reward_service.serve.runs.view import GroupView

STORED = (
    UnknownRun,
    Forbidden,
    CorruptState,
    EngineMismatch,
    StateUnavailable,
    LedgerUnavailable,
    DeadlineExceeded,
)
GROUPED = (*STORED, UnknownGroup, ProfileMismatch)

RunId = Annotated[Id, Path(description="Your id of the training run.")]
GroupId = Annotated[Id, Path(description="Your id of this question in this step.")]
RolloutId = Annotated[
    Id, Path(description="Unique within its group. Number rollouts from 0 so that missing ones can be named.")
]


async def runs_of(request: Request) -> RunService:
    """Return the application's runs."""
    runs: RunService = request.app.state.runs
    return runs


def ticket_of(request: Request) -> Ticket:
    """Return the request's admission ticket. A request that only waits releases it and counts as waiting instead."""
    ticket: Ticket = request.state.ticket
    return ticket


async def named_run(request: Request, run_id: RunId) -> str:
    """Return the run id of a path, and put it in the log line even if the call fails."""
    record_of(request).run_ids.add(run_id)
    return run_id


NamedRun = Annotated[str, Depends(named_run)]


async def key_of(request: Request, run_id: RunId, group_id: GroupId) -> GroupKey:
    """Return the group key of a path."""
    return GroupKey(await named_run(request, run_id), group_id)


# Share of a call's remaining time; the rest is for the last reading of the group and the reply.
WAITING_SHARE = 0.9

Runs = Annotated[RunService, Depends(runs_of)]
Key = Annotated[GroupKey, Depends(key_of)]
router = APIRouter(tags=["runs"])


async def disconnected(receive: Receive) -> None:
    """Finish when the caller has closed the connection."""
    while (await receive())["type"] != "http.disconnect":
        pass


def _wait_limit(request: Request, runs: RunService, wait_s: float) -> WaitLimit:
    """Return how long to wait, and release the request's ticket: a waiting request takes no work.

    The limit leaves time before the caller's deadline to read the group once more.
    """
    request.state.ticket.release()
    remaining_s = record_of(request).timings.remaining_s()
    wait_s = min(wait_s, runs.settings.max_wait_s)
    if remaining_s is not None:
        wait_s = min(wait_s, remaining_s * WAITING_SHARE)
    return WaitLimit(wait_s, partial(disconnected, request.receive))


@router.put(
    "/v1/runs/{run_id}",
    response_model=RunOut,
    responses={
        201: {"model": RunOut, "description": "Declared"},
        **problems_of(
            *POSTED,
            *STORED[1:],
            RunConflict,
            QuotaExceeded,
            UnknownProfile,
            ProfileMismatch,
            UnknownDataset,
            IndexUnavailable,
        ),
    },
    openapi_extra=body_of(RunIn),
)
async def declare_run(request: Request, runs: Runs, run_id: NamedRun) -> Response:
    """Declare a run: 201. Repeating the same declaration changes nothing: 200. A different one is a conflict: 409.

    The run pins what it names: later changes of the profile or the active index version do not affect it.
    """
    record, body = record_of(request), await read_call(request, runs.scorer, RunIn)
    run, is_new = await runs.declare(run_id, body.to_domain(), access=record.access, timings=record.timings)
    return timed_json(record, lambda: run_out(run), status=201 if is_new else 200)


@router.get("/v1/runs/{run_id}", response_model=RunOut, responses=problems_of(*STORED))
async def read_run(request: Request, runs: Runs, run_id: NamedRun) -> Response:
    """Return a run."""
    record = record_of(request)
    run = await runs.find(run_id, access=record.access, timings=record.timings)
    return timed_json(record, lambda: run_out(run))


@router.delete(
    "/v1/runs/{run_id}",
    status_code=204,
    responses=problems_of(Forbidden, CorruptState, EngineMismatch, StateUnavailable, DeadlineExceeded),
)
async def delete_run(request: Request, runs: Runs, run_id: NamedRun) -> Response:
    """Delete a run and all its groups. If there is no such run, nothing happens."""
    record = record_of(request)
    await runs.drop(run_id, access=record.access, timings=record.timings)
    return Response(status_code=204)


@router.get("/v1/runs/{run_id}/groups", response_model=OpenGroupsOut, responses=problems_of(*GROUPED))
async def open_groups(
    request: Request, runs: Runs, run_id: NamedRun, query: Annotated[ListQuery, Query()]
) -> Response:
    """Return the open groups of a run, earliest deadline first, each with its missing rollouts."""
    record = record_of(request)
    found = await runs.open_groups(run_id, limit=query.limit, access=record.access, timings=record.timings)
    return timed_json(record, lambda: open_groups_out(found))


@router.get(
    "/v1/runs/{run_id}/summary", response_model=RunSummaryOut, responses=problems_of(*GROUPED, InvalidRequest)
)
async def summarize_run(
    request: Request, runs: Runs, run_id: NamedRun, query: Annotated[SummaryQuery, Query()]
) -> Response:
    """Return the open groups of a run and the numbers of the latest groups that this replica has closed.

    With `Accept: text/html` it answers with the part of a page that `/ui/runs/{run_id}` shows.
    """
    record = record_of(request)
    run, views, closed = await runs.standing(run_id, access=record.access, timings=record.timings)
    found = run_summary_out(run, views, closed[-query.groups :])
    if request.headers.get("accept", "").startswith("text/html"):
        return HTMLResponse(html("_served_run.html", found=found, charts=curves(found["windows"])))
    return timed_json(record, lambda: found)


async def run_page(request: Request) -> Response:
    """Return the page of a run: it holds nothing of the run, and asks for the summary with the reader's own key."""
    page = html("served_run.html", run_id=request.path_params["run_id"])
    return HTMLResponse(page, headers={"Content-Security-Policy": CSP})


def curves(windows: Sequence[WindowOut]) -> list[Chart]:
    """Return the charts of a run over windows of closed groups; none for fewer than two."""
    return drawn(lambda number: _points(windows, PREFIX + number)) if len(windows) > 1 else []


def _points(windows: Sequence[WindowOut], number: str) -> list[Point]:
    return [
        Point(
            str(n),
            window["numbers"][number],
            window["numbers"].get(f"{number}/low"),
            window["numbers"].get(f"{number}/high"),
            n=window["groups"],
        )
        for n, window in enumerate(windows, start=1)
        if number in window["numbers"]
    ]


@router.put(
    "/v1/runs/{run_id}/groups/{group_id}/rollouts/{rollout_id}",
    response_model=MemberOut | EvaluatedOut,
    responses={
        202: {"model": MemberOut, "description": "The rollout is stored; its group is still open"},
        **problems_of(
            *POSTED,
            *STORED,
            UnknownQuestion,
            UnknownDataset,
            UnknownProfile,
            ProfileMismatch,
            AttemptSuperseded,
            QuestionConflict,
            StepConflict,
            RolloutConflict,
            GroupFull,
            GroupClosed,
            QuotaExceeded,
            IndexUnavailable,
            StateLost,
            BackendUnavailable,
            JudgeBudget,
            JudgeBusy,
        ),
    },
    openapi_extra=body_of(MemberIn),
)
async def put_rollout(
    request: Request,
    runs: Runs,
    *,
    key: Key,
    rollout_id: RolloutId,
    query: Annotated[MemberQuery, Query()],
) -> Response:
    """Add one rollout to its group: 202 while the group is open, 200 with the rollout's reward once it is closed.

    Sending it again is safe at any time, even to another replica: the response is the same, with `replayed` true.
    """
    record = record_of(request)
    if query.purpose == "eval":
        arrival = await _arrival(request, runs, key=key, rollout_id=rollout_id, query=query)
        evaluated = await runs.evaluate(arrival, timings=record.timings)
        record.note(evaluated.truth.question.question_id, [evaluated.result])
        count_evaluated(record.metrics, evaluated.result)
        return timed_json(record, lambda: shown(evaluated_out(evaluated), names=record.may_see_names))
    with runs.waiting(key, query.wait_s) as waiter:
        admitted = await _admit(request, runs, key=key, rollout_id=rollout_id, query=query)
        ticket_of(request).release()
        limit = _wait_limit(request, runs, query.wait_s)
        view = await runs.outcome(admitted, waiter, limit, timings=record.timings)
    with record.timings.stage("reward"):
        record.note(view.state.question_id, [view.result_of(rollout_id)])
    return timed_json(
        record,
        lambda: shown(member_out(admitted, view), names=record.may_see_names),
        status=202 if view.state.is_open else 200,
    )


async def _arrival(
    request: Request, runs: RunService, *, key: GroupKey, rollout_id: str, query: MemberQuery
) -> Arrival:
    member = await read_call(request, runs.scorer, MemberIn)
    if member.rollout_id not in (None, rollout_id):
        raise InvalidRequest("the id in the body differs from the one in the path", path="/rollout_id")
    arrival = query.arrival(key, rollout_id, member, access=record_of(request).access)
    if arrival.explain:
        record_of(request).check_explain([arrival.question])
    return arrival


async def _admit(
    request: Request, runs: RunService, *, key: GroupKey, rollout_id: str, query: MemberQuery
) -> Admitted:
    """Admit a rollout, and count it. Nothing holds its text after the return."""
    arrival, record = (
        await _arrival(request, runs, key=key, rollout_id=rollout_id, query=query),
        record_of(request),
    )
    try:
        admitted = await runs.admit(arrival, timings=record.timings)
    except CallError as error:
        record.metrics.add("put_rollouts_total", error.slug)
        raise
    record.metrics.add("put_rollouts_total", "replayed" if admitted.replayed else "taken")
    if admitted.closed_it:
        record.metrics.observe("group_overhead_seconds", value=record.timings.total_s())
    return admitted


@router.get(
    "/v1/runs/{run_id}/groups/{group_id}", response_model=AssembledOut, responses=problems_of(*GROUPED)
)
async def read_group(
    request: Request, runs: Runs, *, key: Key, query: Annotated[WaitQuery, Query()]
) -> Response:
    """Return a group in the format of `POST /v1/groups/score`, and `missing`; with `wait_s`, wait for it to close."""
    record = record_of(request)
    ticket_of(request).release()
    with runs.waiting(key, query.wait_s) as waiter:
        limit = _wait_limit(request, runs, query.wait_s)
        view = await runs.group(key, waiter, limit, access=record.access, timings=record.timings)
    return _group(record, view)


@router.post(
    "/v1/runs/{run_id}/groups/{group_id}/close",
    response_model=AssembledOut,
    responses=problems_of(*GROUPED, AttemptSuperseded),
)
async def close_group(
    request: Request, runs: Runs, *, key: Key, query: Annotated[AttemptQuery, Query()]
) -> Response:
    """Close a group now, as if its deadline had passed, because no more rollouts will come. A closed group never changes."""
    record = record_of(request)
    view = await runs.close(key, attempt=query.attempt, access=record.access, timings=record.timings)
    return _group(record, view)


def _group(record: Record, view: GroupView) -> Response:
    with record.timings.stage("reward"):
        record.note(view.state.question_id, view.result.rollouts)
    return timed_json(record, lambda: shown(assembled_out(view), names=record.may_see_names))
