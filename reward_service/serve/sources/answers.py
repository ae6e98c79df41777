"""Answers of judges that are kept: in this process, and in a Redis that replicas share.

Only answers are kept, never failures, and the first one stays: equal asks get equal answers for as long as it lives. An
answer is stored before anyone is told, so a process that dies then is not asked for again. What is stored is a label or
a list of values, the model's name and digests; for a list of names, the names.

The Redis is a cache: it may evict, and if it does not answer, asks go to the backend.
"""

import json
from collections import OrderedDict
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar, cast

from redis.exceptions import RedisError

from reward_service.core.judging.asks import Answered
from reward_service.serve.groups.stores.urls import Client, disconnect

T = TypeVar("T")
PREFIX = "judgement"


class AnswerCache(Protocol):
    """Keeps answers by key."""

    failed: Callable[[], None]
    """Called when the cache does not answer."""

    async def get_many(self, keys: Sequence[str]) -> dict[str, Answered]:
        """Return those that are kept."""
        ...

    async def put(self, key: str, answered: Answered) -> Answered:
        """Keep an answer; return the one that is kept, which may be an earlier one."""
        ...

    async def claim(self, key: str, hold_s: float) -> bool:
        """Say that this process asks now; False if another one does. A claim ends by itself."""
        ...

    async def release(self, key: str) -> None:
        """Take a claim back."""
        ...

    async def close(self) -> None:
        """Close all connections."""
        ...


class LocalAnswers:
    """The answers used last, in memory."""

    def __init__(self, most: int) -> None:
        self.failed: Callable[[], None] = lambda: None
        self._most = most
        self._kept: OrderedDict[str, Answered] = OrderedDict()

    async def get_many(self, keys: Sequence[str]) -> dict[str, Answered]:
        """Return those that are kept."""
        found = {key: self._kept[key] for key in keys if key in self._kept}
        for key in found:
            self._kept.move_to_end(key)
        return found

    async def put(self, key: str, answered: Answered) -> Answered:
        """Keep an answer, and forget the one not used for longest."""
        kept = self._kept.setdefault(key, answered)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)
        return kept

    async def claim(self, key: str, hold_s: float) -> bool:  # noqa: ARG002  # the protocol
        """There is no other process."""
        return True

    async def release(self, key: str) -> None:
        """There is no other process."""

    async def close(self) -> None:
        """There is nothing to close."""


class SharedAnswers:
    """Answers in memory, and behind it in a Redis."""

    def __init__(
        self,
        client: Client,
        local: LocalAnswers,
        *,
        prefix: str,
        keep_s: float,
    ) -> None:
        """Keep answers in a Redis.

        Args:
            client: of a Redis that may evict.
            local: asked first.
            prefix: of every key.
            keep_s: how long an answer is kept.
        """
        self._client, self._local = client, local
        self._prefix = f"{{{prefix}:{PREFIX}}}"  # one slot of a Cluster, so that many are read at once
        self._keep_ms = int(keep_s * 1000)
        self.failed: Callable[[], None] = lambda: None

    async def get_many(self, keys: Sequence[str]) -> dict[str, Answered]:
        """Return those that are kept; a Redis that does not answer keeps none."""
        found = await self._local.get_many(keys)
        missing = [key for key in keys if key not in found]
        names = [self._name(key) for key in missing]
        nothing: list[object] = [None] * len(names)
        kept = (
            await self._or(cast("Awaitable[list[object]]", self._client.mget(names)), nothing)
            if names
            else []
        )
        for key, blob in zip(missing, kept, strict=True):
            if (answered := _decoded(blob)) is not None:
                found[key] = await self._local.put(key, answered)
        return found

    async def put(self, key: str, answered: Answered) -> Answered:
        """Keep an answer, unless there is one."""
        stored = await self._or(
            self._client.set(self._name(key), _encoded(answered), nx=True, px=self._keep_ms), otherwise=True
        )
        if not stored:
            answered = _decoded(await self._or(self._client.get(self._name(key)), None)) or answered
        return await self._local.put(key, answered)

    async def claim(self, key: str, hold_s: float) -> bool:
        """Say that this process asks now; if the Redis does not answer, every process may."""
        name = f"{self._name(key)}:busy"
        px = int(hold_s * 1000)
        return bool(await self._or(self._client.set(name, b"1", nx=True, px=px), otherwise=True))

    async def release(self, key: str) -> None:
        """Take a claim back."""
        await self._or(self._client.delete(f"{self._name(key)}:busy"), 0)

    async def close(self) -> None:
        """Close all connections."""
        await disconnect(self._client)

    def _name(self, key: str) -> str:
        return f"{self._prefix}:{key}"

    async def _or(self, asked: Awaitable[T], otherwise: T) -> T:
        """Return what the Redis says, or another value if it does not answer."""
        try:
            return await asked
        except (RedisError, OSError, TimeoutError):
            self.failed()
            return otherwise


def _encoded(answered: Answered) -> bytes:
    return json.dumps(answered._asdict(), ensure_ascii=False, separators=(",", ":")).encode()


def _decoded(blob: object) -> Answered | None:
    """Return a stored answer; None if there is none, or it cannot be read."""
    if not isinstance(blob, bytes):
        return None
    try:
        document = json.loads(blob)
        return Answered(**{**document, "votes": tuple(document["votes"])})
    except (ValueError, TypeError, KeyError):
        return None
