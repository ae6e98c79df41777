"""What the URL of a Redis specifies, for the index and for runs alike.

    redis://[user:password@]host[:port][/db]              one server; rediss:// over TLS
    unix://[user:password@]/path[?db=n]                   one server on a socket
    redis+sentinel://[user:password@]host:port,.../service[/db]    the primary that Sentinels name; rediss+sentinel://
    redis+cluster://[user:password@]host:port,...         a Cluster; rediss+cluster://

User and password are those of Redis' ACL. TLS options go in the query: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`,
`ssl_cert_reqs` (`required`, `optional`, `none`), `ssl_check_hostname` (`true`, `false`). Sentinels that ask for a password of
their own get `sentinel_username` and `sentinel_password`.

The client libraries read URLs of one server themselves; those of several are read here.
"""

from collections.abc import Mapping
from typing import NamedTuple
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

PORTS = {"sentinel": 26379, "cluster": 6379}
TLS_OPTIONS = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}


class BadAddress(ValueError):
    """A URL does not fit the form. The message repeats nothing of it: in a URL with a slip, anything may be the password."""


def why_bad(error: ValueError) -> str:
    """Return what is wrong with a URL; messages of the libraries may repeat a part of it, so they are left out."""
    if isinstance(error, BadAddress):
        return str(error)
    return "it must be scheme://user:password@host:port/..., with signs like / and @ in a password percent-encoded"


class Address(NamedTuple):
    """What a URL of several servers says."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    db: int
    login: Mapping[str, str | None]
    tls: Mapping[str, str | bool]
    """Empty without TLS."""
    sentinel_login: Mapping[str, str]


def parse_address(url: str) -> Address:
    """Read a URL that names several servers.

    Raises:
        BadAddress: it does not fit the form.
    """
    parts = urlsplit(url)
    kind = parts.scheme.partition("+")[2]
    service, _, db = parts.path.strip("/").partition("/")
    if kind == "sentinel" and not service:
        raise BadAddress("the path must name the service that the Sentinels monitor")
    if db and not db.isdecimal():
        raise BadAddress("the database must be a number")
    options = dict(parse_qsl(parts.query))
    if options.keys() - TLS_OPTIONS - SENTINEL_OPTIONS.keys():
        known = ", ".join(sorted(TLS_OPTIONS | SENTINEL_OPTIONS.keys()))
        raise BadAddress(f"it has an unknown option: the options are {known}")
    return Address(
        hosts=_hosts(parts, PORTS[kind]),
        service=service,
        db=int(db or 0),
        login={
            "username": unquote(parts.username) if parts.username else None,
            "password": unquote(parts.password) if parts.password else None,
        },
        tls=_tls(options) if parts.scheme.startswith("rediss") else {},
        sentinel_login={ours: options[name] for name, ours in SENTINEL_OPTIONS.items() if name in options},
    )


def _hosts(parts: SplitResult, port: int) -> tuple[tuple[str, int], ...]:
    listed = parts.netloc.rpartition("@")[2].split(",")
    split = [urlsplit(f"//{one}") for one in listed]
    if not all(one.hostname for one in split):
        raise BadAddress("hosts must be host:port, separated by commas")
    return tuple((one.hostname or "", one.port or port) for one in split)


def _tls(options: Mapping[str, str]) -> dict[str, str | bool]:
    given: dict[str, str | bool] = {name: value for name, value in options.items() if name in TLS_OPTIONS}
    if "ssl_check_hostname" in given:
        given["ssl_check_hostname"] = given["ssl_check_hostname"] == "true"
    return {"ssl": True, **given}
