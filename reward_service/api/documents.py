"""What all routes share: how they answer in JSON, and how they are documented."""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Response

from reward_service.adapters.replies import encode
from reward_service.api.problems import Problem
from reward_service.api.record import Record
from reward_service.serve.errors import (
    BodyTooLarge,
    CallError,
    DeadlineExceeded,
    InvalidRequest,
    MalformedEncoding,
    MalformedJson,
    SlowBody,
    UnsupportedEncoding,
    UnsupportedMediaType,
)

POSTED = (
    *(MalformedJson, MalformedEncoding, SlowBody, BodyTooLarge, UnsupportedMediaType, UnsupportedEncoding),
    *(InvalidRequest, DeadlineExceeded),
)


def problems_of(*classes: type[CallError]) -> dict[int | str, dict[str, Any]]:
    """Document what a route may refuse with."""
    by_status: dict[int | str, dict[str, Any]] = {}
    for cls in dict.fromkeys(classes):
        said = by_status.setdefault(cls.status_hint, {"model": Problem, "description": ""})
        said["description"] = f"{said['description']} `{cls.slug}`: {cls.title}".strip()
    return by_status


def body_of(model: type) -> dict[str, Any]:
    """Document a body that the route decodes itself."""
    schema = {"$ref": f"#/components/schemas/{model.__name__}"}
    return {"requestBody": {"required": True, "content": {"application/json": {"schema": schema}}}}


def json_response(reply: Mapping[str, Any], *, status: int = 200) -> Response:
    """Answer with JSON."""
    return Response(encode(reply), status_code=status, media_type="application/json")


def timed_json(record: Record, reply: Callable[[], Mapping[str, Any]], *, status: int = 200) -> Response:
    """Write a reply down and answer with it."""
    with record.timings.stage("encode"):
        return json_response(reply(), status=status)
