"""The thread that computes: it takes batches from the lines, and nothing else touches the model.

Callers are on event loops, and wait for futures. The thread loads the model, computes every shape once, and only then is
the engine ready. It knows no torch: a model is anything that turns token ids into numbers.
"""

import asyncio
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from time import monotonic
from typing import NamedTuple, Protocol

from reward_service.core.judging.asks import FailureReason
from reward_service.serve.sources.models.shapes import BatchShape, bucket_of, fitted, halved
from reward_service.serve.sources.models.waiting import BucketLines, Entry

OK, DEGRADED, DROPPED, FAILED = "ok", "degraded", "dropped", "failed"
ENDS = (
    *(OK, DEGRADED, DROPPED, FAILED),
    *map(
        str,
        (FailureReason.TOO_LONG, FailureReason.OVERLOADED, FailureReason.TIMEOUT, FailureReason.TRANSPORT),
    ),
)
"""What becomes of a text."""


class OutOfMemory(Exception):
    """A batch does not fit into the memory of the device."""


class NoScore(Exception):
    """A text has no score."""

    def __init__(self, reason: FailureReason) -> None:
        super().__init__(reason)
        self.reason = reason


class Encoded(NamedTuple):
    """One text, or two as one, as token ids."""

    ids: tuple[int, ...]
    kinds: tuple[int, ...]
    """0 for the first text, 1 for the second; as the tokenizer says."""


class Model(Protocol):
    """Turns token ids into numbers."""

    @property
    def labels(self) -> Sequence[str]:
        """Names of the numbers."""
        ...

    def encode(self, texts: Sequence[str]) -> Encoded:
        """Return the ids of one or two texts; any thread may call it."""
        ...

    def compute(self, batch: Sequence[Encoded], shape: BatchShape) -> list[list[float]]:
        """Return the numbers of each text, computed in a batch of exactly this shape.

        Raises:
            OutOfMemory: it does not fit.
        """
        ...


class Computed(NamedTuple):
    """The numbers of one text."""

    logits: list[float]
    degraded: bool
    """Whether they were computed in a smaller batch than the bucket's."""


@dataclass(slots=True)
class EngineTally:
    """What was done, in numbers that only grow."""

    batches: int = 0
    items: dict[str, int] = field(default_factory=lambda: dict.fromkeys(ENDS, 0))
    """By what became of them."""
    tokens: int = 0
    """Of the texts."""
    padding: int = 0
    """Computed for nothing."""
    out_of_memory: int = 0

    def count(self, end: str, amount: int = 1) -> None:
        """Count texts by their end."""
        self.items[end] += amount


class _Waiter(NamedTuple):
    """Who waits for one text."""

    encoded: Encoded
    loop: asyncio.AbstractEventLoop
    future: "asyncio.Future[Computed]"


