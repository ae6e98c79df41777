"""The thread that computes, with a model of a few lines that can run out of memory, fail and be held."""

import asyncio
import threading

import pytest

from reward_service.core.judging.asks import FailureReason
from reward_service.serve.sources.models.engine import Encoded, Engine, NoScore, OutOfMemory
from reward_service.serve.sources.models.shapes import BatchShape, shapes_of

SHAPES = shapes_of((4, 8), rows=4, max_tokens=32)
PATIENCE_S = 30


class Letters:
    """Its number of a text is the count of its letters, plus what the shape adds to the last bits."""

    labels = ("letters",)

    def __init__(self, *, most_rows=10**9, never=""):
        self.most_rows, self.never = most_rows, never
        self.shapes, self.failing = [], None
        self.open, self.held = threading.Event(), threading.Event()
        self.open.set()

    def encode(self, texts):
        ids = tuple(map(ord, "".join(texts)))
        return Encoded(ids, (0,) * len(ids))

    def compute(self, batch, shape):
        self.held.set()
        self.open.wait(PATIENCE_S)
        self.shapes.append(shape)
        if self.failing:
            raise self.failing
        if shape.rows > self.most_rows or any(self.never == "".join(map(chr, one.ids)) for one in batch):
            raise OutOfMemory
        return [[len(one.ids) + shape.rows / 1024] for one in batch]


def engine_with(model, *, max_queue_tokens=1000, **more):
    return Engine(lambda: model, SHAPES, max_queue_tokens=max_queue_tokens, **more)


async def ready(engine):
    engine.start()
    await until(lambda: engine.is_broken or not engine.why_not_ready)
    return engine


@pytest.fixture
async def started():
    engines = []

    async def start(model, **more):
        engines.append(engine_with(model, **more))
        return await ready(engines[-1])

    yield start
    for engine in engines:
        engine.model.open.set() if engine.model else None
        await asyncio.to_thread(engine.stop)


async def ended(engine, text, timeout_s=PATIENCE_S):
    try:
        return (await engine.compute([text], timeout_s=timeout_s)).logits[0]
    except NoScore as refused:
        return refused.reason


async def held(engine, text="x"):
    """Return the task of a text in whose batch the model is held, until it is opened."""
    engine.model.open.clear()
    engine.model.held.clear()
    task = asyncio.create_task(ended(engine, text))
    await until(engine.model.held.is_set)
    return task


async def until(holds):
    async with asyncio.timeout(PATIENCE_S):
        while not holds():  # noqa: ASYNC110  # another thread makes it hold
            await asyncio.sleep(0.001)


async def test_every_shape_is_computed_once_before_it_is_ready(started):
    model = Letters()
    engine = engine_with(model)
    assert engine.why_not_ready == "the model is being loaded"
    assert await ended(engine, "a") is FailureReason.TRANSPORT

    await ready(engine)

    assert tuple(model.shapes) == SHAPES
    assert engine.why_not_ready is None
    await asyncio.to_thread(engine.stop)


async def test_a_text_has_the_same_number_alone_and_in_company(started):
    engine = await started(Letters())

    alone = [await ended(engine, text) for text in ("ab", "abcdef", "abc")]
    together = await asyncio.gather(*(ended(engine, text) for text in ("ab", "abcdef", "abc")))

    assert together == alone == [2 + 4 / 1024, 6 + 4 / 1024, 3 + 4 / 1024]


async def test_without_fixed_shapes_the_company_shows(started):
    engine = await started(Letters(), fixed_shapes=False)
    first = await held(engine, "x")
    rest = [asyncio.create_task(ended(engine, "ab")) for _ in range(3)]
    await until(lambda: engine.waiting == 3)
    engine.model.open.set()

    assert await first == 1 + 1 / 1024
    assert await asyncio.gather(*rest) == [2 + 3 / 1024] * 3


async def test_a_text_that_is_too_long_is_refused_at_once_and_blocks_nobody(started):
    engine = await started(Letters())

    found = await asyncio.gather(ended(engine, "x" * 9), ended(engine, "abc"), ended(engine, "y" * 900))

    assert found == [FailureReason.TOO_LONG, 3 + 4 / 1024, FailureReason.TOO_LONG]
    assert engine.tally.items["too_long"] == 2


