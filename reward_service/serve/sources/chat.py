"""One request to an OpenAI-compatible server: a prompt goes out, the text of a reply comes back, or a reason why not.

Redirects are not followed, proxies of the environment are not used, a reply has a largest size, and the model that it
names must be the one that was asked: a gateway that falls back to another model would be a drift that nobody sees.
"""

import json
import ssl
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from time import time
from typing import Any, NamedTuple

import aiohttp

from reward_service.core.judging.asks import Ask, FailureReason
from reward_service.core.judging.kinds import kind_of
from reward_service.core.judging.templates import render, templates
from reward_service.serve.sources.backends import FLAVOURS, Backend

MAX_REPLY_BYTES = 1024 * 1024
CONNECT_S = 5.0
CHUNK_BYTES = 64 * 1024
CHARS_PER_TOKEN = 3  # a cautious estimate, corrected by what the server counts
LATER = frozenset({408, 425, 429, 500, 502, 503, 504, 529})
"""Statuses after which the same request may succeed."""
OF_THE_ASK = frozenset({400, 413, 422})
"""Statuses that say something about this request, such as that it is too long; others are about the server."""
ENDED = frozenset({None, "stop", "eos", "end_turn"})
"""Finish reasons of a reply that is whole."""


class ModelReply(NamedTuple):
    """The text of a reply."""

    text: str
    model: str
    tokens_in: int
    tokens_out: int


class Failed(NamedTuple):
    """Why there is no text."""

    reason: FailureReason
    may_retry: bool = False
    retry_after_s: float | None = None
    """As the server asks for; None if it does not."""


def request_of(ask: Ask, backend: Backend, *, seed: int) -> dict[str, Any]:
    """Return the body of a chat completion.

    Args:
        ask: what to ask.
        backend: whom.
        seed: of this vote.
    """
    flavour, asker = FLAVOURS[backend.flavour], ask.asker
    prompt = render(templates()[asker.template], ask.said, structured=flavour.structured)
    body: dict[str, Any] = {
        "model": backend.names[asker.model],
        "messages": [
            {"role": "system", "content": prompt.system},
            {"role": "user", "content": prompt.user},
        ],
        "temperature": asker.temperature,
        "max_tokens": asker.max_tokens,
        "stream": False,
    }
    if flavour.seeded:
        body["seed"] = seed
    if flavour.structured:
        schema = {"name": asker.template, "strict": True, "schema": kind_of(asker).schema(ask.said)}
        body["response_format"] = {"type": "json_schema", "json_schema": schema}
    return body


def estimate(body: Mapping[str, Any]) -> int:
    """Return the tokens that a request may cost at most, about."""
    chars = sum(len(message["content"]) for message in body["messages"])
    return chars // CHARS_PER_TOKEN + int(body["max_tokens"])


class ChatServer:
    """Sends requests to one backend."""

    def __init__(self, backend: Backend) -> None:
        self.backend = backend
        self._session: aiohttp.ClientSession | None = None

    async def close(self) -> None:
        """Close all connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def complete(self, body: Mapping[str, Any], *, timeout_s: float) -> ModelReply | Failed:
        """Ask once."""
        try:
            async with self._opened().post(
                f"{self._base}/chat/completions",
                json=body,
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S),
            ) as reply:
                if reply.status != 200:
                    return _refused(reply.status, reply.headers.get("Retry-After"))
                return _said(await _read(reply), str(body["model"]))
        except TimeoutError:
            return Failed(FailureReason.TIMEOUT, may_retry=True)
        except (aiohttp.ClientError, OSError, ValueError):
            return Failed(FailureReason.TRANSPORT, may_retry=True)

    async def why_unreachable(self, *, timeout_s: float) -> str | None:
        """Return why the server cannot be asked; None if it can be. It has to list the models that it serves, if it lists any."""
        try:
            async with self._opened().get(
                f"{self._base}/models",
                allow_redirects=False,
                timeout=aiohttp.ClientTimeout(total=timeout_s, sock_connect=CONNECT_S),
            ) as reply:
                if reply.status in {401, 403}:
                    return f"it refuses the key ({reply.status})"
                if reply.status >= 500 or reply.status in LATER:
                    return f"it answers {reply.status}"
                listed = _models(await _read(reply)) if reply.status == 200 else None
        except (TimeoutError, aiohttp.ClientError, OSError, ValueError) as error:
            return f"it does not answer ({type(error).__name__})"
        lacking = [] if listed is None else sorted(set(self.backend.names.values()) - listed)
        return f"it does not serve {', '.join(lacking)}" if lacking else None

    @property
    def _base(self) -> str:
        return self.backend.url.rstrip("/")

    def _opened(self) -> aiohttp.ClientSession:
        if self._session is None:
            key, ca = self.backend.key, self.backend.ca_file
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
    return Failed(FailureReason.REFUSED if status in OF_THE_ASK else FailureReason.TRANSPORT)


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


def _said(document: Any, model: str) -> ModelReply | Failed:
    """Return the text of a chat completion, if it is whole and of the model that was asked."""
    try:
        choice, named = document["choices"][0], document["model"]
        text, ended = choice["message"].get("content"), choice.get("finish_reason")
        refusal = choice["message"].get("refusal")
    except (KeyError, IndexError, TypeError, AttributeError):
        return Failed(FailureReason.TRANSPORT)
    if named != model:
        return Failed(FailureReason.TRANSPORT)
    if ended not in ENDED or refusal:
        return Failed(FailureReason.REFUSED)
    usage = document.get("usage") or {}
    tokens = [_count(usage, name) for name in ("prompt_tokens", "completion_tokens")]
    return ModelReply(text if isinstance(text, str) else "", named, *tokens)


def _count(usage: Any, name: str) -> int:
    count = usage.get(name) if isinstance(usage, dict) else None
    return count if isinstance(count, int) and count > 0 else 0


def _models(document: Any) -> set[str] | None:
    """Return the names of a list of models; None if it is none."""
    listed = document.get("data") if isinstance(document, dict) else None
    if not isinstance(listed, list):
        return None
    return {str(one["id"]) for one in listed if isinstance(one, dict) and "id" in one}
