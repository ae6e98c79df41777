"""One backend with everything that holds asks back: its places, its rates, its breaker; and the retries of one ask."""

import asyncio
import hashlib
import json
import random
from collections.abc import Callable
from time import monotonic

from reward_service.core.judging.asks import Answered, Ask, FailureReason, Given, Unanswered
from reward_service.core.judging.kinds import kind_of
from reward_service.core.judging.replies import UnreadableReply
from reward_service.core.judging.templates import templates
from reward_service.core.judging.votes import Undecided, tally
from reward_service.serve.errors import BackendUnavailable
from reward_service.serve.sources.backends import Backend
from reward_service.serve.sources.breaker import Breaker
from reward_service.serve.sources.budgets import Spent
from reward_service.serve.sources.chat import CHARS_PER_TOKEN, drawn_by
from reward_service.serve.sources.rates import Rate
from reward_service.serve.sources.servers import server_of
from reward_service.serve.sources.wire import Body, Failed, ModelReply

TRIES = 3
READINGS = 2
"""How often a reply that cannot be read is asked for."""
BACKOFF_S = 0.25
REACH_S = 5.0
OF_THE_BACKEND = frozenset({FailureReason.TRANSPORT, FailureReason.TIMEOUT, FailureReason.OVERLOADED})
"""Failures that open the breaker; what a model says does not."""
REFUSED_RETRY_S = 5
MOST_ITEMS = 16  # that are told apart in the metric

Count = Callable[..., None]
"""Counts a metric: its name, its labels, and `amount`."""


def uncounted(_name: str, *_labels: str, amount: float = 1) -> None:
    """Count nothing."""


def unobserved(_name: str, *_labels: str, value: float) -> None:
    """Observe nothing."""


