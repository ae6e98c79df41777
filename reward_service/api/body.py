"""The bytes of a request body, read within limits and declared as JSON."""

from fastapi import Request

from reward_service.errors import BodyTooLarge, UnsupportedMediaType


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


async def read_body(request: Request, limit: int) -> bytes:
    """Read the body of a request.

    Raises:
        UnsupportedMediaType: it is not declared as JSON.
        BodyTooLarge: it declares, or has, more than `limit` bytes; the rest is not read.
    """
    check_media_type(request)
    declared = request.headers.get("content-length", "")
    if declared.isdecimal() and int(declared) > limit:
        raise BodyTooLarge(f"a body may have {limit} bytes")
    chunks: list[bytes] = []
    size = 0
    async for chunk in request.stream():
        size += len(chunk)
        if size > limit:
            raise BodyTooLarge(f"a body may have {limit} bytes")
        chunks.append(chunk)
    return b"".join(chunks)
