"""The bytes of a request body: declared as JSON, unpacked within limits, and decoded beside the loop where they are many."""

import asyncio
import functools
from collections.abc import Callable
from typing import TypeVar

from fastapi import Request
from pydantic import BaseModel

from reward_service.adapters.native import decode
from reward_service.api.admission import Ticket
from reward_service.api.encodings import decoder_for
from reward_service.api.record import Record, record_of
from reward_service.serve.errors import BodyTooLarge, UnsupportedMediaType
from reward_service.serve.scorer import Scorer

M = TypeVar("M", bound=BaseModel)
T = TypeVar("T")


def check_media_type(request: Request) -> None:
    """Refuse a body that is not declared as JSON.

    A browser can post form types across origins without asking; JSON it cannot. That keeps other people's pages away
    from a service on loopback.

    Raises:
        UnsupportedMediaType: anything but application/json and application/...+json.
    """
    media_type = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if not (
        media_type == "application/json"
        or (media_type.startswith("application/") and media_type.endswith("+json"))
    ):
        raise UnsupportedMediaType("send the header Content-Type: application/json")


async def read_body(request: Request, *, limit: int, decoded_limit: int) -> bytes:
    """Read the body of a request.

    Args:
        request: the request.
        limit: most bytes as they are sent.
        decoded_limit: most bytes after decompression.

    Raises:
        UnsupportedMediaType: it is not declared as JSON.
        UnsupportedEncoding, MalformedEncoding: it is compressed in a way that is not known, or badly.
        BodyTooLarge: it declares, or has, more bytes than a limit; the rest is not read.
    """
    check_media_type(request)
    decoder = decoder_for(request.headers.get("content-encoding", ""))
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(f"a body may have at most {limit} bytes")
    ticket: Ticket = request.state.ticket
    pieces: list[bytes] = []
    sent = size = 0
    async for chunk in request.stream():
        sent += len(chunk)
        for piece in decoder.feed(chunk):
            await asyncio.sleep(0)  # what has arrived already comes without a wait
            size += len(piece)
            if sent > limit or size > decoded_limit:
                raise BodyTooLarge(
                    f"a body may have at most {limit} bytes, and at most {decoded_limit} after decompression"
                )
            ticket.grow(len(piece))
            pieces.append(piece)
    decoder.finish()
    return b"".join(pieces)


async def read_call(request: Request, service: Scorer, model: type[M]) -> M:
    """Read and decode the body of a call.

    Raises:
        CallError: what `read_body` and `decode` refuse.
    """
    record, settings = record_of(request), service.settings
    with record.timings.stage("receive"):
        body = await read_body(
            request, limit=settings.max_body_bytes, decoded_limit=settings.max_decoded_bytes
        )
    return await read_line(body, service, record, model)


async def beside(service: Scorer, size: int, work: Callable[[], T]) -> T:
    """Do what takes longer the more bytes a call has: on the event loop where they are few, in a thread where they are many."""
    return work() if size <= service.settings.inline_bytes else await service.turns.in_thread(work)


async def read_line(line: bytes, service: Scorer, record: Record, model: type[M]) -> M:
    """Decode a body, or a line of one; beside the loop where it is long.

    Raises:
        MalformedJson, InvalidRequest: it is no call.
    """
    record.body_bytes += len(line)
    settings = service.settings
    with record.timings.stage("decode"):
        work = functools.partial(
            decode, line, model, max_depth=settings.max_json_depth, max_values=settings.max_json_values
        )
        return await beside(service, len(line), work)
