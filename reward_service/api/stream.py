"""Bulk scoring: a group a line in, or an item of an array, its reply a line out, in order, one group in memory at a time.

The reply to a group is what a call with that group alone would get: a reply of `POST /v1/groups/score`, or a problem. A bad group does
not end the stream; a body that stops coming, that breaks a limit, or whose array is broken, does, with a problem as last line. The
caller must read while it sends: replies that are not read stop the work, and after `body_timeout_s` the connection.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from types import MappingProxyType

from fastapi import Request, Response
from starlette.requests import ClientDisconnect
from starlette.types import Receive, Scope, Send

from reward_service.api.admission import Ticket
from reward_service.api.cutting import Cutter, Items, Lines
from reward_service.api.encodings import decoder_for
from reward_service.api.problems import problem_of
from reward_service.api.record import record_of
from reward_service.serve.config import Settings
from reward_service.serve.errors import BodyTooLarge, CallError, SlowBody, UnsupportedMediaType

MEDIA_TYPE = "application/x-ndjson"
ARRAY = "application/json"
CUTTERS: Mapping[str, Callable[[], Cutter]] = MappingProxyType(
    {MEDIA_TYPE: Lines, "application/ndjson": Lines, "application/jsonl": Lines, ARRAY: Items}
)
"""How groups come, by media type."""


def cutter_for(request: Request) -> Cutter:
    """Return what cuts a body into groups.

    Raises:
        UnsupportedMediaType: it is declared as something else than lines of JSON or a JSON array.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if media_type not in CUTTERS:
        raise UnsupportedMediaType(
            f"send the header Content-Type: {MEDIA_TYPE}, or {ARRAY} with an array of groups"
        )
    return CUTTERS[media_type]()


async def read_groups(request: Request, cutter: Cutter, settings: Settings) -> AsyncIterator[bytes]:
    """Yield the groups of a body that are not blank, as they were sent; what is held is accounted for.

    The event loop goes round before each group and each piece of the body: what has arrived already comes without a wait.

    Raises:
        UnsupportedEncoding, MalformedEncoding: it is compressed in a way that is not known, or badly.
        MalformedJson: it was declared as an array and is none.
        BodyTooLarge: a group, the unpacked body, or the number of its blank lines is over its limit.
        SlowBody: no group came for too long.
    """
    ticket: Ticket = request.state.ticket
    clock = record_of(request).timings.clock
    blank, late = 0, clock() + settings.body_timeout_s
    async for piece in _pieces(request, settings, cutter.piece_bytes):
        if clock() > late:
            raise SlowBody("no group of the body came to its end in time")
        ticket.grow(len(piece))
        unaccounted = len(cutter.held) + len(piece)
        for group in cutter.feed(piece):
            if group.strip():
                await asyncio.sleep(0)
                yield group
                late = clock() + settings.body_timeout_s
            elif (blank := blank + 1) > settings.max_blank_lines:
                raise BodyTooLarge(f"a stream may have {settings.max_blank_lines} blank lines")
        ticket.shrink(unaccounted - len(cutter.held))
        if len(cutter.held) > settings.max_body_bytes:
            raise BodyTooLarge(f"a group may have {settings.max_body_bytes} bytes")
    cutter.finish()
    if cutter.held.strip():
        yield bytes(cutter.held)


async def _pieces(request: Request, settings: Settings, most: int) -> AsyncIterator[bytes]:
    """Yield a body as it is unpacked, in pieces of some size at most.

    Raises:
        BodyTooLarge: it unpacks to more than the limit.
    """
    decoder = decoder_for(request.headers.get("content-encoding", ""))
    size = 0
    async for chunk in request.stream():
        for piece in decoder.feed(chunk):
            size += len(piece)
            if size > settings.max_stream_bytes:
                raise BodyTooLarge(f"a stream may have {settings.max_stream_bytes} bytes unpacked")
            for start in range(0, len(piece), most):
                await asyncio.sleep(0)
                yield piece[start : start + most]
    decoder.finish()


class Replies(Response):
    """Answers line by line while the request still arrives."""

    media_type = MEDIA_TYPE

    def __init__(
        self,
        request: Request,
        lines: AsyncIterator[bytes],
        answer: Callable[[bytes], Awaitable[bytes]],
        *,
        patience_s: float,
    ) -> None:
        super().__init__(
            headers={"Connection": "close"}
        )  # where it ends early, the rest of the body is unread
        del self.headers["content-length"]
        self.request = request
        self.lines = lines
        self.answer = answer
        self.patience_s = patience_s

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002  # ASGI
        """Answer until the lines end."""
        await send({"type": "http.response.start", "status": 200, "headers": self.raw_headers})
        try:
            async for line in self.lines:
                await self._send(send, await self._reply(line))
        except CallError as error:
            await self._send(send, self._problem(error))
        await send({"type": "http.response.body", "body": b"", "more_body": False})

    async def _reply(self, line: bytes) -> bytes:
        try:
            return await self.answer(line)
        except CallError as error:
            return self._problem(error)

    def _problem(self, error: CallError) -> bytes:
        return json.dumps(problem_of(self.request, error), ensure_ascii=False).encode()

    async def _send(self, send: Send, reply: bytes) -> None:
        """Send a line, unless the client has left.

        Raises:
            ClientDisconnect: it has left; the connection ends.
        """
        try:
            async with asyncio.timeout(self.patience_s):
                await send({"type": "http.response.body", "body": reply + b"\n", "more_body": True})
        except TimeoutError:
            self.request.scope["state"].get("abort", _nothing)()
            raise ClientDisconnect from None


def _nothing() -> None:
    """Another server than ours has no way to cut a connection."""