async def test_what_does_not_fit_into_the_queue_is_refused(started):
    engine = await started(Letters(), max_queue_tokens=10)
    first = await held(engine, "x")
    waiting = [asyncio.create_task(ended(engine, "abcd")) for _ in range(3)]
    await until(lambda: any(task.done() for task in waiting))

    assert engine.waiting_tokens <= 10
    engine.model.open.set()
    ends = await asyncio.gather(first, *waiting)
    assert ends.count(FailureReason.OVERLOADED) >= 1
    assert all(end is FailureReason.OVERLOADED or end in {1 + 4 / 1024, 4 + 4 / 1024} for end in ends)


async def test_a_caller_that_leaves_or_waits_no_longer_costs_nothing(started):
    engine = await started(Letters())
    first = await held(engine, "x")
    left = asyncio.create_task(ended(engine, "abcdef"))
    await until(lambda: engine.waiting == 1)
    left.cancel()
    assert await ended(engine, "abcdefg", timeout_s=0.01) is FailureReason.TIMEOUT
    engine.model.open.set()

    assert await first == 1 + 4 / 1024
    await until(lambda: engine.tally.items["dropped"] == 2)
    assert engine.model.shapes == [*SHAPES, SHAPES[0]]


async def test_out_of_memory_halves_the_batch_and_says_so(started):
    engine = await started(Letters())
    engine.model.most_rows, engine.model.never = 2, "bad"
    texts = ["a", "ab", "bad", "abcd"]

    found = await asyncio.gather(
        *(engine.compute([text], timeout_s=30) for text in texts), return_exceptions=True
    )

    assert [one.degraded for one in (found[0], found[1], found[3])] == [True] * 3
    assert found[2].reason is FailureReason.TRANSPORT
    assert engine.tally.out_of_memory >= 2
    assert BatchShape(2, 4) in engine.model.shapes
    assert not engine.is_broken


async def test_an_error_fails_its_batch_and_the_next_one_is_computed(started):
    engine = await started(Letters())
    broken = []
    engine.on_broken = lambda: broken.append(1)
    engine.model.compute = failing_once(engine.model.compute)

    assert await ended(engine, "a") is FailureReason.TRANSPORT
    assert await ended(engine, "a") == 1 + 4 / 1024
    assert broken == []


def failing_once(compute):
    left = [ValueError("once")]

    def computed(batch, shape):
        if left:
            raise left.pop()
        return compute(batch, shape)

    return computed


async def test_a_model_that_fails_again_is_broken_and_nothing_waits_for_it(started):
    engine = await started(Letters())
    broken = threading.Event()
    engine.on_broken = broken.set
    first = await held(engine, "a")
    second = asyncio.create_task(ended(engine, "abcdef"))
    await until(lambda: engine.waiting == 1)
    engine.model.failing = RuntimeError("device-side assert")
    engine.model.open.set()

    assert await first is FailureReason.TRANSPORT
    assert await second is FailureReason.TRANSPORT
    assert await asyncio.to_thread(broken.wait, PATIENCE_S)
    assert engine.why_not_ready == "the model has stopped computing: RuntimeError"
    assert await ended(engine, "a") is FailureReason.OVERLOADED


async def test_a_model_that_cannot_be_loaded_says_why():
    def load():
        raise ValueError("no such folder")

    engine = await ready(Engine(load, SHAPES, max_queue_tokens=10))

    assert engine.why_not_ready == "the model cannot be loaded: ValueError: no such folder"
    assert engine.is_broken
    engine.stop()


async def test_stopping_refuses_what_waits(started):
    engine = await started(Letters())
    first = await held(engine, "a")
    second = asyncio.create_task(ended(engine, "abcdef"))
    await until(lambda: engine.waiting == 1)
    stopping = asyncio.create_task(asyncio.to_thread(engine.stop))
    await until(lambda: engine.is_stopped)
    engine.model.open.set()
    await stopping

    assert await first == 1 + 4 / 1024
    assert await second is FailureReason.TRANSPORT
    assert await ended(engine, "a") is FailureReason.OVERLOADED
    engine.start()
    engine.stop()


async def test_an_engine_that_never_started_can_be_stopped():
    engine = engine_with(Letters())
    engine.stop()
    engine.start()

    assert engine.why_not_ready == "the model is being loaded"
