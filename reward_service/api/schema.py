"""openapi.yaml: generated from the code, committed, and kept in step by a test."""

from typing import Any

import yaml
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from reward_service.adapters.native import ExplainIn, MatchIn, RewardsIn, ScoreIn
from reward_service.adapters.runs import MemberIn, RunIn
from reward_service.adapters.trainer_bodies import CarrIn, NemoGymIn, OpenRlhfIn, SlimeIn
from reward_service.api.auth import is_public, scope_of
from reward_service.api.problems import MEDIA_TYPE
from reward_service.serve.errors import (
    Forbidden,
    InvalidRequest,
    MalformedHeader,
    OverCapacity,
    QuotaExceeded,
    TooManyHeaders,
    Unauthenticated,
)

BODIES = (
    *(ScoreIn, MatchIn, RewardsIn, ExplainIn, RunIn, MemberIn),
    *(OpenRlhfIn, SlimeIn, NemoGymIn, CarrIn),
)
SCHEMES = {
    "bearer": {
        "type": "http",
        "scheme": "bearer",
        "description": "The API key. A service on loopback may not require one.",
    },
    "basic": {"type": "http", "scheme": "basic", "description": "The API key as user name or as password."},
}
PROBLEM = {"application/json": {"schema": {"$ref": "#/components/schemas/Problem"}}}
# What the layers in front of every route that needs a key may refuse with.
DOOR = (MalformedHeader, Unauthenticated, Forbidden, QuotaExceeded, TooManyHeaders, OverCapacity)


def with_request_bodies(app: FastAPI) -> None:
    """Add to the application's schema what FastAPI cannot see: bodies that routes decode themselves, and problem+json."""
    generate = app.openapi

    def openapi() -> dict[str, Any]:
        if app.openapi_schema is None:
            schema = generate()
            _, bodies = models_json_schema(
                [(model, "validation") for model in BODIES], ref_template="#/components/schemas/{model}"
            )
            schema["components"]["schemas"] |= bodies["$defs"]
            schema["components"]["securitySchemes"] = SCHEMES
            _own_refusals(schema)
            _document_the_door(schema)
            _use_problem_media_type(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema


def _document_the_door(schema: dict[str, Any]) -> None:
    """Add to every operation that needs a key how to send it, and what is refused before the route is asked."""
    for path, operations in schema["paths"].items():
        for method, operation in operations.items():
            if is_public(path):
                continue
            scope = scope_of(method.upper(), path)
            operation["security"] = [{"bearer": []}, {"basic": []}]
            operation["x-scope"] = scope or "any"
            for cls in DOOR:
                said = operation["responses"].setdefault(
                    str(cls.status_hint), {"content": PROBLEM, "description": ""}
                )
                said["description"] = f"{said['description']} `{cls.slug}`: {cls.title}".strip()


def _own_refusals(schema: dict[str, Any]) -> None:
    """Replace FastAPI's own shape of a refused parameter: it is a problem like any other."""
    for operations in schema["paths"].values():
        for operation in operations.values():
            refused = operation["responses"].get("422")
            if refused and "HTTPValidationError" in str(refused):
                operation["responses"]["422"] = {
                    "description": f"`{InvalidRequest.slug}`: {InvalidRequest.title}",
                    "content": PROBLEM,
                }
    for unused in ("HTTPValidationError", "ValidationError"):
        schema["components"]["schemas"].pop(unused, None)


def _use_problem_media_type(schema: dict[str, Any]) -> None:
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    response["content"] = {MEDIA_TYPE: next(iter(response["content"].values()))}


def as_yaml(app: FastAPI) -> str:
    """Return the application's OpenAPI document as YAML."""
    return yaml.safe_dump(app.openapi(), sort_keys=False, allow_unicode=True, width=120)
