"""A model in the process: batches against one text after the other, padding, a queue that gets more than it can do, and sizes.

    python -m benchmarks.models [--quick]

The models are seeded and untrained, so their scores mean nothing; the work is that of a model of their size (hidden size 128,
2 layers, except where sizes are compared). CPU seconds are of the whole process, and all rows of a table are of one run.
"""

import asyncio
import resource
import statistics
import sys
import tempfile
import time
from collections import Counter
from concurrent.futures import ProcessPoolExecutor
from importlib import import_module
from multiprocessing import get_context
from pathlib import Path
from typing import Any

from benchmarks.report import Report
from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.engine import Engine, NoScore
from reward_service.serve.sources.models.local import engine_of
from tests.tiny_models import texts, write_model

QUICK = "--quick" in sys.argv
ITEMS = 64 if QUICK else 192
SIZED = 16 if QUICK else 64
DTYPES = ("float32", "bfloat16")
SECONDS = 2.0 if QUICK else 6.0
LOADS = (1, 2, 5)
BUCKETS = (32, 64, 96, 128)
QUEUE_TOKENS = 16_384
CALLERS = 128  # more than two batches of every bucket
SPAWN = get_context("spawn")
SIZES: dict[str, dict[str, int]] = {
    "22 million": {"hidden": 384, "layers": 6, "words": 30_522},
    "109 million": {"hidden": 768, "layers": 12, "words": 30_522},
}
"""By parameters: the shapes of MiniLM-L6 and of BERT base."""
WAYS: dict[str, dict[str, Any]] = {
    "one by one, no padding": {"rows": 1, "fixed_shapes": False},
    "one by one, padded to buckets": {"rows": 1},
    "batches of fixed shapes": {},
    "free batches": {"fixed_shapes": False},
}


async def ready(engine: Engine) -> Engine:
    engine.start()
    while engine.why_not_ready:
        assert not engine.is_broken, engine.why_not_ready
        await asyncio.sleep(0.01)
    return engine


async def timed(spec: TorchModel) -> tuple[float, float, int, int]:
    """Return CPU seconds, wall seconds, tokens and padding of all texts."""
    engine = await ready(engine_of(spec))
    cpu, wall = time.process_time(), time.perf_counter()
    await asyncio.gather(*(engine.compute(one, timeout_s=600) for one in texts(ITEMS, longest=120)))
    spent = time.process_time() - cpu, time.perf_counter() - wall
    await asyncio.to_thread(engine.stop)
    return (*spent, engine.tally.tokens, engine.tally.padding)


async def offered(engine: Engine, per_second: float) -> dict[str, object]:
    """Send texts at a steady rate, whatever becomes of them."""
    ends: Counter[str] = Counter()
    waits: list[float] = []

    async def one(what: tuple[str, str]) -> None:
        began = time.perf_counter()
        try:
            await engine.compute(what, timeout_s=10)
        except NoScore as refused:
            ends[str(refused.reason)] += 1
        else:
            ends["answered"] += 1
            waits.append(time.perf_counter() - began)

    tasks: list[asyncio.Task[None]] = []
    began, pairs = time.perf_counter(), texts(500, longest=120, seed=5)
    while (now := time.perf_counter() - began) < SECONDS:
        while len(tasks) < now * per_second:
            tasks.append(asyncio.create_task(one(pairs[len(tasks) % len(pairs)])))
        await asyncio.sleep(0.005)
    await asyncio.gather(*tasks)
    return {
        "sent": len(tasks),
        **ends,
        "p50": statistics.median(waits),
        "p99": statistics.quantiles(waits, n=100)[98],
        "per_second": ends["answered"] / (time.perf_counter() - began),
        "rss": _rss_mb(),
    }


def _most_rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6


def _rss_mb() -> float:
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * resource.getpagesize() / 1e6


