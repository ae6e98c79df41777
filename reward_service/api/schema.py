"""openapi.yaml: generated from the code, committed, and kept in step by a test."""

from typing import Any

import yaml
from fastapi import FastAPI
from pydantic.json_schema import models_json_schema

from reward_service.adapters.native import ExplainIn, MatchIn, RewardsIn, ScoreIn
from reward_service.adapters.runs import MemberIn, RunIn
from reward_service.api.problems import MEDIA_TYPE

BODIES = (ScoreIn, MatchIn, RewardsIn, ExplainIn, RunIn, MemberIn)


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
            _use_problem_media_type(schema)
            app.openapi_schema = schema
        return app.openapi_schema

    app.openapi = openapi  # type: ignore[method-assign]  # FastAPI's documented way to extend the schema


def _use_problem_media_type(schema: dict[str, Any]) -> None:
    for path in schema["paths"].values():
        for operation in path.values():
            for status, response in operation["responses"].items():
                if int(status) >= 400:
                    response["content"] = {MEDIA_TYPE: response["content"]["application/json"]}


def as_yaml(app: FastAPI) -> str:
    """Return the application's OpenAPI document as YAML."""
    return yaml.safe_dump(app.openapi(), sort_keys=False, allow_unicode=True, width=120)