class Engine:
    """One model and its thread."""

    def __init__(
        self,
        load: Callable[[], Model],
        shapes: Sequence[BatchShape],
        *,
        max_queue_tokens: int,
        fixed_shapes: bool = True,
        clock: Callable[[], float] = monotonic,
    ) -> None:
        """Prepare; `start` begins.

        Args:
            load: returns the model; called in the thread.
            shapes: of the buckets, by rising length.
            max_queue_tokens: most tokens that wait.
            fixed_shapes: whether a batch always has its bucket's full shape.
            clock: in seconds.
        """
        self.shapes = shapes
        self.tally = EngineTally()
        self.model: Model | None = None
        self.on_broken: Callable[[], object] = lambda: None
        """Called in the thread once nothing will be computed any more."""
        self._load, self._fixed, self._clock = load, fixed_shapes, clock
        self._lines: BucketLines[_Waiter] = BucketLines(shapes, max_tokens=max_queue_tokens)
        self._changed = threading.Condition()
        self.is_stopped = False
        """Whether nothing is taken any more."""
        self._failed: str | None = None
        self._thread = threading.Thread(target=self._run, name="model", daemon=True)

    def start(self) -> None:
        """Load the model and compute each shape once, in the thread; what waits is computed then. Calls after the first do nothing."""
        with self._changed:
            if self._thread.ident is None and not self.is_stopped:
                self._thread.start()

    def stop(self) -> None:
        """Refuse what waits, and end the thread after the batch that it computes."""
        with self._changed:
            self.is_stopped = True
            self._changed.notify()
        if self._thread.ident is not None:
            self._thread.join()

    @property
    def waiting(self) -> int:
        """Texts that wait."""
        return len(self._lines)

    @property
    def waiting_tokens(self) -> int:
        """Their tokens."""
        return self._lines.tokens

    @property
    def why_not_ready(self) -> str | None:
        """Why nothing can be computed now; None if it can."""
        if self._failed is not None:
            return self._failed
        return "the model is being loaded" if self.model is None else None

    @property
    def is_broken(self) -> bool:
        """Whether nothing will be computed any more in this process."""
        return self._failed is not None

    async def compute(self, texts: Sequence[str], *, timeout_s: float) -> Computed:
        """Return the numbers of one or two texts.

        Raises:
            NoScore: they are too long, there is no room to wait, the time is over, or the model fails.
        """
        if self.model is None:
            raise self._end(FailureReason.TRANSPORT)
        until = self._clock() + timeout_s
        encoded = await asyncio.to_thread(self.model.encode, texts)
        bucket = bucket_of(len(encoded.ids), self.shapes)
        if bucket is None:
            raise self._end(FailureReason.TOO_LONG)
        loop = asyncio.get_running_loop()
        waiter = _Waiter(encoded, loop, loop.create_future())
        entry = Entry(waiter, len(encoded.ids), bucket, until)
        with self._changed:
            if self.is_stopped or self._failed or not self._lines.add(entry):
                raise self._end(FailureReason.OVERLOADED)
            self._changed.notify()
        try:
            async with asyncio.timeout(timeout_s):
                return await waiter.future
        except TimeoutError:
            raise self._end(FailureReason.TIMEOUT) from None
        finally:
            entry.is_left = True

    def _end(self, reason: FailureReason) -> NoScore:
        self.tally.count(str(reason))
        return NoScore(reason)

    def _run(self) -> None:
        """Load, warm up, and compute until stopped."""
        try:
            model = self._load()
            for shape in self.shapes:
                model.compute([Encoded((0,), (0,))], shape)
        except Exception as error:  # noqa: BLE001  # whatever it is, callers are told
            self._break(f"the model cannot be loaded: {type(error).__name__}: {error}")
            return
        self.model = model
        while (batch := self._next()) is not None:
            self._answer(model, *batch)
            if self._failed is not None:
                return

    def _next(self) -> tuple[list[Entry[_Waiter]], int] | None:
        """Wait for a batch; None once stopped."""
        with self._changed:
            while True:
                if self.is_stopped:
                    self._refuse_all()
                    return None
                if (taken := self._lines.take(self._clock())) is None:
                    self._changed.wait()
                    continue
                self.tally.count(DROPPED, len(taken.dropped))
                if taken.batch:
                    return taken.batch, taken.bucket

    def _answer(self, model: Model, batch: list[Entry[_Waiter]], bucket: int) -> None:
        shape = self.shapes[bucket] if self._fixed else fitted([one.tokens for one in batch])
        try:
            self._compute(model, batch, shape, degraded=False)
        except Exception as error:  # noqa: BLE001  # it is the batch's, unless the model cannot go on
            self.tally.count(FAILED, len(batch))
            _refuse(batch, FailureReason.TRANSPORT)
            self._probe(model, error)

    def _compute(
        self, model: Model, batch: list[Entry[_Waiter]], shape: BatchShape, *, degraded: bool
    ) -> None:
        """Compute a batch; if it does not fit, in halves; what does not fit alone has no score."""
        try:
            found = model.compute([one.what.encoded for one in batch], shape)
        except OutOfMemory:
            self.tally.out_of_memory += 1
            if shape.rows == 1:
                self.tally.count(FAILED, len(batch))
                _refuse(batch, FailureReason.TRANSPORT)
                return
            half = halved(shape)
            for start in range(0, len(batch), half.rows):
                self._compute(model, batch[start : start + half.rows], half, degraded=True)
            return
        self._count(batch, shape, degraded=degraded)
        for one, logits in zip(batch, found, strict=True):
            _tell(one, Computed(logits, degraded))

    def _count(self, batch: Sequence[Entry[_Waiter]], shape: BatchShape, *, degraded: bool) -> None:
        tokens = sum(one.tokens for one in batch)
        self.tally.batches += 1
        self.tally.tokens += tokens
        self.tally.padding += shape.tokens - tokens
        self.tally.count(DEGRADED if degraded else OK, len(batch))

    def _probe(self, model: Model, error: Exception) -> None:
        """See whether the model still computes anything: after some errors of a GPU, nothing works until the process ends."""
        try:
            model.compute([Encoded((0,), (0,))], self.shapes[0])
        except Exception:  # noqa: BLE001  # whatever it is, the model cannot go on
            self._break(f"the model has stopped computing: {type(error).__name__}")

    def _break(self, why: str) -> None:
        with self._changed:
            self._failed = why
            self._refuse_all()
        self.on_broken()

    def _refuse_all(self) -> None:
        _refuse(self._lines.clear(), FailureReason.TRANSPORT)


def _refuse(entries: "Sequence[Entry[_Waiter]]", reason: FailureReason) -> None:
    for entry in entries:
        _tell(entry, NoScore(reason))


def _tell(entry: Entry[_Waiter], end: Computed | NoScore) -> None:
    """Let the caller know, on its own loop."""

    def tell() -> None:
        future = entry.what.future
        if future.done():
            return
        if isinstance(end, NoScore):
            future.set_exception(end)
        else:
            future.set_result(end)

    if not entry.is_left and not entry.what.loop.is_closed():
        entry.what.loop.call_soon_threadsafe(tell)
