"""What a GPU does to the bits of scores, and to their cost: one script of under four minutes, for a machine with a GPU.

    python -m benchmarks.gpu            a seeded, untrained encoder of 0.3 billion parameters on cuda:0
    python -m benchmarks.gpu --quick    a tiny one on the CPU, to see that every part runs; nothing is kept

1. Texts whose score differs between arrangements (alone, in company, backwards, among others) in fixed shapes: aim 0.
2. The same in free batches.
3. The largest difference to the CPU.
4. Texts a second, one by one and at budgets of 4k, 16k and 64k tokens; memory of the weights and at most.
5. Running out of memory: with half of what the largest batch needs, every text is answered or refused.
   On the CPU this is simulated: batches of more than half of the largest one's tokens do not fit.
6. 16 threads that submit at once get the scores of one.
"""

import asyncio
import sys
import tempfile
import threading
import time
from collections.abc import Awaitable, Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import inf
from pathlib import Path
from typing import TypeVar

import torch

from benchmarks.report import Report
from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.engine import Encoded, Engine, Model, NoScore, OutOfMemory
from reward_service.serve.sources.models.network import Network
from reward_service.serve.sources.models.shapes import BatchShape, shapes_of
from tests.models.arrangements import ITEMS, OTHERS, arranged, differing, ready
from tests.tiny_models import texts, write_model

T = TypeVar("T")
Pairs = Sequence[tuple[str, str]]
BUCKETS = (32, 64, 128)
SHORT_ROWS = 32  # so that half of a batch is much more than the pieces in which memory is handed out
THREADS = 16
PATIENCE_S = 600


@dataclass(frozen=True)
class Size:
    """How much is computed, and on which device."""

    device: str
    model: dict[str, int]
    dtypes: tuple[str, ...]
    budgets: tuple[int, ...]
    items: Pairs
    others: Pairs
    many: Pairs


WHOLE = Size(
    device="cuda:0",
    model={"hidden": 1024, "layers": 24},
    dtypes=("float32", "float16", "bfloat16"),
    budgets=(4096, 16_384, 65_536),
    items=ITEMS,
    others=OTHERS,
    many=texts(4096, longest=120, seed=9),
)
QUICK = Size(
    device="cpu",
    model={"hidden": 64, "layers": 2},
    dtypes=("float32",),
    budgets=(4096,),
    items=ITEMS[:12],
    others=OTHERS[:24],
    many=texts(64, longest=120, seed=9),
)


class Roomy:
    """A model on the CPU, where memory does not run out: `room` is the number of tokens that fit."""

    def __init__(self, model: Network) -> None:
        self.room: float = inf
        self.labels = model.labels
        self.encode = model.encode
        self._model = model

    def compute(self, batch: Sequence[Encoded], shape: BatchShape) -> list[list[float]]:
        """Compute what fits."""
        if shape.tokens > self.room:
            raise OutOfMemory
        return self._model.compute(batch, shape)


@dataclass
class Lab:
    """The models, loaded once per device and dtype."""

    size: Size
    folder: Path
    digest: str
    loaded: dict[tuple[str, str], Model] = field(default_factory=dict)

    def model(self, device: str, dtype: str) -> Model:
        """Load a model, or return the one that is loaded."""
        if (device, dtype) not in self.loaded:
            model = Network(
                TorchModel(
                    folder=self.folder, digest=self.digest, device=device, dtype=dtype, buckets=BUCKETS
                )
            )
            self.loaded[device, dtype] = Roomy(model) if device == "cpu" else model
        return self.loaded[device, dtype]

    async def with_engine(
        self,
        work: Callable[[Engine], Awaitable[T]],
        *,
        dtype: str = "float32",
        device: str = "",
        rows: int = 8,
        max_tokens: int = 16_384,
        fixed_shapes: bool = True,
    ) -> T:
        """Return what a function makes of a running engine."""
        engine = Engine(
            lambda: self.model(device or self.size.device, dtype),
            shapes_of(BUCKETS, rows=rows, max_tokens=max_tokens),
            max_queue_tokens=10_000_000,
            fixed_shapes=fixed_shapes,
        )
        await ready(engine)
        try:
            return await work(engine)
        finally:
            await asyncio.to_thread(engine.stop)


async def bits(report: Report, lab: Lab) -> None:
    """Compare arrangements in fixed shapes and in free batches, and the device with the CPU."""
    items = lab.size.items

    def arrangements(engine: Engine) -> Awaitable[dict[str, list[list[float]]]]:
        return arranged(engine, items, lab.size.others)

    fixed = {dtype: await lab.with_engine(arrangements, dtype=dtype) for dtype in lab.size.dtypes}
    free = {
        dtype: await lab.with_engine(arrangements, dtype=dtype, fixed_shapes=False)
        for dtype in lab.size.dtypes
    }
    report.table(
        f"Texts with several scores among four arrangements, of {len(items)}",
        ("dtype", "fixed shapes", "free batches"),
        [
            (dtype, *(str(differing(found[dtype].values())) for found in (fixed, free)))
            for dtype in lab.size.dtypes
        ],
    )
    on_cpu = await lab.with_engine(lambda engine: scores(engine, items[:8]), device="cpu")
    pairs = zip(fixed["float32"]["together"], on_cpu, strict=False)
    most = max(abs(a - b) for one, other in pairs for a, b in zip(one, other, strict=True))
    report.say(f"Largest difference of a logit to the CPU in float32, 8 texts: {most:.2g}.")