class Desk:
    """Where asks for one backend are answered."""

    def __init__(
        self,
        backend: Backend,
        *,
        share: int = 1,
        count: Count = uncounted,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Open for one backend.

        Args:
            backend: the server.
            share: how many processes share its rates.
            count: counts metrics.
            clock: in seconds.
        """
        self.backend, self.count = backend, count
        self.observe: Count = unobserved
        self.breaker = Breaker()
        self.in_flight = 0
        self.waiting = 0
        self.server = server_of(backend)
        self._places = asyncio.Semaphore(backend.concurrency)
        self._clock = clock
        requests, tokens = backend.requests_per_minute, backend.tokens_per_minute
        self._requests = Rate(requests and requests / share, clock())
        self._tokens = Rate(tokens and tokens / share, clock())
        self._is_reached = False
        self._reaching = asyncio.Lock()

    async def close(self) -> None:
        """Close all connections."""
        await self.server.close()

    async def check(self) -> None:
        """Make sure that asks may be sent.

        Raises:
            BackendUnavailable: the breaker is open, or the server was never reached.
        """
        if wait_s := self.breaker.closed_in_s(self._clock()):
            self._is_reached = False  # it is looked for before the next ask is sent
            raise BackendUnavailable(f"{self.backend.name} has stopped answering", retry_after_s=wait_s)
        async with self._reaching:
            why = None if self._is_reached else await self.server.why_unreachable(timeout_s=REACH_S)
            if why is not None:
                raise BackendUnavailable(f"{self.backend.name}: {why}", retry_after_s=REFUSED_RETRY_S)
            self._is_reached = True

    def estimate(self, ask: Ask) -> Spent:
        """Return what an ask may cost at most, about."""
        kind, template = kind_of(ask.asker), templates()[ask.asker.template]
        chars = len(template.system) + len(template.user) + sum(len(text) for _, text in ask.fields)
        written = 0 if kind.is_scored else ask.asker.max_tokens * drawn_by(ask.asker)
        votes = ask.asker.votes
        return Spent(votes, votes * (chars // CHARS_PER_TOKEN + written))

    async def answer(self, ask: Ask) -> tuple[Given, Spent]:
        """Return the answer to an ask, and what it cost; waits for a place and for the rates first."""
        self.waiting += 1
        try:
            await self._places.acquire()
        finally:
            self.waiting -= 1
        try:
            until = self._clock() + self.backend.timeout_s
            return await self._voted(ask, until)
        finally:
            self._places.release()

    async def _voted(self, ask: Ask, until: float) -> tuple[Given, Spent]:
        """Collect votes until they decide, or cannot."""
        asker = ask.asker
        votes: list[str | None] = []
        replies: list[str] = []
        spent = Spent()
        while True:
            given, cost = await self._read(ask, until, seed=len(votes))
            spent = Spent(spent.calls + cost.calls, spent.tokens + cost.tokens)
            if isinstance(given, Unanswered) and (
                asker.votes == 1 or given.reason is not FailureReason.UNPARSABLE
            ):
                return given, spent
            if isinstance(given, Answered) and asker.votes == 1:
                return given, spent
            votes.append(str(given.value) if isinstance(given, Answered) else None)
            replies += [given.reply] if isinstance(given, Answered) else []
            decided = tally(votes, asker.votes, asker.quorum)
            if decided is Undecided.SPLIT:
                return self._split(ask, votes, replies), spent
            if decided is not Undecided.MORE:
                counted = tuple(vote for vote in votes if vote is not None)
                return Answered(str(decided), self._model(ask), _digest(replies), counted), spent

    def _split(self, ask: Ask, votes: list[str | None], replies: list[str]) -> Given:
        """Return what an asker makes of votes that do not decide."""
        if ask.asker.abstain == "wrong":
            counted = tuple(vote for vote in votes if vote is not None)
            return Answered("incorrect", self._model(ask), _digest(replies), counted)
        return Unanswered(FailureReason.ABSTAIN)

    def _model(self, ask: Ask) -> str:
        return self.backend.names[ask.asker.model]

    async def _read(self, ask: Ask, until: float, *, seed: int) -> tuple[Given, Spent]:
        """Ask for one reply, and once more if it cannot be read."""
        spent = Spent()
        for reading in range(READINGS):
            body = self.server.request(ask, seed=seed * READINGS + reading)
            said, calls = await self._tried(body, until)
            cost = said.tokens_in + said.tokens_out if isinstance(said, ModelReply) else 0
            spent = Spent(spent.calls + calls, spent.tokens + cost)
            if isinstance(said, Failed):
                return Unanswered(said.reason), spent
            try:
                value = kind_of(ask.asker).read(said.text, ask.said)
            except UnreadableReply:
                self._count_reply(FailureReason.UNPARSABLE)
                self._count_list(ask, FailureReason.UNPARSABLE)
                continue
            self._count_reply("ok")
            self._count_list(ask, "ok")
            return Answered(value, said.model, _digest([said.text]), degraded=said.degraded), spent
        return Unanswered(FailureReason.UNPARSABLE), spent

    async def _tried(self, body: Body, until: float) -> tuple[ModelReply | Failed, int]:
        """Send a request, again if that may help and there is time; return also how often it was sent."""
        for attempt in range(1, TRIES + 1):
            said = await self._sent(body, until)
            if isinstance(said, ModelReply):
                return said, attempt
            self._count_reply(said.reason)
            wait_s = said.retry_after_s
            if wait_s is None:
                wait_s = random.uniform(0, BACKOFF_S * 2**attempt)  # noqa: S311  # it spreads retries
            if attempt == TRIES or not said.may_retry or self._clock() + wait_s >= until:
                return said, attempt
            self.count("ask_retries_total", self.backend.name)
            await asyncio.sleep(wait_s)
        raise AssertionError("unreachable: the last try returns")

    async def _sent(self, body: Body, until: float) -> ModelReply | Failed:
        """Send a request once, as soon as the rates allow it."""
        guess = self.server.estimate(body)
        while wait_s := max(self._requests.wait_s(1, now := self._clock()), self._tokens.wait_s(guess, now)):
            if now + wait_s >= until:
                return Failed(FailureReason.OVERLOADED)
            await asyncio.sleep(wait_s)
        if self.breaker.closed_in_s(now):
            return Failed(FailureReason.TRANSPORT)
        self._requests.take(1, now)
        self._tokens.take(guess, now)
        self.breaker.begin()
        self.in_flight += 1
        said: ModelReply | Failed = Failed(FailureReason.TRANSPORT)
        try:
            said = await self.server.complete(body, timeout_s=max(until - now, 0.001))
        finally:
            self.in_flight -= 1
            self._settle(said, guess)
            self.observe("ask_duration_seconds", self.backend.name, value=self._clock() - now)
        return said

    def _settle(self, said: ModelReply | Failed, guess: int) -> None:
        """Count what a request cost, and tell the breaker how it ended."""
        now = self._clock()
        failed = isinstance(said, Failed) and said.reason in OF_THE_BACKEND
        self.breaker.end(now, failed=failed)
        if isinstance(said, ModelReply):
            self._tokens.take(said.tokens_in + said.tokens_out - guess, now)
            self.count("ask_tokens_total", self.backend.name, "prompt", amount=said.tokens_in)
            self.count("ask_tokens_total", self.backend.name, "reply", amount=said.tokens_out)

    def _count_list(self, ask: Ask, result: str) -> None:
        """Count a reply about a list by its length: judges get worse with long ones."""
        if "statements" in ask.said:
            items = len(json.loads(ask.said["statements"]))
            label = str(items) if items <= MOST_ITEMS else f"more than {MOST_ITEMS}"
            self.count("ask_lists_total", self.backend.name, label, str(result))

    def _count_reply(self, result: str) -> None:
        self.count("ask_requests_total", self.backend.name, str(result))


def _digest(replies: list[str]) -> str:
    """Return the digest of replies, or of their digests."""
    return "sha256:" + hashlib.sha256("\n".join(replies).encode("utf-8", "surrogatepass")).hexdigest()
