"""Authentication: an API key as Bearer token, or as user or password of HTTP Basic for trainers that know only URLs.

Health, metrics and the documentation need no key. Without configured keys only callers on loopback are served.
"""

import base64
import binascii
import ipaddress
from datetime import UTC, datetime
from functools import lru_cache

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reward_service.api.keys import ANYONE, PREFIX, Key, KeyRing, find
from reward_service.api.record import Record
from reward_service.serve.errors import Forbidden, Unauthenticated

PUBLIC = ("/livez", "/readyz", "/metrics", "/docs", "/redoc", "/openapi.json", "/static-offline-docs", "/ui")
ANY_KEY = None
MISSING = "send the key as a Bearer token, or as the password of HTTP Basic"
UNKNOWN = "the service does not know this key: it may have been replaced"
CACHED_HOSTS = 64  # callers name the same few, and may send long ones
# The first rule whose method and path fit decides; `admin` allows everything.
RULES: tuple[tuple[str, str, str | None], ...] = (
    ("GET", "/v1/info", ANY_KEY),
    ("GET", "/v1/profiles", ANY_KEY),
    ("*", "/v1/datasets/", "ingest"),  # below it stands the ground truth itself
    ("GET", "/v1/datasets", ANY_KEY),
    ("*", "/", "score"),
)


def is_public(path: str) -> bool:
    """Say whether a path needs no key."""
    return path == "/" or any(path == one or path.startswith(f"{one}/") for one in PUBLIC)


def scope_of(method: str, path: str) -> str | None:
    """Return the scope a call needs; None where any key will do."""
    return next(scope for verb, prefix, scope in RULES if verb in {"*", method} and path.startswith(prefix))


@lru_cache(maxsize=CACHED_HOSTS)
def is_loopback(host: str) -> bool:
    """Say whether an address is this machine's own."""
    try:
        return ipaddress.ip_address(host.strip("[]")).is_loopback
    except ValueError:
        return host == "localhost"


class Auth:
    """Checks the key of every call."""

    def __init__(self, app: ASGIApp, *, ring: KeyRing | None) -> None:
        self.app = app
        self.ring = ring

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http" and not is_public(scope["path"]):
            record: Record = scope["state"]["record"]
            record.key = self._check(scope)
        await self.app(scope, receive, send)

    def _check(self, scope: Scope) -> Key:
        """Return the caller's key; `ANYONE` where none is asked for.

        Raises:
            Unauthenticated: a key is needed, and there is none, or none that is valid.
            Forbidden: it lacks the scope.
        """
        if self.ring is None:
            client = scope.get("client")
            if client and not is_loopback(client[0]):
                raise Unauthenticated("without keys, the service accepts calls over loopback only")
            return ANYONE
        token = _token(Headers(scope=scope))
        key = find(self.ring.keys(), token)
        if key is None:
            raise Unauthenticated(UNKNOWN if token else MISSING)
        if key.has_ended(datetime.now(UTC)):
            raise Unauthenticated(f"the key {key.id} was valid until {key.not_after}")
        needed = scope_of(scope["method"], scope["path"])
        if not key.allows(needed):
            raise Forbidden(f"this call requires the scope {needed}")
        return key


def _token(headers: Headers) -> bytes:
    """Return the key that was sent, in any of its forms; empty where there is none."""
    scheme, _, value = headers.get("authorization", "").partition(" ")
    sent = value.strip().encode("latin-1")
    match scheme.lower():
        case "bearer":
            return sent
        case "basic":
            return _from_basic(sent)
        case _:
            return b""


def _from_basic(sent: bytes) -> bytes:
    """Return the half of `user:password` that is a key."""
    try:
        user, _, password = base64.b64decode(sent, validate=True).partition(b":")
    except binascii.Error:
        return b""
    return password if password.startswith(PREFIX.encode()) else user
