"""How the store of runs and groups reaches a Redis, named by a URL as `entity_index.stores.address` says.

Time-outs and retries are explicit: redis-py's own defaults (5 s and ten retries in 8.1) make one command on a stalled
server take a minute. A retried command may run twice, so every command the stores send can.
"""

from collections.abc import Callable
from typing import Any, TypeAlias

from redis.asyncio import Redis, RedisCluster, Sentinel
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import SentinelConnectionPool
from redis.backoff import ExponentialWithJitterBackoff

from entity_index.stores.address import parse_address, why_bad
from reward_service.serve.errors import UnsafeStore

Client: TypeAlias = "Redis | RedisCluster"

RETRIES = 1
# After a failover a Cluster answers with the new address; following it takes more than one try.
CLUSTER_RETRIES = 3


def connect(url: str, *, timeout_s: float) -> Client:
    """Return a client; nothing is sent before the first command.

    Args:
        url: as `entity_index.stores.address` says.
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
        raise UnsafeStore(f"the state URL cannot be read: {why_bad(error)}") from None


async def disconnect(client: Client) -> None:
    """Close all connections of a client, those to its Sentinels too."""
    if isinstance(client, RedisCluster):
        await client.aclose()
        return
    pool = client.connection_pool
    await client.aclose(close_connection_pool=True)
    for sentinel in pool.sentinel_manager.sentinels if isinstance(pool, SentinelConnectionPool) else ():
        await sentinel.aclose()


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
    options = {**_options(timeout_s), **address.tls}
    watched = Sentinel(  # type: ignore[no-untyped-call]  # redis-py
        list(address.hosts), sentinel_kwargs={**options, **address.sentinel_login}, **options
    )
    client: Redis = watched.master_for(address.service, **address.login, db=address.db)  # type: ignore[arg-type]  # the same
    return client


def _cluster(url: str, timeout_s: float) -> Client:
    address = parse_address(url)
    return RedisCluster(
        startup_nodes=[ClusterNode(host, port) for host, port in address.hosts],
        **address.login,  # type: ignore[arg-type]  # redis-py takes everything else as one kind of option
        **address.tls,  # type: ignore[arg-type]
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
