"""Stores runs and groups in Redis, for several processes.

A run's keys share a hash tag, so that a Cluster keeps them together and a script may touch them at once. Ids are hashed
into keys: they may hold anything. The group is one string; what compares it on a swap is its SHA-1, which Redis computes,
so that nothing needs a version number of its own. A retried command finds its own work done and says so.

Redis has to run `maxmemory-policy noeviction`. A failover may still lose acknowledged writes; a waiting call then gets
`StateLost`, and sending the rollout again repairs its group.
"""

import asyncio
import hashlib
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, TypeVar

from redis import exceptions

from reward_service.serve.clock import Clock
from reward_service.serve.errors import StateUnavailable, UnsafeStore
from reward_service.serve.groups.stores.protocols import GroupKey, OpenGroup, Snapshot, Write
from reward_service.serve.groups.stores.urls import Client, disconnect

log = logging.getLogger("reward_service")
T = TypeVar("T")

CONNECTIONS = 64
# Commands wait for a free connection this many times as long as one command may take.
QUEUE_PATIENCE = 5
WAKE_TIMEOUT_S = 1.0

# KEYS run, open groups, groups...
READ = """
local time = redis.call('TIME')
return {time[1], time[2], redis.call('ZCARD', KEYS[2]), redis.call('MGET', KEYS[1], unpack(KEYS, 3))}
"""

# Returns nothing, or if another writer was faster what READ would, so that the loser need not read again.
# KEYS group, open groups, run · ARGV sha1 of the run, sha1 of the old group ('' for none), new group, its life in ms,
# group id, when it closes ('' once closed), life of the run in ms, channel ('' to wake no waiters), message
SWAP = """
local run, old = redis.call('GET', KEYS[3]), redis.call('GET', KEYS[1])
local same_run = run and redis.sha1hex(run) == ARGV[1]
if not same_run or old ~= ARGV[3] and (old and redis.sha1hex(old) or '') ~= ARGV[2] then
  local time = redis.call('TIME')
  return {time[1], time[2], redis.call('ZCARD', KEYS[2]), {run, old}}
end
redis.call('SET', KEYS[1], ARGV[3], 'PX', ARGV[4])
if ARGV[6] == '' then redis.call('ZREM', KEYS[2], ARGV[5]) else redis.call('ZADD', KEYS[2], ARGV[6], ARGV[5]) end
redis.call('PEXPIRE', KEYS[2], ARGV[7])
redis.call('PEXPIRE', KEYS[3], ARGV[7])
if ARGV[8] ~= '' then redis.call('PUBLISH', ARGV[8], ARGV[9]) end
return false
"""

# KEYS group, open groups · ARGV group id
FORGET = "if redis.call('EXISTS', KEYS[1]) == 0 then redis.call('ZREM', KEYS[2], ARGV[1]) end"

# Meaning of each failure, the first that fits. Any other failure means that Redis cannot be reached.
MEANINGS: tuple[tuple[type[Exception], str], ...] = (
    (exceptions.OutOfMemoryError, "it is full"),
    (exceptions.TimeoutError, "it did not answer in time"),
    (TimeoutError, "it did not answer in time"),
    (exceptions.BusyLoadingError, "it is still loading"),
    (exceptions.NoPermissionError, "it rejects the command"),
    (exceptions.ReadOnlyError, "it is no longer the primary"),
)
# RuntimeError: what uvloop says of writing to a connection that was cut a moment ago.
FAILURES = (exceptions.RedisError, exceptions.RedisClusterException, OSError, RuntimeError)


