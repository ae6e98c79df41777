"""Errors as `application/problem+json` (RFC 9457). They never echo a rollout, and a bug never shows its insides."""

import logging
from http import HTTPStatus
from typing import Any, NotRequired

from fastapi import FastAPI, Request
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from starlette.exceptions import HTTPException
from typing_extensions import TypedDict

from reward_service.adapters.native import MAX_PROBLEMS
from reward_service.errors import URN, CallError, InvalidRequest

log = logging.getLogger("reward_service")

MEDIA_TYPE = "application/problem+json"


class Misfit(TypedDict):
    """One place where a body does not fit the schema."""

    path: str
    message: str


class Problem(TypedDict):
    """Why a call was refused."""

    type: str
    title: str
    status: int
    detail: str
    path: NotRequired[str]
    errors: NotRequired[list[Misfit]]
    request_id: str


def _respond(
    request: Request,
    *,
    slug: str,
    title: str,
    status: int,
    detail: str,
    headers: dict[str, str] | None = None,
    **more: Any,
) -> JSONResponse:
    problem = {"type": slug, "title": title, "status": status, "detail": detail, **more}
    problem["request_id"] = request.state.request_id
    return JSONResponse(problem, status_code=status, headers=headers, media_type=MEDIA_TYPE)


async def refuse_call(request: Request, error: Exception) -> JSONResponse:
    """Answer a call that was refused."""
    assert isinstance(error, CallError)  # noqa: S101  # registered for this class alone
    more: dict[str, Any] = {} if error.path is None else {"path": error.path}
    if isinstance(error, InvalidRequest) and error.problems:
        more["errors"] = [{"path": path, "message": message} for path, message in error.problems]
    headers = {} if error.retry_after_s is None else {"Retry-After": str(error.retry_after_s)}
    return _respond(
        request,
        slug=error.type,
        title=error.title,
        status=error.status_hint,
        detail=error.detail,
        headers=headers,
        **more,
    )


async def refuse_parameters(request: Request, error: Exception) -> JSONResponse:
    """Answer a call whose path or query does not fit, without echoing it."""
    assert isinstance(error, RequestValidationError)  # noqa: S101  # registered for this class alone
    said = [f"{item['msg']} in the {' '.join(map(str, item['loc']))}" for item in error.errors()]
    return await refuse_call(request, InvalidRequest("; ".join(said[:MAX_PROBLEMS])))


async def refuse_route(request: Request, error: Exception) -> JSONResponse:
    """Answer a call to a route or with a method that does not exist, keeping `Allow`."""
    assert isinstance(error, HTTPException)  # noqa: S101  # registered for this class alone
    phrase = HTTPStatus(error.status_code).phrase
    slug = URN + phrase.lower().replace(" ", "-")
    headers = dict(error.headers or {})
    return _respond(
        request, slug=slug, title=phrase, status=error.status_code, detail=str(error.detail), headers=headers
    )


async def confess(request: Request, error: Exception) -> JSONResponse:
    """Answer a call that met a bug: the log has the trace, the caller an id to quote."""
    log.error("request %s failed", request.state.request_id, exc_info=error)
    return _respond(
        request,
        slug=URN + "internal-error",
        title="The service has a bug.",
        status=500,
        detail="Quote the request id when you report it.",
    )


def install(app: FastAPI) -> None:
    """Make every error of the application a problem."""
    app.add_exception_handler(CallError, refuse_call)
    app.add_exception_handler(RequestValidationError, refuse_parameters)
    app.add_exception_handler(HTTPException, refuse_route)
    app.add_exception_handler(Exception, confess)
