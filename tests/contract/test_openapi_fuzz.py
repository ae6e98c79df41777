"""Calls made from openapi.yaml, such as it allows and such as it does not: no bug, nothing undocumented.

`REWARD_SERVICE_FUZZ` is the number of calls of each kind an operation gets; `make fuzz` sends thousands. Strategies instead of
the pytest plugin of Schemathesis, which this version of pytest does not know.
"""

import json
import os
from pathlib import Path

import pytest
import schemathesis
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests.exceptions import InvalidHeader
from schemathesis import GenerationMode
from schemathesis.checks import load_all_checks
from schemathesis.specs.openapi.checks import (
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
    status_code_conformance,
)

from reward_service.api.app import create_app
from reward_service.serve.config import Settings
from tests.conftest import serving

EXAMPLES = int(os.environ.get("REWARD_SERVICE_FUZZ", "8"))
CHECKS = [
    status_code_conformance,
    content_type_conformance,
    response_headers_conformance,
    response_schema_conformance,
]
# 503 is what a missing part answers, 504 a deadline: documented, with Retry-After or the stage.
BUGS = {500, 501, 502}

load_all_checks()


@schemathesis.serializer("application/x-ndjson")
def one_line(_context, value):
    """Write a stream of one line."""
    return value if isinstance(value, bytes) else json.dumps(value).encode("utf-8", "replace")


SCHEMA = schemathesis.openapi.from_path(Path(__file__).parents[2] / "openapi.yaml")
OPERATIONS = {operation.ok().label: operation.ok() for operation in SCHEMA.get_all_operations()}
STREAM = "POST /v1/groups/score/stream"


@pytest.fixture(scope="module")
def base(sample_index):
    app = create_app(Settings(index=sample_index, max_wait_s=0.05, canary_interval_s=3600))
    with serving(app) as url:
        yield url


def kinds():
    """Every operation with calls that fit it, and with calls that do not where it takes anything at all."""
    for label, operation in OPERATIONS.items():
        yield label, GenerationMode.POSITIVE
        if operation.body or any(operation.iter_parameters()):
            yield label, GenerationMode.NEGATIVE


@pytest.mark.parametrize(("label", "mode"), list(kinds()))
def test_every_answer_is_a_documented_one(base, label, mode):
    @settings(
        max_examples=EXAMPLES,
        deadline=None,
        suppress_health_check=list(HealthCheck),
        derandomize=EXAMPLES < 50,
    )
    @given(data=st.data())
    def send(data):
        case = data.draw(OPERATIONS[label].as_strategy(generation_mode=mode))
        try:
            reply = case.call(base_url=base)
        except (InvalidHeader, UnicodeError):
            return  # such a request cannot be written down
        assert reply.status_code not in BUGS, reply.content
        case.validate_response(
            reply, checks=CHECKS[:1] if label == STREAM and reply.status_code == 200 else CHECKS
        )

    send()
