"""Answers asks: from what is kept, from another caller's ask on its way, or from a backend.

An ask belongs to nobody: it goes on when its caller leaves, because its answer goes into the cache and a retry is then
free. It is limited by its backend's own time limit. Equal asks share one request in this process, and as far as a Redis
connects them, over all of them.
"""

import asyncio
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from functools import partial
from time import monotonic

from reward_service.core.judging.asks import Answered, Ask, FailureReason, Given, Unanswered, asker_digest
from reward_service.core.judging.kinds import VERDICT, kind_name, kind_of
from reward_service.core.types import Asker
from reward_service.serve.errors import BackendUnavailable
from reward_service.serve.sources.answers import AnswerCache, LocalAnswers
from reward_service.serve.sources.backends import Backend
from reward_service.serve.sources.budgets import NO_LIMIT, Budgets, Limit, Spent
from reward_service.serve.sources.desk import Count, Desk, uncounted
from reward_service.serve.sources.models.local import LocalModel

POLLS_S = (0.05, 0.1, 0.2, 0.3, 0.5)
"""Pauses between looks for an answer that another process asks for; the last one repeats."""
MARGIN_S = 5.0
"""A claim outlives the time limit of its ask by this much."""
BUSY = Unanswered(FailureReason.BUSY)


class Judges:
    """All backends."""

    def __init__(
        self,
        backends: Sequence[Backend] = (),
        *,
        cache: AnswerCache | None = None,
        budgets: Budgets | None = None,
        share: int = 1,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Use these backends; nothing is sent before the first ask.

        Args:
            backends: of the backends file.
            cache: keeps answers; by default the last thousands, in memory.
            budgets: what each run may use; by default without a limit.
            share: how many processes share the rates of a backend.
            clock: in seconds.
        """
        self.desks = [Desk(backend, share=share, clock=clock) for backend in backends]
        self.count: Count = uncounted
        self._by_role = {role: desk for desk in self.desks for role in desk.backend.names}
        self._cache = cache or LocalAnswers(10_000)
        self._budgets = budgets or Budgets(calls=None, tokens=None)
        self._flying: dict[str, asyncio.Task[Given]] = {}
        self.askers: dict[str, Asker] = {}
        """Those that have asked for a verdict here, by digest."""
        self.has_new_asker = asyncio.Event()
        self.drifting: dict[str, bool] = {}
        """Whether each of them differs from known verdicts, by name and model."""
        self._clock = clock

    def count_with(self, count: Count, observe: Count) -> None:
        """Count metrics, and observe durations, from now on."""
        self.count = count
        self._cache.failed = partial(count, "ask_cache_total", "failed")
        for desk in self.desks:
            desk.count, desk.observe = count, observe

    def start(self) -> None:
        """Begin to load the models of this process."""
        for model in self._models.values():
            model.engine.start()

    @property
    def why_not_ready(self) -> str | None:
        """Why a model of this process does not compute; None if all do, or there are none."""
        whys = (
            f"{name}: {model.engine.why_not_ready}"
            for name, model in self._models.items()
            if model.engine.why_not_ready
        )
        return next(whys, None)

    async def why_unavailable(self) -> str | None:
        """Return why some backend would not be asked now; None if all would be, or there are none."""
        try:
            for desk in self.desks:
                await desk.check()
        except BackendUnavailable as unavailable:
            return unavailable.detail
        return None

    @property
    def why_differing(self) -> str | None:
        """Return which judge differs from known verdicts; None if none does."""
        return next(
            (f"{name} differs from known verdicts" for name, drifts in self.drifting.items() if drifts), None
        )

    @property
    def _models(self) -> dict[str, LocalModel]:
        """Models in this process, by name of the backend."""
        return {desk.backend.name: desk.server for desk in self.desks if isinstance(desk.server, LocalModel)}

    def serves(self, role: str) -> bool:
        """Return whether some backend serves a role or model."""
        return role in self._by_role

    async def close(self) -> None:
        """Give up asks on their way, and close all connections."""
        flying = list(self._flying.values())
        for task in flying:
            task.cancel()
        await asyncio.gather(*flying, return_exceptions=True)
        for desk in self.desks:
            await desk.close()
        await self._cache.close()

    async def answer(
        self, asks: Mapping[str, Ask], *, run: str, timeout_s: float | None, limit: Limit = NO_LIMIT
    ) -> dict[str, Given]:
        """Return an answer, or a reason why not, for every ask.

        Args:
            asks: by key.
            run: whose budget pays for what is not kept.
            timeout_s: how long the caller waits; None waits as long as the backends may take.
            limit: of the run, in place of the service's.

        Raises:
            BackendUnavailable: a backend that would be asked is known not to answer; nothing was asked.
            JudgeBudget: the run has spent its budget; nothing was asked.
        """
        until = None if timeout_s is None else self._clock() + timeout_s
        kept = await self._cache.get_many(list(asks))
        self.count("ask_cache_total", "hit", amount=len(kept))
        fresh = {key: ask for key, ask in asks.items() if key not in kept and key not in self._flying}
        if fresh:
            await self.check({ask.asker: None for ask in fresh.values()})
            await self._pay(fresh, run, limit)
        tasks = {key: self._flight(ask, run, limit) for key, ask in asks.items() if key not in kept}
        left_s = None if until is None else max(until - self._clock(), 0.0)
        if tasks:
            await asyncio.wait(tasks.values(), timeout=left_s)
        return {**kept, **{key: _outcome(task) for key, task in tasks.items()}}

    async def ask_again(self, ask: Ask) -> Given:
        """Ask a backend whatever is kept, and keep nothing: to see whether a judge still says the same.

        Raises:
            BackendUnavailable: it is known not to answer.
        """
        desk = self._desk(ask.asker)
        await desk.check()
        return (await desk.answer(ask))[0]

    async def check(self, askers: Collection[Asker]) -> None:
        """Make sure that askers may ask, before any of them does.

        Raises:
            BackendUnavailable: no backend serves one of them, or it is known not to answer.
        """
        for desk in {self._desk(asker): None for asker in askers}:
            await desk.check()
        for asker in askers:
            self._meet(asker)

    def _meet(self, asker: Asker) -> None:
        """Remember an asker that asks for verdicts."""
        digest = asker_digest(asker)
        if digest not in self.askers and kind_name(asker) == VERDICT:
            self.askers[digest] = asker
            self.has_new_asker.set()

    async def _pay(self, asks: Mapping[str, Ask], run: str, limit: Limit) -> None:
        """Take what asks may cost from a run's budget; each corrects that when it ends."""
        await self._budgets.take(
            run, _total(self._desk(ask.asker).estimate(ask) for ask in asks.values()), limit
        )
        others = _total(
            self._desk(ask.asker).estimate(ask) for key, ask in asks.items() if key in self._flying
        )
        await self._budgets.correct(run, Spent(-others.calls, -others.tokens), limit)
        self.count("ask_cache_total", "miss", amount=len(asks))

    def _desk(self, asker: Asker) -> Desk:
        """Return the backend that an asker asks.

        Raises:
            BackendUnavailable: none serves its model, or one that does not do what is asked.
        """
        desk = self._by_role.get(asker.model)
        if desk is None:
            raise BackendUnavailable(
                f"no backend serves {asker.model}: name one in the file of the setting `backends`",
                retry_after_s=None,
            )
        if desk.backend.scores is not kind_of(asker).is_scored:
            does = "scores texts" if desk.backend.scores else "writes texts"
            raise BackendUnavailable(
                f"{asker.name} needs another kind of backend: {desk.backend.name} {does}",
                retry_after_s=None,
            )
        return desk

    def _flight(self, ask: Ask, run: str, limit: Limit) -> asyncio.Task[Given]:
        """Return what answers an ask, one for all callers that wait for it."""
        task = self._flying.get(ask.key)
        if task is None:
            task = self._flying[ask.key] = asyncio.create_task(self._flown(ask, run, limit))
            task.add_done_callback(lambda _: self._flying.pop(ask.key))
        return task

    async def _flown(self, ask: Ask, run: str, limit: Limit) -> Given:
        desk = self._desk(ask.asker)
        hold_s = desk.backend.timeout_s + MARGIN_S
        estimate = desk.estimate(ask)
        spent = Spent()
        try:
            if not await self._cache.claim(ask.key, hold_s) and (found := await self._awaited(ask, hold_s)):
                return found
            try:
                if found := await self._kept(ask):  # by another process, since it was looked for
                    return found
                given, spent = await desk.answer(ask)
                if isinstance(given, Answered) and not given.degraded:
                    return await self._cache.put(ask.key, given)
                return given
            finally:
                await self._cache.release(ask.key)
        finally:
            await self._budgets.correct(
                run, Spent(spent.calls - estimate.calls, spent.tokens - estimate.tokens), limit
            )

    async def _awaited(self, ask: Ask, hold_s: float) -> Answered | None:
        """Return the answer that another process asks for; None if none comes, and this process has to ask."""
        until, looks = self._clock() + hold_s, 0
        while self._clock() < until:
            await asyncio.sleep(POLLS_S[min(looks, len(POLLS_S) - 1)])
            looks += 1
            if found := await self._kept(ask):
                return found
            if await self._cache.claim(ask.key, hold_s):
                return None
        return None

    async def _kept(self, ask: Ask) -> Answered | None:
        return (await self._cache.get_many([ask.key])).get(ask.key)


def _total(spent: Iterable[Spent]) -> Spent:
    costs = list(spent)
    return Spent(sum(one.calls for one in costs), sum(one.tokens for one in costs))


def _outcome(task: asyncio.Task[Given]) -> Given:
    """Return what was found; `busy` if it still works."""
    if not task.done():
        return BUSY
    if task.cancelled() or task.exception() is not None:
        return Unanswered(FailureReason.TRANSPORT)
    return task.result()
