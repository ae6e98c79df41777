"""How a Redis is named and reached.

    redis://[user:password@]host[:port][/db]              one server; rediss:// over TLS
    unix://[user:password@]/path[?db=n]                   one server on a socket
    redis+sentinel://[user:password@]host:port,.../service[/db]    the primary that Sentinels name; rediss+sentinel://
    redis+cluster://[user:password@]host:port,...         a Cluster; rediss+cluster://

Time-outs and retries are explicit: redis-py's own defaults (5 s and ten retries in 8.1) make one command on a stalled
server take a minute. A retried command may run twice, so every command the stores send can.
"""

from collections.abc import Callable
from typing import Any, NamedTuple, TypeAlias
from urllib.parse import SplitResult, unquote, urlsplit

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import ExponentialWithJitterBackoff

from reward_service.errors import UnsafeStore

Client: TypeAlias = "Redis | RedisCluster"

RETRIES = 1
# After a failover a Cluster answers with the new address; following it takes more than one try.
CLUSTER_RETRIES = 3
PORTS = {"sentinel": 26379, "cluster": 6379}


class Address(NamedTuple):
    """What a URL of several servers says."""

    hosts: tuple[tuple[str, int], ...]
    service: str
    db: int
    username: str | None
    password: str | None
    tls: bool


def connect(url: str, *, timeout_s: float) -> Client:
    """Return a client; nothing is sent before the first command.

    Args:
        url: as above.
        timeout_s: of connecting, and of each command.

    Raises:
        UnsafeStore: the URL names no Redis; the message does not repeat it, it may hold a password.
    """
    scheme = url.partition("://")[0]
    try:
        return _CLIENTS[scheme](url, timeout_s)
    except KeyError:
        known = ", ".join(f"{name}://" for name in _CLIENTS)
        raise UnsafeStore(f"the state URL must start with one of {known}") from None
    except ValueError as error:
        raise UnsafeStore(f"the state URL cannot be read: {error}") from None


async def disconnect(client: Client) -> None:
    """Close all connections of a client, those to its Sentinels too."""
    if isinstance(client, RedisCluster):
        await client.aclose()
        return
    pool = client.connection_pool
    await client.aclose(close_connection_pool=True)
    for sentinel in pool.sentinel_manager.sentinels if isinstance(pool, SentinelConnectionPool) else ():
        await sentinel.aclose()


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
    return Address(
        hosts=_hosts(parts, PORTS[kind]),
        service=service,
        db=int(db or 0),
        username=unquote(parts.username) if parts.username else None,
        password=unquote(parts.password) if parts.password else None,
        tls=parts.scheme.startswith("rediss"),
    )


def _hosts(parts: SplitResult, port: int) -> tuple[tuple[str, int], ...]:
    listed = parts.netloc.rpartition("@")[2].split(",")
    split = [urlsplit(f"//{one}") for one in listed]
    if not all(one.hostname for one in split):
        raise ValueError("hosts must be host:port, separated by commas")
    return tuple((one.hostname or "", one.port or port) for one in split)


def _options(timeout_s: float, retries: int = RETRIES) -> dict[str, Any]:
    return {
        "socket_timeout": timeout_s,
        "socket_connect_timeout": timeout_s,
        "health_check_interval": 10,
        "retry": Retry(ExponentialWithJitterBackoff(cap=0.2, base=0.01), retries),
    }


def _one(url: str, timeout_s: float) -> Client:
    return Redis.from_url(url, **_options(timeout_s))


def _sentinel(url: str, timeout_s: float) -> Client:
    address = parse_address(url)
    options = {**_options(timeout_s), "ssl": address.tls}
    watched = Sentinel(list(address.hosts), sentinel_kwargs=options, **options)  # type: ignore[no-untyped-call]  # redis-py
    login: dict[str, Any] = {"username": address.username, "password": address.password, "db": address.db}
    client: Redis = watched.master_for(address.service, **login)
    return client


def _cluster(url: str, timeout_s: float) -> Client:
    address = parse_address(url)
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        username=address.username,
        password=address.password,
        ssl=address.tls,
        **_options(timeout_s, CLUSTER_RETRIES),
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
