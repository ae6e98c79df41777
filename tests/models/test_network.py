"""A model in a folder: what it computes, what is refused, and that nothing is cut."""

import shutil

import pytest
import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer

from reward_service.serve.sources.backends import TorchModel
from reward_service.serve.sources.models.folder import UnsafeFolder, folder_digest
from reward_service.serve.sources.models.network import Network, device_of
from reward_service.serve.sources.models.shapes import BatchShape
from tests.tiny_models import NLI, texts, write_encoder


def network(model, **changes):
    folder, digest = model
    return Network(TorchModel(folder=folder, digest=digest, device="cpu", buckets=(32, 128), **changes))


@pytest.fixture(scope="module")
def loaded(nli):
    return network(nli)


def test_it_computes_what_transformers_computes(nli, loaded):
    folder, _ = nli
    model = AutoModelForSequenceClassification.from_pretrained(folder).eval()
    tokenizer = AutoTokenizer.from_pretrained(folder)
    for pair in texts(8):
        with torch.inference_mode():
            [expected] = model(**tokenizer(*pair, return_tensors="pt")).logits.tolist()
        assert loaded.compute([loaded.encode(pair)], BatchShape(8, 128))[0] == pytest.approx(
            expected, abs=1e-4
        )
    assert loaded.labels == list(NLI)


def test_one_text_is_not_a_pair(loaded):
    one, two = loaded.encode(["w1 w2"]), loaded.encode(["w1", "w2"])

    assert (len(one.ids), set(one.kinds)) == (4, {0})
    assert (len(two.ids), set(two.kinds)) == (5, {0, 1})


def test_nothing_is_cut_and_half_a_character_is_text(loaded):
    assert len(loaded.encode(["w1 " * 5000]).ids) == 5002
    assert loaded.encode(["\ud800"]).ids == loaded.encode(["?"]).ids


@pytest.mark.parametrize("name", ["pytorch_model.bin", "modeling_tiny.py"])
def test_code_and_pickles_are_refused_before_anything_is_loaded(tiny, tmp_path, name):
    folder = shutil.copytree(tiny[0], tmp_path / "copy")
    (folder / name).write_text("raise SystemExit('executed')")

    with pytest.raises(UnsafeFolder, match=name):
        network((folder, tiny[1]))


def test_another_folder_than_the_pinned_one_is_refused(tiny, nli):
    with pytest.raises(UnsafeFolder, match="has the digest"):
        network((tiny[0], nli[1]))


def test_a_bucket_that_is_longer_than_the_models_texts_is_refused(tiny):
    folder, digest = tiny
    with pytest.raises(ValueError, match="256 tokens, less than the last bucket"):
        Network(TorchModel(folder=folder, digest=digest, device="cpu", buckets=(32, 512)))


def test_an_encoder_without_a_head_that_scores_is_refused(tmp_path):
    with pytest.raises(ValueError, match=r"its weights have no classifier\.bias, classifier\.weight"):
        network((tmp_path, write_encoder(tmp_path)))


class Maskless(Network):
    """Reads padding as text."""

    def _inputs(self, batch, shape):
        inputs = super()._inputs(batch, shape)
        return inputs | {"attention_mask": torch.ones_like(inputs["attention_mask"])}


def test_a_model_that_reads_padding_as_text_is_refused(tiny):
    folder, digest = tiny
    with pytest.raises(ValueError, match="padding changes what it computes"):
        Maskless(TorchModel(folder=folder, digest=digest, device="cpu", buckets=(32, 128)))


def test_a_device_is_chosen_if_none_is_named():
    assert device_of("cpu") == torch.device("cpu")
    assert device_of("cuda:1") == torch.device("cuda:1")
    assert device_of("auto").type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_digest_is_the_one_that_the_command_prints(tiny):
    assert folder_digest(tiny[0]) == tiny[1]
