"""The client for threads, over urllib3: one pool, safe to share. A process that forks makes its own client afterwards."""

import random
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlencode

import urllib3
from urllib3.exceptions import HTTPError

from reward_service.client import calls
from reward_service.client.calls import OnError
from reward_service.client.exchange import Broken, Conversation, Patience, Pause, Reply, Request, RetryContext
from reward_service.client.groups import Group, GroupRewards, Member, RolloutReward, Run
from reward_service.client.headers import checked_url, headers_of, key_of

T = TypeVar("T")
CONNECT_S = 5.0


class Client:
    """Client of one service. Use it as a context manager, or close it."""

    def __init__(
        self,
        url: str,
        *,
        api_key: str | None = None,
        api_key_file: str | Path | None = None,
        patience: Patience | None = None,
        on_error: OnError = "raise",
        connections: int = 64,
    ) -> None:
        """Configure the client; connections are opened with the first call.

        Args:
            url: URL of the service, `http://host:port`, with a path if a proxy adds one.
            api_key: sent as a bearer token.
            api_key_file: file that contains it. Without both, the variable REWARD_SERVICE_API_KEY is used, if it is set.
            patience: time limits of a call.
            on_error: how to treat rewards that cannot be obtained.
            connections: most connections kept open for the next call. More threads than that open their own.
        """
        self._url = checked_url(url)
        self._headers = headers_of(key_of(api_key, api_key_file))
        self._context = RetryContext(patience or Patience(), time.monotonic, random.random)
        self._on_error: OnError = on_error
        self._pool = urllib3.PoolManager(maxsize=connections, retries=False)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        self._pool.clear()

    def score_groups(
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
        return self._carry_out(calls.score_groups(groups, options, self._context, on_error=self._on_error))

    def match(self, groups: Sequence[Group], *, profile: str | None = None) -> dict[str, Any]:
        """Measure rollouts; pass the reply to `rewards`, or inspect it.

        Raises:
            Refused, Unreachable: always; facts cannot be masked.
        """
        return self._carry_out(calls.match(groups, {"profile": profile}, self._context))

    def rewards(
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
        return self._carry_out(calls.rewards(facts, options, self._context))

    def declare_run(self, run: Run) -> None:
        """Declare a run; repeating the same declaration changes nothing. `put_rollout` does this automatically.

        Raises:
            Refused: the run was declared with different values, or names something that does not exist.
            Unreachable: no answer in time.
        """
        self._carry_out(calls.declare_run(run, self._context))

    def put_rollout(self, run: Run, member: Member) -> RolloutReward:
        """Add one rollout to its group, and wait for the group.

        Raises:
            Refused, Unreachable: unless errors are masked.
        """
        return self._carry_out(calls.put_rollout(run, member, self._context, on_error=self._on_error))

    def evaluate(self, run: Run, member: Member) -> RolloutReward:
        """Score one rollout by itself, immediately, by its outcome: for validation.

        Raises:
            Refused, Unreachable: unless errors are masked.
        """
        return self._carry_out(calls.evaluate(run, member, self._context, on_error=self._on_error))

    def read_group(self, run_id: str, group_id: str) -> GroupRewards:
        """Return the current state of a group, with its missing rollouts.

        Raises:
            Refused, Unreachable: always.
        """
        return self._carry_out(calls.read_group(run_id, group_id, self._context))

    def close_group(self, run_id: str, group_id: str) -> GroupRewards:
        """Close a group now, because no more rollouts will come.

        Raises:
            Refused, Unreachable: always.
        """
        return self._carry_out(calls.close_group(run_id, group_id, self._context))

    def delete_run(self, run_id: str) -> None:
        """Delete a run and all its groups.

        Raises:
            Refused, Unreachable: always.
        """
        self._carry_out(calls.delete_run(run_id, self._context))

    def info(self) -> dict[str, Any]:
        """Return version, engine and settings of the service."""
        return self.call("GET", "/v1/info")

    def call(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> dict[str, Any]:
        """Make any call of the API that returns JSON, and return its reply as it is.

        Args:
            method: HTTP method.
            path: path below the service's URL, `/v1/...`.
            body: the JSON to send; fields that are None are left out.

        Raises:
            Refused, Unreachable: always.
        """
        return self._carry_out(calls.call(method, path, body, self._context))

    def profile(self, name: str) -> dict[str, Any]:
        """Return a profile: its digest, every key with its value, and the same as YAML to save and edit.

        Raises:
            Refused: there is none of that name.
            Unreachable: no answer in time.
        """
        return self.call("GET", f"/v1/profiles/{quote(name, safe='')}")

    def _carry_out(self, conversation: Conversation[T]) -> T:
        """Do what a conversation asks for until it has its result."""
        heard: Reply | Broken | None = None
        while True:
            try:
                step = conversation.send(heard)
            except StopIteration as done:
                result: T = done.value
                return result
            heard = self._do(step)

    def _do(self, step: Request | Pause) -> Reply | Broken | None:
        if isinstance(step, Request):
            return self._send(step)
        time.sleep(step.seconds)
        return None

    def _send(self, request: Request) -> Reply | Broken:
        url = f"{self._url}{request.path}" + (f"?{urlencode(request.query)}" if request.query else "")
        timeout = urllib3.Timeout(connect=min(CONNECT_S, request.timeout_s), total=request.timeout_s)
        try:
            answer = self._pool.request(
                request.method, url, body=request.body, headers=self._headers, timeout=timeout, redirect=False
            )
        except HTTPError as error:
            return Broken(f"{type(error).__name__}: {error}")
        return Reply(answer.status, answer.data, answer.headers.get("Retry-After"))
