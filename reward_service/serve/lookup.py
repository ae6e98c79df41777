"""Ground truth for a request: from memory where it has been read before, otherwise from the index, in a thread.

- A question of a version never changes, so what was read stays true: keys carry the version's digest, and nothing needs
  invalidating.
- A request's misses are one round to the index, and a question that is just being read is waited for, not read again.
- Which version is active is asked for at most every `follow_s`. What has been active cannot be dropped, so a data set that
  vanishes, or an index that does not answer, is a loss: the version that was active stays, and what is in memory is served.
- After the index could not be reached it is left alone for a second, so that a stalled one does not collect threads.

Absence is not remembered: an unknown question is looked for each time.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from typing import NamedTuple, TypeAlias, TypeVar

from entity_index.errors import CorruptIndex, EntityIndexError, IndexUnreachable
from entity_index.stores.protocols import Catalogue, EntityStore
from entity_index.types import Question

T = TypeVar("T")
Found: TypeAlias = "Mapping[str, Question | None]"
Key: TypeAlias = tuple[str, str]

REST_S = 1.0


class Active(NamedTuple):
    """What was last heard of a data set."""

    version: str
    ask_again: float
    """When, by the clock."""


@dataclass(slots=True)
class Tally:
    """How often something was in memory, and how often the index had to be asked."""

    hits: int = 0
    misses: int = 0


class Lookup:
    """Questions by id; belongs to one event loop."""

    def __init__(
        self,
        catalogue: Catalogue,
        *,
        cached: int,
        follow_s: float,
        threads: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Look questions up in an index.

        Args:
            catalogue: the index.
            cached: how many questions are kept in memory.
            follow_s: how old the knowledge may be of which version is active.
            threads: how many look-ups wait for the index at once.
            clock: in seconds; moves forward only.
        """
        self.tallies = {"question": Tally(), "version": Tally()}
        self._catalogue = catalogue
        self._cached = cached
        self._follow_s = follow_s
        self._clock = clock
        self._threads = ThreadPoolExecutor(threads, thread_name_prefix="index")
        self._questions: OrderedDict[Key, Question] = OrderedDict()
        self._flying: dict[Key, asyncio.Task[Found]] = {}
        self._stores: dict[tuple[str, str], EntityStore] = {}
        self._active: dict[str, Active] = {}
        self._resting: tuple[float, str] = (0.0, "")

    async def open(self, dataset: str) -> EntityStore | None:
        """Open `name` or `name@version`; None where no version of the name is active.

        Raises:
            EntityIndexError: the index has no such thing, or cannot be read.
        """
        name, _, named = dataset.partition("@")
        version = named or await self._active_version(name)
        if version is None:
            return None
        store = self._stores.get((name, version))
        if store is None:
            store = await self._in_thread(lambda: self._catalogue.open(name, version))
            self._stores[name, version] = store
        return store

    async def get_many(self, store: EntityStore, question_ids: Sequence[str]) -> list[Question | None]:
        """Return one question per id, in order; None where the version has no such question.

        Raises:
            EntityIndexError: the index cannot be read, or something that was asked for cannot be trusted.
        """
        wanted = dict.fromkeys(question_ids)
        found: dict[str, Question | None] = {}
        for at in wanted:
            if (question := self._remembered((store.info.digest, at))) is not None:
                found[at] = question
        tally = self.tallies["question"]
        tally.hits += len(found)
        tally.misses += len(wanted) - len(found)
        flying = {self._flying.get((store.info.digest, at)) for at in wanted if at not in found} - {None}
        fresh = [at for at in wanted if at not in found and (store.info.digest, at) not in self._flying]
        found |= await self._read(store, fresh)
        for flight in flying:
            found |= await _landed(flight)
        # What another request failed to read, perhaps for a reason that is not ours.
        found |= await self._read(store, [at for at in wanted if at not in found])
        return [found[at] for at in question_ids]

    def follow(self, name: str) -> None:
        """Ask for the active version of a data set at the next look-up: it has just been changed."""
        known = self._active.get(name)
        if known is not None:
            self._active[name] = known._replace(ask_again=self._clock())

    def close(self) -> None:
        """Let go of threads and stores."""
        self._threads.shutdown()
        for store in self._stores.values():
            store.close()

    async def _active_version(self, name: str) -> str | None:
        known, now = self._active.get(name), self._clock()
        if known is not None:
            if now < known.ask_again:
                self.tallies["version"].hits += 1
                return known.version
            self._active[name] = Active(known.version, now + self._follow_s)  # meanwhile the others go on
        self.tallies["version"].misses += 1
        try:
            version = await self._in_thread(lambda: self._catalogue.active(name))
        except EntityIndexError:
            if known is None:
                raise
            version = None
        if version is not None:
            self._active[name] = Active(version, now + self._follow_s)
        return version or (known and known.version)

    def _remembered(self, key: Key) -> Question | None:
        question = self._questions.get(key)
        if question is not None:
            self._questions.move_to_end(key)
        return question

    def _remember(self, digest: str, found: Found) -> None:
        self._questions.update({(digest, at): question for at, question in found.items() if question})
        while len(self._questions) > self._cached:
            self._questions.popitem(last=False)

    async def _read(self, store: EntityStore, question_ids: Sequence[str]) -> Found:
        """Read questions in a flight of their own, which lands even if nobody waits for it any more."""
        if not question_ids:
            return {}
        keys = [(store.info.digest, at) for at in question_ids]
        flight = asyncio.create_task(self._fly(store, question_ids))
        self._flying |= dict.fromkeys(keys, flight)
        flight.add_done_callback(lambda _: self._forget(keys, flight))
        return await asyncio.shield(flight)

    async def _fly(self, store: EntityStore, question_ids: Sequence[str]) -> Found:
        try:
            questions = await self._in_thread(lambda: store.get_many(question_ids))
        except CorruptIndex:
            await self._open_anew(store)
            raise
        found = dict(zip(question_ids, questions, strict=True))
        self._remember(store.info.digest, found)
        return found

    async def _open_anew(self, store: EntityStore) -> None:
        """Replace a store that cannot be trusted, for the requests to come; it may have been mended."""
        name, version = store.info.dataset, store.info.version
        with suppress(EntityIndexError):
            self._stores[name, version] = await self._in_thread(lambda: self._catalogue.open(name, version))

    def _forget(self, keys: Sequence[Key], flight: asyncio.Task[Found]) -> None:
        for key in keys:
            if self._flying.get(key) is flight:
                del self._flying[key]
        if not flight.cancelled():
            flight.exception()  # somebody has looked, even where nobody waits

    async def _in_thread(self, work: Callable[[], T]) -> T:
        return await asyncio.get_running_loop().run_in_executor(self._threads, self._rested, work)

    def _rested(self, work: Callable[[], T]) -> T:
        until, why = self._resting
        if self._clock() < until:
            raise IndexUnreachable(why)
        try:
            return work()
        except IndexUnreachable as error:
            self._resting = (self._clock() + REST_S, str(error))
            raise


async def _landed(flight: "asyncio.Task[Found] | None") -> Found:
    """Wait for another request's flight; what it found, nothing where it failed."""
    if flight is None:
        return {}
    await asyncio.wait([flight])
    return {} if flight.cancelled() or flight.exception() else flight.result()
