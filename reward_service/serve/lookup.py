"""Looks up ground truth by question id: in memory first, then in the index, in a thread.

- A question of a version never changes, so the cache needs no invalidation: its keys carry the version's digest.
- All misses of a request are read in one round. A question that another request is reading is waited for, not read twice.
- The active version of a data set is read at most every `follow_s`. Reads may overlap; the one that began last counts, and
  none that began before an activation does. An active version cannot be dropped, so if the data set is gone or the index
  does not answer, the version known last stays in use and cached questions are still served.
- After the index was unreachable it is not asked again for a second, so that a stalled one does not use up the threads.

Absence is not cached: an unknown question is looked up every time.
"""

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from itertools import count
from typing import NamedTuple, TypeAlias, TypeVar

from entity_index.errors import CorruptIndex, EntityIndexError, IndexUnreachable
from entity_index.stores.protocols import Catalogue, EntityStore
from entity_index.types import Question

T = TypeVar("T")
Found: TypeAlias = "Mapping[str, Question | None]"
Key: TypeAlias = tuple[str, str]

REST_S = 1.0


class Active(NamedTuple):
    """The active version of a data set, as far as it is known."""

    version: str | None = None
    """None if no read has found one."""
    read_again_at: float = 0.0
    """By the clock; until then the version is taken as known."""
    began: int = 0
    """Number of the read that found the version, or of a later change: reads with a lower number are out of date."""


# Never stored: names that callers made up must not fill the memory.
UNKNOWN = Active()


@dataclass(slots=True)
class Tally:
    """How many look-ups were answered from memory, and how many needed the index."""

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
        """Build a look-up over an index.

        Args:
            catalogue: the index.
            cached: most questions kept in memory.
            follow_s: the longest time an active version is used before it is read again.
            threads: most calls to the index at once.
            clock: seconds, monotonic.
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
        self._reads = count(1)
        self._resting: tuple[float, str] = (0.0, "")

    async def open(self, dataset: str) -> EntityStore | None:
        """Open `name` or `name@version`. Returns None if no version of the name is active.

        Raises:
            EntityIndexError: the index has no such data set or version, or cannot be read.
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
        """Return one question per id, in order; None for an id that the version does not have.

        Raises:
            EntityIndexError: the index cannot be read, or a question in it is corrupt.
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
        # Another request's read may have failed because of a question that this request did not ask for.
        found |= await self._read(store, [at for at in wanted if at not in found])
        return [found[at] for at in question_ids]

    async def reopen(self, name: str, version: str) -> EntityStore | None:
        """Open a corrupt version again for later requests, as its file may have been repaired; None if it cannot be."""
        with suppress(EntityIndexError):
            self._stores[name, version] = await self._in_thread(lambda: self._catalogue.open(name, version))
            return self._stores[name, version]
        return None

    def follow(self, name: str) -> None:
        """Read the active version of a data set again at the next look-up, because it has just changed."""
        known = self._active.get(name, UNKNOWN)
        self._active[name] = Active(known.version, read_again_at=self._clock(), began=next(self._reads))

    def close(self) -> None:
        """Close the stores and end the threads."""
        self._threads.shutdown()
        for store in self._stores.values():
            store.close()

    async def _active_version(self, name: str) -> str | None:
        known, now = self._active.get(name, UNKNOWN), self._clock()
        if known.version is not None and now < known.read_again_at:
            self.tallies["version"].hits += 1
            return known.version
        self.tallies["version"].misses += 1
        read_again_at, began = now + self._follow_s, next(self._reads)
        if known.version is not None:
            self._active[name] = known._replace(
                read_again_at=read_again_at
            )  # others use the old one meanwhile
        try:
            version = await self._in_thread(lambda: self._catalogue.active(name))
        except EntityIndexError:
            if known.version is None:
                raise
            version = None
        if version is not None and began > self._active.get(name, UNKNOWN).began:
            self._active[name] = Active(version, read_again_at, began)
        return version or known.version

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
        """Read questions in a task of their own, which finishes even if every caller has left."""
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
            await self.reopen(store.info.dataset, store.info.version)
            raise
        found = dict(zip(question_ids, questions, strict=True))
        self._remember(store.info.digest, found)
        return found

    def _forget(self, keys: Sequence[Key], flight: asyncio.Task[Found]) -> None:
        for key in keys:
            if self._flying.get(key) is flight:
                del self._flying[key]
        if not flight.cancelled():
            flight.exception()  # marks it as retrieved, so that asyncio does not log it

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
    """Wait for another request's read. Returns what it found, or nothing if it failed."""
    if flight is None:
        return {}
    await asyncio.wait([flight])
    return {} if flight.cancelled() or flight.exception() else flight.result()