async def main() -> None:
    with (
        tempfile.TemporaryDirectory() as name,
        Report("models", packages=("torch", "transformers"), cores="two cores of a shared machine") as report,
    ):
        folder = Path(name)
        digest = write_model(folder, hidden=128, layers=2)
        spec: dict[str, Any] = {
            "folder": folder,
            "digest": digest,
            "device": "cpu",
            "buckets": BUCKETS,
            "threads": 1,
        }
        found = {way: await timed(TorchModel(**spec, **changes)) for way, changes in WAYS.items()}
        base = found["one by one, no padding"][0]
        report.table(
            f"{ITEMS} pairs of texts, 5 to 120 tokens, 8 rows a batch, 1 thread",
            ("way", "CPU s", "times as fast as one by one", "share of padding"),
            [
                (way, f"{cpu:.2f}", f"{base / cpu:.2f}", f"{padding / (tokens + padding):.2f}")
                for way, (cpu, _, tokens, padding) in found.items()
            ],
        )
        await loads(report, TorchModel(**spec, max_queue_tokens=QUEUE_TOKENS))
        report.table(
            f"Models by size, {SIZED} pairs of texts, 5 to 120 tokens, 8 rows a batch, 1 thread, fixed shapes",
            (
                "parameters",
                "dtype",
                "weights MB",
                "most memory beyond the process MB",
                "texts per CPU second",
            ),
            [sized(name, dtype) for name in SIZES for dtype in DTYPES],
        )


def sized(parameters: str, dtype: str) -> tuple[str, ...]:
    """Return what a model of a size costs, in a process of its own."""
    with tempfile.TemporaryDirectory() as name, ProcessPoolExecutor(1, mp_context=SPAWN) as apart:
        folder = Path(name)
        digest = apart.submit(write_model, folder, **SIZES[parameters]).result()
        weights = (folder / "model.safetensors").stat().st_size / 1e6
        weights /= 1 if dtype == "float32" else 2
        with ProcessPoolExecutor(1, mp_context=SPAWN) as fresh:
            memory, rate = fresh.submit(measured, folder, digest, dtype).result()
    return parameters, dtype, f"{weights:.0f}", f"{memory:.0f}", f"{rate:.0f}"


def measured(folder: Path, digest: str, dtype: str) -> tuple[float, float]:
    """Return the most memory of this process from before it loads a model, in MB, and texts per CPU second."""
    import_module("reward_service.serve.sources.models.network")
    before = _rss_mb()
    spec = TorchModel(folder=folder, digest=digest, device="cpu", dtype=dtype, buckets=BUCKETS, threads=1)
    cpu = asyncio.run(computed(spec))
    return _most_rss_mb() - before, SIZED / cpu


async def computed(spec: TorchModel) -> float:
    """Return the CPU seconds of some texts, all submitted at once."""
    engine = await ready(engine_of(spec))
    began = time.process_time()
    await asyncio.gather(*(engine.compute(one, timeout_s=600) for one in texts(SIZED, longest=120)))
    spent = time.process_time() - began
    await asyncio.to_thread(engine.stop)
    return spent


async def full(engine: Engine) -> float:
    """Return how many texts a second are computed while there is always something to compute."""
    pairs, done, began = texts(500, longest=120, seed=5), Counter[int](), time.perf_counter()

    async def caller(number: int) -> None:
        while time.perf_counter() - began < SECONDS:
            await engine.compute(pairs[(number + CALLERS * done[number]) % len(pairs)], timeout_s=600)
            done[number] += 1

    await asyncio.gather(*map(caller, range(CALLERS)))
    return done.total() / (time.perf_counter() - began)


async def loads(report: Report, spec: TorchModel) -> None:
    engine = await ready(engine_of(spec))
    capacity = await full(engine)
    before = _rss_mb()
    rows = []
    for times in LOADS:
        one = await offered(engine, times * capacity)
        rows.append(
            (
                f"{times}x",
                *(str(one.get(name, 0)) for name in ("sent", "answered", "overloaded", "timeout")),
                *(f"{one[name]:.2f}" for name in ("p50", "p99")),
                f"{one['per_second']:.0f}",
                f"{one['rss']:.0f}",
            )
        )
    await asyncio.to_thread(engine.stop)
    report.table(
        f"Offered load for {SECONDS:.0f} s each, against {capacity:.0f} texts a second; a queue of {QUEUE_TOKENS:,} tokens, callers that wait 10 s",
        ("load", "sent", "answered", "refused", "gave up", "p50 s", "p99 s", "answered per s", "memory MB"),
        rows,
    )
    report.say(f"Memory before the first load: {before:.0f} MB.")


if __name__ == "__main__":
    asyncio.run(main())
