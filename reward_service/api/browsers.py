"""Keeps web pages of other sites away from the service.

A browser runs pages of strangers on the machine of the one who reads them, so being reachable on loopback alone is no
protection: a page can send requests to it, and a name of its own that resolves to 127.0.0.1 (DNS rebinding) lets it
read the answers too. Both show in headers that a page cannot change: `Host`, `Origin` and `Sec-Fetch-Site`.
"""

from collections.abc import Collection
from functools import lru_cache
from urllib.parse import urlsplit

from starlette.datastructures import Headers
from starlette.types import ASGIApp, Receive, Scope, Send

from reward_service.api.auth import CACHED_HOSTS, is_loopback
from reward_service.serve.errors import ForeignSite

READING = frozenset({"GET", "HEAD", "OPTIONS"})
OWN = frozenset({"same-origin", "none"})
"""Values of `Sec-Fetch-Site` for the service's own pages, and for addresses that a person has typed."""
# No other site may show a page in a frame, and no answer is taken for what its Content-Type does not say.
MARKS = (
    (b"x-content-type-options", b"nosniff"),
    (b"content-security-policy", b"frame-ancestors 'none'"),
)


class BrowserGuard:
    """Refuses calls from pages of other sites."""

    def __init__(self, app: ASGIApp, *, has_keys: bool, allowed_hosts: Collection[str]) -> None:
        """Guard an application.

        Args:
            app: what is guarded.
            has_keys: whether calls need an API key. Without one, the names by which the service is addressed are checked.
            allowed_hosts: names other than those of loopback.
        """
        self.app = app
        self.has_keys = has_keys
        self.allowed_hosts = frozenset(name.lower() for name in allowed_hosts)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Serve one ASGI connection."""
        if scope["type"] == "http":
            self._check(scope["method"], Headers(scope=scope))
        await self.app(scope, receive, send)

    def _check(self, method: str, headers: Headers) -> None:
        """Refuse a call of another site.

        Raises:
            ForeignSite: a page of another site sends it, or it is addressed to a name that is not known.
        """
        host, origin = headers.get("host", ""), headers.get("origin")
        if not self.has_keys and host and not self._is_known(host):
            raise ForeignSite("without keys the service answers to names of loopback and to `allowed_hosts`")
        if method in READING:
            return
        # Of a service with keys `Origin` is not compared: a proxy may have changed the Host, and pages have no key.
        is_foreign = not self.has_keys and origin is not None and not self._is_own(origin, host)
        if is_foreign or headers.get("sec-fetch-site", "none") not in OWN:
            raise ForeignSite("a web page of another site may not change anything")

    def _is_own(self, origin: str, host: str) -> bool:
        place = origin.partition("://")[2].lower()
        return bool(place) and (place == host.lower() or _name(place) in self.allowed_hosts)

    def _is_known(self, host: str) -> bool:
        name = _name(host)
        return is_loopback(name) or name in self.allowed_hosts


@lru_cache(maxsize=CACHED_HOSTS)
def _name(host: str) -> str:
    """Return the name in `name:port`; empty if it is no such thing."""
    try:
        return urlsplit(f"//{host}").hostname or ""
    except ValueError:
        return ""
