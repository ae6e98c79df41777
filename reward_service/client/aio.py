"""The client for an event loop, over aiohttp: thousands of calls may wait at once on one thread.

A client belongs to the event loop in which it makes its first call. aiohttp because trainers bring it already, and
because a waiting call costs it a connection and nothing that grows with the others.
"""

import asyncio
import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote

import aiohttp

from reward_service.client import calls
from reward_service.client.calls import OnError
from reward_service.client.exchange import Broken, Conversation, Patience, Pause, Reply, Request, RetryContext
from reward_service.client.groups import Group, GroupRewards, Member, RolloutReward, Run
from reward_service.client.headers import checked_url, headers_of, key_of

T = TypeVar("T")
CONNECT_S = 5.0


class AsyncClient:
    """Client of one service. Use it as an async context manager, or close it."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        api_key_file: str | Path | None = None,
        patience: Patience | None = None,
        on_error: OnError = "raise",
        connections: int = 4096,
    ) -> None:
        """Configure the client; connections are opened with the first call.

        Args:
            url: URL of the service, `http://host:port`, with a path if a proxy adds one.
            api_key: sent as a bearer token.
            api_key_file: file that contains it. Without both, the variable REWARD_SERVICE_API_KEY is used, if it is set.
            patience: time limits of a call.
            on_error: how to treat rewards that cannot be obtained.
            connections: maximum number of concurrent calls; others queue. Rollouts that wait for their groups must not queue behind
                each other, so choose at least the number of rollouts in flight.
        """
        self._url = checked_url(url)
        self._headers = headers_of(key_of(api_key, api_key_file))
        self._context = RetryContext(patience or Patience(), time.monotonic, random.random)
        self._on_error: OnError = on_error
        self._connections = connections
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connections."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def score_groups(
        self,
        groups: Sequence[Group],
        *,
        profile: str | None = None,
        estimator: str | Mapping[str, Any] | None = None,
        partial: Mapping[str, Any] | None = None,
        progress: float | None = None,
    ) -> list[GroupRewards]:
        """Score whole groups; one result per group, in order. `estimator` and `partial` have the format of the API.

        `progress` is the share of the training that is done, in [0, 1]; profiles whose weights depend on it need it.

        Raises:
            Refused, Unreachable: unless errors are masked.
        """
        options = {"profile": profile, "estimator": estimator, "partial": partial, "progress": progress}
        return await self._carry_out(
            calls.score_groups(groups, options, self._context, on_error=self._on_error)
        )

    async def match(self, groups: Sequence[Group], *, profile: str | None = None) -> dict[str, Any]:
        """Measure rollouts; pass the reply to `rewards`, or inspect it.

        Raises:
            Refused, Unreachable: always; facts cannot be masked.
        """
        return await self._carry_out(calls.match(groups, {"profile": profile}, self._context))

    async def rewards(
        self,
        facts: Mapping[str, Any],
        *,
        estimator: str | Mapping[str, Any] | None = None,
        partial: Mapping[str, Any] | None = None,
        progress: float | None = None,
    ) -> list[GroupRewards]:
        """Compute rewards from the facts that `match` returned.

        Raises:
            Refused, Unreachable: always.
        """
        options = {"estimator": estimator, "partial": partial, "progress": progress}
        return await self._carry_out(calls.rewards(facts, options, self._context))

    async def declare_run(self, run: Run) -> None:
        """Declare a run; repeating the same declaration changes nothing. `put_rollout` does this automatically.

        Raises:
            Refused: the run was declared with different values, or names something that does not exist.
            Unreachable: no answer in time.
        """
        await self._carry_out(calls.declare_run(run, self._context))

    async def put_rollout(self, run: Run, member: Member) -> RolloutReward:
        """Add one rollout to its group, and wait for the group.

        Raises:
            Refused, Unreachable: unless errors are masked.
        """
        return await self._carry_out(calls.put_rollout(run, member, self._context, on_error=self._on_error))

    async def evaluate(self, run: Run, member: Member) -> RolloutReward:
        """Score one rollout by itself, immediately, by its outcome: for validation.

        Raises:
            Refused, Unreachable: unless errors are masked.
        """
        return await self._carry_out(calls.evaluate(run, member, self._context, on_error=self._on_error))

    async def read_group(self, run_id: str, group_id: str) -> GroupRewards:
        """Return the current state of a group, with its missing rollouts.

        Raises:
            Refused, Unreachable: always.
        """
        return await self._carry_out(calls.read_group(run_id, group_id, self._context))

    async def close_group(self, run_id: str, group_id: str) -> GroupRewards:
        """Close a group now, because no more rollouts will come.

        Raises:
            Refused, Unreachable: always.
        """
        return await self._carry_out(calls.close_group(run_id, group_id, self._context))

    async def delete_run(self, run_id: str) -> None:
        """Delete a run and all its groups.

        Raises:
            Refused, Unreachable: always.
        """
        await self._carry_out(calls.delete_run(run_id, self._context))

    async def info(self) -> dict[str, Any]:
        """Return version, engine and settings of the service."""
        return await self.call("GET", "/v1/info")

    async def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make any call of the API that returns JSON, and return its reply as it is.

        Args:
            method: HTTP method.
            path: path below the service's URL, `/v1/...`.
            body: the JSON to send; fields that are None are left out.

        Raises:
            Refused, Unreachable: always.
        """
        return await self._carry_out(calls.call(method, path, body, self._context))

    async def profile(self, name: str) -> dict[str, Any]:
        """Return a profile: its digest, every key with its value, and the same as YAML to save and edit.

        Raises:
            Refused: there is none of that name.
            Unreachable: no answer in time.
        """
        return await self.call("GET", f"/v1/profiles/{quote(name, safe='')}")

    async def _carry_out(self, conversation: Conversation[T]) -> T:
        """Do what a conversation asks for until it has its result."""
        heard: Reply | Broken | None = None
        while True:
            try:
                step = conversation.send(heard)
            except StopIteration as done:
                result: T = done.value
                return result
            heard = await self._do(step)

    async def _do(self, step: Request | Pause) -> Reply | Broken | None:
        if isinstance(step, Request):
            return await self._send(step)
        await asyncio.sleep(step.seconds)
        return None

    def _open_session(self) -> aiohttp.ClientSession:
        if self._session is None:
            connector = aiohttp.TCPConnector(limit=self._connections)
            self._session = aiohttp.ClientSession(connector=connector, headers=self._headers)
        return self._session

    async def _send(self, request: Request) -> Reply | Broken:
        timeout = aiohttp.ClientTimeout(total=request.timeout_s, sock_connect=CONNECT_S)
        try:
            async with self._open_session().request(
                request.method,
                f"{self._url}{request.path}",
                params=request.query,
                data=request.body,
                timeout=timeout,
                allow_redirects=False,
            ) as answer:
                return Reply(answer.status, await answer.read(), answer.headers.get("Retry-After"))
        except (aiohttp.ClientError, TimeoutError) as error:
            return Broken(f"{type(error).__name__}: {error}")
