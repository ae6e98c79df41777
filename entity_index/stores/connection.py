"""The few commands the index sends to a Redis, named by a URL as `address` says.

Time-outs and retries are explicit: redis-py's own defaults (5 s and ten retries in 8.1) make one command on a stalled server
take a minute. A retried command may run twice, so every command here can.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any, TypeAlias

from redis import Redis, RedisCluster, exceptions
from redis.backoff import ExponentialWithJitterBackoff
from redis.cluster import ClusterNode
from redis.retry import Retry
from redis.sentinel import Sentinel, SentinelConnectionPool

from entity_index.errors import IndexUnreachable, InvalidAddress
from entity_index.stores.address import parse_address, why_bad

Client: TypeAlias = "Redis | RedisCluster"

RETRIES = 1
# After a failover a Cluster answers with the new address; following it takes more than one try.
CLUSTER_RETRIES = 3

# What a failure means; the first that fits. Anything else is that Redis cannot be reached.
MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.OutOfMemoryError, "is full"),
    (exceptions.TimeoutError, "did not answer in time"),
    (exceptions.BusyLoadingError, "is still loading"),
    (exceptions.AuthenticationError, "rejects the credentials"),
    (exceptions.NoPermissionError, "does not allow this user the command"),
    (exceptions.ReadOnlyError, "is no longer the primary"),
    (exceptions.ConnectionError, "cannot be reached"),
    (exceptions.ResponseError, "rejects the command"),
)
FAILURES = (exceptions.RedisError, exceptions.RedisClusterException, OSError)


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
        url: as `address` says.
        timeout_s: of connecting, and of each command.

    Raises:
        InvalidAddress: the URL names no Redis; the message does not repeat it, it may hold a password.
        IndexUnreachable: the Cluster does not answer.
    """
    client = _CLIENTS.get(url.partition("://")[0])
    if client is None:
        known = ", ".join(f"{name}://" for name in _CLIENTS)
        raise InvalidAddress(f"the URL of an index must start with one of {known}")
    try:
        with _explained():
            return Connection(client(url, timeout_s))
    except ValueError as error:
        raise InvalidAddress(f"the URL of the index cannot be read: {why_bad(error)}") from None


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
