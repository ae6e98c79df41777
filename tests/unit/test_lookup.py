"""Looking questions up: what is asked of the index, and what is answered without it."""

import asyncio
import threading
from contextlib import asynccontextmanager

import pytest

from entity_index.codec import encode
from entity_index.errors import CorruptEntry, IndexUnreachable, UnknownDataset, UnknownVersion
from entity_index.stores.memory import MemoryCatalogue
from entity_index.types import Entity, Question
from reward_service.serve.lookup import Lookup, Tally


def question(number, text="Who"):
    return Question(f"{text} is {number}?", entities=(Entity(f"Number {number}"),), question_id=f"q{number}")


def put(catalogue, *numbers, version="v1", text="Who"):
    with catalogue.draft("numbers") as draft:
        for number in numbers:
            one = question(number, text)
            draft.add(one.question_id, encode(one))
        draft.publish(version)
    catalogue.activate("numbers", version)


class Index:
    """An index in memory that counts, and can be stopped or taken away."""

    def __init__(self):
        self.inner = MemoryCatalogue()
        self.asked = []
        self.actives = self.opened = 0
        self.down = False
        self.called, self.gate = threading.Event(), threading.Event()
        self.gate.set()
        self.replies = []

    def active(self, dataset):
        self.actives += 1
        self._answer()
        version = self.inner.active(dataset)
        if self.replies:
            self.replies.pop(0).hold()
        return version

    def open(self, dataset, version):
        self.opened += 1
        self._answer()
        return Store(self, self.inner.open(dataset, version))

    def _answer(self):
        if self.down:
            raise IndexUnreachable("it is down")


class Held:
    """A reply of the index that has been made and has not arrived."""

    def __init__(self):
        self.is_made, self.is_sent = threading.Event(), threading.Event()

    def hold(self):
        self.is_made.set()
        assert self.is_sent.wait(60)


class Store:
    def __init__(self, index, inner):
        self.index, self.inner, self.info = index, inner, inner.info

    def get_many(self, question_ids):
        self.index.asked.append(list(question_ids))
        self.index.called.set()
        assert self.index.gate.wait(60)
        self.index._answer()
        return self.inner.get_many(question_ids)

    def close(self):
        self.inner.close()


class Clock:
    def __init__(self):
        self.now = 100.0

    def __call__(self):
        return self.now


@pytest.fixture
def index():
    found = Index()
    put(found.inner, 1, 2, 3)
    return found


@pytest.fixture
def clock():
    return Clock()


@asynccontextmanager
async def looking(index, clock, cached=100):
    lookup = Lookup(index, cached=cached, follow_s=1.0, threads=4, clock=clock)
    try:
        yield lookup
    finally:
        lookup.close()


@pytest.fixture
async def lookup(index, clock):
    async with looking(index, clock) as found:
        yield found


async def get(lookup, *numbers, dataset="numbers"):
    return await lookup.get_many(await lookup.open(dataset), [f"q{number}" for number in numbers])


async def test_misses_are_one_round_and_hits_are_none(lookup, index):
    assert await get(lookup, 3, 1, 3, 9) == [question(3), question(1), question(3), None]
    assert await get(lookup, 1, 2) == [question(1), question(2)]
    assert await get(lookup, 1, 2, 3) == [question(1), question(2), question(3)]

    assert index.asked == [["q3", "q1", "q9"], ["q2"]]
    assert lookup.tallies == {"question": Tally(hits=4, misses=4), "version": Tally(hits=2, misses=1)}


async def test_absence_is_not_remembered(lookup, index):
    await get(lookup, 9)
    await get(lookup, 9)

    assert index.asked == [["q9"], ["q9"]]


async def test_the_least_recently_used_question_goes_first(index, clock):
    async with looking(index, clock, cached=2) as lookup:
        for number in (1, 2, 1, 3, 1, 2):
            await get(lookup, number)

    assert index.asked == [["q1"], ["q2"], ["q3"], ["q2"]]


async def flying(lookup, index, *numbers):
    """Start a look-up and return once the index has been asked."""
    index.called.clear()
    task = asyncio.create_task(get(lookup, *numbers))
    assert await asyncio.to_thread(index.called.wait, 60)
    return task


async def test_a_question_that_is_being_read_is_waited_for(lookup, index):
    index.gate.clear()
    first = await flying(lookup, index, 1, 2)
    second = await flying(lookup, index, 2, 3)
    index.gate.set()

    assert await first == [question(1), question(2)]
    assert await second == [question(2), question(3)]
    assert index.asked == [["q1", "q2"], ["q3"]]