async def scores(engine: Engine, items: Pairs) -> list[list[float]]:
    """Return the numbers of all texts, submitted at once."""
    found = await asyncio.gather(*(engine.compute(one, timeout_s=PATIENCE_S) for one in items))
    return [one.logits for one in found]


async def speed(report: Report, lab: Lab) -> None:
    """Compare batches with one text after the other."""
    rows = []
    for dtype in lab.size.dtypes:
        few = lab.size.many[: len(lab.size.many) // 8]
        rate = await lab.with_engine(lambda engine, few=few: per_second(engine, few), dtype=dtype, rows=1)
        rows.append((dtype, "one by one", f"{rate:.0f}", most_memory_mb(lab.size.device)))
        for budget in lab.size.budgets:
            rate = await lab.with_engine(
                lambda engine: per_second(engine, lab.size.many),
                dtype=dtype,
                rows=budget // BUCKETS[0],
                max_tokens=budget,
            )
            rows.append((dtype, f"{budget:,} tokens", f"{rate:.0f}", most_memory_mb(lab.size.device)))
    report.table(
        "Pairs of texts of 5 to 120 tokens", ("dtype", "batch", "texts per second", "most memory MB"), rows
    )


async def per_second(engine: Engine, items: Pairs) -> float:
    """Return how many texts are computed in a second."""
    began = time.perf_counter()
    await scores(engine, items)
    return len(items) / (time.perf_counter() - began)


def most_memory_mb(device: str) -> str:
    """Return the most memory of the device since the last call."""
    if device == "cpu":
        return "-"
    most = torch.cuda.max_memory_allocated() / 1e6
    torch.cuda.reset_peak_memory_stats()
    return f"{most:.0f}"


@contextmanager
def half_the_room(engine: Engine) -> Iterator[None]:
    """Leave half of the memory that the largest batch needs."""
    if isinstance(engine.model, Roomy):
        engine.model.room = engine.shapes[-1].tokens / 2
        yield
        engine.model.room = inf
        return
    need = torch.cuda.max_memory_allocated() - torch.cuda.memory_allocated()  # since warm-up
    torch.cuda.empty_cache()
    room = torch.cuda.memory_reserved() + need // 2
    torch.cuda.set_per_process_memory_fraction(room / torch.cuda.mem_get_info()[1])
    yield
    torch.cuda.set_per_process_memory_fraction(1.0)


async def short_of_memory(report: Report, lab: Lab) -> None:
    """Count what becomes of texts while memory is short, and see that the scores are right again after it."""
    items = lab.size.many[:256]

    async def work(engine: Engine) -> tuple[int, int, int, int]:
        expected = await scores(engine, items)
        with half_the_room(engine):
            ends = await asyncio.gather(
                *(engine.compute(one, timeout_s=PATIENCE_S) for one in items), return_exceptions=True
            )
        after = await scores(engine, items)
        refused = sum(isinstance(one, NoScore) for one in ends)
        degraded = sum(not isinstance(one, BaseException) and one.degraded for one in ends)
        return refused, degraded, engine.tally.out_of_memory, int(after != expected)

    most_memory_mb(lab.size.device)
    refused, degraded, halved, changed = await lab.with_engine(work, rows=SHORT_ROWS)
    report.say(
        f"{'Simulated: ' * (lab.size.device == 'cpu')}half of the memory of the largest batch, {len(items)} texts: "
        f"{len(items) - refused} answered, {degraded} of them degraded, {refused} refused, out of memory {halved} times; "
        f"scores after it {'differ' if changed else 'are the same'}."
    )


async def many_threads(report: Report, lab: Lab) -> None:
    """Submit from many event loops at once."""
    items = lab.size.items

    async def work(engine: Engine) -> int:
        expected = await scores(engine, items)
        found: list[list[list[float]]] = []
        threads = [
            threading.Thread(target=lambda: found.append(asyncio.run(scores(engine, items))))
            for _ in range(THREADS)
        ]
        for thread in threads:
            thread.start()
        await asyncio.to_thread(lambda: [thread.join() for thread in threads])
        assert len(found) == THREADS
        return sum(
            one != other for of_thread in found for one, other in zip(of_thread, expected, strict=True)
        )

    differ = await lab.with_engine(work)
    report.say(f"{THREADS} threads with {len(items)} texts each: {differ} scores differ from those of one.")


def named(device: str) -> str:
    """Return what is computed on."""
    return (
        "On the CPU."
        if device == "cpu"
        else f"On {torch.cuda.get_device_name(device)}, CUDA {torch.version.cuda}."
    )


async def main(size: Size) -> None:
    """Run all parts."""
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as name, Report("gpu", packages=("torch", "transformers")) as report:
        report.say(named(size.device))
        folder = Path(name)
        lab = Lab(size, folder, write_model(folder, **size.model))
        for part in (bits, speed, short_of_memory, many_threads):
            await part(report, lab)
        report.say(f"{time.perf_counter() - began:.0f} s in all.")


if __name__ == "__main__":
    asyncio.run(main(QUICK if "--quick" in sys.argv else WHOLE))
