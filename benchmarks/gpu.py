"""What a GPU does to the bits of scores, and to their cost: one script of under four minutes, for a machine with a GPU.

    python -m benchmarks.gpu            a seeded, untrained encoder of 0.3 billion parameters on cuda:0
    python -m benchmarks.gpu --quick    a tiny one on the CPU, to see that the script runs

1. Texts whose score differs between arrangements (alone, in company, backwards, among others) in fixed shapes: aim 0.
2. The same in free batches.
3. The largest difference to the CPU.
4. Texts a second, one by one and at budgets of 4k, 16k and 64k tokens; memory of the weights and at most.
5. Running out of memory: with a tenth of the device's memory, everything is answered or refused, and nothing is lost.
6. 16 threads that submit at once get the scores of one.
"""

import asyncio
import json
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

import torch

from benchmarks.report import Report
from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.engine import Engine, NoScore
from reward_service.serve.sources.models.local import engine_of
from tests.models.arrangements import ITEMS, arranged, ready
from tests.tiny_models import texts, write_model

SMALL = "--quick" in sys.argv
DEVICE = "cpu" if SMALL else "cuda:0"
SIZE = {"hidden": 64, "layers": 2} if SMALL else {"hidden": 1024, "layers": 24}
DTYPES = ("float32", "bfloat16") if SMALL else ("float32", "float16", "bfloat16")
BUDGETS = (4096, 16_384) if SMALL else (4096, 16_384, 65_536)
BUCKETS = (32, 64, 128)
MANY = texts(64 if SMALL else 4096, longest=120, seed=9)
TENTH = 0.1


async def with_engine(spec: dict[str, Any], work: Any, **changes: Any) -> Any:
    """Return what a function makes of a running engine."""
    engine = engine_of(TorchModel(**{**spec, **changes}))
    await ready(engine)
    try:
        return await work(engine)
    finally:
        await asyncio.to_thread(engine.stop)


def differing(found: dict[str, list[list[float]]]) -> int:
    """Return how many texts have several scores."""
    return sum(len({json.dumps(one) for one in of_one}) > 1 for of_one in zip(*found.values(), strict=True))


async def bits(report: Report, spec: dict[str, Any]) -> None:
    rows, exact = [], None
    for dtype in DTYPES:
        fixed = await with_engine(spec, arranged, dtype=dtype)
        free = await with_engine(spec, arranged, dtype=dtype, fixed_shapes=False)
        exact = exact or fixed["together"]
        rows.append((dtype, f"{differing(fixed)} of {len(ITEMS)}", f"{differing(free)} of {len(ITEMS)}"))
    report.table(
        "Texts with several scores among four arrangements", ("dtype", "fixed shapes", "free batches"), rows
    )
    on_cpu = await with_engine(spec, lambda engine: scores(engine, ITEMS[:8]), device="cpu")
    most = max(
        abs(a - b)
        for one, other in zip(exact or [], on_cpu, strict=False)
        for a, b in zip(one, other, strict=True)
    )
    report.say(f"Largest difference of a logit to the CPU in float32, 8 texts: {most:.2g}.")


async def scores(engine: Engine, items: Any) -> list[list[float]]:
    found = await asyncio.gather(*(engine.compute(one, timeout_s=600) for one in items))
    return [one.logits for one in found]


async def speed(report: Report, spec: dict[str, Any]) -> None:
    ways = {"one by one": {"rows": 1}} | {
        f"{budget:,} tokens": {"rows": budget // BUCKETS[0], "max_batch_tokens": budget} for budget in BUDGETS
    }
    rows = []
    for dtype in DTYPES:
        for way, changes in ways.items():
            items = MANY[: len(MANY) // 8] if way == "one by one" else MANY
            rate = await with_engine(
                spec, lambda engine, items=items: per_second(engine, items), dtype=dtype, **changes
            )
            rows.append((dtype, way, f"{rate:.0f}", f"{_memory_mb():.0f}"))
    report.table(
        "Pairs of texts of 5 to 120 tokens", ("dtype", "batch", "texts per second", "most memory MB"), rows
    )


async def per_second(engine: Engine, items: Any) -> float:
    began = time.perf_counter()
    await scores(engine, items)
    return len(items) / (time.perf_counter() - began)


def _memory_mb() -> float:
    if SMALL:
        return 0.0
    most = torch.cuda.max_memory_allocated() / 1e6
    torch.cuda.reset_peak_memory_stats()
    return most


async def short_of_memory(report: Report, spec: dict[str, Any]) -> None:
    if SMALL:
        return
    free, whole = torch.cuda.mem_get_info()

    async def work(engine: Engine) -> dict[str, int]:
        used = torch.cuda.memory_allocated() / whole
        torch.cuda.set_per_process_memory_fraction(min(used * 1.02 + 1e-4, TENTH))
        torch.cuda.empty_cache()
        ends = await asyncio.gather(
            *(engine.compute(one, timeout_s=60) for one in MANY[:256]), return_exceptions=True
        )
        torch.cuda.set_per_process_memory_fraction(1.0)
        return {
            "answered": sum(not isinstance(one, Exception) for one in ends),
            "refused": sum(isinstance(one, NoScore) for one in ends),
            "halved": engine.tally.out_of_memory,
        }

    report.say(
        f"Almost no memory left ({free / 1e9:.0f} of {whole / 1e9:.0f} GB free before): {await with_engine(spec, work)}."
    )


async def many_threads(report: Report, spec: dict[str, Any]) -> None:
    async def work(engine: Engine) -> int:
        expected = await scores(engine, ITEMS)
        found: list[list[list[float]]] = []
        threads = [
            threading.Thread(target=lambda: found.append(asyncio.run(scores(engine, ITEMS))))
            for _ in range(16)
        ]
        for thread in threads:
            thread.start()
        await asyncio.to_thread(lambda: [thread.join() for thread in threads])
        return sum(
            one != other for of_thread in found for one, other in zip(of_thread, expected, strict=True)
        )

    report.say(
        f"16 threads with {len(ITEMS)} texts each: {await with_engine(spec, work)} scores differ from those of one."
    )


async def main() -> None:
    began = time.perf_counter()
    with tempfile.TemporaryDirectory() as folder, Report("gpu", packages=("torch", "transformers")) as report:
        report.say(
            "On the CPU." if SMALL else f"On {torch.cuda.get_device_name(0)}, CUDA {torch.version.cuda}."
        )
        digest = write_model(Path(folder), **SIZE)
        spec = {"folder": Path(folder), "digest": digest, "device": DEVICE, "buckets": BUCKETS}
        for part in (bits, speed, short_of_memory, many_threads):
            await part(report, spec)
        report.say(f"{time.perf_counter() - began:.0f} s in all.")


if __name__ == "__main__":
    asyncio.run(main())
