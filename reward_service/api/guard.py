"""The door: looks at headers alone, admits, lets wait or refuses, and holds the caller to the clock while the body arrives.

Health checks and the metrics page pass without a ticket: they never queue behind work.
"""

import asyncio
import math
import re

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from reward_service.api.admission import Admission, Ticket
from reward_service.api.observe import QUIET, TIMEOUT
from reward_service.api.record import Record
from reward_service.api.waiting_room import Sender
from reward_service.serve.config import Settings
from reward_service.serve.errors import (
    BodyTooLarge,
    DeadlineExceeded,
    MalformedHeader,
    OverCapacity,
    QuotaExceeded,
    SlowBody,
    TooManyHeaders,
)
from reward_service.serve.timings import Timings

RUN = re.compile(r"^/v1/runs/([^/]+)")
# No limit on the whole body here, and the clock starts again with each piece; what reads it has limits of its own.
STREAMS = re.compile(r"POST /v1/groups/score/stream|PUT /v1/datasets/.*")


class AdmissionGuard:
    """Admits requests."""

    def __init__(self, app: ASGIApp, *, settings: Settings, admission: Admission) -> None:
        self.app = app
        self.settings = settings
        self.admission = admission

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] != "http" or scope["path"] in QUIET:
            await self.app(scope, receive, send)
            return
        headers = Headers(scope=scope)
        stream = STREAMS.fullmatch(f"{scope['method']} {scope['path']}") is not None
        self._check_size(scope, headers)
        declared = self._declared(headers, stream=stream)
        record: Record = scope["state"]["record"]
        has_unknown_size = stream or "transfer-encoding" in headers
        size = self.settings.max_body_bytes if has_unknown_size else declared
        ticket = await self._ticket(scope, headers, declared=declared, size=size)
        scope["state"]["ticket"] = ticket
        record.timings.away = ticket.away
        try:
            await self.app(scope, self._timed(receive, record, stream=stream), send)
        finally:
            ticket.release()

    async def _ticket(self, scope: Scope, headers: Headers, *, declared: int, size: int) -> Ticket:
        """Admit a request, at once or after a wait.

        Raises:
            QuotaExceeded, OverCapacity: it would wait, or has waited, for longer than the service lets it.
            DeadlineExceeded: it has waited for longer than its caller does.
            ClientDisconnect: its caller has left.
        """
        timings = scope["state"]["record"].timings
        caller, patience_s = _caller(scope, headers), self._patience_s(scope, headers)
        got = self.admission.enter(caller, declared=declared, size=size, patience_s=patience_s)
        if isinstance(got, Ticket):
            return got
        try:
            with timings.stage("queue"):
                left = scope["state"].get("left")
                return await self.admission.wait(got, patience_s=patience_s, left=left)
        except (QuotaExceeded, OverCapacity, DeadlineExceeded):
            self.admission.leave(got)
            if patience_s < self._most_s(scope, headers):  # the caller's time was shorter than the service's
                raise DeadlineExceeded("the call was still waiting for capacity", stage="queue") from None
            raise

    def _patience_s(self, scope: Scope, headers: Headers) -> float:
        """Return how long a request may wait in the queue, so that it can be answered in what is left of its time."""
        record: Record = scope["state"]["record"]
        left_s = (record.timings.remaining_s() or 0.0) - self.admission.expected_service_s()
        return min(self._most_s(scope, headers), left_s)

    def _most_s(self, scope: Scope, headers: Headers) -> float:
        """Return how long callers of its kind usually wait; no limit if the caller says how long it does."""
        if TIMEOUT in headers:
            return math.inf
        is_compat = scope["path"].startswith("/compat/")
        return self.settings.max_compat_queue_s if is_compat else self.settings.max_queue_s

    def _check_size(self, scope: Scope, headers: Headers) -> None:
        """Refuse headers that are too many or too long.

        Raises:
            TooManyHeaders: there are more, or more bytes of them and the URL, than the limit.
        """
        if len(headers) > self.settings.max_headers:
            raise TooManyHeaders(f"a request may have {self.settings.max_headers} header fields")
        url = len(scope["path"]) + len(scope["query_string"])
        if url + sum(len(name) + len(value) for name, value in headers.raw) > self.settings.max_header_bytes:
            raise TooManyHeaders(f"headers may have {self.settings.max_header_bytes} bytes, with the URL")

    def _declared(self, headers: Headers, *, stream: bool) -> int:
        """Return the length a body declares, 0 where it declares none.

        Raises:
            MalformedHeader: two headers say where the body ends (RFC 9112, 6.1: the way requests are smuggled).
            BodyTooLarge: it is longer than the limit.
        """
        declared = headers.get("content-length", "0")
        if "content-length" in headers and "transfer-encoding" in headers:
            raise MalformedHeader("Content-Length and Transfer-Encoding cannot be sent together")
        if not declared.isdecimal():
            raise MalformedHeader("Content-Length must be a number")
        if stream:
            return 0
        if int(declared) > self.settings.max_body_bytes:
            raise BodyTooLarge(f"a body may have at most {self.settings.max_body_bytes} bytes")
        return int(declared)

    def _timed(self, receive: Receive, record: Record, *, stream: bool) -> Receive:
        """Return a `receive` that gives up on a body that is too slow, or whose client has left."""
        timings = record.timings
        patience = self.settings.body_timeout_s
        patient_until = timings.clock() + patience
        complete = False

        async def receive_in_time() -> Message:
            nonlocal complete, patient_until
            if complete:  # from here on it only tells whether the caller has left
                return await receive()
            if stream:
                patient_until = timings.clock() + patience
            message = await _before(receive, timings, patient_until)
            complete = not message.get("more_body")
            return message

        return receive_in_time


async def _before(receive: Receive, timings: Timings, patient_until: float) -> Message:
    """Receive a message in time.

    Raises:
        SlowBody: it did not come by `patient_until`.
        DeadlineExceeded: nor by the request's deadline, which was earlier.
    """
    deadline = timings.deadline or patient_until
    try:
        async with asyncio.timeout(min(patient_until, deadline) - timings.clock()):
            return await receive()
    except TimeoutError:
        if deadline < patient_until:
            raise DeadlineExceeded("the body was still being received", stage="receive") from None
        raise SlowBody("send it faster, in smaller calls, or compressed") from None


def _caller(scope: Scope, headers: Headers) -> Sender:
    """Return who asks: the key, and the run where path or header name it."""
    named = RUN.match(scope["path"])
    return Sender(
        scope["state"]["record"].key.owner or None, named.group(1) if named else headers.get("x-run-id")
    )
