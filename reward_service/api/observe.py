"""The outermost layer: gives a request its id and its record, turns every error into an answer, and writes down the end.

Health checks and the metrics page are counted like everything else and logged only at debug level.
"""

import logging
import uuid
from collections.abc import Callable, Mapping
from http import HTTPMethod
from urllib.parse import unquote_to_bytes

from starlette.datastructures import Headers
from starlette.requests import ClientDisconnect, Request
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_service.api.browsers import MARKS
from reward_service.api.metrics import Metrics
from reward_service.api.problems import confess, refuse_call
from reward_service.api.record import Record
from reward_service.serve.errors import CallError, MalformedHeader, MalformedUrl
from reward_service.serve.timings import Timings

log = logging.getLogger("reward_service.request")

REQUEST_ID = "x-request-id"
TIMEOUT = "x-request-timeout-ms"
QUIET = frozenset({"/livez", "/readyz", "/metrics"})
METHODS = frozenset(HTTPMethod)
CLIENT_LEFT = 499  # nginx's name for it; the status is not read


class Observe:
    """Serves every connection of the application."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        timeout_s: float,
        metrics: Metrics,
        arrived: Callable[[], None],
        draining: Callable[[], bool],
    ) -> None:
        """Serve an application.

        Args:
            app: what is served.
            timeout_s: longest a request may take.
            metrics: where requests are counted.
            arrived: called when a request begins.
            draining: whether the process is about to stop.
        """
        self.app = app
        self.timeout_s = timeout_s
        self.metrics = metrics
        self.arrived = arrived
        self.draining = draining

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        self.arrived()
        headers = Headers(scope=scope)
        method = scope["method"] if scope["method"] in METHODS else "other"
        record = Record(_request_id(headers), method, Timings(timeout_s=self.timeout_s), self.metrics)
        scope.setdefault("state", {}).update(request_id=record.request_id, record=record)

        async def send_marked(message: Message) -> None:
            if message["type"] == "http.response.start":
                record.status = message["status"]
                message["headers"] = [*message.get("headers", []), *self._marks(record)]
            await send(message)

        try:
            await self._serve(headers, scope, receive, send_marked)
        finally:
            self._finish(record, scope)

    async def _serve(self, headers: Headers, scope: Scope, receive: Receive, send: Send) -> None:
        """Call the application; an error becomes an answer where none has begun."""
        record: Record = scope["state"]["record"]
        try:
            record.timings.deadline = record.timings.started + _timeout_s(headers, self.timeout_s)
            _check_url(scope)
            await self.app(scope, receive, send)
        except ClientDisconnect:
            record.error, record.status = "client-disconnect", CLIENT_LEFT
        except Exception as error:  # noqa: BLE001  # the one place where a bug ends
            answer = refuse_call if isinstance(error, CallError) else confess
            response = await answer(Request(scope), error)
            if not record.status:
                await response(scope, receive, send)

    def _marks(self, record: Record) -> list[tuple[bytes, bytes]]:
        marks = [
            (REQUEST_ID.encode(), record.request_id.encode()),
            (b"server-timing", record.server_timing().encode()),
            *MARKS,
        ]
        return [*marks, (b"connection", b"close")] if self.draining() else marks

    def _finish(self, record: Record, scope: Mapping[str, object]) -> None:
        """Count and log a request that has been answered, or whose caller has gone."""
        record.route = getattr(scope.get("route"), "path", record.route)
        metrics, timings = self.metrics, record.timings
        metrics.add("requests_total", record.route, record.method, str(record.status))
        metrics.observe("request_duration_seconds", record.route, value=timings.total_s())
        for stage, seconds in timings.seconds.items():
            metrics.observe("stage_duration_seconds", stage, value=seconds)
        if record.body_bytes:
            metrics.observe("request_body_bytes", value=record.body_bytes)
        if record.error:
            metrics.add("refused_total", record.error)
        level = logging.DEBUG if record.route in QUIET else logging.INFO
        log.log(level, "request", extra={"fields": record.fields()})


def _request_id(headers: Headers) -> str:
    sent = headers.get(REQUEST_ID, "")
    return sent if 0 < len(sent) <= 128 and sent.isascii() and sent.isprintable() else uuid.uuid4().hex


def _check_url(scope: Scope) -> None:
    """Refuse a path or a query that is not text.

    Raises:
        MalformedUrl: its bytes are not UTF-8.
    """
    try:
        for part in (scope["raw_path"], scope["query_string"]):
            unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        raise MalformedUrl("percent-encode ids and names as UTF-8") from None


def _timeout_s(headers: Headers, most_s: float) -> float:
    """Return how long the caller waits; it may only shorten the service's own limit.

    Raises:
        MalformedHeader: not a number of milliseconds.
    """
    sent = headers.get(TIMEOUT)
    if sent is None:
        return most_s
    if not (sent.isascii() and sent.isdecimal() and len(sent) < 10):
        raise MalformedHeader("X-Request-Timeout-Ms must be a whole number of milliseconds")
    return min(int(sent) / 1000, most_s)
