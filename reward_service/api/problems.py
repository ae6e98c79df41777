"""Errors as `application/problem+json` (RFC 9457). They never echo a rollout, and a bug never shows its insides."""

import logging
from collections.abc import Sequence
from http import HTTPStatus
from typing import Any, NotRequired, cast

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from starlette.routing import Match, Route
from typing_extensions import TypedDict

from reward_service.adapters.native import MAX_PROBLEMS
from reward_service.api.logs import describe
from reward_service.api.record import Record
from reward_service.serve.errors import URN, CallError, DeadlineExceeded, InvalidRequest

log = logging.getLogger("reward_service")

MEDIA_TYPE = "application/problem+json"


class Misfit(TypedDict):
    """One place where a body does not match the schema."""

    path: str
    message: str


class Problem(TypedDict):
    """The reason why a call was refused."""

    type: str
    title: str
    status: int
    detail: str
    path: NotRequired[str]
    stage: NotRequired[str]
    errors: NotRequired[list[Misfit]]
    request_id: str


def _problem(request: Request, *, slug: str, title: str, status: int, detail: str, **more: Any) -> Problem:
    """Put a problem together, and note it in the request's record."""
    record: Record = request.state.record
    record.error = slug
    problem = {"type": URN + slug, "title": title, "status": status, "detail": detail, **more}
    return cast("Problem", {**problem, "request_id": record.request_id})


def problem_of(request: Request, error: CallError) -> Problem:
    """Say why a call was refused."""
    more: dict[str, Any] = {} if error.path is None else {"path": error.path}
    if isinstance(error, InvalidRequest) and error.problems:
        more["errors"] = [{"path": path, "message": message} for path, message in error.problems]
    if isinstance(error, DeadlineExceeded):
        more["stage"] = error.stage
    return _problem(
        request, slug=error.slug, title=error.title, status=error.status_hint, detail=error.detail, **more
    )


def _respond(problem: Problem, headers: Sequence[tuple[str, str]] = ()) -> JSONResponse:
    response = JSONResponse(problem, status_code=problem["status"], media_type=MEDIA_TYPE)
    for name, value in headers:
        response.headers.append(name, value)
    return response


async def refuse_call(request: Request, error: Exception) -> JSONResponse:
    """Answer a call that was refused."""
    assert isinstance(error, CallError)  # noqa: S101  # registered for this class alone
    return _respond(problem_of(request, error), _headers(error))


def _headers(error: CallError) -> list[tuple[str, str]]:
    retry = [] if error.retry_after_s is None else [("Retry-After", str(error.retry_after_s))]
    return [*error.headers, *retry, *([("Connection", "close")] if error.closes else [])]


async def refuse_parameters(request: Request, error: Exception) -> JSONResponse:
    """Answer a call whose path or query does not fit, without echoing it."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    said = [f"{item['msg']} in the {' '.join(map(str, item['loc']))}" for item in error.errors()]
    return await refuse_call(request, InvalidRequest("; ".join(said[:MAX_PROBLEMS])))


async def refuse_route(request: Request, error: Exception) -> JSONResponse:
    """Answer a call to a route or with a method that does not exist, keeping `Allow`."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    phrase = HTTPStatus(error.status_code).phrase
    slug = phrase.lower().replace(" ", "-")
    problem = _problem(request, slug=slug, title=phrase, status=error.status_code, detail=str(error.detail))
    headers = dict(error.headers or {})
    if (
        "Allow" in headers
    ):  # Starlette names the methods of the first route that fits the path, and there may be several
        headers["Allow"] = ", ".join(sorted(_methods(request))) or headers["Allow"]
    return _respond(problem, list(headers.items()))


def _methods(request: Request) -> set[str]:
    """Return every method that a path has."""
    routes: list[Route] = [route for route in request.app.state.routes if isinstance(route, Route)]
    fitting = [route for route in routes if route.matches(request.scope)[0] is not Match.NONE]
    return {method for route in fitting for method in route.methods or ()}


async def confess(request: Request, error: Exception) -> JSONResponse:
    """Answer a call that met a bug: the log has the trace, the caller an id to quote."""
    log.error("bug", extra={"fields": {"request_id": request.state.request_id, **describe(error)}})
    return _respond(
        _problem(
            request,
            slug="internal-error",
            title="The service has a bug.",
            status=500,
            detail="Quote the request id when you report it.",
        )
    )


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(CallError, refuse_call)
    app.add_exception_handler(RequestValidationError, refuse_parameters)
    app.add_exception_handler(HTTPException, refuse_route)
    app.add_exception_handler(Exception, confess)
