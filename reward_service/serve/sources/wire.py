"""Requests to a server of models, and what may come back: a reply, or a reason why there is none.

Redirects are not followed, proxies of the environment are not used, and a reply has a largest size.
"""

import json
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NamedTuple, Protocol

import aiohttp

from reward_service.core.judging.asks import Ask, FailureReason
from reward_service.serve.sources.backends import Backend

MAX_REPLY_BYTES = 1024 * 1024
CONNECT_S = 5.0
CHUNK_BYTES = 64 * 1024
LATER = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same request may succeed."""
OF_THE_ASK = {
    400: FailureReason.REFUSED,
    413: FailureReason.TOO_LONG,
    422: FailureReason.REFUSED,
}
"""Statuses that say something about this request; others are about the server."""
Body = Mapping[str, Any]
"""What one ask sends."""


class ModelReply(NamedTuple):
    """The text of a reply; of a model that scores, its score as JSON."""

    text: str
    model: str
    tokens_in: int = 0
    tokens_out: int = 0
    degraded: bool = False
    """Whether the model ran out of memory and used a smaller batch than usual."""


class Failed(NamedTuple):
    """Why there is no text."""

    reason: FailureReason
    may_retry: bool = False
    retry_after_s: float | None = None
    """As the server asks for; None if it does not."""


class ModelServer(Protocol):
    """Answers one request after the other for one backend."""

    def request(self, ask: Ask, *, seed: int) -> Body:
        """Return the body of a request."""
        ...

    def estimate(self, body: Body) -> int:
        """Return the tokens that a request may cost at most, about."""
        ...

    async def complete(self, body: Body, *, timeout_s: float) -> ModelReply | Failed:
        """Ask once."""
        ...

    async def why_unreachable(self, *, timeout_s: float) -> str | None:
        """Return why the server cannot be asked; None if it can be."""
        ...

    async def close(self) -> None:
        """Release everything."""
        ...


class Sent(NamedTuple):
    """A reply with status 200."""

    document: Any
    headers: Mapping[str, str]


class ServerLine:
    """Sends requests to the host of one backend."""

    def __init__(self, backend: Backend) -> None:
        self._backend = backend
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def post(self, path: str, body: Body, *, timeout_s: float) -> Sent | Failed:
        """Send one request."""
        try:
            async with self._opened().post(
                f"{self._base}{path}", json=body, allow_redirects=False, timeout=_within(timeout_s)
            ) as reply:
                if reply.status != 200:
                    return _refused(reply.status, reply.headers.get("Retry-After"))
                return Sent(await _read(reply), dict(reply.headers))
        except TimeoutError:
            return Failed(FailureReason.TIMEOUT, may_retry=True)
        except (aiohttp.ClientError, OSError, ValueError):
            return Failed(FailureReason.TRANSPORT, may_retry=True)

    async def look(self, path: str, *, timeout_s: float) -> Any:
        """Return the document at a path, or None if the server has none there; a string says why it cannot be asked."""
        try:
            async with self._opened().get(
                f"{self._base}{path}", allow_redirects=False, timeout=_within(timeout_s)
            ) as reply:
                if reply.status in {401, 403}:
                    return f"it refuses the key ({reply.status})"
                if reply.status >= 500 or reply.status in LATER:
                    return f"it answers {reply.status}"
                return await _read(reply) if reply.status == 200 else None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return f"it does not answer ({type(error).__name__})"

    @property
    def _base(self) -> str:
        return (self._backend.url or "").rstrip("/")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            key, ca = self._backend.key, self._backend.ca_file
            trusted = True if ca is None else ssl.create_default_context(cafile=str(ca))
            self._session = aiohttp.ClientSession(
                connector=aiohttp.TCPConnector(limit=0, ssl=trusted),
                headers={
                    "Accept-Encoding": "identity",  # the size of a reply is bounded as it comes
                    **({"Authorization": f"Bearer {key.get_secret_value()}"} if key else {}),
                },
                trust_env=False,
                cookie_jar=aiohttp.DummyCookieJar(),
            )
        return self._session


def _within(timeout_s: float) -> aiohttp.ClientTimeout:
    return aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S)


async def _read(reply: aiohttp.ClientResponse) -> Any:
    """Return the JSON of a reply.

    Raises:
        ValueError: it is none, or longer than a reply may be.
    """
    pieces, size = [], 0
    async for piece in reply.content.iter_chunked(CHUNK_BYTES):
        size += len(piece)
        if size > MAX_REPLY_BYTES:
            raise ValueError("the reply is too long")
        pieces.append(piece)
    return json.loads(b"".join(pieces))


def _refused(status: int, retry_after: str | None) -> Failed:
    if status == 429:
        return Failed(FailureReason.OVERLOADED, may_retry=True, retry_after_s=_seconds(retry_after))
    if status in LATER:
        reason = FailureReason.OVERLOADED if status == 503 else FailureReason.TRANSPORT
        return Failed(reason, may_retry=True, retry_after_s=_seconds(retry_after))
    return Failed(OF_THE_ASK.get(status, FailureReason.TRANSPORT))


def _seconds(retry_after: str | None) -> float | None:
    """Return what a Retry-After header says, as seconds from now; None if it says nothing."""
    if retry_after is None:
        return None
    try:
        return max(float(retry_after), 0.0)
    except ValueError:
        pass
    try:
        return max(parsedate_to_datetime(retry_after).timestamp() - time(), 0.0)
    except ValueError:
        return None
