"""Scores of the same texts in several arrangements, as JSON: run in processes of their own.

python -m tests.models.arrangements FOLDER DIGEST THREADS
"""

import asyncio
import json
import random
import sys

import torch

from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.local import engine_of
from tests.tiny_models import texts

ITEMS = texts(64, longest=120)
OTHERS = texts(200, longest=120, seed=2)
DTYPES = ("float32", "bfloat16")


async def ready(engine):
    engine.start()
    while engine.why_not_ready:
        assert not engine.is_broken, engine.why_not_ready
        await asyncio.sleep(0.01)


async def together(engine, items):
    found = await asyncio.gather(*(engine.compute(one, timeout_s=300) for one in items))
    return [one.logits for one in found]


async def arranged(engine, items=ITEMS, others=OTHERS):
    """The scores of the items, in their order, for each arrangement."""
    backwards = (await together(engine, items[::-1]))[::-1]
    mixed = [(one, n) for n, one in enumerate(items)] + [(one, None) for one in others]
    random.Random(3).shuffle(mixed)
    among = await together(engine, [one for one, _ in mixed])
    places = {n: scores for (_, n), scores in zip(mixed, among, strict=True) if n is not None}
    return {
        "alone": [(await together(engine, [one]))[0] for one in items],
        "together": await together(engine, items),
        "backwards": backwards,
        "among others": [places[n] for n in range(len(items))],
    }


def differing(arrangements):
    """How many texts have several scores among lists of scores, each of all texts in the same order."""
    return sum(len({json.dumps(one) for one in of_one}) > 1 for of_one in zip(*arrangements, strict=True))


async def scores(folder, digest, threads, **changes):
    engine = engine_of(
        TorchModel(
            folder=folder, digest=digest, device="cpu", threads=threads, buckets=(32, 64, 128), **changes
        )
    )
    await ready(engine)
    try:
        return await arranged(engine)
    finally:
        await asyncio.to_thread(engine.stop)


async def main(folder, digest, threads):
    found = {dtype: await scores(folder, digest, int(threads), dtype=dtype) for dtype in DTYPES}
    found["free batches"] = await scores(folder, digest, int(threads), fixed_shapes=False)
    sys.stdout.write(json.dumps({"threads": torch.get_num_threads(), "scores": found}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
