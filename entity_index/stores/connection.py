"""How a Redis is named, and the few commands the index sends it.

    redis://[user:password@]host[:port][/db]              one server; rediss:// over TLS
    unix://[user:password@]/path[?db=n]                   one server on a socket
    redis+sentinel://[user:password@]host:port,.../service[/db]    the primary that Sentinels name; rediss+sentinel://
    redis+cluster://[user:password@]host:port,...         a Cluster; rediss+cluster://

User and password are those of Redis' ACL. Options of TLS stand in the query: `ssl_ca_certs`, `ssl_certfile`, `ssl_keyfile`,
`ssl_cert_reqs` (`required`, `optional`, `none`), `ssl_check_hostname` (`true`, `false`). Sentinels that ask for a password of
their own get `sentinel_username` and `sentinel_password`.

Time-outs and retries are explicit: redis-py's own defaults (5 s and ten retries in 8.1) make one command on a stalled server
take a minute. A retried command may run twice, so every command here can.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import SplitResult, parse_qsl, unquote, urlsplit

from redis import Redis, RedisCluster, exceptions
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from entity_index.errors import IndexUnreachable, InvalidAddress

Client: TypeAlias = "Redis | RedisCluster"

RETRIES = 1
# After a failover a Cluster answers with the new address; following it takes more than one try.
CLUSTER_RETRIES = 3
PORTS = {"sentinel": 26379, "cluster": 6379}
TLS_OPTIONS = frozenset(
    {"ssl_ca_certs", "ssl_certfile", "ssl_keyfile", "ssl_cert_reqs", "ssl_check_hostname"}
)
SENTINEL_OPTIONS = {"sentinel_username": "username", "sentinel_password": "password"}

# What a failure means; the first that fits. Anything else is that Redis cannot be reached.
MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.OutOfMemoryError, "is full"),
    (exceptions.TimeoutError, "did not answer in time"),
    (exceptions.BusyLoadingError, "is still loading"),
    (exceptions.AuthenticationError, "refuses the credentials"),
    (exceptions.NoPermissionError, "refuses the command to this user"),
    (exceptions.ReadOnlyError, "is no primary any more"),
    (exceptions.ConnectionError, "cannot be reached"),
    (exceptions.ResponseError, "refuses the command"),
)
FAILURES = (exceptions.RedisError, exceptions.RedisClusterException, OSError)


class Address(NamedTuple):
    """What a URL of several servers says."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    db: int
    login: Mapping[str, str | None]
    tls: Mapping[str, str | bool]
    """Empty without TLS."""
    sentinel_login: Mapping[str, str]


class Connection:
    """A Redis, one or many servers; may be used from several threads."""

    def __init__(self, client: Client) -> None:
        self._client: Any = client  # redis-py types both its clients as possibly asynchronous

    @property
    def _is_cluster(self) -> bool:
        return isinstance(self._client, RedisCluster)

    def get_many(self, keys: Sequence[bytes]) -> list[bytes | None]:
        """Return one value per key, in order: one MGET, in a Cluster one a slot."""
        if not keys:
            return []
        with _explained():
            found: list[bytes | None] = (
                self._client.mget_nonatomic(keys) if self._is_cluster else self._client.mget(keys)
            )
        return found

    def set_many(self, values: Mapping[bytes, bytes]) -> None:
        """Set values: one MSET, in a Cluster one a slot."""
        with _explained():
            if self._is_cluster:
                self._client.mset_nonatomic(values)
            else:
                self._client.mset(values)

    def count(self, keys: Sequence[bytes]) -> int:
        """Return how many of the keys exist."""
        with _explained():
            return int(self._client.exists(*keys))

    def remove(self, keys: Sequence[bytes]) -> None:
        """Remove keys, those that exist."""
        with _explained():
            self._client.unlink(*keys)

    def fields(self, key: bytes) -> dict[bytes, bytes]:
        """Return the fields of a hash."""
        with _explained():
            found: dict[bytes, bytes] = self._client.hgetall(key)
        return found

    def run(self, script: str, key: bytes, *values: str) -> int:
        """Run a script on one key."""
        with _explained():
            return int(self._client.eval(script, 1, key, *values))

    def close(self) -> None:
        """Close all connections, those to Sentinels too."""
        pool = None if self._is_cluster else self._client.connection_pool
        self._client.close()
        for sentinel in pool.sentinel_manager.sentinels if isinstance(pool, SentinelConnectionPool) else ():
            sentinel.close()
        if pool is not None:
            pool.disconnect()