async def test_who_leaves_does_not_take_the_answer_along(lookup, index):
    index.gate.clear()
    first = await flying(lookup, index, 1)
    second = asyncio.create_task(get(lookup, 1))
    await asyncio.sleep(0)
    first.cancel()
    index.gate.set()

    assert await second == [question(1)]
    assert index.asked == [["q1"]]


async def test_another_requests_bad_question_is_not_ours(lookup, index):
    index.inner.open("numbers", "v1")._records["q3"] = b"damaged"
    index.gate.clear()
    bad = await flying(lookup, index, 1, 3)
    good = asyncio.create_task(get(lookup, 1))
    await asyncio.sleep(0)
    index.gate.set()

    with pytest.raises(CorruptEntry, match="'q3'"):
        await bad
    assert await good == [question(1)]


async def test_an_activation_is_followed_within_the_time(lookup, index, clock):
    assert await get(lookup, 1) == [question(1)]
    put(index.inner, 1, version="v2", text="What")

    clock.now += 0.9
    assert await get(lookup, 1) == [question(1)]
    clock.now += 0.2
    assert await get(lookup, 1) == [question(1, "What")]
    index.inner.activate("numbers", "v1")
    clock.now += 1.1
    assert await get(lookup, 1) == [question(1)]
    assert index.actives == 3
    assert index.asked == [["q1"], ["q1"]]


async def asking(lookup, index):
    """Start to look up question 1, and return once the index has said which version is active."""
    held = Held()
    index.replies.append(held)
    task = asyncio.create_task(get(lookup, 1))
    assert await asyncio.to_thread(held.is_made.wait, 60)
    return task, held


@pytest.mark.parametrize("is_known", [True, False])
async def test_a_read_that_began_before_an_activation_does_not_undo_it(lookup, index, clock, is_known):
    if is_known:
        await get(lookup, 1)
        clock.now += 1.1
    early, held = await asking(lookup, index)
    put(index.inner, 1, version="v2", text="What")
    lookup.follow("numbers")
    held.is_sent.set()
    await early

    assert await get(lookup, 1) == [question(1, "What")]


@pytest.mark.parametrize("is_followed", [True, False])
async def test_the_read_that_began_last_counts_even_if_it_ends_first(lookup, index, clock, is_followed):
    await get(lookup, 1)
    clock.now += 1.1
    early, held = await asking(lookup, index)
    put(index.inner, 1, version="v2", text="What")
    if is_followed:
        lookup.follow("numbers")
    else:
        clock.now += 1.1
    assert await get(lookup, 1) == [question(1, "What")]
    held.is_sent.set()
    await early

    assert await get(lookup, 1) == [question(1, "What")]
    assert index.actives == 3


async def test_a_named_version_follows_nothing(lookup, index):
    put(index.inner, 1, version="v2", text="What")

    assert await get(lookup, 1, dataset="numbers@v1") == [question(1)]
    assert index.actives == 0


async def test_what_is_in_memory_is_served_while_the_index_is_down(lookup, index, clock):
    await get(lookup, 1)
    index.down = True
    clock.now += 60

    assert await get(lookup, 1) == [question(1)]
    with pytest.raises(IndexUnreachable):
        await get(lookup, 1, 2)


async def test_an_index_that_was_down_rests_for_a_second(lookup, index, clock):
    store = await lookup.open("numbers")
    index.down = True
    for _ in range(3):
        with pytest.raises(IndexUnreachable, match="it is down"):
            await lookup.get_many(store, ["q1"])
    index.down = False
    assert len(index.asked) == 1

    clock.now += 1.1
    assert await lookup.get_many(store, ["q1"]) == [question(1)]


async def test_a_data_set_that_vanishes_is_a_loss_and_not_unknown(lookup, index, clock):
    await get(lookup, 1)
    index.inner = MemoryCatalogue()
    clock.now += 60

    assert await get(lookup, 1) == [question(1)]


async def test_a_store_that_was_corrupt_is_opened_anew(lookup, index):
    records = index.inner.open("numbers", "v1")._records
    good, records["q3"] = records["q3"], b"damaged"
    with pytest.raises(CorruptEntry):
        await get(lookup, 3)
    mended = await lookup.open("numbers")
    records["q3"] = good

    assert await get(lookup, 3) == [question(3)]
    assert (index.opened, await lookup.open("numbers")) == (2, mended)


@pytest.mark.parametrize(("dataset", "error"), [("nope", UnknownDataset), ("numbers@v9", UnknownVersion)])
async def test_what_the_index_does_not_have_is_an_error(lookup, dataset, error):
    with pytest.raises(error):
        await lookup.open(dataset)


async def test_a_data_set_without_an_active_version_has_no_store(lookup, index):
    with index.inner.draft("other") as draft:
        draft.add("q1", encode(question(1)))
        draft.publish("v1")

    assert await lookup.open("other") is None
