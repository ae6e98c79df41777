"""The smallest HTTP client: one connection a call, so that a fault of a connection is a fault of a call."""

import asyncio
import json
from urllib.parse import urlencode


class Broken(Exception):
    """The call was cut off, or nobody listens; what the server did of it is unknown."""


async def call(port, method, path, body=None, *, timeout_s=120.0, **query):
    """Send one request to loopback; returns status and decoded body.

    Raises:
        Broken: there was no whole answer in time.
    """
    content = b"" if body is None else body if isinstance(body, bytes) else json.dumps(body).encode()
    target = f"{path}?{urlencode(query)}" if query else path
    head = (
        f"{method} {target} HTTP/1.1\r\nHost: localhost\r\nConnection: close\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(content)}\r\n\r\n"
    )
    try:
        async with asyncio.timeout(timeout_s):
            return _parse(await _exchange(port, head.encode() + content))
    except (OSError, TimeoutError) as error:
        raise Broken(type(error).__name__) from error


async def _exchange(port, request):
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    try:
        writer.write(request)
        return await reader.read(-1)
    finally:
        writer.transport.abort()  # closing would wait for a body that nobody reads


def _parse(answer):
    head, separator, body = answer.partition(b"\r\n\r\n")
    length = [line for line in head.split(b"\r\n") if line.lower().startswith(b"content-length:")]
    if not separator or (length and int(length[0].split(b":")[1]) != len(body)):
        raise Broken("cut off")
    status = int(head.split(b" ", 2)[1])
    try:
        return status, json.loads(body) if body else None
    except ValueError:
        raise Broken("no JSON") from None