@contextmanager
def _explained() -> Iterator[None]:
    try:
        yield
    except FAILURES as error:
        why = next((why for kind, why in MEANINGS if isinstance(error, kind)), "cannot be reached")
        raise IndexUnreachable(f"the Redis of the index {why}") from error


def is_url(text: str) -> bool:
    """Return whether a text is the URL of a Redis rather than a folder."""
    return text.partition("://")[0] in _CLIENTS and "://" in text


def connect(url: str, *, timeout_s: float) -> Connection:
    """Connect to a Redis; one server is asked nothing before the first command, a Cluster for its nodes.

    Args:
        url: as above.
        timeout_s: of connecting, and of each command.

    Raises:
        InvalidAddress: the URL names no Redis; the message does not repeat it, it may hold a password.
        IndexUnreachable: the Cluster does not answer.
    """
    client = _CLIENTS.get(url.partition("://")[0])
    if client is None:
        known = ", ".join(f"{name}://" for name in _CLIENTS)
        raise InvalidAddress(f"the URL of an index starts with one of {known}")
    try:
        with _explained():
            return Connection(client(url, timeout_s))
    except ValueError as error:
        raise InvalidAddress(f"the URL of the index cannot be read: {error}") from None


def parse_address(url: str) -> Address:
    """Read a URL that names several servers.

    Raises:
        ValueError: it does not fit the form; without repeating it.
    """
    parts = urlsplit(url)
    kind = parts.scheme.partition("+")[2]
    service, _, db = parts.path.strip("/").partition("/")
    if kind == "sentinel" and not service:
        raise ValueError("the path must name the service that the Sentinels watch")
    if db and not db.isdecimal():
        raise ValueError("the database must be a number")
    options = dict(parse_qsl(parts.query))
    if unknown := sorted(options.keys() - TLS_OPTIONS - SENTINEL_OPTIONS.keys()):
        raise ValueError(f"unknown options {', '.join(unknown)}")
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
        raise ValueError("hosts must be host:port, separated by commas")
    return tuple((one.hostname or "", one.port or port) for one in split)


def _tls(options: Mapping[str, str]) -> dict[str, str | bool]:
    given: dict[str, str | bool] = {name: value for name, value in options.items() if name in TLS_OPTIONS}
    if "ssl_check_hostname" in given:
        given["ssl_check_hostname"] = given["ssl_check_hostname"] == "true"
    return {"ssl": True, **given}


def _options(timeout_s: float) -> dict[str, Any]:
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 10,
        "retry": _retry(RETRIES),
    }


def _retry(times: int) -> Retry:
    return Retry(ExponentialWithJitterBackoff(cap=0.2, base=0.01), times)


def _one(url: str, timeout_s: float) -> Client:
    return Redis.from_url(url, **_options(timeout_s))


def _sentinel(url: str, timeout_s: float) -> Client:
    address = parse_address(url)
    options = {**_options(timeout_s), **address.tls}
    watched = Sentinel(  # type: ignore[no-untyped-call]  # redis-py
        list(address.hosts), sentinel_kwargs={**options, **address.sentinel_login}, **options
    )
    client: Redis = watched.master_for(address.service, **address.login, db=address.db)  # type: ignore[no-untyped-call]  # redis-py
    return client


def _cluster(url: str, timeout_s: float) -> Client:
    address = parse_address(url)
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],  # type: ignore[no-untyped-call]  # redis-py
        **address.login,  # type: ignore[arg-type]  # redis-py takes everything else as one kind of option
        **address.tls,  # type: ignore[arg-type]
        **{**_options(timeout_s), "retry": _retry(CLUSTER_RETRIES)},
    )


_CLIENTS: dict[str, Callable[[str, float], Client]] = {
    "redis": _one,
    "rediss": _one,
    "unix": _one,
    "redis+sentinel": _sentinel,
    "rediss+sentinel": _sentinel,
    "redis+cluster": _cluster,
    "rediss+cluster": _cluster,
}
