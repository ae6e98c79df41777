"""What a run may ask of judges: calls and tokens, counted in this process, or in a Redis that replicas share.

An amount is taken before it is spent and corrected afterwards. If the Redis does not answer, this process counts alone.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from typing import NamedTuple

from redis.exceptions import RedisError

from reward_service.serve.errors import JudgeBudget
from reward_service.serve.groups.stores.urls import Client


class Spent(NamedTuple):
    """Calls and tokens."""

    calls: int = 0
    tokens: int = 0


class Limit(NamedTuple):
    """Most calls and tokens; None: as many as the service allows."""

    calls: int | None = None
    tokens: int | None = None


NO_LIMIT = Limit()


class Budgets:
    """What each run has spent."""

    def __init__(
        self,
        *,
        calls: int | None,
        tokens: int | None,
        client: "Client | None" = None,
        prefix: str = "",
        keep_s: float = 0.0,
    ) -> None:
        """Begin with nothing spent.

        Args:
            calls: most requests of a run; None: no limit.
            tokens: most tokens of a run; None: no limit.
            client: of a Redis that replicas share; None counts in this process.
            prefix: of every key.
            keep_s: how long a count is kept after its last change.
        """
        self._limits = Limit(calls, tokens)
        self._client, self._prefix, self._keep_s = client, f"{prefix}:judge-budget", int(keep_s)
        self._own: Counter[str] = Counter()

    async def take(self, run: str, wanted: Spent, own: Limit = NO_LIMIT) -> None:
        """Take what is about to be spent.

        Args:
            run: whose budget pays.
            wanted: how much.
            own: the run's own limits, in place of the service's.

        Raises:
            JudgeBudget: the run has not that much left; nothing is taken.
        """
        taken = Spent()
        for name, limit, amount in zip(Spent._fields, self._limits_of(own), wanted, strict=True):
            if limit is None:
                continue
            taken = taken._replace(**{name: amount})
            if await self._add(run, name, amount) > limit:
                await self.correct(run, Spent(-taken.calls, -taken.tokens), own)
                raise JudgeBudget(
                    f"the run may use {limit} {name} of judges; this call may need {amount}, which is more than is left"
                )

    async def correct(self, run: str, difference: Spent, own: Limit = NO_LIMIT) -> None:
        """Correct what was taken by what was spent."""
        for name, limit, amount in zip(Spent._fields, self._limits_of(own), difference, strict=True):
            if limit is not None and amount:
                await self._add(run, name, amount)

    def _limits_of(self, own: Limit) -> Limit:
        return Limit(own.calls or self._limits.calls, own.tokens or self._limits.tokens)

    async def _add(self, run: str, name: str, amount: int) -> int:
        key = f"{self._prefix}:{name}:{run}"
        self._own[key] += amount
        if self._client is None:
            return self._own[key]
        shared = await _or_none(lambda client: client.incrby(key, amount), self._client)
        await _or_none(lambda client: client.expire(key, self._keep_s), self._client)
        return self._own[key] if shared is None else shared


async def _or_none(asked: Callable[[Client], Awaitable[int]], client: Client) -> int | None:
    try:
        return int(await asked(client))
    except (RedisError, OSError, TimeoutError):
        return None