class RedisGroupStore:
    """The store that several processes share."""

    def __init__(
        self, client: Client, *, prefix: str, timeout_s: float = 2.0, clock: Clock | None = None
    ) -> None:
        """Build a store over a Redis.

        Args:
            client: connected to it.
            prefix: put before every key.
            timeout_s: how long one command may take.
            clock: for tests; without it the time is that of Redis, the same for all processes.
        """
        self._client = client
        self._prefix = prefix
        self._clock = clock
        self._patience_s = timeout_s * QUEUE_PATIENCE
        self._connections = asyncio.Semaphore(CONNECTIONS)
        self._is_checked = False

    async def start(self) -> None:
        """Check that Redis does not evict. If it does not answer, the first command checks instead.

        Raises:
            UnsafeStore: its policy allows it to evict keys.
        """
        try:
            await self._check()
        except StateUnavailable as error:
            log.warning("%s %s", error.title, error.detail)

    async def stop(self) -> None:
        """Close the connections."""
        await disconnect(self._client)

    async def check(self) -> None:
        """Check that Redis answers, has room, and does not evict: its configuration may change while it runs."""
        self._is_checked = False
        for server in await self._do(self._memory):
            if 0 < server["maxmemory"] <= server["used_memory"]:
                raise StateUnavailable("Redis: it is full")

    async def declare(self, run_id: str, record: bytes, *, keep_s: float) -> bytes:
        """Store a run unless its id is in use. Returns the record stored under the id, new or old."""
        keep_ms = _ms(keep_s)
        before = await self._do(
            lambda: self._client.set(self._run(run_id), record, nx=True, get=True, px=keep_ms)
        )
        return record if before is None else bytes(before)

    async def drop(self, run_id: str) -> None:
        """Delete a run and its groups; the run last, so that a run declared meanwhile is not touched."""
        for key in await self._do(lambda: self._keys(f"{self._prefix}:{{{_name(run_id)}}}:group:*")):
            await self._do(partial(self._client.unlink, key))
        await self._do(lambda: self._client.delete(self._run(run_id), self._open(run_id)))

    async def read(self, run_id: str, group_ids: Sequence[str] = ()) -> Snapshot:
        """Read a run and some of its groups."""
        keys = [self._run(run_id), self._open(run_id), *(self._group(run_id, at) for at in group_ids)]
        return self._snapshot(await self._eval(READ, keys))

    async def swap(
        self, key: GroupKey, old: bytes | None, new: Write, *, run: bytes, keep_run_s: float
    ) -> Snapshot | None:
        """Replace a group if it and its run are unchanged since they were read, and prolong the run's life."""
        run_id, group_id = key
        keys = [self._group(run_id, group_id), self._open(run_id), self._run(run_id)]
        beaten = await self._eval(
            SWAP,
            keys,
            _sha1(run),
            "" if old is None else _sha1(old),
            new.blob,
            _ms(new.keep_s),
            group_id,
            "" if new.closes_at is None else repr(new.closes_at),
            _ms(keep_run_s),
            self._channel if new.wake else "",
            json.dumps(key),
        )
        return None if beaten is None else self._snapshot(beaten)

    async def open_groups(
        self, run_id: str, *, until: float | None = None, limit: int = 1000
    ) -> list[OpenGroup]:
        """Return open groups, ordered by when they close; with `until`, only those that are due by then."""
        due = "+inf" if until is None else repr(until)
        found = await self._do(
            lambda: self._client.zrangebyscore(
                self._open(run_id), "-inf", due, start=0, num=limit, withscores=True
            )
        )
        return [OpenGroup(group_id.decode(), closes_at) for group_id, closes_at in found]

    async def forget(self, key: GroupKey) -> None:
        """Remove a group from the list of open groups if the group itself has expired."""
        await self._eval(FORGET, [self._group(*key), self._open(key.run_id)], key.group_id)

    async def wakeups(self) -> AsyncIterator[GroupKey]:
        """Yield the groups whose waiters should read them again."""
        async with self._client.pubsub() as subscription:
            with _explained():
                await subscription.subscribe(self._channel)
            while True:
                with _explained():
                    message = await subscription.get_message(
                        ignore_subscribe_messages=True, timeout=WAKE_TIMEOUT_S
                    )
                if message is not None:
                    yield GroupKey(*json.loads(message["data"]))

    def _snapshot(self, reply: Sequence[Any]) -> Snapshot:
        seconds, micros, open_groups, (run, *groups) = reply
        now = self._clock.now() if self._clock else int(seconds) + int(micros) / 1e6
        return Snapshot(now, run, open_groups, tuple(groups))

    @property
    def _channel(self) -> str:
        return f"{self._prefix}:wake"

    def _run(self, run_id: str) -> str:
        return f"{self._prefix}:{{{_name(run_id)}}}:run"

    def _open(self, run_id: str) -> str:
        return f"{self._prefix}:{{{_name(run_id)}}}:open"

    def _group(self, run_id: str, group_id: str) -> str:
        return f"{self._prefix}:{{{_name(run_id)}}}:group:{_name(group_id)}"

    async def _keys(self, pattern: str) -> list[bytes]:
        return [key async for key in self._client.scan_iter(match=pattern, count=1000)]

    async def _eval(self, script: str, keys: Sequence[str], *args: Any) -> Any:
        return await self._do(lambda: self._client.eval(script, len(keys), *keys, *args))

    async def _do(self, command: Callable[[], Any]) -> Any:
        """Send a command once the store is known to be safe."""
        if not self._is_checked:
            try:
                await self._check()
            except UnsafeStore as error:
                raise StateUnavailable(str(error)) from None
        return await self._send(command)

    async def _send(self, command: Callable[[], Awaitable[T]]) -> T:
        with _explained():
            async with asyncio.timeout(self._patience_s):
                await self._connections.acquire()
            try:
                return await command()
            finally:
                self._connections.release()

    async def _check(self) -> None:
        for server in await self._send(self._memory):
            policy = server["maxmemory_policy"]
            if policy != "noeviction":
                raise UnsafeStore(f"Redis must run with maxmemory-policy noeviction, got {policy}")
        self._is_checked = True

    async def _memory(self) -> list[dict[str, Any]]:
        """Return INFO memory of every primary."""
        info = await self._client.info("memory")
        return [info] if "maxmemory_policy" in info else list(info.values())


@contextmanager
def _explained() -> Iterator[None]:
    """Turn a failure of Redis into `StateUnavailable` with its meaning."""
    try:
        yield
    except FAILURES as error:
        meaning = next(
            (text for kind, text in MEANINGS if isinstance(error, kind)),
            "it cannot be reached, or rejects the credentials",
        )
        raise StateUnavailable(f"Redis: {meaning}") from error


def _name(any_id: str) -> str:
    return hashlib.blake2b(any_id.encode("utf-8", "surrogatepass"), digest_size=16).hexdigest()


def _sha1(blob: bytes) -> str:
    return hashlib.sha1(blob, usedforsecurity=False).hexdigest()


def _ms(seconds: float) -> int:
    return max(int(seconds * 1000), 1)
